//! Answers that are kept for their request ids: the input is one, and what was kept of another.
#![no_main]

use durablefetch_protocol::kept::{from_stored, to_stored};
use durablefetch_protocol::response_head::{Head, UPSTREAM_HEAD_MAX, UPSTREAM_HEADERS_MAX};
use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    // A file that somebody has written into: nothing, or an answer that is kept as it was read.
    if let Some((head, body)) = from_stored(input) {
        let again = to_stored(&head, &body);
        let (read, read_body) = from_stored(&again).expect("what was kept is read");
        assert_eq!((&read, &read_body), (&head, &body));
        assert_eq!(to_stored(&read, &read_body), again);
        assert!(body.len() <= input.len() && input.ends_with(&body));
    }

    // An upstream's answer: its head, an empty line, its body.
    let (lines, body) = match input.windows(2).position(|pair| pair == b"\n\n") {
        Some(at) => (&input[..at], &input[at + 2..]),
        None => (input, &b""[..]),
    };
    let mut lines = lines.split(|byte| *byte == b'\n');
    let first = lines.next().unwrap_or_default();
    let status = 100 + first.iter().fold(0u16, |sum, byte| (sum + u16::from(*byte)) % 600);
    // The HTTP parser takes no others (RFC 9110 §15.1).
    let is_of_a_reason = |byte: &u8| matches!(byte, b'\t' | b' '..=b'~' | 0x80..);
    let reason: Vec<u8> = first.iter().copied().filter(is_of_a_reason).collect();
    let mut headers = HeaderMap::new();
    for line in lines {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let value = line[colon + 1..].trim_ascii();
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(&line[..colon]), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    match Head::of_upstream(status, reason, &headers) {
        Err(_) => {
            let fits = headers.len() <= UPSTREAM_HEADERS_MAX && bytes <= UPSTREAM_HEAD_MAX;
            assert!(!(200..600).contains(&status) || !fits);
        }
        Ok(mut head) => {
            // Whether an answer was to be stored is of its recording, and this one has none.
            head.volatile = false;
            let kept = to_stored(&head, body);
            let (read, read_body) = from_stored(&kept).expect("what is kept is read");
            assert_eq!((&read, &read_body[..]), (&head, body));
            assert!(!read.headers.contains_key("set-cookie"));
            assert!(kept.len() <= body.len() + 2 * UPSTREAM_HEAD_MAX + 1024 * UPSTREAM_HEADERS_MAX + head.reason.len());
        }
    }
});
