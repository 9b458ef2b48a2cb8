//! `www-authenticate`: each line of the input is one. None that a browser answers by itself may be left in it.
#![no_main]

use durablefetch_protocol::{inert, name};
use http::header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use libfuzzer_sys::fuzz_target;

/// The schemes in a list, read with quotes and commas in mind and nothing else: the first word of each member that is not a
/// parameter.
fn schemes(value: &[u8]) -> Vec<String> {
    let (mut members, mut member) = (Vec::new(), Vec::new());
    let (mut quoted, mut escaped) = (false, false);
    for &byte in value {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                members.push(std::mem::take(&mut member));
                continue;
            }
            _ => {}
        }
        member.push(byte);
    }
    assert!(!quoted, "a quoted string has no end: {}", String::from_utf8_lossy(value));
    members.push(member);
    let scheme = |member: &Vec<u8>| {
        let text = String::from_utf8_lossy(member).trim().to_ascii_lowercase();
        let (word, rest) = text.split_once([' ', '\t']).unwrap_or((&text, ""));
        let is_parameter = word.contains('=') || rest.trim_start().starts_with('=');
        (!word.is_empty() && !is_parameter).then(|| word.to_owned())
    };
    members.iter().filter_map(scheme).collect()
}

fuzz_target!(|input: &[u8]| {
    let mut headers = HeaderMap::new();
    for line in input.split(|byte| *byte == b'\n') {
        if let Ok(value) = HeaderValue::from_bytes(line.trim_ascii()) {
            headers.append(WWW_AUTHENTICATE, value);
        }
    }
    let given: Vec<Vec<u8>> =
        headers.get_all(WWW_AUTHENTICATE).iter().map(|value| value.as_bytes().to_vec()).collect();
    let all = given.join(&b", "[..]);
    let kept = inert::to_store(&headers);
    for of in [WWW_AUTHENTICATE.as_str(), name::CHALLENGE] {
        let mut values = kept.get_all(of).iter();
        let value = values.next();
        assert!(values.next().is_none(), "one line, or a browser reads each");
        let Some(value) = value else { continue };
        let for_scripts = of == WWW_AUTHENTICATE.as_str();
        for scheme in schemes(value.as_bytes()) {
            let is_of_scripts = matches!(scheme.as_str(), "bearer" | "dpop");
            // One that is spelled so that a browser might not take it for what it is goes with the others.
            assert!(is_of_scripts || !for_scripts, "{of}: {value:?}");
        }
        // Nothing is made up: without the commas and blanks between, it is in what came.
        let mut rest = &all[..];
        for word in value.as_bytes().split(|byte| b", \t".contains(byte)).filter(|word| !word.is_empty()) {
            let at = rest.windows(word.len()).position(|there| there == word);
            rest = &rest[at.expect("in what came, and in its order") + word.len()..];
        }
    }
    // What is left is left again, by a recorder behind a recorder.
    let once = kept.get(WWW_AUTHENTICATE);
    let twice = inert::to_store(&kept);
    assert_eq!(once, twice.get(WWW_AUTHENTICATE));
});
