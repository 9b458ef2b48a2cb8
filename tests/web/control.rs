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
    assert_eq!((call.header("x-own").as_deref(), call.init("credentials")), (Some("1"), "include".into()));
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

const DELETED: &str = r#"{"success":true,"message":"Response deleted successfully"}"#;
const STOPPED: &str = r#"{"success":true,"message":"Response stopped successfully"}"#;

#[wasm_bindgen_test]
async fn one_recording_or_request_can_be_named() {
    let script = Script::new();
    let df = Df::third(&script, &[]).await;
    for (method, named, answer) in [
        ("stop", r#""recording":"r""#, STOPPED),
        ("stop", r#""request":"q""#, STOPPED),
        ("delete", r#""recording":"r""#, DELETED),
        ("delete", r#""request":"q""#, DELETED),
        ("isInProgress", r#""recording":"r""#, STATUS),
        ("isInProgress", r#""request":"q""#, STATUS),
    ] {
        script.control(answer);
        df.ask(method, &[URL.into(), json(&format!("{{{named}}}"))]).await.unwrap();
        assert_eq!(
            sent(&script.call(script.count() - 1)),
            format!(r#"{{"url":"{URL}",{named}}}"#),
            "{method}"
        );
    }
}

#[wasm_bindgen_test]
async fn a_response_names_its_own_recording_and_url() {
    let script = Script::new();
    let df = Df::known(&script, &[]).await;
    script.live(0, &["a"], "hang");
    script.control(STOPPED);
    script.control(DELETED);
    let response: JsValue = df.get().await.unwrap().into();
    df.ask("stop", std::slice::from_ref(&response)).await.unwrap();
    let init = json(r#"{"headers":{"authorization":"Bearer x"}}"#);
    let clone = js("return response.clone()", &[("response", &response)]).await.unwrap();
    df.ask("delete", &[clone.clone(), init]).await.unwrap();
    for (index, endpoint) in [(1, "stop"), (2, "delete")] {
        let call = script.call(index);
        assert_eq!(call.address(), format!("{HOST}/{endpoint}"));
        assert_eq!(sent(&call), format!(r#"{{"url":"{URL}","recording":"{ID}"}}"#));
    }
    assert_eq!(script.call(2).header("authorization").as_deref(), Some("Bearer x"));
    // The two share a source, which is let go of when both are.
    let source = "await Promise.all([response, clone].map(({ body }) => body.cancel()))";
    js(source, &[("response", &response), ("clone", &clone)]).await.unwrap();
}

#[wasm_bindgen_test]
async fn of_a_response_that_was_not_recorded_nothing_is_stopped() {
    let script = Script::new();
    let df = Df::known(&script, &[]).await;
    script.answer(500, &[("durablefetch-state", "unrecorded")], Some("sorry"));
    let response: JsValue = df.get().await.unwrap().into();
    for method in ["stop", "delete"] {
        let done = df.ask(method, std::slice::from_ref(&response)).await.unwrap();
        assert_eq!(get(&done, "success"), true, "{method}");
    }
    assert_eq!(script.count(), 1, "and what else is live under its URL goes on");
    for source in ["new Response('x')", "new Response('x', { headers: { 'durablefetch-recording': 'r' } })"] {
        let foreign = js(&format!("return {source}"), &[]).await.unwrap();
        let error = df.ask("stop", &[foreign]).await.unwrap_err();
        assert_error(&error, "invalid-option", "name its URL instead");
    }
}

#[wasm_bindgen_test]
async fn what_an_older_recorder_would_take_for_all_of_a_url_it_is_not_sent() {
    let script = Script::new();
    let df = Df::known(&script, &[]).await;
    for (method, init) in [
        ("delete", r#"{"request":"q"}"#),
        ("isInProgress", r#"{"request":"q"}"#),
        ("isInProgress", r#"{"recording":"r"}"#),
    ] {
        let error = df.ask(method, &[URL.into(), json(init)]).await.unwrap_err();
        assert_error(&error, "unsupported", "one recording of a URL needs a recorder of version 0.3");
    }
    assert_eq!(script.count(), 0);
    script.control(DELETED);
    df.ask("delete", &[URL.into(), json(r#"{"recording":"r"}"#)]).await.unwrap();

    let seed = Script::new();
    seed.answer(
        200,
        &[],
        Some(r#"{"inProgress":false,"activeConnections":0,"chunksStored":1,"completed":true}"#),
    );
    let df = Df::new(&seed);
    let error = df.ask("delete", &[URL.into(), json(r#"{"recording":"r"}"#)]).await.unwrap_err();
    assert_error(&error, "unsupported", "version 0.3");
    assert_eq!(seed.count(), 1, "the question what it is");
}

#[wasm_bindgen_test]
async fn what_is_named_has_to_be_a_text() {
    let script = Script::new();
    let error = Df::new(&script).ask("stop", &[URL.into(), json(r#"{"recording":7}"#)]).await.unwrap_err();
    assert_error(&error, "invalid-option", "'recording' must be a string");
    assert_eq!(script.count(), 0);
}

/// `https://api.example/0` and so on.
fn many(count: u32) -> JsValue {
    (0..count)
        .map(|index| JsValue::from(format!("https://api.example/{index}")))
        .collect::<js_sys::Array>()
        .into()
}

fn said(status: &JsValue) -> Vec<f64> {
    js_sys::Array::from(status).iter().map(|one| get(&one, "chunksStored").as_f64().unwrap()).collect()
}

fn status_of(index: u32) -> String {
    format!(
        r#"{{"inProgress":true,"activeConnections":0,"chunksStored":{index},"completed":false,"state":"streaming","recording":"r{index}"}}"#
    )
}

#[wasm_bindgen_test]
async fn a_list_of_urls_is_one_question() {
    let script = Script::new();
    let df = Df::third(&script, &[]).await;
    script.control(&format!("[{},{}]", status_of(0), status_of(1)));
    let init = json(r#"{"headers":{"authorization":"Bearer x"}}"#);
    let status = df.ask("isInProgress", &[many(2), init]).await.unwrap();
    assert_eq!(said(&status), [0.0, 1.0]);
    let call = script.call(0);
    assert_eq!(sent(&call), r#"{"urls":["https://api.example/0","https://api.example/1"]}"#);
    assert_eq!(call.header("authorization").as_deref(), Some("Bearer x"));
    assert_eq!(call.header("durablefetch-for"), None, "it is for more than one");
    script.ended("complete", 0, 0, &[], "end");
    awaited(df.fetch("https://api.example/1", JsValue::UNDEFINED)).await.unwrap();
    assert_eq!(script.call(1).header("durablefetch-attach").as_deref(), Some("r1"));
}

#[wasm_bindgen_test]
async fn more_than_a_hundred_are_several_questions_and_none_is_none() {
    let script = Script::new();
    let df = Df::third(&script, &[]).await;
    for range in [0..100, 100..200, 200..201] {
        script.control(&format!("[{}]", range.map(status_of).collect::<Vec<_>>().join(",")));
    }
    let status = df.ask("isInProgress", &[many(201)]).await.unwrap();
    assert_eq!(said(&status), (0..201).map(f64::from).collect::<Vec<_>>());
    assert_eq!(script.count(), 3);
    assert!(said(&df.ask("isInProgress", &[many(0)]).await.unwrap()).is_empty());
}

#[wasm_bindgen_test]
async fn an_older_recorder_is_asked_one_by_one_and_an_unknown_one_once() {
    let script = Script::new();
    for index in 0..3 {
        script.control(&status_of(index));
    }
    let df = Df::new(&script);
    assert_eq!(said(&df.ask("isInProgress", &[many(3)]).await.unwrap()), [0.0, 1.0, 2.0]);
    assert_eq!(sent(&script.call(2)), r#"{"url":"https://api.example/2"}"#);

    let script = Script::new();
    script.speaks(3);
    script.control(&status_of(0));
    script.control(&format!("[{},{}]", status_of(1), status_of(2)));
    let df = Df::new(&script);
    assert_eq!(said(&df.ask("isInProgress", &[many(3)]).await.unwrap()), [0.0, 1.0, 2.0]);
    assert_eq!(script.count(), 2);
}

#[wasm_bindgen_test]
async fn a_list_that_is_not_about_these_urls_in_this_order_is_no_evidence() {
    let script = Script::new();
    let df = Df::third(&script, &[]).await;
    let one = |url: &str| {
        format!(r#"{{"inProgress":false,"completed":false,"state":"none","protocol":3,"url":"{url}"}}"#)
    };
    let [a, b] = ["https://api.example/0", "https://api.example/1"].map(one);
    for answer in [format!("[{b},{a}]"), format!("[{a}]"), format!("[{a},{b},{b}]"), a.clone()] {
        script.answer(200, &[("durablefetch-state", "none")], Some(&answer));
        assert_error(&df.ask("isInProgress", &[many(2)]).await.unwrap_err(), "mismatch", "another");
    }
}

#[wasm_bindgen_test]
async fn a_server_on_this_machine_is_left_out_of_a_list() {
    let script = Script::new();
    let df = Df::third(&script, &[]).await;
    script.control(&format!("[{}]", status_of(7)));
    let urls: js_sys::Array =
        ["http://localhost:3000/x", "https://api.example/0"].into_iter().map(JsValue::from).collect();
    assert_eq!(said(&df.ask("isInProgress", &[urls.into()]).await.unwrap()), [0.0, 7.0]);
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
