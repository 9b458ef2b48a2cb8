//! Who is asked, and by whom: the lines are the target's authority, Host, `x-forwarded-host` and Origin; an empty line is
//! none.
#![no_main]

use durablefetch_protocol::access::local::Guard;
use durablefetch_protocol::access::public::PublicGuard;
use durablefetch_protocol::access::map::Map;
use durablefetch_protocol::access::{PageOrigin, Pages, parse_origin};
use durablefetch_protocol::address::{Own, Upstream};
use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;

/// `host` and port of a plain `host[:port]`, as a URL parser reads it where it is nothing else.
fn plain(host: &str) -> Option<Upstream> {
    let url = Upstream::parse(&format!("http://{host}/")).ok()?;
    let said = url.url().as_str().strip_prefix("http://")?.strip_suffix('/')?.to_owned();
    // A port that is the scheme's own, or empty, is not written again.
    let told = host.to_ascii_lowercase();
    let port = told.rsplit_once(':').filter(|(_, port)| !port.ends_with(']'));
    let same = match port {
        Some((name, port)) if port.trim_start_matches('0').is_empty() || port.trim_start_matches('0') == "80" => {
            said == name || said == format!("{name}:0")
        }
        Some((name, port)) => said == format!("{name}:{}", port.trim_start_matches('0')),
        None => said == told,
    };
    // An address of IPv6 has many spellings, all of them in brackets.
    (same || host.starts_with('[')).then_some(url)
}

fuzz_target!(|text: &str| {
    let mut lines = text.split('\n');
    let mut next = || lines.next().filter(|line| !line.is_empty());
    let (authority, host, forwarded, origin) = (next(), next(), next(), next());
    let mut headers = HeaderMap::new();
    for (name, value) in [("host", host), ("x-forwarded-host", forwarded), ("origin", origin)] {
        let Some(value) = value else { continue };
        let Ok(value) = HeaderValue::from_str(value) else { return };
        headers.insert(name, value);
    }
    let hosts: Vec<&str> = [authority, host].into_iter().flatten().collect();

    let page = PageOrigin::parse("https://app.example").expect("an origin");
    let pages = Pages { named: vec![page], ..Pages::default() };
    let local = Guard { pages: pages.clone() };
    if let Ok(admitted) = local.check(authority, &headers) {
        assert!(!hosts.is_empty());
        // A proxy on this machine names one of its own, for a page of its own.
        let here = |host: &str| plain(host).is_some_and(|url| url.is_loopback());
        assert!(forwarded.is_none_or(here), "{forwarded:?}");
        for host in &hosts {
            let url = plain(host).unwrap_or_else(|| panic!("`{host}` is no plain host"));
            assert!(url.is_loopback(), "{host}");
        }
        if let Some(origin) = origin {
            let own = Upstream::parse(origin).is_ok_and(|url| url.is_loopback());
            assert!(own || origin == "https://app.example", "{origin}");
        }
        assert_eq!(admitted.origin.as_ref().map(|origin| origin.as_bytes()), origin.map(str::as_bytes));
    }

    let public = PublicGuard::new("https://df.example", pages);
    if public.check(authority, &headers).is_ok() {
        assert!(!hosts.is_empty());
        for host in &hosts {
            let own = ["df.example", "df.example:443"].iter().any(|own| own.eq_ignore_ascii_case(host));
            let rewritten = forwarded.is_some_and(|told| {
                told.eq_ignore_ascii_case("df.example") || told.eq_ignore_ascii_case("df.example:443")
            });
            assert!(own || rewritten && plain(host).is_some_and(|url| url.is_loopback()), "{host}");
        }
        assert!(origin.is_none_or(|origin| ["https://df.example", "https://app.example"].contains(&origin)));
    }

    for line in text.split('\n') {
        if let Ok(origin) = parse_origin(line) {
            assert_eq!(parse_origin(&origin).as_ref(), Ok(&origin), "an origin is read as it is written");
            let own = Own { authorities: PublicGuard::new(&origin, Pages::default()).authorities().to_vec(), ..Own::default() };
            let itself = Upstream::parse(&format!("{origin}/demo/x")).expect("an origin's URL");
            assert!(own.is_self(&itself), "{origin} is itself");
        }
        if let Ok(page) = PageOrigin::parse(line) {
            let text = page.as_text();
            assert_eq!(PageOrigin::parse(&text).as_ref(), Ok(&page), "{text} is read as it is written");
            assert!(text.ends_with("*") || page.covers(&text), "{text} is of its own pages");
            assert!(!page.covers("null") && !page.covers("https://evil.example") || text == "https://evil.example");
        }
        if let Ok(map) = Map::parse(line) {
            assert!(map.is_of(map.origin()) && parse_origin(map.origin()).as_deref() == Ok(map.origin()));
        }
    }
});
