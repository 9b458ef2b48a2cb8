//! Who answers at the recorder's address and sends requests elsewhere. A recorder never does.

use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::*;

const ELSEWHERE: &str = "https://elsewhere.example/";

/// A redirect as browsers show it, which have not followed it, and as Node does.
async fn redirects(script: &Script, as_in: &str) {
    match as_in {
        "a browser" => {
            let opaque = "const response = new Response(null)
                 for (const [name, value] of [['type', 'opaqueredirect'], ['status', 0], ['ok', false]]) {
                   Object.defineProperty(response, name, { value })
                 }
                 return response";
            script.by(&function(opaque).await);
        }
        status => script.answer(status.parse().unwrap(), &[("location", ELSEWHERE)], None),
    }
}

const KINDS: [&str; 6] = ["a browser", "301", "302", "303", "307", "308"];

/// A client that has a token, and knows that it is the recorder which gets it.
async fn known_with_token(script: &Script, more: &[(&str, JsValue)]) -> Df {
    let df = Df::with(script, &[more, &[("token", "t".into())]].concat());
    script.control(NOTHING);
    script.control(NOTHING);
    df.ask("isInProgress", &[URL.into()]).await.unwrap();
    script.calls().set_length(0);
    df
}

/// Every request was one to the recorder, and the platform was told to follow nothing.
fn assert_followed_nothing(script: &Script, count: u32) {
    assert_eq!(script.count(), count);
    for index in 0..count {
        let call = script.call(index);
        assert!(call.address().starts_with(HOST), "{}", call.address());
        assert_eq!(call.init("redirect"), "manual", "{} {}", call.method(), call.address());
    }
}

#[wasm_bindgen_test]
async fn one_that_passes_costs_another_attempt() {
    for kind in KINDS {
        let script = Script::new();
        let df = known_with_token(&script, &[hasty(60_000)]).await;
        redirects(&script, kind).await;
        redirects(&script, kind).await;
        script.live(0, &["a"], "cut");
        redirects(&script, kind).await;
        script.ended("complete", 1, 2, &["b"], "end");
        let init = json(r#"{"method":"POST","body":"the prompt","redirect":"follow"}"#);
        let response = response(df.fetch(URL, init)).await.unwrap();
        assert_eq!(text(&response).await.unwrap(), "ab", "{kind}");
        assert_followed_nothing(&script, 5);
        let ids: Vec<_> = (0..3).map(|index| script.call(index).header("durablefetch-request")).collect();
        assert!(ids[0].is_some() && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    }
}

#[wasm_bindgen_test]
async fn one_that_stays_is_an_error_that_says_where_and_what() {
    for kind in KINDS {
        for mount in [HOST, "https://app.example/df", "/df"] {
            let script = Script::new();
            for _ in 0..300 {
                redirects(&script, kind).await;
            }
            let df = Df::with(&script, &[hasty(20), ("durablefetchHost", mount.into())]);
            let error = df.get().await.unwrap_err();
            assert_error(
                &error,
                "intermediary",
                &format!("what answers at {mount} sends requests elsewhere"),
            );
            for says in ["a durablefetch recorder never does", "login", "https", "slash"] {
                assert!(string(&error, "message").contains(says), "{error:?}");
            }
            assert!(!string(&error, "message").contains(ELSEWHERE));
        }
    }
}

#[wasm_bindgen_test]
async fn in_the_middle_of_a_body_it_is_the_same() {
    let script = Script::new();
    let df = Df::known(&script, &[hasty(20)]).await;
    script.live(0, &["a"], "cut");
    for _ in 0..300 {
        redirects(&script, "307").await;
    }
    let response = df.get().await.unwrap();
    assert_error(&broken(&response).await, "intermediary", HOST);
}

#[wasm_bindgen_test]
async fn control_calls_follow_none_either() {
    for kind in KINDS {
        for call in ["isInProgress", "stop", "delete"] {
            let script = Script::new();
            let df = known_with_token(&script, &[]).await;
            redirects(&script, kind).await;
            let error = df.ask(call, &[URL.into()]).await.unwrap_err();
            assert_error(&error, "intermediary", HOST);
            assert_followed_nothing(&script, 1);
        }
    }
}

#[wasm_bindgen_test]
async fn what_cannot_be_sent_twice_fails_at_once() {
    let script = Script::new();
    let df = Df::known(&script, &[]).await;
    redirects(&script, "308").await;
    let init = json(r#"{"integrity":"sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}"#);
    assert_error(&response(df.fetch(URL, init)).await.unwrap_err(), "intermediary", HOST);
    assert_followed_nothing(&script, 1);
}

/// What the upstream answered, as the recorder tells it.
#[wasm_bindgen_test]
async fn a_recorded_answer_of_that_status_is_the_apps() {
    let script = Script::new();
    script.recorded(302, "complete", 0, Some(0), &[], &[], "end");
    assert_eq!(Df::new(&script).get().await.unwrap().status(), 302);
    let script = Script::new();
    script.answer(307, &[("durablefetch-state", "unrecorded")], None);
    assert_eq!(Df::new(&script).get().await.unwrap().status(), 307);
}

#[wasm_bindgen_test]
async fn past_the_recorder_the_app_decides() {
    let script = Script::new();
    let df = Df::new(&script);
    for redirect in ["follow", "error", "manual"] {
        script.answer(200, &[], Some("direct"));
        let init = json(&format!(r#"{{"redirect":"{redirect}"}}"#));
        response(df.fetch("http://localhost:3000/", init)).await.unwrap();
        assert_eq!(script.call(script.count() - 1).init("redirect"), redirect);
    }
    script.answer(200, &[], Some("direct"));
    response(df.fetch("http://localhost:3000/", JsValue::UNDEFINED)).await.unwrap();
    assert_eq!(script.call(script.count() - 1).init("redirect"), JsValue::UNDEFINED);
}

/// Browsers refuse to send a request whose answer nobody may read and whose redirects nobody follows.
#[wasm_bindgen_test]
async fn without_cors_it_is_the_platforms() {
    let script = Script::new();
    script.by(&function("return Response.error()").await);
    response(Df::new(&script).fetch(URL, json(r#"{"mode":"no-cors"}"#))).await.unwrap();
    assert_eq!(script.call(0).init("redirect"), JsValue::UNDEFINED);
}

/// The status has told that it is one of 0.1.0; then something comes in front of it.
#[wasm_bindgen_test]
async fn in_front_of_a_recorder_of_0_1_0_it_is_an_error_too() {
    for kind in KINDS {
        let script = Script::new();
        let status = r#"{"inProgress":true,"activeConnections":0,"chunksStored":1,"completed":false}"#;
        script.answer(200, &[], Some(status));
        script.answer(200, &[], Some(status));
        redirects(&script, kind).await;
        let init = json(r#"{"headers":{"durablefetch-mode":"resume"}}"#);
        let error = response(Df::new(&script).fetch(URL, init)).await.unwrap_err();
        assert_error(&error, "intermediary", HOST);
        assert_eq!(script.call(2).init("redirect"), "manual");
    }
}
