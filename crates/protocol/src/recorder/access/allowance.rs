//! A scope, and what a signed token says that it may have, in place of what the operator has set for one scope.

use serde_json::Value;

/// The claim that says it.
pub(super) const CLAIM: &str = "durablefetch";

/// The most that a member may say: JavaScript counts no further.
const MOST: u64 = (1 << 53) - 1;

/// What one scope may have. `None` is what the operator has set for each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Allowance {
    /// Recordings in flight.
    pub recordings: Option<u64>,
    /// Bytes that are stored.
    pub bytes: Option<u64>,
    /// How long what starts with it is kept after its end, in milliseconds. It does not lift what holds for all.
    pub age_ms: Option<u64>,
}

/// Whose recordings a request is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// What is a part of its keys; empty where nothing tells whose they are.
    pub id: String,
    /// What it may have.
    pub allowance: Allowance,
}

impl Allowance {
    /// Reads the claim of a token whose signature was checked.
    ///
    /// # Errors
    /// What is wrong with it. A limit that is misspelt would be none, so that nothing unknown is passed over.
    pub(super) fn read(claim: Option<&Value>) -> Result<Self, &'static str> {
        let Some(claim) = claim.filter(|claim| !claim.is_null()) else { return Ok(Self::default()) };
        let Value::Object(members) = claim else {
            return Err(
                "has a claim `durablefetch` that is not an object: write {\"maxRecordings\": 20, \"maxBytes\": 50000000, \
                 \"maxAge\": 86400}, or some of these",
            );
        };
        let mut allowance = Self::default();
        for (name, value) in members {
            let number = value.as_u64().filter(|number| (1..=MOST).contains(number));
            let (member, error) = match name.as_str() {
                "maxRecordings" => (
                    &mut allowance.recordings,
                    "says a `maxRecordings` (claim `durablefetch`) that is not a whole number from 1",
                ),
                "maxBytes" => (
                    &mut allowance.bytes,
                    "says a `maxBytes` (claim `durablefetch`) that is not a whole number of bytes from 1",
                ),
                "maxAge" => (
                    &mut allowance.age_ms,
                    "says a `maxAge` (claim `durablefetch`) that is not a whole number of seconds from 1",
                ),
                _ => {
                    return Err(
                        "limits something in its claim `durablefetch` that this recorder does not know: maxRecordings, \
                         maxBytes and maxAge are what there is",
                    );
                }
            };
            *member = Some(number.ok_or(error)?);
        }
        allowance.age_ms = allowance.age_ms.map(|seconds| seconds.saturating_mul(1000).min(MOST));
        Ok(allowance)
    }

    /// The less of both, where a request presents several tokens.
    pub(super) fn and(self, other: Self) -> Self {
        let less = |one: Option<u64>, two: Option<u64>| one.into_iter().chain(two).min();
        Self {
            recordings: less(self.recordings, other.recordings),
            bytes: less(self.bytes, other.bytes),
            age_ms: less(self.age_ms, other.age_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_member_limits_one_thing() {
        let read = |claim: Value| Allowance::read(Some(&claim)).unwrap();
        assert_eq!(Allowance::read(None), Ok(Allowance::default()));
        assert_eq!(read(Value::Null), Allowance::default());
        assert_eq!(read(json!({})), Allowance::default());
        assert_eq!(
            read(json!({ "maxRecordings": 2, "maxBytes": 3, "maxAge": 4 })),
            Allowance { recordings: Some(2), bytes: Some(3), age_ms: Some(4000) }
        );
        assert_eq!(read(json!({ "maxAge": MOST })).age_ms, Some(MOST));
    }

    #[test]
    fn what_limits_nothing_is_refused_by_its_name() {
        for (claim, named) in [
            (json!(7), "object"),
            (json!([]), "object"),
            (json!({ "maxRecordings": 0 }), "maxRecordings"),
            (json!({ "maxRecordings": "5" }), "maxRecordings"),
            (json!({ "maxBytes": -1 }), "maxBytes"),
            (json!({ "maxBytes": 1.5 }), "maxBytes"),
            (json!({ "maxAge": null }), "maxAge"),
            (json!({ "maxAge": MOST + 1 }), "maxAge"),
            (json!({ "maxage": 1 }), "maxAge"),
            (json!({ "maxBytes": 1, "maxReaders": 1 }), "does not know"),
        ] {
            let error = Allowance::read(Some(&claim)).unwrap_err();
            assert!(error.contains(named), "{claim}: {error}");
        }
    }

    #[test]
    fn of_two_the_less_counts() {
        let one = Allowance { recordings: Some(2), bytes: Some(9), age_ms: None };
        let two = Allowance { recordings: Some(3), bytes: Some(4), age_ms: Some(5) };
        let less = Allowance { recordings: Some(2), bytes: Some(4), age_ms: Some(5) };
        assert_eq!((one.and(two), two.and(one)), (less, less));
        assert_eq!(one.and(Allowance::default()), one);
    }
}
