//! What upstreams are sent: the first line is a name for `--drop-header`, the others are a request's head.
#![no_main]

use durablefetch_protocol::DropHeader;
use durablefetch_protocol::access::{Cookies, Crossing};
use durablefetch_protocol::request_headers::{single, stands_once, to_upstream};
use durablefetch_protocol::{name, via};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;

/// As servers behind CGI and WSGI know it.
fn plain(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', "-")
}

/// What stands before the first byte that no token has.
fn scheme(value: &HeaderValue) -> String {
    let bytes = value.as_bytes().trim_ascii_start().iter();
    let token = bytes.take_while(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte));
    token.map(|byte| char::from(byte.to_ascii_lowercase())).collect()
}

fuzz_target!(|wire: &[u8]| {
    let mut lines = wire.split(|byte| *byte == b'\n');
    let first = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let mut headers = HeaderMap::new();
    for line in lines {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let value = line[colon + 1..].trim_ascii();
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(&line[..colon]), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    let dropped: Vec<DropHeader> = DropHeader::parse(&first).into_iter().collect();
    for drop in &dropped {
        // Whichever way it is spelled.
        for spelling in [first.trim().to_owned(), plain(first.trim()), first.trim().replace('-', "_")] {
            let Ok(name) = spelling.parse::<HeaderName>() else { continue };
            assert!(drop.is(&name), "{first} {spelling}");
        }
    }
    let app = headers.get(name::AUTHORIZATION).is_some_and(|value| value.as_bytes() == b"app");
    let sent = |cookies, is_stranger| to_upstream(&headers, Crossing { cookies, is_stranger }, &dropped);
    let friend = sent(Cookies::Pass, false);
    for cookies in [Cookies::Pass, Cookies::Drop] {
        for is_stranger in [false, true] {
            let up = sent(cookies, is_stranger);
            for name in up.keys() {
                assert!(!dropped.iter().any(|drop| drop.is(name)) || *name == "accept-encoding", "{name}");
                assert!(!plain(name.as_str()).starts_with("x-forwarded-"), "{name}");
                // Nobody is sent more than a friend, and nothing that the request does not have.
                let values: Vec<_> = up.get_all(name).iter().collect();
                assert!(values.len() <= friend.get_all(name).iter().count(), "{name}");
                let same = values.iter().all(|value| headers.get_all(name).iter().any(|given| given == *value));
                assert!(same || matches!(name.as_str(), "accept-encoding" | "referer"), "{name}");
            }
            assert!(cookies == Cookies::Pass || !up.contains_key("cookie"));
            // A recorder behind a recorder sends the same.
            let again = to_upstream(&up, Crossing { cookies, is_stranger }, &dropped);
            let basics = up.get_all("authorization").iter().any(|value| scheme(value) == "basic");
            assert!(again == up || basics);
            if !is_stranger {
                continue;
            }
            for value in up.get_all("authorization") {
                let scheme = scheme(value);
                assert!(!matches!(scheme.as_str(), "digest" | "negotiate" | "ntlm"), "{value:?}");
                assert!(scheme != "basic" || app, "{value:?}");
            }
            for value in up.get_all("referer") {
                let text = value.to_str().expect("an origin");
                let (_, rest) = text.split_once("://").expect("an origin");
                assert!(rest.find(['/', '?', '#', '@']) == Some(rest.len() - 1) && rest.ends_with('/'), "{text}");
            }
            for name in up.keys().map(|name| plain(name.as_str())) {
                assert!(!name.starts_with("cf-access-") && !name.ends_with("-client-ip"), "{name}");
                assert!(!matches!(name.as_str(), "x-remote-user" | "traceparent" | "cf-ray"), "{name}");
            }
        }
    }
    let mut listed = friend;
    via::append(&mut listed, "me");
    assert!(via::check(&listed, "me").is_err() || listed.get_all("via").iter().any(|value| value.to_str().is_err()));
    for (name, text) in [("host", "host"), ("origin", "origin"), (name::TOKEN, name::TOKEN), (name::MODE, name::MODE)] {
        assert!(stands_once(&name.parse().expect("a name")));
        match single(&headers, text) {
            Ok(None) => assert!(!headers.contains_key(text)),
            Ok(Some(value)) => {
                let given: Vec<_> = headers.get_all(text).iter().map(HeaderValue::as_bytes).collect();
                assert_eq!(given, [value.as_bytes()]);
            }
            Err(_) => assert!(headers.contains_key(text)),
        }
    }
});
