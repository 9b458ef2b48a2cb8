//! A client that polls one URL names the recording that it has read.

use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::*;

fn read(script: &Script, index: u32) -> Option<String> {
    script.call(index).header("durablefetch-read")
}

fn bodiless(script: &Script) {
    let headers = [
        ("durablefetch-state", "complete"),
        ("durablefetch-recording", ID),
        ("durablefetch-offset", "0"),
        ("durablefetch-length", "0"),
    ];
    script.answer(204, &headers, None);
}

async fn ask(df: &Df, url: &str, init: &str) {
    let response = response(df.fetch(url, json(init))).await.unwrap();
    text(&response).await.unwrap();
}

#[wasm_bindgen_test]
async fn the_recording_read_whole_is_named_the_next_time() {
    let script = Script::new();
    let df = Df::third(&script, &[]).await;
    for _ in 0..3 {
        script.ended("complete", 0, 1, &["a"], "end");
    }
    ask(&df, URL, "{}").await;
    ask(&df, "https://api.example/another", "{}").await;
    ask(&df, URL, "{}").await;
    assert_eq!([0, 1, 2].map(|index| read(&script, index)), [None, None, Some(ID.into())]);
}

#[wasm_bindgen_test]
async fn what_was_not_read_whole_is_not_named() {
    let script = Script::new();
    let df = Df::third(&script, &[hasty(0)]).await;
    script.live(0, &["half"], "hang");
    script.ended("failed", 0, 1, &["a"], "cut");
    script.ended("stopped", 0, 1, &["a"], "end");
    script.answer(200, &[("durablefetch-state", "unrecorded")], Some("a"));
    script.ended("complete", 0, 1, &["a"], "end");
    let cancelled = df.get().await.unwrap();
    js("await response.body.cancel()", &[("response", &cancelled)]).await.unwrap();
    broken(&df.get().await.unwrap()).await;
    ask(&df, URL, "{}").await;
    ask(&df, URL, "{}").await;
    ask(&df, URL, "{}").await;
    for index in 0..5 {
        assert_eq!(read(&script, index), None, "{index}");
    }
}

#[wasm_bindgen_test]
async fn an_answer_without_a_body_is_whole_with_its_head() {
    let script = Script::new();
    let df = Df::third(&script, &[]).await;
    bodiless(&script);
    bodiless(&script);
    df.get().await.unwrap();
    df.get().await.unwrap();
    assert_eq!(read(&script, 1), Some(ID.into()));
}

#[wasm_bindgen_test]
async fn only_a_get_names_what_a_get_has_read() {
    let script = Script::new();
    let df = Df::third(&script, &[]).await;
    for _ in 0..3 {
        script.ended("complete", 0, 1, &["a"], "end");
    }
    let post = r#"{"method":"POST","body":"b"}"#;
    ask(&df, URL, post).await;
    ask(&df, URL, "{}").await;
    ask(&df, URL, post).await;
    assert_eq!([0, 1, 2].map(|index| read(&script, index)), [None, None, None]);
}

#[wasm_bindgen_test]
async fn every_attempt_of_one_start_says_the_same() {
    let script = Script::new();
    let df = Df::third(&script, &[]).await;
    script.ended("complete", 0, 1, &["a"], "end");
    script.fail();
    script.live(0, &["a"], "cut");
    script.ended("complete", 1, 1, &[], "end");
    ask(&df, URL, "{}").await;
    ask(&df, URL, "{}").await;
    let known = Some(ID.to_owned());
    assert_eq!(
        [1, 2, 3].map(|index| read(&script, index)),
        [known.clone(), known, None],
        "and no continuation"
    );
}

#[wasm_bindgen_test]
async fn so_many_urls_and_no_more_are_remembered() {
    let script = Script::new();
    let df = Df::third(&script, &[]).await;
    let url = |index: u32| format!("https://api.example/{index}");
    for index in (0..130).chain([0, 129]) {
        bodiless(&script);
        response(df.fetch(url(index), JsValue::UNDEFINED)).await.unwrap();
    }
    assert_eq!([130, 131].map(|index| read(&script, index)), [None, Some(ID.into())]);
}
