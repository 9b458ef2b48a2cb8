use super::*;

fn own() -> Own {
    Own { loopback_port: Some(8787), ..Own::default() }
}

fn upstream(path: &str) -> String {
    match parse_target(path, None, &own()) {
        Ok(Target::Upstream(upstream)) => upstream.url().to_string(),
        other => panic!("{path}: {other:?}"),
    }
}

fn refused(path: &str) -> ErrorCode {
    parse_target(path, None, &own()).expect_err(path).code
}

#[test]
fn the_authority_in_the_path_is_https_unless_it_is_loopback() {
    assert_eq!(upstream("/api.example.com/v1/chat?x=1"), "https://api.example.com/v1/chat?x=1");
    assert_eq!(upstream("/api.example.com"), "https://api.example.com/");
    assert_eq!(upstream("/api.example.com?x=1"), "https://api.example.com/?x=1");
    assert_eq!(upstream("/localhost:3000/a"), "http://localhost:3000/a");
    assert_eq!(upstream("/localhost/a"), "http://localhost/a");
    assert_eq!(upstream("/127.0.0.1:3000/a"), "http://127.0.0.1:3000/a");
    assert_eq!(upstream("/%5B::1%5D:3000/a"), "http://[::1]:3000/a");
    assert_eq!(upstream("/app:3000/a"), "https://app:3000/a");
}

#[test]
fn a_scheme_may_be_spelled_out_with_one_slash_or_two() {
    assert_eq!(upstream("/http:/api.example.com/v1"), "http://api.example.com/v1");
    assert_eq!(upstream("/http://api.example.com/v1"), "http://api.example.com/v1");
    assert_eq!(upstream("/https:/localhost:3000/"), "https://localhost:3000/");
    assert_eq!(upstream("/HTTPS://intranet/x"), "https://intranet/x");
}

#[test]
fn the_query_is_kept_byte_for_byte() {
    let path = "/a.example/p?a=%2f&b=c+d&url=https://b.example/?q=1&e=%C3%A4";
    assert_eq!(upstream(path), "https://a.example/p?a=%2f&b=c+d&url=https://b.example/?q=1&e=%C3%A4");
}

#[test]
fn the_header_wins_over_the_path_and_loses_its_fragment() {
    let target = parse_target("/anything/at/all", Some("https://a.example/x?y#z"), &own()).unwrap();
    assert_eq!(target.key("").unwrap().url(), "https://a.example/x?y");
}

#[test]
fn a_single_label_without_a_port_is_no_authority() {
    assert_eq!(refused("/intranet/x"), ErrorCode::NotFound);
    assert_eq!(refused("/wp-admin"), ErrorCode::NotFound);
    // A typing mistake in a scheme is not a host with an empty port.
    assert_eq!(refused("/htp://a.example/x"), ErrorCode::NotFound);
    assert_eq!(refused("//x"), ErrorCode::NotFound);
    assert_eq!(refused("/http:/"), ErrorCode::NotFound);
}

#[test]
fn reserved_names_are_not_upstreams() {
    let target = |path| parse_target(path, None, &own()).unwrap();
    assert_eq!(target("/"), Target::Page);
    assert_eq!(target("/?a"), Target::Page);
    assert_eq!(target("/in-progress"), Target::Control(Control::InProgress));
    assert_eq!(target("/delete"), Target::Control(Control::Delete));
    assert_eq!(target("/stop"), Target::Control(Control::Stop));
    assert_eq!(target("/healthz"), Target::Healthz);
    assert_eq!(target("/readyz"), Target::Readyz);
    assert_eq!(target("/metrics"), Target::Metrics);
    assert_eq!(target("/favicon.ico"), Target::WellKnown("favicon.ico"));
    assert_eq!(target("/robots.txt"), Target::WellKnown("robots.txt"));
    assert_eq!(target("/demo/abc"), Target::Demo("abc".into()));
    assert_eq!(refused("/demo/"), ErrorCode::NotFound);
    assert_eq!(refused("/demo/a/b"), ErrorCode::NotFound);
}

#[test]
fn the_recorder_does_not_fetch_itself_but_knows_its_own_demo() {
    for own_url in ["http://localhost:8787/x", "http://127.0.0.1:8787/", "http://[::1]:8787/healthz"] {
        let error = parse_target("/", Some(own_url), &own()).unwrap_err();
        assert_eq!(error.code, ErrorCode::LoopDetected, "{own_url}");
    }
    let target = parse_target("/", Some("http://localhost:8787/demo/abc"), &own()).unwrap();
    assert_eq!(target, Target::Demo("abc".into()));
    assert_eq!(target.key("").unwrap().url(), "demo:abc");
}

#[test]
fn what_cannot_be_fetched_is_an_invalid_url() {
    for url in
        ["ftp://a.example/", "https://user:pw@a.example/", "https://", "not a url", "data:,x", "https://a\n/"]
    {
        let error = parse_target("/", Some(url), &own()).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidUrl, "{url}");
    }
}

#[test]
fn a_base_path_is_taken_off_and_nothing_else_is_served() {
    let own = Own { base_path: "/df".into(), ..own() };
    assert_eq!(parse_target("/df", None, &own).unwrap(), Target::Page);
    assert_eq!(parse_target("/df/", None, &own).unwrap(), Target::Page);
    assert_eq!(parse_target("/df/stop", None, &own).unwrap(), Target::Control(Control::Stop));
    assert_eq!(parse_target("/dfx/stop", None, &own).unwrap_err().code, ErrorCode::NotFound);
    assert_eq!(parse_target("/stop", None, &own).unwrap_err().code, ErrorCode::NotFound);
}

#[test]
fn localhost_names_are_those_of_rfc_6761() {
    for name in ["localhost", "LOCALHOST", "a.localhost", "localhost.", "a.b.localhost."] {
        assert!(is_localhost_name(name), "{name}");
    }
    for name in ["localhost.example", "notlocalhost", ".localhost", "", "aaaaaaaaaaaäaaaaaaaaa"] {
        assert!(!is_localhost_name(name), "{name}");
    }
}

#[test]
fn a_name_or_a_password_alone_is_a_credential() {
    for url in ["https://user@a.example/", "https://:pw@a.example/"] {
        assert_eq!(Upstream::parse(url).unwrap_err().code, ErrorCode::InvalidUrl, "{url}");
    }
}

#[test]
fn the_id_of_a_demo_stream_has_up_to_128_bytes() {
    let demo = |len| parse_target(&format!("/demo/{}", "x".repeat(len)), None, &own());
    assert_eq!(demo(128), Ok(Target::Demo("x".repeat(128))));
    assert_eq!(demo(129).unwrap_err().code, ErrorCode::NotFound);
}

#[test]
fn a_recorder_on_another_port_is_another_upstream() {
    assert_eq!(upstream("/localhost:8788/x"), "http://localhost:8788/x");
    assert_eq!(upstream("/a.example:8787/x"), "https://a.example:8787/x");
    // Nothing listens: no port is its own.
    let target = parse_target("/", Some("http://localhost:8787/x"), &Own::default()).unwrap();
    assert!(matches!(target, Target::Upstream(_)));
}
