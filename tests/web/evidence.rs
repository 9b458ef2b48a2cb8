//! Silence, and what the status says to it.

use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::*;

/// Patience in milliseconds, and no limit of the app's own.
fn impatient() -> Vec<(&'static str, JsValue)> {
    vec![("stallAfterMs", 100.into()), ("retry", json(r#"{"initialDelayMs":1,"maxDelayMs":2}"#))]
}

fn says(script: &Script, state: &str, stored: u32) {
    let live = matches!(state, "connecting" | "streaming");
    script.control(&format!(
        r#"{{"inProgress":{live},"activeConnections":0,"chunksStored":0,"completed":{},"state":"{state}","bytesStored":{stored}}}"#,
        state == "complete"
    ));
}

/// The request or recording that a status call was about.
fn asked(call: &Call, what: &str) -> Option<String> {
    assert_eq!(call.address(), format!("{HOST}/in-progress"));
    get(&json(&call.init("body").as_string().unwrap()), what).as_string()
}

#[wasm_bindgen_test]
async fn a_start_that_never_arrived_is_sent_again_with_its_id() {
    let script = Script::new();
    let df = Df::third(&script, &impatient()).await;
    script.silence();
    says(&script, "none", 0);
    script.ended("complete", 0, 3, &["abc"], "end");
    assert_eq!(text(&df.get().await.unwrap()).await.unwrap(), "abc");
    let id = script.call(0).header("durablefetch-request");
    assert!(id.is_some() && asked(&script.call(1), "request") == id);
    assert_eq!(script.call(2).header("durablefetch-request"), id);
    assert_eq!((script.count(), script.call(0).ended()), (3, "aborted".into()));
}

#[wasm_bindgen_test]
async fn a_head_is_waited_for_while_the_recorder_has_none() {
    let script = Script::new();
    let df = Df::third(&script, &impatient()).await;
    let release = js(
        "let release
         const head = new Promise((resolve) => (release = resolve))
         script.by(() => head)
         return () => release(new Response('abc', { headers }))",
        &[
            ("script", &script),
            (
                "headers",
                &json(&format!(
                    r#"{{"durablefetch-state":"complete","durablefetch-recording":"{ID}","durablefetch-offset":"0","durablefetch-length":"3","durablefetch-protocol":"3"}}"#
                )),
            ),
        ],
    )
    .await
    .unwrap();
    for _ in 0..3 {
        says(&script, "connecting", 0);
    }
    let fetching = df.fetch(URL, JsValue::UNDEFINED);
    script.reaches(4).await;
    js_sys::Function::from(release).call0(&JsValue::UNDEFINED).unwrap();
    assert_eq!(text(&response(fetching).await.unwrap()).await.unwrap(), "abc");
    for status in 1..4 {
        assert!(asked(&script.call(status), "request").is_some());
    }
    assert_eq!(script.count(), 4, "it was the same request all the time");
}

#[wasm_bindgen_test]
async fn a_continuation_is_waited_for_while_there_is_nothing_more_and_sent_again_when_there_is() {
    let script = Script::new();
    let df = Df::third(&script, &impatient()).await;
    script.live(0, &["abc"], "cut");
    script.silence();
    says(&script, "streaming", 3);
    says(&script, "streaming", 3);
    says(&script, "complete", 4);
    script.ended("complete", 3, 4, &["d"], "end");
    assert_eq!(text(&df.get().await.unwrap()).await.unwrap(), "abcd");
    assert_eq!(asked(&script.call(2), "recording").as_deref(), Some(ID));
    assert_eq!(script.count(), 6);
    assert_eq!(script.call(1).ended(), "aborted");
}

#[wasm_bindgen_test]
async fn what_holds_bodies_is_named() {
    for heads in [false, true] {
        let script = Script::new();
        let df = Df::third(&script, &impatient()).await;
        script.live(0, &["abc"], "cut");
        for _ in 0..4 {
            if heads {
                script.live(3, &[], "hang");
            } else {
                script.silence();
            }
            says(&script, "streaming", 9);
        }
        let error = broken(&df.get().await.unwrap()).await;
        assert_error(&error, "intermediary", "network error: a proxy in front of https://recorder.example");
        assert!(string(&error, "message").ends_with("passes status calls and holds bodies"));
    }
}

/// The status is another's, out of a cache; or it lacks the token; or it is lost.
#[wasm_bindgen_test]
async fn what_no_status_tells_of_is_as_patient_as_before() {
    for what in ["another", "unauthorized", "lost"] {
        let script = Script::new();
        // The last answer is another request that must not seem silent.
        let patient = [("stallAfterMs", SILENT_MS.into()), impatient().pop().unwrap()];
        let df = Df::third(&script, &patient).await;
        script.live(0, &["abc"], "cut");
        script.silence();
        match what {
            "another" => {
                let headers = [("durablefetch-state", "none"), ("durablefetch-protocol", "3")];
                let other = r#"{"inProgress":true,"completed":false,"state":"streaming","bytesStored":3,"protocol":3,"url":"https://api.example/other"}"#;
                script.answer(200, &headers, Some(other));
            }
            "unauthorized" => script.own(401, Some("unauthorized")),
            _ => script.fail(),
        }
        script.ended("complete", 3, 4, &["d"], "end");
        assert_eq!(text(&df.get().await.unwrap()).await.unwrap(), "abcd", "{what}");
        assert_eq!((script.count(), script.call(1).ended()), (4, "aborted".into()));
    }
}

/// Whatever a cache knows of the URL, it knows nothing of where it is asked next.
#[wasm_bindgen_test]
async fn an_earlier_answer_out_of_a_cache_is_not_the_apps_and_the_cache_is_evaded() {
    let script = Script::new();
    let df = Df::third(&script, &impatient()).await;
    script.recorded(200, "complete", 0, Some(3), &[("durablefetch-request", "of-before")], &["old"], "end");
    script.live(0, &["ab"], "cut");
    script.ended("complete", 2, 3, &["c"], "end");
    assert_eq!(text(&df.get().await.unwrap()).await.unwrap(), "abc");
    assert_eq!(script.call(0).address(), LATER);
    let decoration = |call: Call, before: &str| {
        assert_eq!(call.header("durablefetch-url").as_deref(), Some(URL));
        let address = call.address();
        address.strip_prefix(before).unwrap_or_else(|| panic!("{address}")).to_owned()
    };
    let start = decoration(script.call(1), &format!("{LATER}&durablefetch="));
    let rest = decoration(script.call(2), "https://recorder.example/continue?durablefetch=");
    assert_ne!(start, rest);
}

/// After a refusal there is nothing to ask about.
#[wasm_bindgen_test]
async fn no_status_is_asked_after_a_no() {
    for (status, code) in [(401, "unauthorized"), (404, "not-found"), (410, "gone")] {
        let script = Script::new();
        let df = Df::third(&script, &impatient()).await;
        script.live(0, &["abc"], "cut");
        script.own(status, Some(code));
        assert_eq!(string(&broken(&df.get().await.unwrap()).await, "code"), code);
        assert_eq!(script.count(), 2);
    }
}

#[wasm_bindgen_test]
async fn what_is_no_recorder_is_told_at_once_where_it_is_mounted() {
    for (status, kind) in [(200, "text/html"), (404, "text/plain"), (405, "application/json")] {
        let script = Script::new();
        script.answer(status, &[("content-type", kind)], Some("<html>"));
        let df = Df::with(&script, &[("durablefetchHost", "/df".into())]);
        let error = df.get().await.unwrap_err();
        let says = format!(
            "what answers at /df is not a durablefetch recorder ({status}, {kind}): is the rewrite there?"
        );
        assert_error(&error, "unreachable", &says);
        assert_eq!(get(&error, "status").as_f64(), Some(f64::from(status)));
        assert_eq!(script.count(), 1);
    }
}

#[wasm_bindgen_test]
async fn another_program_at_the_address_is_told_after_it_was_asked() {
    for control in [true, false] {
        let script = Script::new();
        for _ in 0..2 {
            script.answer(200, &[("content-type", "text/html")], Some("<html>"));
        }
        let df = Df::new(&script);
        let error = if control {
            df.ask("isInProgress", &[URL.into()]).await.unwrap_err()
        } else {
            df.get().await.unwrap_err()
        };
        assert_error(
            &error,
            "unreachable",
            "is not a durablefetch recorder (200, text/html): is it another program",
        );
        assert_eq!(script.count(), if control { 1 } else { 2 });
    }
}

/// Browsers take a head that was cut for a whole one.
#[wasm_bindgen_test]
async fn a_head_that_was_cut_before_its_state_is_asked_for_again() {
    let script = Script::new();
    script.answer(200, &[("content-type", "text/plain")], Some(""));
    script.control(
        r#"{"inProgress":true,"activeConnections":1,"chunksStored":0,"completed":false,"state":"streaming"}"#,
    );
    script.ended("complete", 0, 3, &["abc"], "end");
    assert_eq!(text(&Df::new(&script).get().await.unwrap()).await.unwrap(), "abc");
}

#[wasm_bindgen_test]
async fn a_login_page_in_the_place_of_a_known_recorder_is_tried_again() {
    let script = Script::new();
    let df = Df::third(&script, &impatient()).await;
    script.answer(200, &[("content-type", "text/html")], Some("<html>"));
    script.answer(404, &[("content-type", "text/html")], Some("<html>"));
    script.ended("complete", 0, 3, &["abc"], "end");
    assert_eq!(text(&df.get().await.unwrap()).await.unwrap(), "abc");
}

/// What a gateway says of the app's own request is the app's.
#[wasm_bindgen_test]
async fn a_no_without_a_state_is_passed_on() {
    for status in [401, 403, 429] {
        let script = Script::new();
        let df = Df::third(&script, &impatient()).await;
        script.answer(status, &[], Some("no"));
        assert_eq!(df.get().await.unwrap().status(), status);
    }
}
