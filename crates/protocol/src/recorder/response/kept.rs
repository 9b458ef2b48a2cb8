//! An answer that was passed through, as it is kept for its request ids: `status\r\n reason\r\n headers \r\n body`.

use super::head::Head;

/// The bytes that are kept.
#[must_use]
pub fn to_stored(head: &Head, body: &[u8]) -> Vec<u8> {
    let mut out = format!("{}\r\n", head.status).into_bytes();
    out.extend_from_slice(&head.reason);
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(&head.stored_headers());
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body);
    out
}

/// Reads what was kept; `None` for anything else.
#[must_use]
pub fn from_stored(stored: &[u8]) -> Option<(Head, Vec<u8>)> {
    let line = |from: usize| {
        let end = stored.get(from..)?.windows(2).position(|pair| pair == b"\r\n")?;
        Some((&stored[from..from + end], from + end + 2))
    };
    let (status, after_status) = line(0)?;
    let (reason, after_reason) = line(after_status)?;
    let mut at = after_reason;
    loop {
        let (text, next) = line(at)?;
        if text.is_empty() {
            let status: u16 = core::str::from_utf8(status).ok()?.parse().ok()?;
            let head = Head::from_stored(status, reason.to_vec(), &stored[after_reason..at])?;
            return Some((head, stored[next..].to_vec()));
        }
        at = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_kept_and_read_back() {
        for lines in [&b""[..], b"content-type: text/plain\r\nx-a: \r\n"] {
            let head = Head::from_stored(429, b"Slow down".to_vec(), lines).unwrap();
            for body in [&b""[..], b"\r\n\r\nx: y", b"plain"] {
                let (read, read_body) = from_stored(&to_stored(&head, body)).unwrap();
                assert_eq!(
                    (read.status, &read.reason, &read.headers),
                    (head.status, &head.reason, &head.headers)
                );
                assert_eq!(read_body, body);
            }
        }
        assert!(from_stored(b"429\r\n").is_none() && from_stored(b"").is_none());
    }
}
