//! The class as JavaScript sees it.

use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::*;

#[wasm_bindgen_test]
async fn methods_are_own_and_bound() {
    let script = Script::new();
    script.ended("complete", 0, 2, &["ok"], "end");
    let df = Df::new(&script);
    let source = "
        const names = ['fetch', 'isInProgress', 'delete', 'stop', 'chatTransport', 'stopChat', 'saveLastMessage',
          'lastMessage', 'clearLastMessage', 'resumeLastMessage']
        const missing = names.filter((name) => !Object.hasOwn(df, name) || typeof df[name] !== 'function')
        const { fetch } = df
        const spread = { ...df }
        return missing.join() + (await (await fetch('https://m.example/')).text()) + (spread.fetch === fetch)";
    assert_eq!(js(source, &[("df", &df.0)]).await.unwrap(), "oktrue");
    assert_eq!(get(&get(&df.0, "constructor"), "name"), "DurableFetchClient");
}

#[wasm_bindgen_test]
async fn an_error_is_told_apart_from_others() {
    let error = construct(&json("7")).unwrap_err();
    assert_error(&error, "invalid-option", "options");
    for other in ["new TypeError('x')", "null", "'text'", "{ code: 'network' }"] {
        let other = js(&format!("return {other}"), &[]).await.unwrap();
        assert!(!is_durable_fetch_error(&other), "{other:?}");
    }
}
