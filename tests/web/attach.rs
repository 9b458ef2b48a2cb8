//! `isInProgress` said yes: the next fetch follows that recording and starts nothing.

use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::*;

const LIVE: &str = r#"{"inProgress":true,"activeConnections":1,"chunksStored":2,"completed":false,
    "state":"streaming","recording":"01ARZ3NDEKTSV4RRFFQ69G5FAV"}"#;

async fn asked(script: &Script) -> Df {
    script.control(LIVE);
    let df = Df::new(script);
    let status = df.ask("isInProgress", &[URL.into()]).await.unwrap();
    assert_eq!(get(&status, "inProgress"), true);
    df
}

#[wasm_bindgen_test]
async fn the_next_fetch_attaches_also_when_it_is_over_by_then() {
    let script = Script::new();
    let df = asked(&script).await;
    script.ended("complete", 0, 3, &["abc"], "end");
    let init = json(r#"{"method":"POST","body":"again"}"#);
    let response = response(df.fetch(URL, init)).await.unwrap();
    assert_eq!((response.url(), text(&response).await.unwrap()), (URL.into(), "abc".into()));
    let call = script.call(1);
    assert_eq!((call.method(), call.init("body")), ("GET".into(), JsValue::UNDEFINED));
    assert_eq!(call.header("durablefetch-recording").as_deref(), Some(ID));
    assert_eq!(call.header("durablefetch-offset").as_deref(), Some("0"));
    assert_eq!(call.header("durablefetch-request"), None);
}

#[wasm_bindgen_test]
async fn only_the_next_one_and_only_of_that_url() {
    let script = Script::new();
    let df = asked(&script).await;
    for _ in 0..3 {
        script.ended("complete", 0, 3, &["abc"], "end");
    }
    awaited(df.fetch("https://api.example/other", JsValue::UNDEFINED)).await.unwrap();
    df.get().await.unwrap();
    df.get().await.unwrap();
    let attached: Vec<_> =
        (1..4).map(|index| script.call(index).header("durablefetch-recording").is_some()).collect();
    assert_eq!(attached, [false, true, false]);
}

#[wasm_bindgen_test]
async fn a_no_takes_the_yes_back() {
    let script = Script::new();
    let df = asked(&script).await;
    script.control(
        r#"{"inProgress":false,"activeConnections":0,"chunksStored":2,"completed":true,"state":"complete"}"#,
    );
    df.ask("isInProgress", &[URL.into()]).await.unwrap();
    script.ended("complete", 0, 3, &["abc"], "end");
    df.get().await.unwrap();
    assert_eq!(script.call(2).header("durablefetch-recording"), None);
}

#[wasm_bindgen_test]
async fn whoever_says_how_to_start_starts() {
    let script = Script::new();
    let df = asked(&script).await;
    script.ended("complete", 0, 3, &["abc"], "end");
    let init = json(r#"{"headers":{"durablefetch-mode":"restart"}}"#);
    response(df.fetch(URL, init)).await.unwrap();
    assert_eq!(script.call(1).header("durablefetch-recording"), None);
}

#[wasm_bindgen_test]
async fn what_is_gone_by_then_is_an_error_and_no_second_run() {
    let script = Script::new();
    let df = asked(&script).await;
    script.own(410, Some("gone"));
    assert_error(&df.get().await.unwrap_err(), "gone", "told: gone");
    assert_eq!(script.count(), 2);
}

#[wasm_bindgen_test]
async fn after_ten_seconds_it_is_forgotten() {
    let script = Script::new();
    let df = asked(&script).await;
    script.ended("complete", 0, 3, &["abc"], "end");
    let source = "
        const { now } = Date
        Date.now = () => now() + 10_000
        try { await df.fetch(url) } finally { Date.now = now }";
    js(source, &[("df", &df.0), ("url", &URL.into())]).await.unwrap();
    assert_eq!(script.call(1).header("durablefetch-recording"), None);
}
