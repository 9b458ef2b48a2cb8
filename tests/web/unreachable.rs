//! Recorders that are not there: `whenUnreachable`, and chats that have nothing to wait for.

use js_sys::Array;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::*;

const QUESTION: &str = r#"{"method":"POST","body":"Why?","headers":{"x-own":"1"}}"#;

fn fails(script: &Script, count: u32) {
    for _ in 0..count {
        script.fail();
    }
}

#[wasm_bindgen_test]
async fn direct_goes_to_the_upstream_with_one_warning() {
    let script = Script::new();
    let retry = json(r#"{"initialDelayMs":1,"maxDelayMs":2,"giveUpAfterMs":0}"#);
    let df = Df::with(&script, &[("whenUnreachable", "direct".into()), ("retry", retry)]);
    take_warnings();
    for round in 0..2 {
        let before = script.count();
        // The request, and the question which recorder it is.
        fails(&script, 2);
        script.answer(200, &[], Some("past it"));
        let response = response(df.fetch(URL, json(QUESTION))).await.unwrap();
        assert_eq!(text(&response).await.unwrap(), "past it");
        let sent = script.call(before + 2);
        assert_eq!(
            (sent.address(), sent.method(), sent.text().await),
            (URL.into(), "POST".into(), "Why?".into())
        );
        assert_eq!(sent.header("x-own").as_deref(), Some("1"));
        for header in ["request", "url", "token", "mode"] {
            assert_eq!(sent.header(&format!("durablefetch-{header}")), None);
        }
        assert_eq!(take_warnings().matches("not durable").count(), usize::from(round == 0));
    }
}

#[wasm_bindgen_test]
async fn direct_goes_past_what_is_no_recorder_and_past_a_proxy_without_one() {
    for (status, known) in [(200, false), (404, false), (502, true), (503, true), (504, true)] {
        let script = Script::new();
        let retry = json(r#"{"initialDelayMs":1,"maxDelayMs":2,"giveUpAfterMs":0}"#);
        let options =
            [("whenUnreachable", "direct".into()), ("retry", retry), ("durablefetchHost", "/df".into())];
        let df = if known { Df::third(&script, &options).await } else { Df::with(&script, &options) };
        script.answer(status, &[("content-type", "text/html")], Some("<html>"));
        script.answer(200, &[], Some("past it"));
        assert_eq!(text(&df.get().await.unwrap()).await.unwrap(), "past it", "{status}");
        assert_eq!(script.call(1).address(), URL);
    }
}

/// The recorder's own no stays one, and so does the default.
#[wasm_bindgen_test]
async fn direct_is_for_recorders_that_are_not_there() {
    let script = Script::new();
    script.own(403, Some("upstream-not-allowed"));
    let df = Df::with(&script, &[("whenUnreachable", "direct".into())]);
    assert_error(&df.get().await.unwrap_err(), "upstream-not-allowed", "");
    let script = Script::new();
    fails(&script, 200);
    let df = Df::with(&script, &[("whenUnreachable", "error".into()), hasty(10)]);
    assert_error(&df.get().await.unwrap_err(), "unreachable", HOST);
    let error = construct(&json(r#"{"whenUnreachable":"straight"}"#)).unwrap_err();
    assert_error(&error, "invalid-option", "'whenUnreachable' must be 'error' or 'direct'");
}

fn resume(script: &Script, more: &[(&str, JsValue)]) -> (JsValue, Df) {
    let df = Df::with(script, &[hasty(10)]);
    let options = js_sys::Object::new();
    set(&options, "api", &"https://api.example/chat".into());
    for (name, value) in more {
        set(&options, name, value);
    }
    (df.call("chatTransport", &[options.into()]), df)
}

async fn resumed(transport: &JsValue) -> Result<JsValue, JsValue> {
    js(
        "const { api, headers } = await transport.prepareReconnectToStreamRequest({ id: 'one', api: transport.api })
         return await transport.fetch(api, { headers })",
        &[("transport", transport)],
    )
    .await
}

async fn sent(transport: &JsValue) -> Result<JsValue, JsValue> {
    js(
        "const given = { id: 'one', api: transport.api, messages: [{ id: 'm', role: 'user', parts: [] }] }
         const { api, headers, body } = await transport.prepareSendMessagesRequest(given)
         const init = { method: 'POST', headers, body: JSON.stringify(body) }
         return await (await transport.fetch(api, init)).text()",
        &[("transport", transport)],
    )
    .await
}

#[wasm_bindgen_test]
async fn an_idle_chat_is_left_as_it_is_with_one_warning() {
    new_tab().await;
    let script = Script::new();
    fails(&script, 400);
    let (transport, _df) = resume(&script, &[]);
    take_warnings();
    for round in 0..2 {
        assert_eq!(get(&resumed(&transport).await.unwrap(), "status"), 204);
        assert_eq!(take_warnings().matches("chats are not resumed").count(), usize::from(round == 0));
    }
}

/// A tab that waits for an answer learns that it does not come.
#[wasm_bindgen_test]
async fn a_chat_that_waits_for_an_answer_is_told() {
    new_tab().await;
    let script = Script::new();
    fails(&script, 400);
    let (transport, _df) = resume(&script, &[]);
    assert_error(&sent(&transport).await.unwrap_err(), "unreachable", HOST);
    assert_error(&resumed(&transport).await.unwrap_err(), "unreachable", HOST);

    // Once it has come, there is nothing to wait for any more.
    new_tab().await;
    let script = Script::new();
    script.control(NOTHING);
    script.ended("complete", 0, 2, &["ok"], "end");
    let (transport, _df) = resume(&script, &[]);
    sent(&transport).await.unwrap();
    fails(&script, 400);
    assert_eq!(get(&resumed(&transport).await.unwrap(), "status"), 204);
}

#[wasm_bindgen_test]
async fn a_chat_has_its_own_on_reconnect_besides_the_clients() {
    new_tab().await;
    let script = Script::new();
    script.control(NOTHING);
    script.live(0, &["ab"], "cut");
    script.ended("complete", 2, 3, &["c"], "end");
    let events = Array::new();
    let push = js("return (event) => events.push(event.phase)", &[("events", &events)]).await.unwrap();
    let df = Df::with(&script, &[hasty(60_000), ("onReconnect", push.clone())]);
    let options = js_sys::Object::new();
    set(&options, "onReconnect", &push);
    set(&options, "api", &"https://api.example/chat".into());
    let transport = df.call("chatTransport", &[options.into()]);
    assert!(get(&transport, "onReconnect").is_undefined(), "the AI SDK has no such option");
    assert_eq!(sent(&transport).await.unwrap(), "abc");
    let events: Vec<_> = events.iter().filter_map(|event| event.as_string()).collect();
    assert_eq!(events, ["waiting", "waiting", "connected", "connected"]);
}
