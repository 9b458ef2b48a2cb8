//! Addresses: the first line is a request's path, the second, where there is one, its `durablefetch-url`.
#![no_main]

use durablefetch_protocol::address::{Own, Target, Upstream, parse_target};
use durablefetch_protocol::allow::Allow;
use durablefetch_protocol::destination::{Lifted, check_literal};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (path, url) = match text.split_once('\n') {
        Some((path, url)) => (path, Some(url)),
        None => (text, None),
    };
    for base_path in ["", "/df"] {
        let own = Own {
            base_path: base_path.into(),
            loopback_port: Some(8787),
            authorities: vec!["recorder.example".into()],
            is_mapped: false,
        };
        let Ok(target) = parse_target(path, url, &own) else { continue };
        let Target::Upstream(upstream) = &target else { continue };
        let url = upstream.url();
        assert!(matches!(url.scheme(), "http" | "https") && url.has_host());
        assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none());
        assert!(!own.is_self(upstream));
        // One URL has one key, however often it is read.
        assert_eq!(Upstream::parse(url.as_str()).as_ref(), Ok(upstream));
        assert_eq!(parse_target("/", Some(url.as_str()), &own).as_ref(), Ok(&target));
        // The form that our client puts into the path.
        let rest = url.as_str().split_once("://").unwrap().1;
        let in_path = format!("{base_path}/{}:/{rest}", url.scheme());
        assert_eq!(parse_target(&in_path, None, &own).as_ref(), Ok(&target), "{in_path}");
        // Who may fetch its own machine may fetch what the internet may, and more.
        let strict = check_literal(upstream, Lifted::default());
        let own_machine = check_literal(upstream, Lifted { own_machine: true, named: false });
        assert!(strict.is_err() || own_machine.is_ok());
        // A URL covers itself.
        if let Ok(allow) = Allow::parse(url.as_str()) {
            assert!(allow.covers(upstream), "{url}");
        }
    }
});
