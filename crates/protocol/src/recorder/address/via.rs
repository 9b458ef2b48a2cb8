//! `via`: how a recorder notices that it fetches itself through another (RFC 9110 §7.6.3).

use http::header::{self, HeaderMap, HeaderValue};

use crate::words::ErrorCode;
use crate::words::header::list;

/// Refuses a request that has passed the recorder of this pseudonym already.
///
/// # Errors
/// [`ErrorCode::LoopDetected`].
pub fn check(headers: &HeaderMap, pseudonym: &str) -> Result<(), ErrorCode> {
    let passed = list(headers, header::VIA)
        .filter_map(|entry| entry.split_ascii_whitespace().nth(1))
        .any(|name| name == pseudonym);
    if passed { Err(ErrorCode::LoopDetected) } else { Ok(()) }
}

/// Adds the recorder to those that the request has passed. `pseudonym` is a token (RFC 9110 §5.6.2).
pub fn append(headers: &mut HeaderMap, pseudonym: &str) {
    let mut entries: Vec<String> = headers
        .get_all(header::VIA)
        .iter()
        .filter_map(|value| value.to_str().ok().map(str::to_owned))
        .collect();
    entries.push(format!("1.1 {pseudonym}"));
    if let Ok(value) = HeaderValue::try_from(entries.join(", ")) {
        headers.insert(header::VIA, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorder_knows_itself_again_and_nobody_else() {
        let mut headers = HeaderMap::new();
        headers.append("via", HeaderValue::from_static("1.1 somebody"));
        headers.append("via", HeaderValue::from_static("2 other (durablefetch-1)"));
        assert_eq!(check(&headers, "durablefetch-1"), Ok(()));
        append(&mut headers, "durablefetch-1");
        assert_eq!(headers["via"], "1.1 somebody, 2 other (durablefetch-1), 1.1 durablefetch-1");
        assert_eq!(check(&headers, "durablefetch-1"), Err(ErrorCode::LoopDetected));
        assert_eq!(check(&headers, "durablefetch-12"), Ok(()));
    }
}
