//! How bodies end.

use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::*;

#[wasm_bindgen_test]
async fn a_recording_that_failed_delivers_its_bytes_then_an_error() {
    for (state, says) in [("failed", "the upstream broke off"), ("interrupted", "the recorder was restarted")]
    {
        let script = Script::new();
        script.live(0, &["abc"], "cut");
        script.ended(state, 3, 5, &["de"], "end");
        let response = Df::new(&script).get().await.unwrap();
        let source = "
            let text = ''
            const reader = response.body.getReader()
            try {
                for (let read; !(read = await reader.read()).done;) text += new TextDecoder().decode(read.value)
            } catch (error) { return [text, error] }";
        let told = js_sys::Array::from(&js(source, &[("response", &response)]).await.unwrap());
        assert_eq!(told.get(0), "abcde");
        assert_error(&told.get(1), state, says);
    }
}

#[wasm_bindgen_test]
async fn a_replay_of_a_failed_recording_ends_broken_with_its_error() {
    let script = Script::new();
    script.ended("failed", 0, 3, &["abc"], "cut");
    assert_error(&broken(&Df::new(&script).get().await.unwrap()).await, "failed", "broke off");
    assert_eq!(script.count(), 1, "the length said that this was all");
}

#[wasm_bindgen_test]
async fn the_reset_of_a_failed_recording_may_be_swallowed_on_its_way() {
    let script = Script::new();
    script.ended("interrupted", 0, 3, &["abc"], "hang");
    assert_error(&broken(&Df::new(&script).get().await.unwrap()).await, "interrupted", "restarted");
    assert_eq!(script.call(0).ended(), "aborted");
}

#[wasm_bindgen_test]
async fn whoever_pipes_has_time_for_what_came_before_the_break() {
    let script = Script::new();
    script.ended("interrupted", 0, 6, &["a\nb\nc\n"], "cut");
    let response = Df::new(&script).get().await.unwrap();
    let source = "
        const lines = new TransformStream({
          transform(text, controller) { for (const line of text.split('\\n')) if (line) controller.enqueue(line) },
        })
        const reader = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(lines).getReader()
        let seen = ''
        try {
          for (;;) {
            seen += (await reader.read()).value
            for (let turn = 0; turn < 50; turn++) await null
          }
        } catch (error) { return seen + error.code }";
    assert_eq!(js(source, &[("response", &response)]).await.unwrap(), "abcinterrupted");
}

#[wasm_bindgen_test]
async fn a_stopped_recording_ends_clean() {
    let script = Script::new();
    script.live(0, &["abc"], "end");
    script.ended("stopped", 3, 3, &[], "end");
    assert_eq!(text(&Df::new(&script).get().await.unwrap()).await.unwrap(), "abc");
}

#[wasm_bindgen_test]
async fn a_superseded_or_deleted_recording_is_an_error_that_is_no_lost_connection() {
    for code in ["superseded", "deleted", "gone"] {
        let script = Script::new();
        script.live(0, &["abc"], "cut");
        script.own(410, Some(code));
        let error = broken(&Df::new(&script).get().await.unwrap()).await;
        assert_error(&error, code, &format!("told: {code}"));
        assert_eq!(get(&error, "status"), 410);
    }
}

#[wasm_bindgen_test]
async fn a_recorder_that_has_lost_the_last_bytes_was_interrupted() {
    let script = Script::new();
    script.live(0, &["abc"], "cut");
    script.own(416, Some("offset-out-of-range"));
    assert_error(&broken(&Df::new(&script).get().await.unwrap()).await, "interrupted", "was restarted");
}

#[wasm_bindgen_test]
async fn cancelling_lets_go_of_the_connection_and_starts_nothing() {
    let script = Script::new();
    script.live(0, &["abc"], "hang");
    let response = Df::new(&script).get().await.unwrap();
    let source = "
        const reader = response.body.getReader()
        await reader.read()
        const pending = reader.read()
        await reader.cancel('enough')
        return (await pending).done";
    assert_eq!(js(source, &[("response", &response)]).await.unwrap(), true);
    quiet().await;
    assert_eq!((script.call(0).ended(), script.open(), script.count()), ("aborted".into(), 0, 1));
}

#[wasm_bindgen_test]
async fn cancelling_an_unread_body_lets_go_too() {
    let script = Script::new();
    script.live(0, &["abc"], "hang");
    let response = Df::new(&script).get().await.unwrap();
    js("await response.body.cancel()", &[("response", &response)]).await.unwrap();
    quiet().await;
    assert_eq!(script.open(), 0);
}

#[wasm_bindgen_test]
async fn tee_reads_once_and_gives_both() {
    let script = Script::new();
    script.live(0, &["ab"], "cut");
    script.ended("complete", 2, 4, &["cd"], "end");
    let response = Df::new(&script).get().await.unwrap();
    let source = "
        const [a, b] = response.body.tee()
        return (await Promise.all([new Response(a).text(), new Response(b).text()])).join()";
    assert_eq!(js(source, &[("response", &response)]).await.unwrap(), "abcd,abcd");
    assert_eq!(script.count(), 2);
}
