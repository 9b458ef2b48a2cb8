//! Last messages.

use js_sys::{Function, JSON};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::*;

const LIVE: &str = r#"{"inProgress":true,"activeConnections":1,"chunksStored":2,"completed":false,
    "state":"streaming","recording":"01ARZ3NDEKTSV4RRFFQ69G5FAV"}"#;
const OVER: &str =
    r#"{"inProgress":false,"activeConnections":0,"chunksStored":2,"completed":true,"state":"complete"}"#;

fn client() -> (Script, Df) {
    let script = Script::new();
    let df = Df::new(&script);
    (script, df)
}

async fn counter(name: &str) -> Function {
    function(&format!("return (globalThis.{name} ??= []).push(message)")).await
}

async fn counted(name: &str) -> String {
    let source = format!("return JSON.stringify(globalThis.{name} ?? [])");
    js(&source, &[]).await.unwrap().as_string().unwrap()
}

#[wasm_bindgen_test]
async fn a_message_is_kept_in_local_storage_until_it_is_cleared() {
    let (_, df) = client();
    let message = json(r#"{"text":"hello","files":[1,null]}"#);
    df.call("saveLastMessage", &["kept".into(), message.clone()]);
    let stored = js("return localStorage.getItem('durablefetch:last:kept')", &[]).await.unwrap();
    assert_eq!(stored, r#"{"text":"hello","files":[1,null]}"#);
    let (_, another) = client();
    let loaded = another.call("lastMessage", &["kept".into()]);
    assert_eq!(JSON::stringify(&loaded).unwrap(), JSON::stringify(&message).unwrap());
    another.call("clearLastMessage", &["kept".into()]);
    assert_eq!(df.call("lastMessage", &["kept".into()]), JsValue::UNDEFINED);
}

#[wasm_bindgen_test]
async fn a_corrupt_entry_is_dropped() {
    let (_, df) = client();
    js("localStorage.setItem('durablefetch:last:bad', '{\"text')", &[]).await.unwrap();
    assert_eq!(df.call("lastMessage", &["bad".into()]), JsValue::UNDEFINED);
    assert_eq!(js("return localStorage.getItem('durablefetch:last:bad')", &[]).await.unwrap(), JsValue::NULL);
}

#[wasm_bindgen_test]
async fn a_full_storage_is_replaced_by_memory() {
    let (_, df) = client();
    df.call("saveLastMessage", &["full".into(), "before".into()]);
    let source = "
        const native = Storage.prototype.setItem
        Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError') }
        try { df.saveLastMessage('full', 'after') } finally { Storage.prototype.setItem = native }
        return df.lastMessage('full')";
    assert_eq!(js(source, &[("df", &df.0)]).await.unwrap(), "after");
    df.call("clearLastMessage", &["full".into()]);
    assert_eq!(df.call("lastMessage", &["full".into()]), JsValue::UNDEFINED);
}

#[wasm_bindgen_test]
async fn what_has_no_json_clears_or_throws() {
    let (_, df) = client();
    df.call("saveLastMessage", &["none".into(), "x".into()]);
    df.call("saveLastMessage", &["none".into(), JsValue::UNDEFINED]);
    assert_eq!(df.call("lastMessage", &["none".into()]), JsValue::UNDEFINED);
    let circular = js("const a = {}; a.a = a; return a", &[]).await.unwrap();
    assert!(is_type_error(&df.try_call("saveLastMessage", &["none".into(), circular]).unwrap_err()));
}

#[wasm_bindgen_test]
async fn resuming_sends_once_in_strict_mode_and_attaches() {
    let (script, df) = client();
    df.call("saveLastMessage", &["strict".into(), json(r#"{"text":"hi"}"#)]);
    script.control(LIVE);
    let args = [URL.into(), "strict".into(), counter("strict").await.into()];
    let (first, second) = (df.call("resumeLastMessage", &args), df.call("resumeLastMessage", &args));
    assert_eq!((awaited(first).await.unwrap(), awaited(second).await.unwrap()), (true.into(), true.into()));
    assert_eq!((counted("strict").await, script.count()), (r#"[{"text":"hi"}]"#.into(), 1));
    script.ended("complete", 0, 0, &[], "end");
    df.get().await.unwrap();
    assert_eq!(script.call(1).header("durablefetch-recording").as_deref(), Some(ID));
}

#[wasm_bindgen_test]
async fn nothing_is_sent_when_nothing_is_in_progress_or_saved() {
    let (script, df) = client();
    let args = [URL.into(), "over".into(), counter("over").await.into()];
    assert_eq!(df.ask("resumeLastMessage", &args).await.unwrap(), false);
    assert_eq!(script.count(), 0, "no message, no question");
    df.call("saveLastMessage", &["over".into(), "x".into()]);
    script.control(OVER);
    assert_eq!(df.ask("resumeLastMessage", &args).await.unwrap(), false);
    assert_eq!(counted("over").await, "[]");
    script.control(LIVE);
    assert_eq!(df.ask("resumeLastMessage", &args).await.unwrap(), true, "asked anew");
}

#[wasm_bindgen_test]
async fn what_send_rejects_with_is_what_it_rejects_with() {
    let (script, df) = client();
    df.call("saveLastMessage", &["rejects".into(), "x".into()]);
    for source in ["throw 'no'", "return Promise.reject('no')"] {
        script.control(LIVE);
        let args = [URL.into(), "rejects".into(), function(source).await.into()];
        assert_eq!(df.ask("resumeLastMessage", &args).await.unwrap_err(), "no");
    }
    let args = [URL.into(), "rejects".into(), 7.into()];
    assert_error(&df.ask("resumeLastMessage", &args).await.unwrap_err(), "invalid-option", "'send'");
}
