//! `chatTransport`: what the AI SDK is given, and what it means.

use js_sys::JSON;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::*;

/// The AI SDK's part, shortened: prepares, then calls a bare fetch.
const SDK: &str = "
    const input = (over) => ({ id: 'c 1', messages: [{ id: 'u1', role: 'user', parts: [{}] }], api: transport.api,
      headers: { 'x-own': '1' }, body: { extra: 1 }, credentials: 'include', trigger: 'submit-message',
      messageId: undefined, requestMetadata: undefined, ...over })
    const send = async (over, signal) => {
      const { api, headers, body, credentials } = await transport.prepareSendMessagesRequest(input(over))
      const { fetch } = transport
      return fetch(api, { method: 'POST', headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body), credentials, signal })
    }
    const reconnect = async (over, signal) => {
      const { api, headers, credentials } = await transport.prepareReconnectToStreamRequest(input(over))
      const { fetch } = transport
      return fetch(api, { method: 'GET', headers, credentials, signal })
    }
    const caught = (promise) => promise.then((value) => { throw new Error('not rejected: ' + value) }, (error) => error)
";
const KEY: &str = "https://app.example/api/chat?v=2&chatId=c%201";

struct Chat {
    script: Script,
    df: Df,
    transport: JsValue,
}

/// A chat whose recorder is known to be one of ours.
async fn chat(options: &str) -> Chat {
    new_tab().await;
    reloaded(options).await
}

/// The same in the same tab.
async fn reloaded(options: &str) -> Chat {
    reloaded_on(2, options).await
}

/// The same on a recorder that speaks this protocol.
async fn reloaded_on(protocol: u32, options: &str) -> Chat {
    let script = Script::new();
    if protocol > 2 {
        script.speaks(protocol);
    }
    let df = Df::with(&script, &[hasty(50)]);
    script.ended("complete", 0, 0, &[], "end");
    df.get().await.unwrap();
    let options =
        js(&format!("return {{ api: 'https://app.example/api/chat?v=2', {options} }}"), &[]).await.unwrap();
    let transport = df.call("chatTransport", &[options]);
    Chat { script, df, transport }
}

impl Chat {
    async fn run(&self, source: &str) -> JsValue {
        let values = [("df", &self.df.0), ("transport", &self.transport), ("script", &self.script)];
        js(&format!("{SDK}{source}"), &values).await.unwrap()
    }

    /// The requests after the first, which was only to get to know the recorder.
    fn call(&self, index: u32) -> Call {
        self.script.call(index + 1)
    }

    fn modes(&self) -> Vec<Option<String>> {
        (1..self.script.count()).map(|index| self.script.call(index).header("durablefetch-mode")).collect()
    }
}

fn some(text: &str) -> Option<String> {
    Some(text.into())
}

#[wasm_bindgen_test]
async fn a_message_restarts_the_chats_key_with_a_fresh_id() {
    let chat = chat("").await;
    chat.script.ended("complete", 0, 2, &["a1"], "end");
    chat.script.ended("complete", 0, 2, &["a2"], "end");
    assert_eq!(
        chat.run("return [await (await send()).text(), await (await send()).text()].join()").await,
        "a1,a2"
    );
    assert_eq!(chat.modes(), [some("restart"), some("restart")]);
    let call = chat.call(0);
    assert_eq!((call.header("durablefetch-url").as_deref(), call.method()), (Some(KEY), "POST".into()));
    assert_eq!((call.header("x-own").as_deref(), call.init("credentials")), (Some("1"), "include".into()));
    let body = json(&call.text().await);
    assert_eq!((string(&body, "id"), get(&body, "extra")), ("c 1".into(), 1.into()));
    assert_eq!(
        (string(&body, "trigger"), js_sys::Array::from(&get(&body, "messages")).length()),
        ("submit-message".into(), 1)
    );
    assert_ne!(chat.call(0).header("durablefetch-request"), chat.call(1).header("durablefetch-request"));
}

#[wasm_bindgen_test]
async fn what_the_chat_sends_by_itself_has_the_same_id_in_every_tab() {
    let mut ids = Vec::new();
    for parts in ["[{}, {}]", "[{}, {}]", "[{}, {}, {}]"] {
        let chat = chat("").await;
        chat.script.ended("complete", 0, 0, &[], "end");
        chat.run(&format!("await send({{ messages: [{{ id: 'u1', role: 'user' }}, {{ id: 'a1', role: 'assistant', parts: {parts} }}] }})")).await;
        ids.push(chat.call(0).header("durablefetch-request").unwrap());
    }
    assert_eq!(ids[0], ids[1]);
    assert_ne!(ids[0], ids[2]);
    assert_eq!((ids[0].len(), &ids[0][14..15]), (36, "8"), "{}", ids[0]);
}

#[wasm_bindgen_test]
async fn sent_again_after_it_failed_it_is_meant_again() {
    let chat = chat("").await;
    let by_itself = "{ messages: [{ id: 'a1', role: 'assistant', parts: [{}] }] }";
    chat.script.ended("failed", 0, 1, &["x"], "cut");
    chat.script.ended("complete", 0, 0, &[], "end");
    chat.run(&format!("await caught((await send({by_itself})).text()); await send({by_itself})")).await;
    assert_ne!(chat.call(0).header("durablefetch-request"), chat.call(1).header("durablefetch-request"));
}

/// What the chat sends by itself.
const BY_ITSELF: &str = "{ messages: [{ id: 'a1', role: 'assistant', parts: [{}] }] }";

impl Chat {
    fn ids(&self) -> Vec<String> {
        (1..self.script.count())
            .filter_map(|index| self.script.call(index).header("durablefetch-request"))
            .collect()
    }
}

#[wasm_bindgen_test]
async fn what_the_upstream_or_the_recorder_refused_is_meant_again_the_next_time() {
    let unrecorded = [("durablefetch-state", "unrecorded")];
    for refuse in [
        (&|chat: &Chat| chat.script.answer(503, &unrecorded, Some("later"))) as &dyn Fn(&Chat),
        &|chat: &Chat| chat.script.own(403, Some("upstream-not-allowed")),
        &|chat: &Chat| chat.script.live(0, &["half"], "end"),
    ] {
        let first = chat("").await;
        refuse(&first);
        first.script.ended("failed", 4, 4, &[], "cut");
        first
            .run(&format!("await send({BY_ITSELF}).then((response) => response.text()).catch(() => {{}})"))
            .await;
        // The count is the tab's.
        let second = reloaded("").await;
        refuse(&second);
        second.script.ended("stopped", 4, 4, &[], "end");
        second
            .run(&format!("await send({BY_ITSELF}).then((response) => response.text()).catch(() => {{}})"))
            .await;
        let third = reloaded("").await;
        third.script.ended("complete", 0, 0, &[], "end");
        third.run(&format!("await send({BY_ITSELF})")).await;
        let ids = [&first, &second, &third].map(|chat| chat.ids()[0].clone());
        assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2], "{ids:?}");
    }
}

#[wasm_bindgen_test]
async fn after_no_answer_and_a_lost_body_the_same_is_asked_for() {
    let chat = chat("").await;
    for _ in 0..200 {
        chat.script.fail();
    }
    chat.run(&format!("await caught(send({BY_ITSELF}))")).await;
    let attempts = chat.script.count();
    chat.run("script.steps.length = 0").await;
    chat.script.live(0, &["half"], "cut");
    for _ in 0..200 {
        chat.script.fail();
    }
    chat.run(&format!("await caught((await send({BY_ITSELF})).text())")).await;
    chat.run("script.steps.length = 0").await;
    chat.script.answer(502, &[], Some("bad gateway"));
    for _ in 0..200 {
        chat.script.fail();
    }
    chat.run(&format!("await caught(send({BY_ITSELF}))")).await;
    assert!(attempts > 2);
    let ids = chat.ids();
    assert!(ids.len() > 4 && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[wasm_bindgen_test]
async fn two_tabs_that_send_the_same_after_the_same_refusal_start_it_once() {
    // Each Chat is a tab, whose sessionStorage this is.
    let mut kept = JsValue::NULL;
    let mut ids = Vec::new();
    for tab in 0..2 {
        let chat = chat("").await;
        let earlier = "{ messages: [{ id: 'a0', role: 'assistant', parts: [] }] }";
        if tab == 0 {
            // What failed before in this tab alone is another message.
            chat.script.own(403, Some("upstream-not-allowed"));
            chat.run(&format!("await caught(send({earlier}))")).await;
            chat.script.calls().set_length(1);
        }
        chat.script.answer(503, &[("durablefetch-state", "unrecorded")], Some("later"));
        chat.script.ended("complete", 0, 0, &[], "end");
        chat.run(&format!("await send({BY_ITSELF}); await send({BY_ITSELF})")).await;
        ids.push(chat.ids());
        kept = chat.run("return sessionStorage.length").await;
    }
    assert_eq!(kept, 1, "a chat keeps one thing");
    assert_eq!(ids[0], ids[1]);
    assert_ne!(ids[0][0], ids[0][1]);
}

#[wasm_bindgen_test]
async fn a_refusal_to_resume_says_nothing_of_the_message() {
    let chat = chat("").await;
    chat.script.live(0, &["half"], "hang");
    chat.script.own(401, Some("unauthorized"));
    chat.script.live(0, &["half"], "hang");
    let source = format!(
        "await (await send({BY_ITSELF})).body.cancel()
        await caught(reconnect())
        await (await send({BY_ITSELF})).body.cancel()"
    );
    chat.run(&source).await;
    let ids = [0, 2].map(|index| chat.call(index).header("durablefetch-request"));
    assert_eq!(ids[0], ids[1]);
}

#[wasm_bindgen_test]
async fn coming_back_resumes_what_is_live_on_the_same_key() {
    let chat = chat("").await;
    chat.script.own(204, None);
    assert_eq!(chat.run("return (await reconnect()).status").await, 204);
    assert_eq!((chat.modes(), chat.call(0).method()), (vec![some("resume")], "GET".into()));
    assert_eq!(chat.call(0).header("durablefetch-url").as_deref(), Some(KEY));
    chat.script.live(0, &["whole "], "cut");
    chat.script.ended("complete", 6, 12, &["answer"], "end");
    assert_eq!(chat.run("return (await reconnect()).text()").await, "whole answer");
}

#[wasm_bindgen_test]
async fn recorded_replays_and_reads_404_as_nothing() {
    let chat = chat("reconnect: 'recorded'").await;
    chat.script.ended("complete", 0, 5, &["whole"], "end");
    chat.script.own(404, Some("not-found"));
    assert_eq!(chat.run("return (await reconnect()).text()").await, "whole");
    assert_eq!(chat.run("return (await reconnect()).status").await, 204);
    assert_eq!(chat.modes(), [some("replay"), some("replay")]);
}

#[wasm_bindgen_test]
async fn recorded_gives_no_earlier_answer_to_a_question_that_never_arrived() {
    let options = "reconnect: 'recorded'";
    for (state, status) in [("none", 204), ("connecting", 200), ("complete", 200), ("failed", 200)] {
        let before = chat(options).await;
        before.script.live(0, &["half"], "hang");
        before.run("await (await send()).body.cancel()").await;
        let sent = before.call(0).header("durablefetch-request");

        let chat = reloaded_on(3, options).await;
        let live = state == "connecting";
        chat.script.control(&format!(
            r#"{{"inProgress":{live},"activeConnections":0,"chunksStored":0,"completed":false,"state":"{state}","bytesStored":0}}"#
        ));
        chat.script.ended("complete", 0, 6, &["answer"], "end");
        assert_eq!(chat.run("return (await reconnect()).status").await, status, "{state}");
        let asked = json(&chat.call(0).text().await);
        assert_eq!((string(&asked, "url"), Some(string(&asked, "request"))), (KEY.into(), sent));
        assert_eq!(chat.script.count(), if status == 200 { 3 } else { 2 }, "{state}");
    }
    // What has been answered, or is another tab's, is not asked about, nor is a recorder that cannot tell.
    let chat = chat(options).await;
    chat.script.ended("complete", 0, 5, &["whole"], "end");
    chat.run("await (await send()).text()").await;
    let chat = reloaded_on(3, options).await;
    chat.script.ended("complete", 0, 5, &["whole"], "end");
    assert_eq!(chat.run("return (await reconnect()).text()").await, "whole");
    assert_eq!(chat.script.count(), 2);
}

#[wasm_bindgen_test]
async fn after_an_error_coming_back_replays_until_it_is_whole() {
    let chat = chat("").await;
    chat.script.ended("interrupted", 0, 4, &["half"], "cut");
    let error = chat.run("return caught((await send()).text())").await;
    assert_error(&error, "interrupted", "restarted");
    chat.script.ended("interrupted", 0, 4, &["half"], "cut");
    chat.run("await caught((await reconnect()).text())").await;
    chat.script.ended("complete", 0, 5, &["whole"], "end");
    chat.run("await (await reconnect()).text()").await;
    chat.script.own(204, None);
    chat.run("await reconnect()").await;
    assert_eq!(chat.modes(), [some("restart"), some("replay"), some("replay"), some("resume")]);
}

#[wasm_bindgen_test]
async fn a_new_message_is_a_new_beginning() {
    let chat = chat("").await;
    chat.script.ended("failed", 0, 4, &["half"], "cut");
    chat.script.ended("complete", 0, 0, &[], "end");
    chat.script.own(204, None);
    chat.run("await caught((await send()).text()); await (await send()).text(); await reconnect()").await;
    assert_eq!(chat.modes(), [some("restart"), some("restart"), some("resume")]);
}

#[wasm_bindgen_test]
async fn abort_is_no_error_of_the_chat() {
    let chat = chat("").await;
    chat.script.live(0, &["half"], "hang");
    chat.script.own(204, None);
    let source = "
        const controller = new AbortController()
        const reader = (await send({}, controller.signal)).body.getReader()
        await reader.read()
        controller.abort()
        await caught(reader.read())
        await reconnect()";
    chat.run(source).await;
    assert_eq!(chat.modes(), [some("restart"), some("resume")], "and nothing was stopped");
}

#[wasm_bindgen_test]
async fn what_somebody_else_stopped_ends_as_aborted() {
    let chat = chat("").await;
    chat.script.live(0, &["half"], "end");
    chat.script.ended("stopped", 4, 4, &[], "end");
    let error = chat.run("return caught((await send()).text())").await;
    assert_eq!(string(&error, "name"), "AbortError");
    chat.script.own(204, None);
    chat.run("await reconnect()").await;
    assert_eq!(chat.modes()[2], some("resume"), "a stopped answer is not an error");
}

#[wasm_bindgen_test]
async fn the_apps_own_functions_are_asked_first() {
    let chat = chat(
        "prepareSendMessagesRequest: async ({ messages }) => ({ body: { only: messages.at(-1).id }, headers: new Headers({ a: '1' }), api: 'https://app.example/v3', credentials: 'omit' }),
         prepareReconnectToStreamRequest: ({ id }) => ({ headers: { b: id }, api: '/elsewhere' }), resumeStreamIsReplay: true, body: { z: 1 },",
    )
    .await;
    let prepared = chat
        .run("return JSON.stringify([await transport.prepareSendMessagesRequest(input()), await transport.prepareReconnectToStreamRequest(input())])")
        .await;
    let prepared = json(&prepared.as_string().unwrap());
    let [send, reconnect] = [0, 1].map(|index| js_sys::Array::from(&prepared).get(index));
    assert_eq!(JSON::stringify(&get(&send, "body")).unwrap(), r#"{"only":"u1"}"#);
    assert_eq!(
        (string(&send, "api"), string(&send, "credentials")),
        ("https://app.example/v3?chatId=c%201".into(), "omit".into())
    );
    assert_eq!(string(&get(&send, "headers"), "a"), "1");
    assert_eq!(string(&get(&send, "headers"), "durablefetch-mode"), "restart");
    assert_eq!(
        (string(&reconnect, "api"), string(&get(&reconnect, "headers"), "b")),
        ("/elsewhere?chatId=c%201".into(), "c 1".into())
    );
    assert_eq!(
        (get(&chat.transport, "resumeStreamIsReplay"), get(&get(&chat.transport, "body"), "z")),
        (true.into(), 1.into())
    );
    assert_eq!(
        (get(&chat.transport, "reconnect"), get(&chat.transport, "onAbort")),
        (JsValue::UNDEFINED, JsValue::UNDEFINED)
    );
}

#[wasm_bindgen_test]
async fn keys_keep_the_apps_query_and_are_not_doubled() {
    let df = Df::new(&Script::new());
    for (api, key) in [
        ("/api/chat", "/api/chat?chatId=x%2Fy"),
        ("/api/chat?a=1#top", "/api/chat?a=1&chatId=x%2Fy#top"),
        ("/api/chat?", "/api/chat?chatId=x%2Fy"),
        ("/api/chat?chatId=x%2Fy", "/api/chat?chatId=x%2Fy"),
        ("/api/chat?chatId=x%2Fyz", "/api/chat?chatId=x%2Fyz&chatId=x%2Fy"),
    ] {
        let transport = df.call("chatTransport", &[object(&[("api", api.into())])]);
        let prepared = js(
            "return transport.prepareReconnectToStreamRequest({ id: 'x/y', api: transport.api })",
            &[("transport", &transport)],
        )
        .await;
        assert_eq!(string(&prepared.unwrap(), "api"), key);
    }
    let transport = df.call("chatTransport", &[]);
    assert_eq!(string(&transport, "api"), "/api/chat");
}

#[wasm_bindgen_test]
async fn a_transport_of_its_own_is_what_the_chat_is_sent_by() {
    let chat = chat("fetch: (address) => { globalThis.chatSentTo = address; return new Response('mine', { status: 418 }) }").await;
    assert_eq!(chat.run("return (await send()).text()").await, "mine");
    assert!(
        js("return chatSentTo", &[]).await.unwrap().as_string().unwrap().contains("app.example/api/chat")
    );
}

#[wasm_bindgen_test]
fn mistakes_in_its_options_are_named() {
    let df = Df::new(&Script::new());
    for (options, says) in [
        (r#"{"reconnect":"always"}"#, "'reconnect' must be 'live' or 'recorded'"),
        (r#"{"onAbort":true}"#, "'onAbort' must be 'detach' or 'stop'"),
        (r#"{"api":7}"#, "'api' must be a string"),
        (r#"{"prepareSendMessagesRequest":7}"#, "'prepareSendMessagesRequest' must be a function"),
        ("7", "'options' must be an object"),
    ] {
        assert_error(&df.try_call("chatTransport", &[json(options)]).unwrap_err(), "invalid-option", says);
    }
}
