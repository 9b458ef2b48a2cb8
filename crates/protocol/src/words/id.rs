//! What names a recording and a request, and what tells two requests apart.

/// The id of a recording: a ULID in Crockford base 32, 26 characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordingId(ulid::Ulid);

impl RecordingId {
    /// The id that no recording has.
    pub const ZERO: Self = Self(ulid::Ulid::nil());

    /// An id from the wall clock in milliseconds since 1970 and 80 random bits.
    #[must_use]
    pub fn from_parts(now_ms: u64, random: u128) -> Self {
        Self(ulid::Ulid::from_parts(now_ms, random))
    }

    /// This id, or the next one after `last` where it does not come after that: ids tell in which order recordings
    /// start, and those of one millisecond are random.
    #[must_use]
    pub fn after(self, last: Self) -> Self {
        if self > last { self } else { last.0.increment().map_or(self, Self) }
    }

    /// Reads the 26 characters; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        ulid::Ulid::from_string(text).ok().map(Self)
    }
}

impl core::fmt::Display for RecordingId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.fmt(f)
    }
}

/// A request id: 1 to 64 letters, digits, `-` and `_`. Clients make a UUID.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(String);

impl RequestId {
    /// Reads an id; `None` for anything that is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=64).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        fits.then(|| Self(text.to_owned()))
    }

    /// The id as it came.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Keyed hash of method and request body: tells whether two requests for one key are the same request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// Hashes a request with the recorder's secret, so that a stored fingerprint tells nobody the body.
    #[must_use]
    pub fn of(secret: &[u8; 32], method: &str, body: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new_keyed(secret);
        hasher.update(&(method.len() as u64).to_le_bytes());
        hasher.update(method.as_bytes());
        hasher.update(body);
        Self(*hasher.finalize().as_bytes())
    }

    /// Another one for each list of names and values; the same where there are none.
    #[must_use]
    pub(crate) fn with(self, secret: &[u8; 32], parts: &[(&str, &[u8])]) -> Self {
        if parts.is_empty() {
            return self;
        }
        let mut hasher = blake3::Hasher::new_keyed(secret);
        hasher.update(&self.0);
        for bytes in parts.iter().flat_map(|(name, value)| [name.as_bytes(), value]) {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        }
        Self(*hasher.finalize().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recording_ids_round_trip() {
        let id = RecordingId::from_parts(1_790_000_000_000, 42);
        assert_eq!(id.to_string().len(), 26);
        assert_eq!(RecordingId::parse(&id.to_string()), Some(id));
        assert_eq!(RecordingId::parse("x"), None);
    }

    #[test]
    fn ids_of_one_millisecond_keep_their_order() {
        let (first, second) = (RecordingId::from_parts(5, 9), RecordingId::from_parts(5, 3));
        assert!(second.after(first) > first);
        assert_eq!(RecordingId::from_parts(6, 3).after(first), RecordingId::from_parts(6, 3));
    }

    #[test]
    fn request_ids_are_short_plain_words() {
        for good in ["5f0c1f0e-9d0e-4b7e-8a43-0d8a4f1c0f3e", "a_B-9", "x", &"x".repeat(64)] {
            assert_eq!(RequestId::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "a b", "a/b", "ä", &"x".repeat(65)] {
            assert!(RequestId::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn fingerprints_tell_method_body_and_secret_apart() {
        let of = |secret: u8, method, body: &str| Fingerprint::of(&[secret; 32], method, body.as_bytes());
        assert_eq!(of(1, "POST", "a"), of(1, "POST", "a"));
        assert_ne!(of(1, "POST", "a"), of(1, "PUT", "a"));
        assert_ne!(of(1, "POST", "a"), of(1, "POST", "b"));
        assert_ne!(of(1, "POST", "a"), of(2, "POST", "a"));
        assert_ne!(of(1, "POST", "a"), of(1, "POS", "Ta"));
    }
}
