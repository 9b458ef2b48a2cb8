//! `isInProgress` said yes: the fetches after it follow that recording and start nothing. A recorder of 0.2 takes a
//! continuation for that, once; one of protocol 3 is told with the request, and decides.

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

/// The same with a recorder of protocol 3.
async fn asked_third(script: &Script, more: &[(&str, JsValue)]) -> Df {
    let df = Df::third(script, more).await;
    script.control(LIVE);
    df.ask("isInProgress", &[URL.into()]).await.unwrap();
    script.calls().set_length(0);
    df
}

fn attached(script: &Script, index: u32) -> Option<String> {
    script.call(index).header("durablefetch-attach")
}

#[wasm_bindgen_test]
async fn every_fetch_of_that_url_says_what_was_found_and_is_itself() {
    let script = Script::new();
    let df = asked_third(&script, &[]).await;
    for _ in 0..3 {
        script.ended("complete", 0, 3, &["abc"], "end");
    }
    // React's StrictMode runs an effect twice.
    for _ in 0..2 {
        let init = json(r#"{"method":"POST","body":"again"}"#);
        assert_eq!(text(&response(df.fetch(URL, init)).await.unwrap()).await.unwrap(), "abc");
    }
    response(df.fetch("https://api.example/other", JsValue::UNDEFINED)).await.unwrap();
    for index in 0..2 {
        let call = script.call(index);
        assert_eq!((call.method(), call.text().await), ("POST".into(), "again".into()));
        assert_eq!(attached(&script, index).as_deref(), Some(ID));
        assert_eq!(call.header("durablefetch-recording"), None);
    }
    assert_eq!(attached(&script, 2), None);
}

#[wasm_bindgen_test]
async fn its_repetitions_say_it_too_and_its_continuations_do_not() {
    let script = Script::new();
    let df = asked_third(&script, &[]).await;
    script.fail();
    script.live(0, &["a"], "cut");
    script.ended("complete", 1, 1, &[], "end");
    text(&df.get().await.unwrap()).await.unwrap();
    let known = Some(ID.to_owned());
    assert_eq!([0, 1, 2].map(|index| attached(&script, index)), [known.clone(), known, None]);
}

#[wasm_bindgen_test]
async fn a_no_a_delete_and_ten_seconds_take_it_back() {
    let script = Script::new();
    let df = asked_third(&script, &[]).await;
    script.control(NOTHING);
    df.ask("isInProgress", &[URL.into()]).await.unwrap();
    script.ended("complete", 0, 0, &[], "end");
    df.get().await.unwrap();
    assert_eq!(attached(&script, 1), None, "a no");

    let script = Script::new();
    let df = asked_third(&script, &[]).await;
    script.control(r#"{"success":true,"message":"Response deleted successfully"}"#);
    df.ask("delete", &[URL.into()]).await.unwrap();
    script.ended("complete", 0, 0, &[], "end");
    df.get().await.unwrap();
    assert_eq!(attached(&script, 1), None, "a delete");

    let script = Script::new();
    let df = asked_third(&script, &[]).await;
    for (index, seconds, known) in [(0, 9, true), (1, 10, false)] {
        script.ended("complete", 0, 0, &[], "end");
        let source = format!(
            "const {{ now }} = Date
            Date.now = () => now() + {seconds}_000
            try {{ await df.fetch(url) }} finally {{ Date.now = now }}"
        );
        js(&source, &[("df", &df.0), ("url", &URL.into())]).await.unwrap();
        assert_eq!(attached(&script, index).is_some(), known, "{seconds} s");
    }
}

#[wasm_bindgen_test]
async fn who_says_how_to_start_does_not_mean_what_was_found() {
    for (how, header, known) in [
        ("live", None, true),
        ("never", None, false),
        ("always", Some("restart"), false),
        ("live", Some("resume"), false),
    ] {
        let script = Script::new();
        let df = asked_third(&script, &[("reuse", how.into())]).await;
        script.ended("complete", 0, 0, &[], "end");
        let headers = header.map(|mode| format!(r#""durablefetch-mode":"{mode}""#)).unwrap_or_default();
        response(df.fetch(URL, json(&format!(r#"{{"headers":{{{headers}}}}}"#)))).await.unwrap();
        assert_eq!(attached(&script, 0).is_some(), known, "{how} {header:?}");
    }
}

#[wasm_bindgen_test]
async fn a_question_about_one_recording_is_not_about_the_next_fetch() {
    let script = Script::new();
    let df = Df::third(&script, &[]).await;
    script.control(LIVE);
    df.ask("isInProgress", &[URL.into(), json(&format!(r#"{{"recording":"{ID}"}}"#))]).await.unwrap();
    script.ended("complete", 0, 0, &[], "end");
    df.get().await.unwrap();
    assert_eq!(attached(&script, 1), None);
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
