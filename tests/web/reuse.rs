//! The option `reuse`, and modes of the caller's.

use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::*;

fn reuse(how: &str) -> (&'static str, JsValue) {
    ("reuse", how.into())
}

fn modes(script: &Script) -> Vec<String> {
    (0..script.count())
        .map(|index| script.call(index))
        .map(|call| match call.address().ends_with("/in-progress") {
            true => "asked".into(),
            false => call.header("durablefetch-mode").unwrap_or_default(),
        })
        .collect()
}

#[wasm_bindgen_test]
async fn always_says_no_mode_and_asks_nothing() {
    for more in [vec![], vec![reuse("always")]] {
        let script = Script::new();
        script.speaks(3);
        let df = Df::with(&script, &more);
        for _ in 0..2 {
            script.ended("complete", 0, 0, &[], "end");
            df.get().await.unwrap();
        }
        assert_eq!(modes(&script), ["", ""]);
    }
}

#[wasm_bindgen_test]
async fn live_and_never_ask_once_what_the_recorder_is_and_say_their_mode() {
    for (how, mode) in [("live", "match-live"), ("never", "new")] {
        let script = Script::new();
        script.speaks(3);
        let df = Df::with(&script, &[reuse(how)]);
        script.control(NOTHING);
        for _ in 0..2 {
            script.ended("complete", 0, 0, &[], "end");
            df.get().await.unwrap();
        }
        assert_eq!(modes(&script), ["asked", mode, mode]);
    }
}

#[wasm_bindgen_test]
async fn a_recorder_under_a_path_is_asked_too() {
    let script = Script::new();
    script.speaks(3);
    let df = Df::with(&script, &[reuse("never"), ("durablefetchHost", "/df".into())]);
    script.control(NOTHING);
    script.ended("complete", 0, 0, &[], "end");
    df.get().await.unwrap();
    assert_eq!(modes(&script), ["asked", "new"]);
}

#[wasm_bindgen_test]
async fn an_older_recorder_does_not_support_it_and_is_sent_nothing() {
    let seed = r#"{"inProgress":false,"activeConnections":0,"chunksStored":0,"completed":false}"#;
    for state in [NOTHING, seed] {
        let script = Script::new();
        let df = Df::with(&script, &[reuse("live")]);
        let headers: &[_] = if state == seed { &[] } else { &[("durablefetch-state", "none")] };
        script.answer(200, headers, Some(state));
        for _ in 0..2 {
            let error = df.get().await.unwrap_err();
            assert_error(&error, "unsupported", "The option 'reuse' needs a recorder of version 0.3");
        }
        assert_eq!(modes(&script), ["asked"]);
    }
}

#[wasm_bindgen_test]
async fn a_connection_lost_before_it_is_known_is_tried_again() {
    let script = Script::new();
    script.speaks(3);
    let df = Df::with(&script, &[reuse("never"), hasty(2_000)]);
    script.fail();
    script.answer(502, &[], Some("bad gateway"));
    script.control(NOTHING);
    script.ended("complete", 0, 2, &["ok"], "end");
    assert_eq!(text(&df.get().await.unwrap()).await.unwrap(), "ok");
    assert_eq!(modes(&script), ["asked", "asked", "asked", "new"]);
}

#[wasm_bindgen_test]
async fn where_no_recorder_answers_that_is_the_error() {
    let script = Script::new();
    for _ in 0..200 {
        script.fail();
    }
    let df = Df::with(&script, &[reuse("never"), hasty(20)]);
    assert_error(&df.get().await.unwrap_err(), "unreachable", HOST);
}

#[wasm_bindgen_test]
async fn a_refusal_tells_the_protocol_too() {
    let script = Script::new();
    script.speaks(3);
    let df = Df::with(&script, &[reuse("never"), ("token", "t".into())]);
    script.own(401, Some("unauthorized"));
    script.ended("complete", 0, 0, &[], "end");
    df.get().await.unwrap();
    assert_eq!(modes(&script), ["asked", "new"]);
}

#[wasm_bindgen_test]
async fn an_aborted_call_waits_for_nothing() {
    let script = Script::new();
    script.silence();
    let df = Df::with(&script, &[reuse("never")]);
    let source = "
        const controller = new AbortController()
        const fetched = df.fetch('https://a.example/', { signal: controller.signal }).catch((reason) => reason)
        await script.called(1)
        controller.abort('my reason')
        return fetched";
    let reason = js(source, &[("df", &df.0), ("script", &script)]).await.unwrap();
    assert_eq!((reason, script.count()), (JsValue::from("my reason"), 1));
}

#[wasm_bindgen_test]
async fn a_mode_of_the_callers_wins_and_has_to_be_known_there_too() {
    let script = Script::new();
    let df = Df::third(&script, &[reuse("never")]).await;
    for mode in ["join", "match", "match-live", "new", "restart", "resume", "replay"] {
        script.ended("complete", 0, 0, &[], "end");
        let init = json(&format!(r#"{{"headers":{{"durablefetch-mode":"{mode}"}}}}"#));
        response(df.fetch(URL, init)).await.unwrap();
    }
    assert_eq!(modes(&script), ["join", "match", "match-live", "new", "restart", "resume", "replay"]);
    let script = Script::new();
    let df = Df::known(&script, &[]).await;
    let init = json(r#"{"headers":{"durablefetch-mode":"new"}}"#);
    assert_error(&response(df.fetch(URL, init)).await.unwrap_err(), "unsupported", "This mode needs");
    assert_eq!(script.count(), 0);
}

#[wasm_bindgen_test]
async fn a_chat_has_its_own_modes_whatever_the_option_says() {
    let script = Script::new();
    let df = Df::with(&script, &[reuse("never")]);
    script.control(NOTHING);
    script.ended("complete", 0, 0, &[], "end");
    let transport = df.call("chatTransport", &[json(r#"{"api":"https://app.example/chat"}"#)]);
    js(
        "const { api, headers } = await transport.prepareSendMessagesRequest({ id: 'c', messages: [] })
         await transport.fetch(api, { method: 'POST', headers, body: '{}' })",
        &[("transport", &transport)],
    )
    .await
    .unwrap();
    assert_eq!(modes(&script), ["asked", "restart"], "an older recorder will do");
}
