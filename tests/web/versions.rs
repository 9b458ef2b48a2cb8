//! What is said only to recorders that know it.

use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::*;

/// Of these headers the first request of a page, and all to an older recorder, have none.
const NEW: [&str; 4] = ["durablefetch-for", "durablefetch-attach", "durablefetch-read", "durablefetch-mode"];

fn said(call: &Call) -> Vec<&'static str> {
    NEW.into_iter().filter(|name| call.header(name).is_some()).collect()
}

#[wasm_bindgen_test]
async fn an_older_recorder_is_told_nothing_new() {
    let script = Script::new();
    let df = Df::known(&script, &[]).await;
    script.ended("complete", 0, 1, &["a"], "end");
    script.ended("complete", 0, 1, &["a"], "end");
    script.control(NOTHING);
    script.control(r#"{"success":true,"message":"Response stopped successfully"}"#);
    for _ in 0..2 {
        text(&df.get().await.unwrap()).await.unwrap();
    }
    df.ask("isInProgress", &[URL.into()]).await.unwrap();
    df.ask("stop", &[URL.into()]).await.unwrap();
    for index in 0..4 {
        assert_eq!(said(&script.call(index)), [""; 0], "{index}");
    }
}

#[wasm_bindgen_test]
async fn the_first_answer_tells_and_from_then_on_every_request_names_its_url() {
    let script = Script::new();
    script.speaks(3);
    script.live(0, &["a"], "cut");
    script.ended("complete", 1, 1, &[], "end");
    script.control(NOTHING);
    script.control(r#"{"success":true,"message":"Response deleted successfully"}"#);
    let df = Df::new(&script);
    text(&df.get().await.unwrap()).await.unwrap();
    df.ask("isInProgress", &[URL.into()]).await.unwrap();
    df.ask("delete", &[URL.into()]).await.unwrap();
    let named: Vec<_> = (0..4).map(|index| script.call(index).header("durablefetch-for")).collect();
    let url = Some(URL.to_owned());
    assert_eq!(named, [None, url.clone(), url.clone(), url], "start, continuation, status, delete");
}

#[wasm_bindgen_test]
async fn a_status_tells_also_where_a_gateway_took_the_header() {
    let script = Script::new();
    let df = Df::new(&script);
    script.control(&format!(
        r#"{{"inProgress":false,"activeConnections":0,"chunksStored":0,"completed":false,"state":"none","protocol":3,"url":"{URL}"}}"#
    ));
    script.ended("complete", 0, 0, &[], "end");
    df.ask("isInProgress", &[URL.into()]).await.unwrap();
    df.get().await.unwrap();
    assert_eq!(said(&script.call(1)), ["durablefetch-for"]);
}

#[wasm_bindgen_test]
async fn an_older_one_in_its_place_is_told_nothing_new_again() {
    let script = Script::new();
    let df = Df::third(&script, &[]).await;
    script.speaks(0);
    script.ended("complete", 0, 0, &[], "end");
    script.ended("complete", 0, 0, &[], "end");
    df.get().await.unwrap();
    df.get().await.unwrap();
    assert_eq!([said(&script.call(0)), said(&script.call(1))], [vec!["durablefetch-for"], vec![]]);
}

#[wasm_bindgen_test]
async fn what_the_app_says_in_these_headers_is_not_sent() {
    let script = Script::new();
    let df = Df::known(&script, &[]).await;
    script.ended("complete", 0, 0, &[], "end");
    let init =
        json(r#"{"headers":{"durablefetch-for":"x","durablefetch-attach":"x","durablefetch-read":"x"}}"#);
    response(df.fetch(URL, init)).await.unwrap();
    assert_eq!(said(&script.call(0)), [""; 0]);
}

#[wasm_bindgen_test]
async fn a_status_that_is_about_something_else_is_no_evidence() {
    let script = Script::new();
    let df = Df::third(&script, &[]).await;
    for url in ["", r#","url":"https://api.example/another""#] {
        let status = format!(
            r#"{{"inProgress":true,"activeConnections":0,"chunksStored":0,"completed":false,"state":"streaming","recording":"{ID}","protocol":3{url}}}"#
        );
        let headers = [("durablefetch-state", "none")];
        script.answer(200, &headers, Some(&status));
        assert_error(&df.ask("isInProgress", &[URL.into()]).await.unwrap_err(), "mismatch", "another");
    }
    script.ended("complete", 0, 0, &[], "end");
    df.get().await.unwrap();
    assert_eq!(script.call(2).header("durablefetch-attach"), None);
}

#[wasm_bindgen_test]
async fn what_is_about_one_recording_says_so() {
    let script = Script::new();
    let df = Df::third(&script, &[]).await;
    script.control(NOTHING);
    let status = df.ask("isInProgress", &[URL.into(), json(r#"{"request":"mine"}"#)]).await.unwrap();
    assert_eq!((string(&status, "state"), string(&status, "request")), ("none".into(), "mine".into()));
    let elsewhere = format!(
        r#"{{"inProgress":false,"activeConnections":0,"chunksStored":0,"completed":true,"state":"complete","recording":"another","protocol":3,"url":"{URL}"}}"#
    );
    script.answer(200, &[("durablefetch-state", "none")], Some(&elsewhere));
    let init: JsValue = json(&format!(r#"{{"recording":"{ID}"}}"#));
    assert_error(&df.ask("isInProgress", &[URL.into(), init]).await.unwrap_err(), "mismatch", "another");
}

/// Where a body that is cut after its first byte is continued, under this mount.
async fn continued_at(script: &Script, df: &Df) -> String {
    script.live(0, &["a"], "cut");
    script.ended("complete", 1, 2, &["b"], "end");
    let response = df.get().await.unwrap();
    assert_eq!(text(&response).await.unwrap(), "ab");
    let rest = script.call(1);
    assert_eq!(rest.header("durablefetch-offset").as_deref(), Some("1"));
    assert_eq!(rest.header("durablefetch-url").as_deref(), Some(URL));
    rest.address()
}

#[wasm_bindgen_test]
async fn on_the_pages_own_origin_a_rest_is_asked_for_by_its_address() {
    let here = js("return location", &[]).await.unwrap();
    let mount = format!("{}/df", string(&here, "origin"));
    let upstream = URL.replacen("://", ":/", 1);
    let script = Script::new();
    let df = Df::third(&script, &[("durablefetchHost", "/df".into())]).await;
    assert_eq!(continued_at(&script, &df).await, format!("{mount}/continue/{ID}/1/{upstream}"));
    assert_eq!(script.call(0).address(), format!("{mount}/{upstream}"));
    assert_eq!(script.call(1).method(), "GET");
    // An older recorder does not know it.
    let script = Script::new();
    let df = Df::known(&script, &[("durablefetchHost", "/df".into())]).await;
    assert_eq!(continued_at(&script, &df).await, format!("{mount}/{upstream}"));
}

#[wasm_bindgen_test]
async fn to_another_origin_every_rest_is_a_post_to_one_address_once_it_is_known_to_be_understood() {
    let script = Script::new();
    let df = Df::third(&script, &[]).await;
    assert_eq!(continued_at(&script, &df).await, "https://recorder.example/continue");
    let call = script.call(1);
    assert_eq!((call.method(), call.init("body")), ("POST".into(), JsValue::UNDEFINED));
    assert_eq!(call.init("cache"), "default");
    let script = Script::new();
    let df = Df::known(&script, &[]).await;
    assert_eq!(continued_at(&script, &df).await, LATER);
    assert_eq!(script.call(1).method(), "GET");
}

#[wasm_bindgen_test]
async fn to_another_origin_all_that_has_a_body_goes_to_one_address_once_it_is_known_to_be_understood() {
    let post = || json(r#"{"method":"POST","body":"question"}"#);
    let sent = async |df: &Df, script: &Script, index: u32| {
        script.ended("complete", 0, 0, &[], "end");
        response(df.fetch(URL, post())).await.unwrap();
        let call = script.call(index);
        assert_eq!(call.header("durablefetch-url").as_deref(), Some(URL));
        // Of what says `no-store` Chromium keeps no preflight.
        assert_eq!(call.init("cache"), "default");
        call.address()
    };
    let script = Script::new();
    script.speaks(3);
    let df = Df::new(&script);
    assert_eq!(sent(&df, &script, 0).await, FIRST);
    assert_eq!(sent(&df, &script, 1).await, "https://recorder.example/fetch");
    script.ended("complete", 0, 0, &[], "end");
    df.get().await.unwrap();
    let get = script.call(2);
    // A cache tells GETs by their address.
    assert_eq!((get.address(), get.init("cache")), (LATER.into(), "no-store".into()));
    // An older one in its place.
    script.speaks(0);
    assert_eq!(sent(&df, &script, 3).await, "https://recorder.example/fetch");
    assert_eq!(sent(&df, &script, 4).await, LATER);
    let script = Script::new();
    let df = Df::third(&script, &[("durablefetchHost", "/df".into())]).await;
    assert!(sent(&df, &script, 0).await.ends_with("/df/https:/api.example/answer?id=1"));
}
