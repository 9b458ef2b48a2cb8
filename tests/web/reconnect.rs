//! Connections that break in the middle, and answers that do not fit.

use js_sys::Array;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::*;

#[wasm_bindgen_test]
async fn a_cut_is_continued_at_the_byte_held() {
    let script = Script::new();
    script.live(0, &["ab", "c"], "cut");
    script.live(3, &["d"], "cut");
    script.ended("complete", 4, 6, &["ef"], "end");
    let df = Df::new(&script);
    let init = json(
        r#"{"method":"POST","body":"{}","credentials":"include","headers":{"authorization":"Bearer x","x-own":"1"}}"#,
    );
    let response = response(df.fetch(URL, init)).await.unwrap();
    assert_eq!(text(&response).await.unwrap(), "abcdef");
    assert_eq!((script.count(), script.open()), (3, 0));
    assert_eq!((script.call(0).address(), script.call(1).address()), (FIRST.into(), LATER.into()));
    for (index, offset) in [(1, "3"), (2, "4")] {
        let call = script.call(index);
        assert_eq!((call.method(), call.init("body")), ("GET".into(), JsValue::UNDEFINED));
        assert_eq!(call.header("durablefetch-url").as_deref(), Some(URL));
        assert_eq!(call.header("durablefetch-recording").as_deref(), Some(ID));
        assert_eq!(call.header("durablefetch-offset").as_deref(), Some(offset));
        assert_eq!(call.header("durablefetch-request"), None);
        assert_eq!(call.header("authorization").as_deref(), Some("Bearer x"));
        assert_eq!(call.header("x-own").as_deref(), Some("1"));
        assert_eq!(call.header("content-type"), None);
        assert_eq!((call.init("credentials"), call.init("cache")), ("include".into(), "no-store".into()));
    }
}

#[wasm_bindgen_test]
async fn a_password_of_the_apps_is_told_from_the_browsers() {
    for (authorization, told) in
        [("Basic dTpw", Some("app")), ("basic dTpw", Some("app")), ("Bearer x", None), ("Basically x", None)]
    {
        let script = Script::new();
        script.ended("complete", 0, 1, &["a"], "end");
        let init = json(&format!(r#"{{"headers":{{"authorization":"{authorization}"}}}}"#));
        let response = response(Df::new(&script).fetch(URL, init)).await.unwrap();
        assert_eq!(text(&response).await.unwrap(), "a");
        let call = script.call(0);
        assert_eq!(call.header("durablefetch-authorization").as_deref(), told, "{authorization}");
        assert_eq!(call.header("authorization").as_deref(), Some(authorization));
    }
}

#[wasm_bindgen_test]
async fn the_clean_end_of_a_live_body_is_verified() {
    let script = Script::new();
    script.live(0, &["abc"], "end");
    script.ended("complete", 3, 3, &[], "end");
    let events = Array::new();
    let df = with_events(&script, &events, &[]);
    assert_eq!(text(&df.get().await.unwrap()).await.unwrap(), "abc");
    assert_eq!(script.call(1).header("durablefetch-offset").as_deref(), Some("3"));
    assert_eq!(events.length(), 0, "verifying is not a reconnecting");
    assert!(!script.call(1).aborted(), "it would look as if it had failed");
}

#[wasm_bindgen_test]
async fn a_clean_end_that_is_short_is_continued() {
    let script = Script::new();
    script.live(0, &["abc"], "end");
    script.live(3, &["de"], "end");
    script.ended("complete", 5, 5, &[], "end");
    assert_eq!(text(&Df::new(&script).get().await.unwrap()).await.unwrap(), "abcde");
    let script = Script::new();
    script.ended("complete", 0, 5, &["abc"], "end");
    script.ended("complete", 3, 5, &["de"], "end");
    assert_eq!(text(&Df::new(&script).get().await.unwrap()).await.unwrap(), "abcde");
}

#[wasm_bindgen_test]
async fn a_replay_of_known_length_is_one_request() {
    let script = Script::new();
    script.ended("complete", 0, 3, &["abc"], "end");
    assert_eq!(text(&Df::new(&script).get().await.unwrap()).await.unwrap(), "abc");
    assert_eq!(script.count(), 1);
}

#[wasm_bindgen_test]
async fn a_body_silent_for_too_long_is_aborted_and_continued() {
    let script = Script::new();
    script.live(0, &["abc"], "hang");
    script.ended("complete", 3, 4, &["d"], "end");
    let df = Df::with(&script, &[("stallAfterMs", SILENT_MS.into())]);
    assert_eq!(text(&df.get().await.unwrap()).await.unwrap(), "abcd");
    assert_eq!(script.call(0).ended(), "aborted", "before the new one is opened");
    assert_eq!(script.open(), 0);
}

#[wasm_bindgen_test]
async fn a_slow_app_is_no_stall() {
    let script = Script::new();
    script.live(0, &["abc"], "hang");
    let df = Df::with(&script, &[("stallAfterMs", SILENT_MS.into())]);
    let response = df.get().await.unwrap();
    js("const reader = response.body.getReader(); await reader.read(); await new Promise((r) => setTimeout(r, 2 * silent)); reader.cancel()",
        &[("response", &response), ("silent", &SILENT_MS.into())]).await.unwrap();
    assert_eq!(script.count(), 1);
}

#[wasm_bindgen_test]
async fn a_continuation_without_an_answer_is_tried_again() {
    let script = Script::new();
    script.live(0, &["abc"], "cut");
    script.silence();
    script.ended("complete", 3, 3, &[], "end");
    let df = Df::with(&script, &[("stallAfterMs", SILENT_MS.into()), hasty(60_000)]);
    assert_eq!(text(&df.get().await.unwrap()).await.unwrap(), "abc");
    assert!(script.call(1).aborted());
}

#[wasm_bindgen_test]
async fn answers_of_intermediaries_to_a_continuation_are_no_answers() {
    let script = Script::new();
    script.live(0, &["abc"], "cut");
    script.answer(502, &[], Some("bad gateway"));
    script.answer(200, &[("content-type", "text/html")], Some("please log in"));
    script.ended("complete", 3, 4, &["d"], "end");
    let df = Df::with(&script, &[hasty(60_000)]);
    assert_eq!(text(&df.get().await.unwrap()).await.unwrap(), "abcd");
}

#[wasm_bindgen_test]
async fn a_continuation_of_something_else_is_tried_again() {
    let script = Script::new();
    script.live(0, &["abc"], "cut");
    script.live(2, &["c"], "end");
    script.ended("complete", 3, 4, &["d"], "end");
    let df = Df::with(&script, &[hasty(60_000)]);
    assert_eq!(text(&df.get().await.unwrap()).await.unwrap(), "abcd");
    assert!(script.call(1).aborted());
}

#[wasm_bindgen_test]
async fn a_cache_that_keeps_answering_is_named() {
    let script = Script::new();
    script.live(0, &["abc"], "cut");
    for _ in 0..200 {
        script.live(0, &["abc"], "end");
    }
    let df = Df::with(&script, &[hasty(30)]);
    let error = broken(&df.get().await.unwrap()).await;
    assert_error(&error, "intermediary", "(200) answers another request");
    assert!(string(&error, "message").contains(HOST));
}

#[wasm_bindgen_test]
async fn it_gives_up_and_says_so() {
    let script = Script::new();
    script.live(0, &["abc"], "cut");
    for _ in 0..200 {
        script.fail();
    }
    let df = Df::with(&script, &[hasty(30)]);
    let error = broken(&df.get().await.unwrap()).await;
    assert_error(&error, "network", "network error: the connection to https://recorder.example is lost");
    assert!(is_type_error(&get(&error, "cause")));
}

#[wasm_bindgen_test]
async fn a_proxy_that_keeps_answering_is_named() {
    let script = Script::new();
    script.live(0, &["abc"], "cut");
    for _ in 0..200 {
        script.answer(504, &[], Some("gateway timeout"));
    }
    let df = Df::with(&script, &[hasty(30)]);
    let error = broken(&df.get().await.unwrap()).await;
    assert_error(&error, "intermediary", "504");
    assert_eq!(get(&error, "status"), 504);
}

#[wasm_bindgen_test]
async fn the_app_is_told_of_waiting_and_of_being_connected_again() {
    let script = Script::new();
    script.live(0, &["abc"], "cut");
    script.fail();
    script.ended("complete", 3, 3, &[], "end");
    let events = Array::new();
    let df = with_events(&script, &events, &[hasty(60_000)]);
    text(&df.get().await.unwrap()).await.unwrap();
    let told: Vec<_> =
        events.iter().map(|event| js_sys::JSON::stringify(&event).unwrap().as_string().unwrap()).collect();
    let event =
        |attempt, phase| format!(r#"{{"url":"{URL}","attempt":{attempt},"offset":3,"phase":"{phase}"}}"#);
    assert_eq!(told, [event(1, "waiting"), event(2, "waiting"), event(2, "connected")]);

    let script = Script::new();
    script.live(0, &["abc"], "cut");
    script.ended("complete", 3, 4, &["d"], "end");
    let events = Array::new();
    let df = with_events(&script, &events, &[]);
    text(&df.get().await.unwrap()).await.unwrap();
    let phases: Vec<_> = events.iter().map(|event| string(&event, "phase")).collect();
    assert_eq!(phases, ["waiting", "connected"]);
}

#[wasm_bindgen_test]
async fn a_callback_that_throws_costs_nothing() {
    let script = Script::new();
    script.live(0, &["abc"], "cut");
    script.ended("complete", 3, 4, &["d"], "end");
    let throws = function("throw new Error('a mistake of the app, on purpose')").await;
    let df = Df::with(&script, &[("onReconnect", throws.into())]);
    assert_eq!(text(&df.get().await.unwrap()).await.unwrap(), "abcd");
}

#[wasm_bindgen_test]
async fn coming_back_online_cuts_a_wait_short() {
    let script = Script::new();
    script.live(0, &["abc"], "cut");
    script.fail();
    script.ended("complete", 3, 4, &["d"], "end");
    let events = Array::new();
    let retry = json(r#"{"initialDelayMs":3600000,"maxDelayMs":3600000,"giveUpAfterMs":36000000}"#);
    let df = with_events(&script, &events, &[("retry", retry)]);
    let response = df.get().await.unwrap();
    let read = response.text().unwrap();
    script.reaches(2).await;
    quiet().await;
    js("dispatchEvent(new Event('online'))", &[]).await.unwrap();
    assert_eq!(awaited(read).await.unwrap(), "abcd");
}

fn with_events(script: &Script, events: &Array, more: &[(&str, JsValue)]) -> Df {
    let events = events.clone();
    let listener = Closure::<dyn Fn(JsValue)>::new(move |event: JsValue| {
        events.push(&event);
    });
    let mut options = more.to_vec();
    options.push(("onReconnect", listener.into_js_value()));
    Df::with(script, &options)
}

#[wasm_bindgen_test]
async fn a_clock_that_jumps_ahead_makes_no_wait_longer() {
    let script = Script::new();
    script.live(0, &["abc"], "cut");
    script.fail();
    script.fail();
    script.ended("complete", 3, 3, &[], "end");
    let response = Df::with(&script, &[hasty(36_000_000)]).get().await.unwrap();
    // The timer of the start, which rings in a minute or so, is still running.
    let source = "
        const { now } = Date
        Date.now = () => now() + 3_600_000
        const late = new Promise((resolve) => setTimeout(resolve, 30_000, 'late'))
        try { return await Promise.race([response.text(), late]) } finally { Date.now = now }";
    assert_eq!(js(source, &[("response", &response)]).await.unwrap(), "abc");
    assert_eq!(script.count(), 4);
}
