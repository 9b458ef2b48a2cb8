//! Servers on this machine, and URLs that need no recorder.

use js_sys::JSON;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::*;

const LOCAL: &str = "http://localhost:3000/api?x=1";

#[wasm_bindgen_test]
async fn a_local_server_is_asked_directly_and_said_so_once() {
    let script = Script::new();
    let df = Df::new(&script);
    take_warnings();
    for url in [LOCAL, "http://127.0.0.1:3000/", "http://[::1]/", "http://app.localhost/"] {
        script.answer(200, &[], Some("direct"));
        let headers = r#"{"method":"POST","body":"b","headers":{"x-own":"1","durablefetch-mode":"restart","durablefetch-request":"i"}}"#;
        let response = response(df.fetch(url, json(headers))).await.unwrap();
        assert_eq!(text(&response).await.unwrap(), "direct");
        let call = script.call(script.count() - 1);
        assert_eq!((call.address(), call.method()), (url.into(), "POST".into()));
        assert_eq!(call.header("x-own").as_deref(), Some("1"));
        assert_eq!(
            (
                call.header("durablefetch-mode"),
                call.header("durablefetch-request"),
                call.header("durablefetch-url")
            ),
            (None, None, None)
        );
    }
    assert_eq!(take_warnings().matches("not durable").count(), 1);
}

#[wasm_bindgen_test]
async fn nothing_is_there_to_resume_or_to_replay() {
    let script = Script::new();
    let df = Df::new(&script);
    for (mode, status) in [("resume", 204), ("replay", 404)] {
        let init = json(&format!(r#"{{"headers":{{"durablefetch-mode":"{mode}"}}}}"#));
        assert_eq!(response(df.fetch(LOCAL, init)).await.unwrap().status(), status);
    }
    assert_eq!(script.count(), 0);
}

#[wasm_bindgen_test]
async fn control_calls_answer_as_the_original_did() {
    let df = Df::new(&Script::new());
    let status = df.ask("isInProgress", &[LOCAL.into()]).await.unwrap();
    let seeds = r#"{"inProgress":false,"activeConnections":0,"chunksStored":0,"completed":false}"#;
    assert_eq!(JSON::stringify(&status).unwrap(), seeds);
    let deleted = df.ask("delete", &[LOCAL.into()]).await.unwrap();
    assert_eq!(
        JSON::stringify(&deleted).unwrap(),
        r#"{"success":true,"message":"Response deleted successfully"}"#
    );
    let stopped = df.ask("stop", &[LOCAL.into()]).await.unwrap();
    assert_eq!(get(&stopped, "success"), true);
}

#[wasm_bindgen_test]
async fn a_recorder_on_this_machine_records_servers_on_this_machine() {
    let script = Script::new();
    script.ended("complete", 0, 2, &["ok"], "end");
    let df = Df::with(&script, &[("durablefetchHost", "http://localhost:8787".into())]);
    response(df.fetch(LOCAL, JsValue::UNDEFINED)).await.unwrap();
    assert_eq!(script.call(0).address(), "http://localhost:8787/localhost:3000/api?x=1");
    assert_eq!(script.call(0).header("durablefetch-url").as_deref(), Some(LOCAL));
}

#[wasm_bindgen_test]
async fn a_path_is_on_the_pages_own_origin() {
    let script = Script::new();
    script.ended("complete", 0, 2, &["ok"], "end");
    // The tests' page is served from this machine, and so is a recorder under it.
    let df = Df::with(&script, &[("durablefetchHost", "/df/".into())]);
    response(df.fetch("/api/chat", JsValue::UNDEFINED)).await.unwrap();
    let here = js("return location", &[]).await.unwrap();
    let (origin, host) = (string(&here, "origin"), string(&here, "host"));
    assert_eq!(script.call(0).address(), format!("{origin}/df/http:/{host}/api/chat"));
}

#[wasm_bindgen_test]
async fn data_and_blob_urls_go_to_the_transport() {
    take_warnings();
    let script = Script::new();
    script.answer(200, &[], Some("inline"));
    let df = Df::new(&script);
    let response = response(df.fetch("data:text/plain,inline", JsValue::UNDEFINED)).await.unwrap();
    assert_eq!(text(&response).await.unwrap(), "inline");
    assert_eq!(script.call(0).address(), "data:text/plain,inline");
    assert_eq!(take_warnings(), "");
}

#[wasm_bindgen_test]
async fn the_default_host_is_warned_of_when_a_credential_goes_there() {
    let script = Script::new();
    script.answer(200, &[], Some("ok"));
    script.answer(
        200,
        &[],
        Some(r#"{"inProgress":false,"activeConnections":0,"chunksStored":1,"completed":true}"#),
    );
    script.answer(200, &[], Some("ok"));
    let options = js("return { fetch }", &[("fetch", &script.fetch())]).await.unwrap();
    let df = Df(construct(&options).unwrap());
    take_warnings();
    for _ in 0..2 {
        let init = json(r#"{"headers":{"authorization":"Bearer x"}}"#);
        response(df.fetch(URL, init)).await.unwrap();
    }
    assert_eq!(script.call(0).address(), "https://durablefetch.com/api.example/answer?id=1");
    assert_eq!(take_warnings().matches("third party").count(), 1);
}
