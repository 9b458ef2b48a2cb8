//! Abort lets go; the recording goes on. Rejections are those of native fetch: the signal's reason.

use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::*;

/// Runs a script of JavaScript that ends by returning what was caught.
async fn caught(script: &Script, df: &Df, source: &str) -> JsValue {
    js(source, &[("script", script), ("df", &df.0)]).await.unwrap()
}

#[wasm_bindgen_test]
async fn a_signal_that_is_aborted_already_sends_nothing() {
    let script = Script::new();
    let df = Df::new(&script);
    let reason = caught(
        &script,
        &df,
        "return df.fetch('https://a.example/', { signal: AbortSignal.abort('my reason') }).catch((reason) => reason)",
    )
    .await;
    assert_eq!((reason, script.count()), ("my reason".into(), 0));
}

#[wasm_bindgen_test]
async fn without_a_reason_it_is_an_abort_error() {
    let script = Script::new();
    let df = Df::new(&script);
    let error = caught(
        &script,
        &df,
        "return df.fetch('https://a.example/', { signal: AbortSignal.abort() }).catch((reason) => reason)",
    )
    .await;
    assert_eq!(string(&error, "name"), "AbortError");
}

#[wasm_bindgen_test]
async fn before_the_head_it_rejects_and_ends_the_request() {
    let script = Script::new();
    script.silence();
    let df = Df::new(&script);
    let reason = caught(
        &script,
        &df,
        "const controller = new AbortController()
         const fetched = df.fetch('https://a.example/', { signal: controller.signal }).catch((reason) => reason)
         await script.called(1)
         controller.abort('my reason')
         return fetched",
    )
    .await;
    assert_eq!((reason, script.count()), ("my reason".into(), 1));
    assert!(script.call(0).aborted());
}

#[wasm_bindgen_test]
async fn in_the_body_it_breaks_the_body_with_the_reason() {
    let script = Script::new();
    script.live(0, &["abc"], "hang");
    let df = Df::new(&script);
    let reason = caught(
        &script,
        &df,
        "const controller = new AbortController()
         const response = await df.fetch('https://a.example/', { signal: controller.signal })
         const reader = response.body.getReader()
         await reader.read()
         const pending = reader.read().catch((reason) => reason)
         controller.abort('my reason')
         return pending",
    )
    .await;
    assert_eq!((reason, script.count(), script.open()), ("my reason".into(), 1, 0));
}

#[wasm_bindgen_test]
async fn while_nobody_reads_it_ends_the_request_at_once() {
    let script = Script::new();
    script.live(0, &["abc"], "hang");
    let df = Df::new(&script);
    let reason = caught(
        &script,
        &df,
        "const controller = new AbortController()
         const response = await df.fetch('https://a.example/', { signal: controller.signal })
         controller.abort('my reason')
         if (script.open !== 0) return 'the request is still open'
         return response.text().catch((reason) => reason)",
    )
    .await;
    assert_eq!(reason, "my reason");
}

#[wasm_bindgen_test]
async fn while_waiting_to_reconnect_it_ends_the_wait() {
    let script = Script::new();
    script.live(0, &["abc"], "cut");
    script.fail();
    let retry = json(r#"{"initialDelayMs":3600000,"maxDelayMs":3600000,"giveUpAfterMs":36000000}"#);
    let df = Df::with(&script, &[("retry", retry)]);
    let reason = caught(
        &script,
        &df,
        "const controller = new AbortController()
         const response = await df.fetch('https://a.example/', { signal: controller.signal })
         const read = response.text().catch((reason) => reason)
         await script.called(2)
         controller.abort('my reason')
         return read",
    )
    .await;
    assert_eq!((reason, script.count()), ("my reason".into(), 2));
}

#[wasm_bindgen_test]
async fn a_timeout_signal_is_a_timeout_error() {
    let script = Script::new();
    script.silence();
    let df = Df::new(&script);
    let error = caught(
        &script,
        &df,
        "return df.fetch('https://a.example/', { signal: AbortSignal.timeout(5) }).catch((reason) => reason)",
    )
    .await;
    assert_eq!(string(&error, "name"), "TimeoutError");
}

#[wasm_bindgen_test]
async fn the_signal_of_a_request_counts_too() {
    let script = Script::new();
    script.silence();
    let df = Df::new(&script);
    let reason = caught(
        &script,
        &df,
        "const controller = new AbortController()
         const request = new Request('https://a.example/', { signal: controller.signal })
         const fetched = df.fetch(request).catch((reason) => reason)
         await script.called(1)
         controller.abort('my reason')
         return fetched",
    )
    .await;
    assert_eq!(reason, "my reason");
}

#[wasm_bindgen_test]
async fn after_the_end_it_changes_nothing() {
    let script = Script::new();
    script.ended("complete", 0, 3, &["abc"], "end");
    let df = Df::new(&script);
    let told = caught(
        &script,
        &df,
        "const controller = new AbortController()
         const response = await df.fetch('https://a.example/', { signal: controller.signal })
         const text = await response.text()
         controller.abort()
         return text",
    )
    .await;
    assert_eq!(told, "abc");
}

#[wasm_bindgen_test]
async fn what_was_handed_on_still_follows_the_signal() {
    let script = Script::new();
    let df = Df::new(&script);
    let reason = caught(
        &script,
        &df,
        "script.body(404, { 'durablefetch-state': 'unrecorded' }, ['no'], 'hang')
         const controller = new AbortController()
         const response = await df.fetch('https://a.example/', { signal: controller.signal })
         const read = response.body.getReader()
         await read.read()
         controller.abort('my reason')
         return read.read().catch((reason) => reason)",
    )
    .await;
    assert_eq!(reason, "my reason");
}

#[wasm_bindgen_test]
async fn no_rejection_escapes() {
    let script = Script::new();
    script.live(0, &["abc"], "cut");
    script.live(3, &["d"], "hang");
    script.silence();
    let df = Df::with(&script, &[("stallAfterMs", 5.into())]);
    caught(
        &script,
        &df,
        "const controller = new AbortController()
         const response = await df.fetch('https://a.example/', { signal: controller.signal })
         const read = response.text().catch(() => {})
         await script.called(3)
         controller.abort()
         await read",
    )
    .await;
    quiet().await;
    quiet().await;
    assert_eq!(unhandled_rejections(), 0);
}
