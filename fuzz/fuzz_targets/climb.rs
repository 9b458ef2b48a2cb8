//! Paths below an allow entry: whatever servers on the way make of one that is covered, it stays below.
//!
//! The first byte picks who is on the way, the rest is what comes behind `/v1/`.
#![no_main]

use durablefetch_protocol::address::Upstream;
use durablefetch_protocol::allow::Allow;
use libfuzzer_sys::fuzz_target;

/// Undoes percent-coding, as anybody does.
fn percent(path: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut bytes = path.iter().copied();
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let digits = (byte == b'%').then(|| [ahead.next(), ahead.next()]);
        let number = digits.and_then(|digits| match digits {
            [Some(high), Some(low)] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                u8::from_str_radix(std::str::from_utf8(&[high, low]).ok()?, 16).ok()
            }
            _ => None,
        });
        if number.is_some() {
            bytes = ahead;
        }
        out.push(number.unwrap_or(byte));
    }
    out
}

/// Follows `.` and `..`; `None` where that leads above the root.
fn resolve(path: &[u8], also_backslash: bool, cuts_parameters: bool) -> Option<Vec<Vec<u8>>> {
    let mut out: Vec<Vec<u8>> = Vec::new();
    for segment in path.split(|byte| *byte == b'/' || also_backslash && *byte == b'\\').skip(1) {
        let plain = segment.split(|byte| *byte == b';' && cuts_parameters).next().unwrap_or_default();
        match plain {
            b"." => {}
            b".." => {
                out.pop()?;
            }
            _ => out.push(plain.to_vec()),
        }
    }
    Some(out)
}

fuzz_target!(|input: &[u8]| {
    let Some((&who, rest)) = input.split_first() else { return };
    let Ok(rest) = std::str::from_utf8(rest) else { return };
    let Ok(upstream) = Upstream::parse(&format!("https://a.example/v1/{rest}")) else { return };
    let entry = Allow::parse("https://a.example/v1/").expect("an entry");
    let anywhere = Allow::parse("https://a.example").expect("an entry");
    assert!(anywhere.covers(&upstream), "an origin has no boundary");
    let path = upstream.url().path().to_owned();
    if !entry.covers(&upstream) {
        return;
    }
    assert!(path.starts_with("/v1/"), "{path}");
    // It is what it was when it is read again.
    assert!(entry.covers(&Upstream::parse(upstream.url().as_str()).expect("a URL")));
    // Two bits for how often it is decoded, and one for each habit.
    let mut read = path.as_bytes().to_vec();
    for _ in 0..1 + (who & 3) {
        read = percent(&read);
    }
    let habit = |bit: u8| who & (1 << bit) != 0;
    if habit(2) {
        read.retain(|byte| !matches!(byte, b'\t' | b'\n' | b'\r'));
    }
    if habit(3) {
        let end = read.iter().position(|byte| matches!(byte, 0 | b'?' | b'#')).unwrap_or(read.len());
        read.truncate(end);
    }
    let leads = resolve(&read, habit(4), habit(5));
    let leads = leads.unwrap_or_else(|| panic!("{path} leads above the root, for {who:#b}"));
    // Cut at a NUL, it may end with the prefix itself.
    assert_eq!(leads.first().map(Vec::as_slice), Some(&b"v1"[..]), "{path}, for {who:#b}");
});
