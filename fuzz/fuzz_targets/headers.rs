//! Header policy: the input is a head as it stands on the wire, one `name: value` a line.
#![no_main]

use durablefetch_protocol::redirect::Chase;
use durablefetch_protocol::{RecordingId, cors, name, via};
use durablefetch_protocol::access::{Cookies, Crossing, PageOrigin, Pages};
use durablefetch_protocol::access::local::Guard;
use durablefetch_protocol::address::{Own, Upstream};
use durablefetch_protocol::inert::to_store;
use durablefetch_protocol::recording::Progress;
use durablefetch_protocol::request_headers::{AskHead, to_upstream};
use durablefetch_protocol::response_head::{self, Head};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use libfuzzer_sys::fuzz_target;

fn parse(wire: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in wire.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let value = line[colon + 1..].trim_ascii();
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(&line[..colon]), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    headers
}

fn lists(headers: &HeaderMap, of: HeaderName, wanted: &str) -> bool {
    let values = headers.get_all(of).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|token| token.trim().eq_ignore_ascii_case(wanted))
}

fuzz_target!(|wire: &[u8]| {
    let headers = parse(wire);
    let pages = vec![PageOrigin::parse("https://app.example").unwrap()];
    let guard = Guard { pages: Pages { named: pages, ..Pages::default() } };
    let admitted = guard.check(None, &headers).ok();
    for method in [Method::GET, Method::POST, Method::OPTIONS] {
        let _ = AskHead::parse(&method, &headers);
        let _ = cors::is_preflight(&method, &headers);
    }

    for cookies in [Cookies::Drop, Cookies::Pass] {
        let mut up = to_upstream(&headers, Crossing { cookies, is_stranger: false }, &[]);
        for (name, _) in &up {
            let text = name.as_str();
            assert!(!text.starts_with(name::PREFIX) && !text.starts_with("sec-fetch-"), "{text}");
            assert!(!matches!(text, "connection" | "transfer-encoding" | "content-length" | "host" | "upgrade"));
            // What the connection names is the connection's, and the recorder sets this one itself.
            assert!(text == "accept-encoding" || !lists(&headers, http::header::CONNECTION, text), "{text}");
        }
        assert_eq!(up.get_all("accept-encoding").iter().collect::<Vec<_>>(), ["identity"]);
        assert!(cookies == Cookies::Pass || !up.contains_key("cookie"));
        via::append(&mut up, "me");
        assert!(via::check(&up, "me").is_err(), "a recorder knows itself again");

        let from = Upstream::parse("https://api.example/v1/x").unwrap();
        for status in [301, 302, 303, 307, 308].map(|status| StatusCode::from_u16(status).unwrap()) {
            let mut chase = Chase::new(from.clone(), Method::POST, up.clone(), cookies);
            let crossing = |_: &Upstream| Crossing { cookies, is_stranger: true };
            if let Ok(true) = chase.follow(status, &headers, &Own::default(), crossing) {
                let elsewhere = from.url().origin() != chase.at().url().origin();
                let sent = chase.headers();
                assert!(!elsewhere || !sent.contains_key("authorization") && !sent.contains_key("cookie"));
                assert!(!elsewhere || chase.cookies() == Cookies::Drop);
                let repeats = matches!(status.as_u16(), 307 | 308);
                assert_eq!((chase.sends_body(), chase.method() == Method::POST), (repeats, repeats));
            }
        }
    }

    let stored = to_store(&headers);
    assert!(!stored.contains_key("set-cookie") && !stored.contains_key("content-length"));
    assert!(stored.keys().all(|name| !name.as_str().starts_with("access-control-")));
    let head = Head { status: 200, reason: wire.to_vec(), headers: stored, volatile: false };
    let again = Head::from_stored(200, head.reason.clone(), &head.stored_headers());
    assert_eq!(again.as_ref(), Some(&head), "stored headers are read as they were written");
    let _ = Head::from_stored(200, Vec::new(), wire);

    if let Some(admitted) = admitted {
        let recording = Progress::connecting(RecordingId::from_parts(1, 1));
        let preflight = response_head::preflight(&admitted, &headers);
        for served in [head.serving(&recording, 0, &[], &admitted), head.passing(&[], &admitted), preflight] {
            assert_eq!(served.get_all(name::STATE).iter().count(), 1);
            assert_eq!(served.get_all("cache-control").iter().count(), 1);
            assert_eq!(served.get("access-control-allow-origin"), admitted.origin.as_ref());
        }
    }
});
