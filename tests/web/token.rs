//! The option `token`.

use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::*;

const STATUS: &str =
    r#"{"inProgress":false,"activeConnections":0,"chunksStored":0,"completed":false,"state":"none"}"#;

fn tokens(script: &Script) -> Vec<Option<String>> {
    (0..script.count()).map(|index| script.call(index).header("durablefetch-token")).collect()
}

fn some(token: &str) -> Option<String> {
    Some(token.into())
}

#[wasm_bindgen_test]
async fn it_is_sent_once_it_is_known_who_gets_it() {
    let script = Script::new();
    script.own(401, Some("unauthorized"));
    script.ended("complete", 0, 0, &[], "end");
    script.control(STATUS);
    let df = Df::with(&script, &[("token", "t".into())]);
    df.get().await.unwrap();
    df.ask("isInProgress", &[URL.into()]).await.unwrap();
    assert_eq!(tokens(&script), [None, some("t"), some("t")]);
}

#[wasm_bindgen_test]
async fn a_function_is_asked_for_each_request_and_once_more_on_401() {
    let script = Script::new();
    script.control(STATUS);
    script.own(401, Some("unauthorized"));
    script.live(0, &["a"], "cut");
    script.own(401, Some("unauthorized"));
    script.ended("complete", 1, 1, &[], "end");
    let ask =
        function("globalThis.asked = (globalThis.asked ?? 0) + 1; return Promise.resolve('t' + asked)").await;
    let df = Df::with(&script, &[("token", ask.into())]);
    assert_eq!(text(&df.get().await.unwrap()).await.unwrap(), "a");
    assert_eq!(tokens(&script), [None, some("t1"), some("t2"), some("t3"), some("t4")]);
}

#[wasm_bindgen_test]
async fn a_second_401_is_final() {
    let script = Script::new();
    script.control(STATUS);
    script.own(401, Some("unauthorized"));
    script.own(401, Some("unauthorized"));
    let ask = function("return 'stale'").await;
    let df = Df::with(&script, &[("token", ask.into())]);
    assert_error(&df.get().await.unwrap_err(), "unauthorized", "told: unauthorized");
}

#[wasm_bindgen_test]
async fn an_upstreams_401_is_the_apps() {
    let script = Script::new();
    script.control(STATUS);
    script.answer(401, &[("durablefetch-state", "unrecorded")], Some("who are you"));
    let ask = function("return 't'").await;
    let df = Df::with(&script, &[("token", ask.into())]);
    assert_eq!((df.get().await.unwrap().status(), script.count()), (401, 2));
}

#[wasm_bindgen_test]
async fn what_the_function_throws_is_what_the_call_rejects_with() {
    for source in ["throw 'signed out'", "return Promise.reject('signed out')"] {
        let script = Script::new();
        script.control(STATUS);
        let df = Df::with(&script, &[("token", function(source).await.into())]);
        assert_eq!(df.get().await.unwrap_err(), "signed out");
        assert_eq!(script.count(), 1);
    }
    let script = Script::new();
    script.control(STATUS);
    let df = Df::with(&script, &[("token", function("return 7").await.into())]);
    assert_error(&df.get().await.unwrap_err(), "invalid-option", "token");
}
