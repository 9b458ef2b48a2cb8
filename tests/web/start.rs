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
    for cause in ["running", "spelled", "CORS", "content security policy"] {
        assert!(string(&error, "message").contains(cause), "{error:?}");
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
async fn words_that_would_read_as_a_lost_connection_go_to_the_cause() {
    let script = Script::new();
    let headers = [("durablefetch-state", "none"), ("durablefetch-error", "loop-detected")];
    script.answer(
        508,
        &headers,
        Some(r#"{"error":{"code":"loop-detected","message":"asked to fetch itself"}}"#),
    );
    let error = Df::new(&script).get().await.unwrap_err();
    assert_error(&error, "loop-detected", "The recorder refused the request: loop-detected");
    assert_eq!(string(&get(&error, "cause"), "message"), "asked to fetch itself");
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
    let throws = js_sys::Function::new_no_args("throw new TypeError('thrown, not rejected')");
    let df = Df::with(&script, &[("fetch", throws.into()), hasty(0)]);
    let error = awaited(df.fetch(URL, JsValue::UNDEFINED)).await.unwrap_err();
    assert_error(&error, "unreachable", "no durablefetch recorder answers");
    assert_eq!(string(&get(&error, "cause"), "message"), "thrown, not rejected");
}
