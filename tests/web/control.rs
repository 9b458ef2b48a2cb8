//! `isInProgress`, `delete`, `stop`.

use js_sys::JSON;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::*;

const STATUS: &str = r#"{"inProgress":false,"activeConnections":0,"chunksStored":3,"completed":true,"state":"complete","newer":1}"#;

fn sent(call: &Call) -> String {
    call.init("body").as_string().unwrap()
}

#[wasm_bindgen_test]
async fn is_in_progress_answers_what_the_recorder_said() {
    let script = Script::new();
    script.control(STATUS);
    let status = Df::new(&script).ask("isInProgress", &[URL.into()]).await.unwrap();
    assert_eq!(JSON::stringify(&status).unwrap(), STATUS);
    let call = script.call(0);
    assert_eq!((call.address(), call.method()), (format!("{HOST}/in-progress"), "POST".into()));
    assert_eq!(sent(&call), format!(r#"{{"url":"{URL}"}}"#));
    assert_eq!(call.header("content-type").as_deref(), Some("application/json"));
}

#[wasm_bindgen_test]
async fn delete_and_stop_answer_what_was_done() {
    let script = Script::new();
    let df = Df::new(&script);
    script.control(r#"{"success":true,"message":"Response deleted successfully"}"#);
    let done = df.ask("delete", &[URL.into()]).await.unwrap();
    assert_eq!(
        (get(&done, "success"), string(&done, "message")),
        (true.into(), "Response deleted successfully".into())
    );
    script.control(r#"{"success":true,"message":"Response stopped successfully"}"#);
    let done = df.ask("stop", &[URL.into()]).await.unwrap();
    assert_eq!(string(&done, "message"), "Response stopped successfully");
    assert_eq!(script.call(0).address(), format!("{HOST}/delete"));
    assert_eq!(
        (script.call(1).address(), sent(&script.call(1))),
        (format!("{HOST}/stop"), format!(r#"{{"url":"{URL}"}}"#))
    );
}

#[wasm_bindgen_test]
async fn they_carry_who_asks() {
    let script = Script::new();
    script.control(STATUS);
    let init = json(r#"{"headers":{"authorization":"Bearer x","x-own":"1"},"credentials":"include"}"#);
    Df::new(&script).ask("isInProgress", &[URL.into(), init]).await.unwrap();
    let call = script.call(0);
    assert_eq!(call.header("authorization").as_deref(), Some("Bearer x"));
    assert_eq!((call.header("x-own"), call.init("credentials")), (None, "include".into()));
}

#[wasm_bindgen_test]
async fn errors_have_the_recorders_code() {
    let script = Script::new();
    script.own(400, Some("invalid-url"));
    let error = Df::new(&script).ask("delete", &[URL.into()]).await.unwrap_err();
    assert_error(&error, "invalid-url", "told: invalid-url");
}

#[wasm_bindgen_test]
async fn a_recorder_that_is_not_there_is_named() {
    let script = Script::new();
    script.fail();
    let error = Df::new(&script).ask("isInProgress", &[URL.into()]).await.unwrap_err();
    assert_error(&error, "unreachable", HOST);
}

#[wasm_bindgen_test]
async fn a_proxys_page_is_no_status() {
    let script = Script::new();
    script.answer(502, &[], Some("<html>bad gateway"));
    let error = Df::new(&script).ask("isInProgress", &[URL.into()]).await.unwrap_err();
    assert_error(&error, "intermediary", "502");
    script.answer(200, &[], Some("[]"));
    assert_error(&Df::new(&script).ask("isInProgress", &[URL.into()]).await.unwrap_err(), "mismatch", "");
}

#[wasm_bindgen_test]
async fn abort_rejects_with_the_reason() {
    let script = Script::new();
    script.silence();
    let df = Df::new(&script);
    let source = "
        const controller = new AbortController()
        const asked = df.isInProgress('https://a.example/', { signal: controller.signal }).catch((reason) => reason)
        await script.called(1)
        controller.abort('my reason')
        return asked";
    let reason = js(source, &[("df", &df.0), ("script", &script)]).await.unwrap();
    assert_eq!((reason, script.call(0).aborted()), (JsValue::from("my reason"), true));
}

/// Lets timers of hours ring at once, and the clock agree with them.
const FAST: &str = "
    const { setTimeout: set } = globalThis, { now } = Date
    let ahead = 0
    globalThis.setTimeout = (callback, ms) => set(() => { ahead += ms; callback() })
    Date.now = () => now() + ahead
    try { return await work() } finally { globalThis.setTimeout = set; Date.now = now }";

#[wasm_bindgen_test]
async fn a_recorder_that_does_not_answer_in_time_is_given_up() {
    let script = Script::new();
    script.silence();
    let df = Df::new(&script);
    let source =
        format!("const work = () => df.isInProgress('https://a.example/').catch((error) => error)\n{FAST}");
    let error = js(&source, &[("df", &df.0)]).await.unwrap();
    assert_error(&error, "unreachable", HOST);
    assert!(script.call(0).aborted());
}
