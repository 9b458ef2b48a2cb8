//! Before there is a response.

use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::*;

#[wasm_bindgen_test]
async fn a_start_that_got_no_answer_is_repeated_with_the_same_id() {
    let script = Script::new();
    let df = Df::known(&script, &[hasty(60_000)]).await;
    script.fail();
    script.answer(502, &[], Some("bad gateway"));
    script.answer(524, &[], Some("a timeout occurred"));
    script.own(503, Some("shutting-down"));
    script.ended("complete", 0, 2, &["ok"], "end");
    let init = json(r#"{"method":"POST","body":"paid for"}"#);
    let response = response(df.fetch(URL, init)).await.unwrap();
    assert_eq!(text(&response).await.unwrap(), "ok");
    let ids: Vec<_> = (0..5).map(|index| script.call(index).header("durablefetch-request")).collect();
    assert!(ids[0].is_some() && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    for index in 0..5 {
        let call = script.call(index);
        assert_eq!((call.method(), call.text().await), ("POST".into(), "paid for".into()));
    }
}

#[wasm_bindgen_test]
async fn a_recorder_that_never_answers_is_named_with_likely_causes() {
    let script = Script::new();
    for _ in 0..200 {
        script.fail();
    }
    let df = Df::with(&script, &[hasty(20)]);
    let error = df.get().await.unwrap_err();
    assert_error(&error, "unreachable", "https://recorder.example");
    let hint = string(&error, "hint");
    let origin = js("return origin", &[]).await.unwrap().as_string().unwrap();
    for cause in ["running", "http://", &format!("--origin {origin}"), "Content-Security-Policy"] {
        assert!(hint.contains(cause), "{hint}");
    }
}

/// What cannot be reached as it is written is not tried for ten seconds.
#[wasm_bindgen_test]
async fn a_missing_scheme_is_told_at_once() {
    for (host, flaw) in [
        ("localhost:8787", Some("write http://localhost:8787")),
        ("127.0.0.1:8787/df/", Some("write http://127.0.0.1:8787/df")),
        ("[::1]:8787", Some("write http://[::1]:8787")),
        ("recorder.example:8787", None),
    ] {
        let script = Script::new();
        for _ in 0..200 {
            script.fail();
        }
        let df = Df::with(&script, &[("durablefetchHost", host.into()), hasty(100)]);
        // A server on this machine is asked past a recorder that is elsewhere.
        let error = df.get().await.unwrap_err();
        assert_error(&error, "unreachable", host.trim_end_matches('/'));
        let hint = string(&error, "hint");
        assert!(hint.contains(flaw.unwrap_or("Is the recorder running")), "{hint}");
        // The request, and the question which recorder that is.
        assert_eq!(script.count() > 4, flaw.is_none(), "{host}: {}", script.count());
    }
}

#[wasm_bindgen_test]
async fn the_recorders_no_is_an_error_with_its_code_and_words() {
    let script = Script::new();
    script.own(403, Some("upstream-not-allowed"));
    let error = Df::new(&script).get().await.unwrap_err();
    assert_error(&error, "upstream-not-allowed", "told: upstream-not-allowed");
    assert_eq!(get(&error, "status"), 403);
    assert_eq!(script.count(), 1, "no means no");
}

#[wasm_bindgen_test]
async fn words_that_would_read_as_a_lost_connection_are_parted() {
    let script = Script::new();
    let headers = [("durablefetch-state", "none"), ("durablefetch-error", "loop-detected")];
    script.answer(
        508,
        &headers,
        Some(r#"{"error":{"code":"loop-detected","message":"asked to fetch itself"}}"#),
    );
    let error = Df::new(&script).get().await.unwrap_err();
    assert_error(&error, "loop-detected", "asked to f\u{2060}etch itself");
    assert!(get(&error, "cause").is_undefined());
}

#[wasm_bindgen_test]
async fn a_refusal_without_words_still_has_its_code() {
    let script = Script::new();
    script.answer(
        421,
        &[("durablefetch-state", "none"), ("durablefetch-error", "misdirected-host")],
        Some("<html>"),
    );
    assert_error(&Df::new(&script).get().await.unwrap_err(), "misdirected-host", "misdirected-host");
}

#[wasm_bindgen_test]
async fn resume_and_replay_pass_on_204_and_404() {
    for (mode, status, code) in [("resume", 204, None), ("replay", 404, Some("not-found"))] {
        let script = Script::new();
        script.control(
            r#"{"inProgress":false,"activeConnections":0,"chunksStored":0,"completed":false,"state":"none"}"#,
        );
        script.own(status, code);
        let df = Df::new(&script);
        let init = json(&format!(r#"{{"headers":{{"durablefetch-mode":"{mode}"}}}}"#));
        let response = response(df.fetch(URL, init)).await.unwrap();
        assert_eq!((response.status(), response.url()), (status, URL.into()));
        assert_eq!(script.call(1).header("durablefetch-mode").as_deref(), Some(mode));
    }
}

#[wasm_bindgen_test]
async fn a_transport_that_throws_at_once_rejects() {
    let script = Script::new();
    let throws = function("throw new TypeError('thrown, not rejected')").await;
    let df = Df::with(&script, &[("fetch", throws.into()), hasty(0)]);
    let error = awaited(df.fetch(URL, JsValue::UNDEFINED)).await.unwrap_err();
    assert_error(&error, "unreachable", "no durablefetch recorder answers");
    assert_eq!(string(&get(&error, "cause"), "message"), "thrown, not rejected");
}
