//! Recorders of durablefetch 0.1.0, which know no headers of the protocol.

use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::*;

fn status(script: &Script, in_progress: bool, completed: bool) {
    let json = format!(
        r#"{{"inProgress":{in_progress},"activeConnections":0,"chunksStored":1,"completed":{completed}}}"#
    );
    script.answer(200, &[], Some(&json));
}

fn mode(mode: &str) -> JsValue {
    json(&format!(r#"{{"method":"POST","body":"b","headers":{{"durablefetch-mode":"{mode}"}}}}"#))
}

fn assert_plain(call: &Call) {
    assert_eq!(call.address(), FIRST);
    for header in ["durablefetch-mode", "durablefetch-request", "durablefetch-token", "durablefetch-url"] {
        assert_eq!(call.header(header), None, "{header}");
    }
}

#[wasm_bindgen_test]
async fn a_plain_fetch_is_passed_through() {
    let script = Script::new();
    script.answer(200, &[("x-own", "1")], Some("replayed"));
    status(&script, false, true);
    script.answer(200, &[], Some("once more"));
    let df = Df::new(&script);
    let response = df.get().await.unwrap();
    assert_eq!((response.url(), text(&response).await.unwrap()), (URL.into(), "replayed".into()));
    assert_eq!(script.call(0).address(), FIRST);
    // It is asked once what it is: what says no state may also be no recorder at all.
    assert_eq!(script.call(1).address(), format!("{HOST}/in-progress"));
    assert_eq!(text(&df.get().await.unwrap()).await.unwrap(), "once more");
    assert_eq!(script.count(), 3);
}

/// What has cut a head before its state may cut the question, too.
#[wasm_bindgen_test]
async fn what_it_is_is_asked_again_where_the_question_is_lost() {
    let script = Script::new();
    script.answer(200, &[], Some("replayed"));
    script.fail();
    status(&script, false, true);
    let df = Df::new(&script);
    assert_eq!(text(&df.get().await.unwrap()).await.unwrap(), "replayed");
    assert_eq!(script.count(), 3);

    let script = Script::new();
    script.answer(200, &[], Some("a head that was cut"));
    script.fail();
    script.speaks(3);
    script.control(NOTHING);
    script.ended("complete", 0, 5, &["whole"], "end");
    let df = Df::new(&script);
    assert_eq!(text(&df.get().await.unwrap()).await.unwrap(), "whole");
    assert_eq!(script.count(), 4);
    let id = |index| script.call(index).header("durablefetch-request");
    assert_eq!(id(0), id(3));
}

#[wasm_bindgen_test]
async fn resume_asks_the_status_first() {
    let script = Script::new();
    status(&script, false, true);
    status(&script, false, true);
    let df = Df::new(&script);
    assert_eq!(response(df.fetch(URL, mode("resume"))).await.unwrap().status(), 204);
    status(&script, true, false);
    script.answer(200, &[], Some("live"));
    let response = response(df.fetch(URL, mode("resume"))).await.unwrap();
    assert_eq!(text(&response).await.unwrap(), "live");
    assert_plain(&script.call(3));
}

#[wasm_bindgen_test]
async fn replay_takes_what_is_completed_and_404_otherwise() {
    let script = Script::new();
    status(&script, false, false);
    status(&script, false, false);
    let df = Df::new(&script);
    assert_eq!(response(df.fetch(URL, mode("replay"))).await.unwrap().status(), 404);
    status(&script, false, true);
    script.answer(200, &[], Some("all"));
    assert_eq!(response(df.fetch(URL, mode("replay"))).await.unwrap().status(), 200);
}

#[wasm_bindgen_test]
async fn restart_deletes_and_sends() {
    let script = Script::new();
    status(&script, false, true);
    script.answer(200, &[], Some(r#"{"success":true,"message":"Response deleted successfully"}"#));
    script.answer(200, &[], Some("new"));
    let df = Df::new(&script);
    let response = response(df.fetch(URL, mode("restart"))).await.unwrap();
    assert_eq!((text(&response).await.unwrap(), script.count()), ("new".into(), 3));
    assert_eq!(script.call(1).address(), format!("{HOST}/delete"));
    assert_eq!(script.call(2).method(), "POST");
    assert_plain(&script.call(2));
}

#[wasm_bindgen_test]
async fn no_token_is_handed_to_it() {
    let script = Script::new();
    status(&script, false, false);
    script.answer(200, &[], Some("ok"));
    let df = Df::with(&script, &[("token", "secret".into())]);
    df.get().await.unwrap();
    for index in 0..2 {
        assert_eq!(script.call(index).header("durablefetch-token"), None);
    }
    assert_plain(&script.call(1));
}

#[wasm_bindgen_test]
async fn stop_is_more_than_it_can_do() {
    let script = Script::new();
    status(&script, true, false);
    let error = Df::new(&script).ask("stop", &[URL.into()]).await.unwrap_err();
    assert_error(&error, "unsupported", "0.1.0");
}

#[wasm_bindgen_test]
async fn what_it_may_have_run_is_not_sent_again() {
    let script = Script::new();
    script.answer(500, &[], Some("the upstream's own"));
    status(&script, false, false);
    let init = json(r#"{"method":"POST","body":"paid for"}"#);
    let response = response(Df::new(&script).fetch(URL, init.clone())).await.unwrap();
    assert_eq!(
        (response.status(), response.url(), text(&response).await.unwrap()),
        (500, URL.into(), "the upstream's own".into())
    );
    assert_eq!(script.count(), 2);

    let script = Script::new();
    script.fail();
    status(&script, false, false);
    let error = awaited(Df::new(&script).fetch(URL, init)).await.unwrap_err();
    assert_error(&error, "network", "is lost");
    assert_eq!(script.count(), 2);
}

#[wasm_bindgen_test]
async fn once_it_is_known_nothing_of_the_protocol_is_sent() {
    let script = Script::new();
    status(&script, false, false);
    status(&script, false, false);
    script.answer(200, &[], Some("ok"));
    let df = Df::new(&script);
    response(df.fetch(URL, mode("resume"))).await.unwrap();
    df.get().await.unwrap();
    assert_plain(&script.call(2));
}
