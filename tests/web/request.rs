//! What is sent for what was asked.

use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::*;

/// Fetches once through a client whose recorder answers with an empty recording; returns the request seen.
async fn sent(source: &str) -> Call {
    let script = Script::new();
    script.ended("complete", 0, 0, &[], "end");
    let df = Df::new(&script);
    let fetched = js(source, &[("df", &df.0)]).await;
    assert!(fetched.is_ok(), "{fetched:?}");
    script.call(0)
}

#[wasm_bindgen_test]
async fn the_address_has_the_upstream_in_its_path_and_the_url_in_a_header() {
    let call = sent("await df.fetch('https://api.example:8443/a%20b?x=1&y=%2F#frag')").await;
    assert_eq!(call.address(), "https://recorder.example/api.example:8443/a%20b?x=1&y=%2F");
    assert_eq!(call.header("durablefetch-url").as_deref(), Some("https://api.example:8443/a%20b?x=1&y=%2F"));
    assert_eq!(call.init("cache"), "no-store");
    assert_eq!(call.header("durablefetch-mode"), None);
}

#[wasm_bindgen_test]
async fn every_start_has_a_request_id_of_its_own() {
    let (first, second) = (
        sent("await df.fetch('https://a.example/')").await,
        sent("await df.fetch('https://a.example/')").await,
    );
    let [first, second] = [first, second].map(|call| call.header("durablefetch-request").unwrap());
    assert_eq!(first.len(), 36);
    assert_ne!(first, second);
    assert_eq!(&first[14..15], "4", "a random UUID: {first}");
}

#[wasm_bindgen_test]
async fn the_callers_mode_and_request_id_are_taken_over() {
    let script = Script::new();
    script.control(
        r#"{"inProgress":false,"activeConnections":0,"chunksStored":0,"completed":false,"state":"none"}"#,
    );
    script.ended("complete", 0, 0, &[], "end");
    let df = Df::new(&script);
    let init = json(r#"{"headers":{"Durablefetch-Mode":"restart","durablefetch-request":"mine"}}"#);
    response(df.fetch(URL, init)).await.unwrap();
    let call = script.call(1);
    assert_eq!(call.header("durablefetch-mode").as_deref(), Some("restart"));
    assert_eq!(call.header("durablefetch-request").as_deref(), Some("mine"));
}

#[wasm_bindgen_test]
async fn a_url_object_and_a_relative_url_are_resolved() {
    let call = sent("await df.fetch(new URL('https://u.example/x'))").await;
    assert_eq!(call.header("durablefetch-url").as_deref(), Some("https://u.example/x"));
    let script = Script::new();
    script.answer(200, &[], Some("direct"));
    let df = Df::new(&script);
    response(df.fetch("/relative?x", JsValue::UNDEFINED)).await.unwrap();
    let here = js("return location.origin", &[]).await.unwrap().as_string().unwrap();
    assert_eq!(script.call(0).address(), format!("{here}/relative?x"));
}

#[wasm_bindgen_test]
async fn a_request_keeps_method_headers_body_credentials_and_more() {
    let call = sent(
        "await df.fetch(new Request('https://r.example/p', { method: 'PUT', body: 'text', credentials: 'include',
           headers: { 'x-own': '1' }, redirect: 'manual', referrerPolicy: 'no-referrer' }))",
    )
    .await;
    assert_eq!((call.method(), call.text().await), ("PUT".into(), "text".into()));
    assert_eq!(call.header("x-own").as_deref(), Some("1"));
    assert_eq!(call.header("content-type").as_deref(), Some("text/plain;charset=UTF-8"));
    assert_eq!(call.init("credentials"), "include");
    assert_eq!(call.init("redirect"), "manual");
    assert_eq!(call.init("referrerPolicy"), "no-referrer");
}

#[wasm_bindgen_test]
async fn the_init_wins_over_the_request() {
    let call = sent(
        "await df.fetch(new Request('https://r.example/p', { method: 'PUT', body: 'a', headers: { 'x-own': '1' } }),
           { method: 'PATCH', body: 'b', headers: { 'x-other': '2' }, priority: 'low' })",
    )
    .await;
    assert_eq!((call.method(), call.text().await), ("PATCH".into(), "b".into()));
    assert_eq!((call.header("x-own"), call.header("x-other")), (None, Some("2".into())));
    assert_eq!(call.init("priority"), "low");
}

#[wasm_bindgen_test]
async fn every_kind_of_body_arrives() {
    for (body, text) in [
        ("'text'", "text"),
        ("new TextEncoder().encode('bytes')", "bytes"),
        ("new TextEncoder().encode('buffer').buffer", "buffer"),
        ("new Blob(['blob'])", "blob"),
        ("new URLSearchParams({ a: 1 })", "a=1"),
        (
            "new ReadableStream({ start(c) { c.enqueue(new TextEncoder().encode('stream')); c.close() } })",
            "stream",
        ),
    ] {
        let source = format!(
            "await df.fetch('https://b.example/', {{ method: 'POST', body: {body}, duplex: 'half' }})"
        );
        assert_eq!(sent(&source).await.text().await, text, "{body}");
    }
    let call = sent(
        "const body = new FormData(); body.set('k', 'v'); await df.fetch('https://b.example/', { method: 'POST', body })",
    )
    .await;
    let headers = object(&[("content-type", call.header("content-type").unwrap())]);
    let values = [("body", &call.init("body")), ("headers", &headers)];
    let value = js("return (await new Response(body, { headers }).formData()).get('k')", &values).await;
    assert_eq!(value.unwrap(), "v");
}

#[wasm_bindgen_test]
async fn a_form_is_sent_as_the_bytes_that_browsers_make_of_it() {
    let call = sent(
        r#"const body = new FormData(); body.append('a"\n', '1\n2'); body.append('f', new Blob(['x']), 'n\r"');
        await df.fetch('https://b.example/', { method: 'POST', body })"#,
    )
    .await;
    let kind = call.header("content-type").unwrap();
    let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
    let expected = "--B\r\nContent-Disposition: form-data; name=\"a%22%0D%0A\"\r\n\r\n1\r\n2\r\n--B\r\n\
        Content-Disposition: form-data; name=\"f\"; filename=\"n%0D%22\"\r\nContent-Type: application/octet-stream\r\n\r\n\
        x\r\n--B--\r\n";
    assert_eq!(call.text().await.replace(boundary, "B"), expected);
    let call = sent(
        "const body = new FormData(); body.set('k', 'v');
        await df.fetch('https://b.example/', { method: 'POST', body, headers: { 'content-type': 'text/mine' } })",
    )
    .await;
    assert_eq!(call.header("content-type").as_deref(), Some("text/mine"));
}

#[wasm_bindgen_test]
async fn an_init_may_be_made_from_defaults_or_be_a_request() {
    for init in [
        "Object.assign(Object.create({ method: 'PUT', credentials: 'include', headers: { 'x-own': '1' } }), { body: 'x' })",
        "new (class { get method() { return 'PUT' } credentials = 'include'; headers = { 'x-own': '1' }; body = 'x' })()",
        "new Request('https://other.example/', { method: 'PUT', credentials: 'include', headers: { 'x-own': '1' }, body: 'x' })",
    ] {
        let call = sent(&format!("await df.fetch('https://p.example/', {init})")).await;
        // Firefox does not tell the body of a Request, and its own fetch sends none either.
        let is_hidden = init.starts_with("new Request")
            && js("return 'body' in Request.prototype", &[]).await.unwrap().is_falsy();
        let body = if is_hidden { "" } else { "x" };
        assert_eq!((call.method(), call.text().await), ("PUT".into(), body.into()), "{init}");
        assert_eq!(call.header("x-own").as_deref(), Some("1"), "{init}");
        assert_eq!(call.init("credentials"), "include", "{init}");
        assert_eq!(call.header("durablefetch-url").as_deref(), Some("https://p.example/"), "{init}");
    }
}

#[wasm_bindgen_test]
async fn a_stream_is_read_whole_and_sent_again_after_a_failure() {
    let script = Script::new();
    let df = Df::known(&script, &[]).await;
    script.fail();
    script.ended("complete", 0, 0, &[], "end");
    js(
        "const body = new ReadableStream({ start(c) { c.enqueue(new TextEncoder().encode('once')); c.close() } })
         await df.fetch('https://b.example/', { method: 'POST', body, duplex: 'half' })",
        &[("df", &df.0)],
    )
    .await
    .unwrap();
    assert_eq!(script.count(), 2);
    for index in 0..2 {
        assert_eq!(script.call(index).text().await, "once");
    }
    let id = |index| script.call(index).header("durablefetch-request");
    assert_eq!(id(0), id(1));
}

/// Firefox says "AbortError" of it where it is read, Node.js what it failed with.
#[wasm_bindgen_test]
async fn a_stream_that_fails_rejects_with_a_type_error_and_sends_nothing() {
    let script = Script::new();
    let df = Df::known(&script, &[]).await;
    for early in [true, false] {
        let error = js(
            "let pulls = early ? 1 : 0
             const body = new ReadableStream({ pull(c) {
               if (pulls++ > 0) c.error(new RangeError('broken'))
               else c.enqueue(new TextEncoder().encode('begun'))
             } })
             await df.fetch('https://b.example/', { method: 'POST', body, duplex: 'half' })",
            &[("df", &df.0), ("early", &early.into())],
        )
        .await
        .unwrap_err();
        assert!(is_type_error(&error), "{error:?}");
    }
    assert_eq!(script.count(), 0);
}

#[wasm_bindgen_test]
async fn what_the_app_changes_after_the_call_changes_nothing() {
    let call = sent(
        "const body = new TextEncoder().encode('x')
         const init = { method: 'POST', headers: { a: '1' }, body }
         const fetched = df.fetch('https://m.example/', init)
         init.method = 'DELETE'; init.headers.a = '2'; init.body = 'y'; body[0] = 0
         await fetched",
    )
    .await;
    assert_eq!(
        (call.method(), call.header("a"), call.text().await),
        ("POST".into(), Some("1".into()), "x".into())
    );
}

#[wasm_bindgen_test]
async fn mistakes_reject_as_with_native_fetch_and_send_nothing() {
    let script = Script::new();
    let df = Df::new(&script);
    // Firefox and WebKit have no `duplex`, and ask for none.
    let without_duplex = js("return 'duplex' in Request.prototype", &[]).await.unwrap().is_truthy();
    let without_duplex = without_duplex
        .then_some(("", "'https://a.example/', { method: 'POST', body: new ReadableStream() }"));
    let locked = "const body = new ReadableStream(); body.getReader(); ";
    for (before, args) in [
        ("", ""),
        ("", "'http://'"),
        ("", "'https://user:pass@a.example/'"),
        ("", "'https://a.example/', { headers: { 'bad name': '1' } }"),
        ("", "'https://a.example/', { method: 'GE T' }"),
        ("", "'https://a.example/', { method: 'TRACE' }"),
        ("", "'https://a.example/', { body: 'in a GET' }"),
        ("", "'https://a.example/', { redirect: 'sometimes' }"),
        ("", "'https://a.example/', { priority: 'highest' }"),
        ("", "'https://a.example/', { cache: 'forever' }"),
        ("", "'https://a.example/', { mode: 'navigate' }"),
        ("", "'https://a.example/', { mode: 'same-origin' }"),
        ("", "'https://a.example/', { signal: 'no signal' }"),
        (locked, "'https://a.example/', { method: 'POST', body, duplex: 'half' }"),
        ("", "'https://a.example/', { method: 'POST', keepalive: true, body: 'x'.repeat(65537) }"),
    ]
    .into_iter()
    .chain(without_duplex)
    {
        let source = format!("{before}return df.fetch({args}).then(() => 'sent', (error) => error)");
        let error = js(&source, &[("df", &df.0)]).await.unwrap();
        assert!(is_type_error(&error), "{args}: {error:?}");
    }
    let bad = json(r#"{"headers":{"durablefetch-mode":"often"}}"#);
    assert_error(
        &awaited(df.fetch(URL, bad)).await.unwrap_err(),
        "invalid-option",
        "join, match, match-live, new, restart, resume or replay",
    );
    assert_eq!(script.count(), 0);
}

#[wasm_bindgen_test]
async fn a_request_is_used_up() {
    let script = Script::new();
    script.ended("complete", 0, 0, &[], "end");
    let df = Df::new(&script);
    let source = "const request = new Request('https://r.example/', { method: 'POST', body: 'x' })
        await df.fetch(request)
        return request.bodyUsed";
    assert_eq!(js(source, &[("df", &df.0)]).await.unwrap(), true);
}

#[wasm_bindgen_test]
async fn what_has_to_have_a_known_hash_is_sent_once() {
    let script = Script::new();
    let df = Df::known(&script, &[]).await;
    script.fail();
    let init = json(r#"{"integrity":"sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}"#);
    assert_error(&awaited(df.fetch(URL, init)).await.unwrap_err(), "network", "is lost");
    assert_eq!(script.count(), 1);
}

#[wasm_bindgen_test]
async fn the_global_fetch_is_looked_up_at_the_call() {
    let script = Script::new();
    script.ended("complete", 0, 2, &["ok"], "end");
    let options = json(&format!(r#"{{"durablefetchHost":"{HOST}"}}"#));
    let df = construct(&options).unwrap();
    let source = "const native = globalThis.fetch
        globalThis.fetch = patched
        try { return await (await df.fetch('https://g.example/')).text() } finally { globalThis.fetch = native }";
    let told = js(source, &[("df", &df), ("patched", script.fetch().unchecked_ref())]).await.unwrap();
    assert_eq!(told, "ok");
}

#[wasm_bindgen_test]
async fn the_platforms_fetch_is_called_on_the_global_scope_and_an_apps_own_on_nothing() {
    let script = Script::new();
    let calls = js_sys::Array::new();
    let source = "return function (url, init) { 'use strict'; calls.push(this); return played(url, init) }";
    let played = script.fetch();
    let noted = js(source, &[("calls", calls.as_ref()), ("played", played.unchecked_ref())]).await.unwrap();

    script.ended("complete", 0, 2, &["ok"], "end");
    let own = Df::with(&script, &[("fetch", noted.clone())]);
    own.get().await.unwrap();
    assert!(calls.get(0).is_undefined());

    script.ended("complete", 0, 2, &["ok"], "end");
    let options = json(&format!(r#"{{"durablefetchHost":"{HOST}"}}"#));
    let source = "const native = globalThis.fetch
        globalThis.fetch = noted
        try { await df.fetch('https://g.example/') } finally { globalThis.fetch = native }";
    js(source, &[("df", &construct(&options).unwrap()), ("noted", &noted)]).await.unwrap();
    assert_eq!(calls.get(1), JsValue::from(js_sys::global()));
}
