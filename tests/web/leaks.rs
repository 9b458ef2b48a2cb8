//! What is over leaves nothing behind: no listener, no timer, no memory.

use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::*;

/// Counts listeners and timers while it runs, and answers what is left of them.
const COUNTED: &str = "
    let listeners = 0, timers = new Set()
    const { addEventListener, removeEventListener } = EventTarget.prototype
    const { setTimeout: set, clearTimeout: clear } = globalThis
    EventTarget.prototype.addEventListener = function (...args) { listeners++; return addEventListener.apply(this ?? globalThis, args) }
    EventTarget.prototype.removeEventListener = function (...args) { listeners--; return removeEventListener.apply(this ?? globalThis, args) }
    globalThis.setTimeout = (callback, ms) => { const id = set(() => { timers.delete(id); callback() }, ms); timers.add(id); return id }
    globalThis.clearTimeout = (id) => { timers.delete(id); clear(id) }
    try { await work() } finally {
      Object.assign(EventTarget.prototype, { addEventListener, removeEventListener })
      Object.assign(globalThis, { setTimeout: set, clearTimeout: clear })
    }
    return `${listeners} listeners, ${timers.size} timers`";

async fn left_behind(script: &Script, source: &str) -> JsValue {
    let df = Df::with(script, &[hasty(60_000)]);
    let source = format!("const work = async () => {{ {source} }}\n{COUNTED}");
    js(&source, &[("df", &df.0), ("script", script)]).await.unwrap()
}

#[wasm_bindgen_test]
async fn a_body_read_to_its_end() {
    let script = Script::new();
    script.live(0, &["a"], "end");
    script.ended("complete", 1, 2, &["b"], "end");
    let source = "
        const { signal } = new AbortController()
        await (await df.fetch('https://l.example/', { signal })).text()";
    // The transport of these tests listens on each signal that it is given, twice.
    assert_eq!(left_behind(&script, source).await, "2 listeners, 0 timers");
}

#[wasm_bindgen_test]
async fn a_body_cancelled() {
    let script = Script::new();
    script.live(0, &["a"], "hang");
    let source = "
        const response = await df.fetch('https://l.example/')
        const reader = response.body.getReader()
        await reader.read()
        reader.read()
        await reader.cancel()
        // The reader is dropped by the task that read, which runs once more.
        for (let turn = 0; turn < 10; turn++) await null";
    assert_eq!(left_behind(&script, source).await, "1 listeners, 0 timers");
}

#[wasm_bindgen_test]
async fn a_start_that_failed() {
    let script = Script::new();
    script.own(403, Some("upstream-not-allowed"));
    assert_eq!(
        left_behind(&script, "await df.fetch('https://l.example/').catch(() => {})").await,
        "0 listeners, 0 timers"
    );
}

#[wasm_bindgen_test]
async fn a_control_call() {
    let script = Script::new();
    script.control(
        r#"{"inProgress":false,"activeConnections":0,"chunksStored":0,"completed":false,"state":"none"}"#,
    );
    assert_eq!(
        left_behind(&script, "await df.isInProgress('https://l.example/')").await,
        "0 listeners, 0 timers"
    );
}

#[wasm_bindgen_test]
async fn memory_stays_flat_over_thousands_of_fetches() {
    let script = Script::new();
    let df = Df::with(&script, &[hasty(60_000)]);
    let source = "
        for (let round = 0; round < 150; round++) {
          script.body(200, live, ['abc'], 'cut')
          script.body(200, ended, ['def'], 'end')
          script.body(200, live, ['abc'], 'hang')
          script.text(403, refused, '{}')
          const controller = new AbortController()
          await (await df.fetch('https://l.example/', { signal: controller.signal })).text()
          await (await df.fetch('https://l.example/', { signal: controller.signal })).body.cancel()
          await df.fetch('https://l.example/').catch(() => {})
          script.calls.length = 0
        }
        // The source of a body that has ended is freed when the collector finds its stream: give it a reason to look.
        for (let turn = 0; turn < 8; turn++) {
          new ArrayBuffer(64 << 20)
          await new Promise((resolve) => setTimeout(resolve))
        }";
    let recording = |state: &str, offset: &str| {
        object(&[
            ("durablefetch-state", state.into()),
            ("durablefetch-recording", ID.into()),
            ("durablefetch-offset", offset.into()),
            (if state == "complete" { "durablefetch-length" } else { "x-length" }, "6".into()),
        ])
    };
    let live = recording("streaming", "0");
    let ended = recording("complete", "3");
    let refused = object(&[("durablefetch-state", "none".into()), ("durablefetch-error", "gone".into())]);
    let values =
        [("df", &df.0), ("script", &*script), ("live", &live), ("ended", &ended), ("refused", &refused)];
    let mut sizes = Vec::new();
    for _ in 0..6 {
        js(source, &values).await.unwrap();
        sizes.push(core::arch::wasm32::memory_size(0));
    }
    assert_eq!(sizes[5] - sizes[2], 0, "pages of 64 KiB after each 450 fetches: {sizes:?}");
}
