//! The response that the app gets.

use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::Response;

use crate::support::*;

async fn recorded(status: u16, more: &[(&str, &str)], chunks: &[&str]) -> Response {
    let script = Script::new();
    let length = chunks.iter().map(|chunk| chunk.len() as u64).sum();
    script.recorded(status, "complete", 0, Some(length), more, chunks, "end");
    Df::new(&script).get().await.unwrap()
}

#[wasm_bindgen_test]
async fn it_is_a_real_response_with_the_upstreams_head() {
    let more =
        [("content-type", "text/plain"), ("x-own", "1"), ("durablefetch-status-text", "Cr%C3%A9%C3%A9")];
    let response = recorded(201, &more, &["ab", "cd"]).await;
    assert!(response.is_instance_of::<Response>());
    assert_eq!((response.status(), response.ok(), response.status_text()), (201, true, "Créé".into()));
    assert_eq!(response.headers().get("x-own").unwrap().as_deref(), Some("1"));
    assert_eq!(response.headers().get("durablefetch-recording").unwrap().as_deref(), Some(ID));
    assert_eq!(text(&response).await.unwrap(), "abcd");
    assert!(response.body_used());
}

#[wasm_bindgen_test]
async fn the_url_is_the_upstreams_also_of_clones() {
    let response = recorded(200, &[], &["whole"]).await;
    assert_eq!(response.url(), URL);
    let clone = response.clone().unwrap();
    let clone_of_clone: Response =
        js("return a.clone().clone()", &[("a", &clone)]).await.unwrap().unchecked_into();
    assert_eq!((clone.url(), clone_of_clone.url()), (URL.into(), URL.into()));
    for response in [response, clone_of_clone] {
        assert_eq!(text(&response).await.unwrap(), "whole");
    }
}

#[wasm_bindgen_test]
async fn a_reason_phrase_that_cannot_be_one_costs_nothing() {
    let response = recorded(200, &[("durablefetch-status-text", "a%0Ab")], &["x"]).await;
    assert_eq!((response.status(), text(&response).await.unwrap()), (200, "x".into()));
    let response = recorded(200, &[("durablefetch-status-text", "%")], &[]).await;
    assert_eq!(response.status(), 200);
}

#[wasm_bindgen_test]
async fn statuses_without_a_body_have_none() {
    let script = Script::new();
    let headers = [
        ("durablefetch-state", "complete"),
        ("durablefetch-recording", ID),
        ("durablefetch-offset", "0"),
        ("durablefetch-length", "0"),
    ];
    for status in [204, 205] {
        script.answer(status, &headers, None);
        let response = Df::new(&script).get().await.unwrap();
        assert_eq!((response.status(), response.body().is_none()), (status, true));
        assert_eq!(response.url(), URL);
    }
}

#[wasm_bindgen_test]
async fn an_empty_body_is_a_body() {
    let response = recorded(200, &[], &[]).await;
    assert!(response.body().is_some());
    assert_eq!(text(&response).await.unwrap(), "");
}

#[wasm_bindgen_test]
async fn what_is_not_recorded_is_handed_on_as_it_is() {
    let script = Script::new();
    script.answer(404, &[("durablefetch-state", "unrecorded"), ("x-own", "1")], Some("no such thing"));
    let response = Df::new(&script).get().await.unwrap();
    assert_eq!((response.status(), response.url()), (404, URL.into()));
    assert_eq!(response.headers().get("x-own").unwrap().as_deref(), Some("1"));
    assert_eq!(text(&response).await.unwrap(), "no such thing");
    assert!(!script.call(0).aborted(), "it belongs to the app now");
}

#[wasm_bindgen_test]
async fn chunks_pass_as_they_came() {
    let script = Script::new();
    script.ended("complete", 0, 6, &["ab", "c", "def"], "end");
    let response = Df::new(&script).get().await.unwrap();
    // Not `for await`: WebKit's streams cannot be iterated.
    let source = "
        const sizes = []
        const reader = response.body.getReader()
        for (let read; !(read = await reader.read()).done;) sizes.push(read.value.byteLength)
        return sizes.join()";
    assert_eq!(js(source, &[("response", &response)]).await.unwrap(), "2,1,3");
}

#[wasm_bindgen_test]
async fn a_chunk_is_the_very_object_that_the_transport_gave() {
    let source = "
        globalThis.given = [new Uint8Array([1, 2]), new Uint8Array([3])]
        const stream = new ReadableStream({ pull(c) { given.length > at ? c.enqueue(given[at++]) : c.close() } }, { highWaterMark: 0 })
        let at = 0
        script.by(() => new Response(stream, { headers }))
        const response = await df.fetch('https://c.example/')
        const seen = []
        const reader = response.body.getReader()
        for (;;) { const { done, value } = await reader.read(); if (done) break; seen.push(value) }
        return seen.length === 2 && seen.every((chunk, index) => chunk.buffer === given[index].buffer)";
    let script = Script::new();
    let headers = object(&[
        ("durablefetch-state", "complete".into()),
        ("durablefetch-recording", ID.into()),
        ("durablefetch-offset", "0".into()),
        ("durablefetch-length", "3".into()),
    ]);
    let df = Df::new(&script);
    let same = js(source, &[("script", &script), ("headers", &headers), ("df", &df.0)]).await.unwrap();
    assert_eq!(same, JsValue::TRUE);
}

#[wasm_bindgen_test]
async fn one_chunk_is_read_ahead_of_an_app_that_reads_and_no_more() {
    let script = Script::new();
    let source = "
        let pulled = 0
        const pull = (controller) => controller.enqueue(new Uint8Array([pulled++]))
        script.by(() => new Response(new ReadableStream({ pull }, { highWaterMark: 0 }), { headers }))
        const reader = (await df.fetch('https://c.example/')).body.getReader()
        const seen = []
        for (let turn = 0; turn < 3; turn++) {
          await new Promise((resolve) => setTimeout(resolve))
          seen.push(pulled)
          seen.push((await reader.read()).value[0])
        }
        await reader.cancel()
        return seen.join()";
    let headers = object(&[
        ("durablefetch-state", "streaming".into()),
        ("durablefetch-recording", ID.into()),
        ("durablefetch-offset", "0".into()),
    ]);
    let df = Df::new(&script);
    let seen = js(source, &[("script", &script), ("headers", &headers), ("df", &df.0)]).await.unwrap();
    assert_eq!(seen, "0,0,2,1,3,2");
}

#[wasm_bindgen_test]
async fn an_array_buffer_is_whole_whether_its_length_was_known_or_not() {
    let script = Script::new();
    let length = [("content-length", "6")];
    script.recorded(200, "complete", 0, Some(6), &length, &["ab", "c"], "cut");
    script.ended("complete", 3, 6, &["def"], "end");
    script.live(0, &["ab", "c"], "end");
    script.ended("complete", 3, 6, &["def"], "end");
    let df = Df::new(&script);
    for known in [true, false] {
        let response = df.get().await.unwrap();
        assert_eq!(response.headers().has("content-length").unwrap(), known);
        let source = "
            const read = response.arrayBuffer()
            const again = response.arrayBuffer().catch((error) => error.name)
            const buffer = await read
            return [buffer instanceof ArrayBuffer, new TextDecoder().decode(buffer), response.bodyUsed, await again].join()";
        assert_eq!(js(source, &[("response", &response)]).await.unwrap(), "true,abcdef,true,TypeError");
    }
    assert_eq!(script.count(), 4);
}

#[wasm_bindgen_test]
async fn an_array_buffer_of_what_breaks_rejects_with_what_broke_it() {
    let script = Script::new();
    script.ended("failed", 0, 3, &["abc"], "cut");
    let response = Df::new(&script).get().await.unwrap();
    let source = "return response.arrayBuffer().catch((error) => error)";
    assert_error(&js(source, &[("response", &response)]).await.unwrap(), "failed", "broke off");
}
