//! What is on every request of a response: the start's own headers, the option `headers`, what the platform knows of an init.

use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::*;

/// Of a start; the last one is repeated.
const ALL: &str = "{ 'X-Api-Key': 'k', accept: 'text/x', 'last-event-id': '7', 'content-type': 'text/mine', \
    'content-language': 'de', range: 'bytes=0-', 'if-match': 'a', 'IF-none-match': 'b', te: 'trailers', \
    'accept-encoding': 'br', upgrade: 'h', expect: '100-continue', authorization: 'Bearer x', 'x-own': '1' }";
const REPEATED: [&str; 5] = ["accept", "authorization", "last-event-id", "x-api-key", "x-own"];

#[wasm_bindgen(module = "/pkg-template/request.js")]
extern "C" {
    fn repeated(headers: &web_sys::Headers) -> web_sys::Headers;
}

#[wasm_bindgen_test]
async fn what_is_about_one_request_is_not_repeated_where_no_browser_takes_it_out_either() {
    let all = "{ Connection: 'x', TE: 'x', Upgrade: 'x', Expect: 'x', 'Accept-Encoding': 'x', 'Transfer-Encoding': 'x', \
        'Keep-Alive': 'x', Trailer: 'x', 'Content-Length': 'x', 'Durablefetch-Attach': 'x', 'If-Range': 'x', Range: 'x', \
        te2: 'x', contents: 'x', iffy: 'x', 'x-range': 'x', Cookie: 'x' }";
    let all = js(&format!("return new Headers({all})"), &[]).await.unwrap();
    let told = js("return [...headers.keys()].join()", &[("headers", &repeated(all.unchecked_ref()))])
        .await
        .unwrap();
    assert_eq!(told, "contents,cookie,iffy,te2,x-range");
}

/// The names of the app's own headers in a request.
fn own(call: &Call) -> Vec<String> {
    call.names().into_iter().filter(|name| !name.starts_with("durablefetch-")).collect()
}

#[wasm_bindgen_test]
async fn a_continuation_and_every_call_repeat_the_starts_own() {
    let script = Script::new();
    let df = Df::third(&script, &[]).await;
    script.live(0, &["a"], "cut");
    script.live(1, &["b"], "hang");
    for _ in 0..4 {
        script.control(r#"{"success":true,"message":"done","inProgress":true,"completed":false}"#);
    }
    let source = format!(
        "const response = await df.fetch('{URL}', {{ method: 'POST', body: '{{}}', headers: {ALL}, credentials: 'include' }})
        const reader = response.body.getReader()
        await reader.read()
        await reader.read()
        await df.isInProgress('{URL}')
        await df.stop(response)
        await df.delete('{URL}')
        await df.stop('{URL}', {{ headers: {{ 'x-mine': '1' }} }})
        await reader.cancel()"
    );
    js(&source, &[("df", &df.0)]).await.unwrap();
    assert_eq!(own(&script.call(1)), REPEATED);
    for index in 2..5 {
        let call = script.call(index);
        let mut names = REPEATED.map(String::from).to_vec();
        names.insert(2, "content-type".into());
        assert_eq!(own(&call), names, "{}", call.address());
        assert_eq!(call.header("content-type").as_deref(), Some("application/json"));
        assert_eq!(call.init("credentials"), "include");
    }
    assert_eq!(own(&script.call(5)), ["content-type", "x-mine"], "those of the call itself come first");
}

#[wasm_bindgen_test]
async fn what_only_a_platform_knows_of_an_init_is_on_all_of_them() {
    let script = Script::new();
    let df = Df::third(&script, &[]).await;
    script.live(0, &["a"], "cut");
    script.live(1, &["b"], "hang");
    script.control(r#"{"success":true,"message":"done"}"#);
    let source = format!(
        "const own = {{ dispatcher: {{}}, tls: {{}}, cf: {{}}, agent: {{}}, next: {{}}, unheardOf: {{}} }}
        const init = {{ ...own, method: 'POST', body: 'x', keepalive: true, priority: 'low', referrer: '' }}
        const response = await df.fetch('{URL}', init)
        const reader = response.body.getReader()
        await reader.read()
        await reader.read()
        await df.stop(response)
        await reader.cancel()
        return script.calls.map(({{ init }}) => Object.keys(own).every((name) => init[name] === own[name])).join()"
    );
    let told = js(&source, &[("df", &df.0), ("script", &script)]).await.unwrap();
    assert_eq!(told, "true,true,true");
    for index in 1..3 {
        let call = script.call(index);
        assert_eq!((call.init("keepalive"), call.init("priority")), (JsValue::UNDEFINED, "low".into()));
        assert_eq!(call.init("redirect"), "manual");
    }
}

/// Fetches once with this option `headers`, and these of the request's own.
async fn with_option(option: &str, own: &str) -> (Script, Result<JsValue, JsValue>) {
    let script = Script::new();
    script.ended("complete", 0, 0, &[], "end");
    let option = js(&format!("return {option}"), &[]).await.unwrap();
    let df = Df::with(&script, &[("headers", option)]);
    let fetched = awaited(df.fetch(URL, json(&format!(r#"{{"headers":{own}}}"#)))).await;
    (script, fetched)
}

#[wasm_bindgen_test]
async fn the_option_is_a_value_or_a_function_in_any_form() {
    for option in [
        "{ 'X-Api-Key': 'k', b: '2' }",
        "[['x-api-key', 'k'], ['B', '2']]",
        "new Headers({ 'x-api-key': 'k', b: '2' })",
        "new Map([['x-api-key', 'k'], ['b', '2']])",
        "() => ({ 'x-api-KEY': 'k', b: 2 })",
        "async () => new Headers([['x-api-key', 'k'], ['b', '2']])",
        "({ 'x-api-key': 'k', b: '2', 'Durablefetch-Request': 'not mine', 'durablefetch-token': 'nor this' })",
    ] {
        let (script, fetched) = with_option(option, "{}").await;
        assert!(fetched.is_ok(), "{option}: {fetched:?}");
        let call = script.call(0);
        assert_eq!(own(&call), ["b", "x-api-key"], "{option}");
        assert_eq!((call.header("x-api-key"), call.header("b")), (Some("k".into()), Some("2".into())));
        assert!(call.header("durablefetch-request").is_some_and(|id| id.len() == 36), "{option}");
        assert_eq!(call.header("durablefetch-token"), None, "{option}");
    }
    let (script, _) = with_option("{ 'x-api-key': 'k', b: '2' }", r#"{"B":"mine"}"#).await;
    assert_eq!(script.call(0).header("b").as_deref(), Some("mine"), "the request's own win");
    for option in ["() => undefined", "() => null", "null", "undefined", "async () => {}"] {
        let (script, fetched) = with_option(option, "{}").await;
        assert!(fetched.is_ok() && own(&script.call(0)).is_empty(), "{option}");
    }
}

#[wasm_bindgen_test]
async fn what_is_no_header_is_named_and_what_the_function_throws_is_the_apps() {
    for option in [
        "7",
        "'x-api-key: k'",
        "Promise.resolve({ a: '1' })",
        "{ a: undefined }",
        "[['a', null]]",
        "[['a']]",
        "{ 'a b': '1' }",
    ] {
        let option = js(&format!("return [{option}]"), &[]).await.unwrap();
        let options = js("return { headers: option[0] }", &[("option", &option)]).await.unwrap();
        assert_error(&construct(&options).unwrap_err(), "invalid-option", "'headers' must be");
    }
    for option in ["() => 7", "() => ({ a: undefined })", "async () => 'x'"] {
        let (script, fetched) = with_option(option, "{}").await;
        assert_error(&fetched.unwrap_err(), "invalid-option", "'headers' must be");
        assert_eq!(script.count(), 0, "{option}");
    }
    for option in ["() => { throw 'signed out' }", "() => Promise.reject('signed out')"] {
        let (script, fetched) = with_option(option, "{}").await;
        assert_eq!(fetched.unwrap_err(), "signed out");
        assert_eq!(script.count(), 0, "{option}");
    }
}

/// A function that counts: `k1`, `k2`, …; from the third call on it throws.
const COUNTING: &str = "(globalThis.keys = 0, () => { \
    if (++keys > 2) throw 'no more keys'; return { 'x-api-key': 'k' + keys, ['only-' + keys]: '1' } })";

async fn counting(script: &Script) -> Df {
    let option = js(&format!("return {COUNTING}"), &[]).await.unwrap();
    Df::with(script, &[("headers", option), hasty(500)])
}

fn keys(script: &Script) -> Vec<Option<String>> {
    (0..script.count()).map(|index| script.call(index).header("x-api-key")).collect()
}

#[wasm_bindgen_test]
async fn the_function_is_asked_once_for_a_response_and_anew_when_a_gateway_refuses() {
    for status in [401, 403] {
        let script = Script::new();
        let df = counting(&script).await;
        script.live(0, &["a"], "cut");
        script.live(1, &["b"], "cut");
        script.answer(status, &[], Some("no"));
        script.ended("complete", 2, 2, &[], "end");
        assert_eq!(text(&df.get().await.unwrap()).await.unwrap(), "ab");
        assert_eq!(keys(&script), ["k1", "k1", "k1", "k2"].map(|key| Some(key.into())));
        assert_eq!(own(&script.call(3)), ["only-2", "x-api-key"], "the earlier ones are gone");
    }
}

#[wasm_bindgen_test]
async fn a_start_is_refused_once_and_a_second_refusal_is_the_apps() {
    let script = Script::new();
    let df = counting(&script).await;
    script.answer(401, &[], Some("no"));
    script.answer(401, &[], Some("not this either"));
    assert_eq!(df.get().await.unwrap().status(), 401);
    assert_eq!(keys(&script), ["k1", "k2"].map(|key| Some(key.into())));
}

#[wasm_bindgen_test]
async fn what_the_recorder_or_the_upstream_refuses_asks_for_no_other() {
    for (status, state) in [(401, "unrecorded"), (403, "unrecorded"), (403, "none")] {
        let script = Script::new();
        let df = counting(&script).await;
        script.answer(
            status,
            &[("durablefetch-state", state), ("durablefetch-error", "forbidden-origin")],
            Some("no"),
        );
        let _ = df.get().await;
        assert_eq!(keys(&script), [Some("k1".into())], "{status} {state}");
    }
}

#[wasm_bindgen_test]
async fn a_function_that_throws_later_ends_the_body_with_that() {
    let script = Script::new();
    let df = counting(&script).await;
    script.live(0, &["a"], "cut");
    script.answer(401, &[], Some("no"));
    script.live(1, &["b"], "cut");
    script.answer(401, &[], Some("no"));
    assert_eq!(broken(&df.get().await.unwrap()).await, "no more keys");
}

#[wasm_bindgen_test]
async fn it_is_on_calls_on_lists_and_past_the_recorder() {
    let script = Script::new();
    let option = json(r#"{"x-api-key":"k"}"#);
    let df = Df::third(&script, &[("headers", option)]).await;
    script.control(&format!("[{NOTHING},{NOTHING}]"));
    let urls = js("return ['https://a.example/', 'https://b.example/']", &[]).await.unwrap();
    df.ask("isInProgress", &[urls]).await.unwrap();
    script.answer(200, &[], Some("direct"));
    response(df.fetch("http://localhost:3000/", JsValue::UNDEFINED)).await.unwrap();
    assert_eq!(keys(&script), [Some("k".into()), Some("k".into())]);
}
