//! The Stop button.

use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::*;

const API: &str = "https://app.example/api/chat";
const KEY: &str = "https://app.example/api/chat?chatId=c1";
const STOPPED: &str = r#"{"success":true,"message":"Response stopped successfully"}"#;

const NOTHING_LIVE: &str = r#"{"success":true,"message":"Nothing to stop"}"#;
const LIVE: &str = r#"{"inProgress":true,"activeConnections":0,"chunksStored":1,"completed":false,
    "state":"streaming","recording":"01ARZ3NDEKTSV4RRFFQ69G5FAV","live":[{"recording":"01ARZ3NDEKTSV4RRFFQ69G5FAV"}]}"#;

async fn client(options: &str) -> (Script, Df, JsValue) {
    new_tab().await;
    reloaded(0, options).await
}

/// The same page after a reload, at a recorder of this protocol.
async fn reloaded(protocol: u32, options: &str) -> (Script, Df, JsValue) {
    let script = Script::new();
    script.speaks(protocol);
    let df = Df::new(&script);
    script.ended("complete", 0, 0, &[], "end");
    df.get().await.unwrap();
    let options = js(&format!("return {{ api: '{API}', {options} }}"), &[]).await.unwrap();
    let transport = df.call("chatTransport", &[options]);
    (script, df, transport)
}

async fn run(script: &Script, df: &Df, transport: &JsValue, source: &str) -> JsValue {
    let sdk = "
        const send = async (signal) => {
          const { api, headers } = await transport.prepareSendMessagesRequest({ id: 'c1', messages: [], api: transport.api })
          return transport.fetch(api, { method: 'POST', headers: { ...headers, authorization: 'Bearer x' }, body: '{}', credentials: 'include', signal })
        }
        const reconnect = async () => {
          const { api, headers } = await transport.prepareReconnectToStreamRequest({ id: 'c1', api: transport.api })
          return transport.fetch(api, { headers })
        }
        const success = async () => (await stop()).success
        const stop = () => df.stopChat('https://app.example/api/chat', 'c1')";
    js(&format!("{sdk}\n{source}"), &[("script", script), ("df", &df.0), ("transport", transport)])
        .await
        .unwrap()
}

fn asked(call: &Call) -> JsValue {
    json(&call.init("body").as_string().unwrap())
}

#[wasm_bindgen_test]
async fn it_stops_the_recording_in_the_name_of_who_sent_and_ends_clean_here() {
    let (script, df, transport) = client("").await;
    script.live(0, &["half"], "end");
    script.control(STOPPED);
    script.ended("stopped", 4, 4, &[], "end");
    let told = run(&script, &df, &transport, "const response = await send(); const { message } = await stop(); return message + await response.text()").await;
    assert_eq!(told, "Response stopped successfullyhalf");
    let call = script.call(2);
    assert_eq!(call.address(), format!("{HOST}/stop"));
    assert_eq!((string(&asked(&call), "url"), string(&asked(&call), "recording")), (KEY.into(), ID.into()));
    assert_eq!(get(&asked(&call), "request"), JsValue::UNDEFINED);
    assert_eq!(
        (call.header("authorization").as_deref(), call.init("credentials")),
        (Some("Bearer x"), "include".into())
    );
}

#[wasm_bindgen_test]
async fn before_the_head_it_stops_the_request() {
    let (script, df, transport) = client("").await;
    script.silence();
    script.control(STOPPED);
    let source = "
        const controller = new AbortController()
        const sent = send(controller.signal).catch(() => {})
        await script.called(2)
        await stop()
        controller.abort()
        await sent";
    run(&script, &df, &transport, source).await;
    let told = asked(&script.call(2));
    assert_eq!(get(&told, "recording"), JsValue::UNDEFINED);
    assert_eq!(Some(string(&told, "request")), script.call(1).header("durablefetch-request"));
}

#[wasm_bindgen_test]
async fn after_a_reload_it_stops_what_was_resumed() {
    let (script, df, transport) = client("").await;
    script.live(0, &["half"], "end");
    script.control(STOPPED);
    run(
        &script,
        &df,
        &transport,
        "const response = await reconnect(); await stop(); await response.body.cancel()",
    )
    .await;
    assert_eq!(string(&asked(&script.call(2)), "recording"), ID);
}

#[wasm_bindgen_test]
async fn knowing_of_nothing_it_stops_what_is_current() {
    let (script, df, transport) = client("").await;
    script.control(STOPPED);
    run(&script, &df, &transport, "await stop()").await;
    let told = asked(&script.call(1));
    assert_eq!(
        (string(&told, "url"), get(&told, "recording"), get(&told, "request")),
        (KEY.into(), JsValue::UNDEFINED, JsValue::UNDEFINED)
    );
}

#[wasm_bindgen_test]
async fn on_abort_stop_makes_an_abort_a_stop() {
    let (script, df, transport) = client("onAbort: 'stop'").await;
    script.live(0, &["half"], "hang");
    script.control(STOPPED);
    let source = "
        const controller = new AbortController()
        const response = await send(controller.signal)
        controller.abort()
        await script.called(3)
        return response.text().catch((error) => error.name)";
    assert_eq!(run(&script, &df, &transport, source).await, "AbortError");
    assert_eq!(
        (script.call(2).address(), string(&asked(&script.call(2)), "recording")),
        (format!("{HOST}/stop"), ID.into())
    );
}

#[wasm_bindgen_test]
async fn a_stop_of_before_is_not_taken_for_one_of_now() {
    let (script, df, transport) = client("").await;
    script.control(STOPPED);
    script.live(0, &["half"], "end");
    script.ended("stopped", 4, 4, &[], "end");
    let source = "
        await stop()
        const response = await reconnect()
        return response.text().catch((error) => error.name)";
    assert_eq!(run(&script, &df, &transport, source).await, "AbortError", "somebody else stopped this one");
}

#[wasm_bindgen_test]
async fn coming_back_to_what_was_stopped_here_ends_clean_again() {
    let (script, df, transport) = client("reconnect: 'recorded'").await;
    script.live(0, &["half"], "end");
    script.control(STOPPED);
    script.ended("stopped", 4, 4, &[], "end");
    script.ended("stopped", 0, 4, &["half"], "end");
    let source = "
        const response = await send()
        await stop()
        await response.text()
        return (await reconnect()).text()";
    assert_eq!(run(&script, &df, &transport, source).await, "half");
}

#[wasm_bindgen_test]
async fn a_server_on_this_machine_has_nothing_to_stop_elsewhere() {
    let script = Script::new();
    let df = Df::new(&script);
    let done = df.ask("stopChat", &["http://localhost:3000/api/chat".into(), "c1".into()]).await.unwrap();
    assert_eq!(
        (get(&done, "success"), string(&done, "message"), script.count()),
        (false.into(), "Nothing to stop".into(), 0)
    );
}

#[wasm_bindgen_test]
async fn after_a_reload_it_stops_what_this_tab_sent_last() {
    for protocol in [0, 3] {
        let (script, df, transport) = client("").await;
        script.live(0, &["half"], "hang");
        run(&script, &df, &transport, "await (await send()).body.cancel()").await;
        let id = script.call(1).header("durablefetch-request");
        let (script, df, transport) = reloaded(protocol, "").await;
        script.control(STOPPED);
        assert_eq!(run(&script, &df, &transport, "return success()").await, true);
        let told = asked(&script.call(1));
        assert_eq!((string(&told, "url"), Some(string(&told, "request"))), (KEY.into(), id));
        assert_eq!(get(&told, "recording"), JsValue::UNDEFINED);
    }
}

#[wasm_bindgen_test]
async fn what_is_read_here_comes_before_what_was_sent_last() {
    let (script, df, transport) = client("").await;
    script.live(0, &["half"], "hang");
    run(&script, &df, &transport, "await (await send()).body.cancel()").await;
    let (script, df, transport) = reloaded(3, "").await;
    script.live(0, &["half"], "hang");
    script.control(STOPPED);
    run(&script, &df, &transport, "const { body } = await reconnect(); await stop(); await body.cancel()")
        .await;
    let told = asked(&script.call(2));
    assert_eq!((string(&told, "recording"), get(&told, "request")), (ID.into(), JsValue::UNDEFINED));
}

#[wasm_bindgen_test]
async fn knowing_of_nothing_it_names_what_is_live_since_others_may_be_beside_it() {
    new_tab().await;
    let (script, df, transport) = reloaded(3, "").await;
    script.control(LIVE);
    script.control(STOPPED);
    assert_eq!(run(&script, &df, &transport, "return success()").await, true);
    let [status, stop] = [1, 2].map(|index| script.call(index));
    assert_eq!((status.address(), stop.address()), (format!("{HOST}/in-progress"), format!("{HOST}/stop")));
    assert_eq!((string(&asked(&stop), "url"), string(&asked(&stop), "recording")), (KEY.into(), ID.into()));
}

#[wasm_bindgen_test]
async fn where_nothing_was_live_it_says_that_it_did_nothing() {
    new_tab().await;
    let (script, df, transport) = reloaded(3, "").await;
    script.control(NOTHING);
    assert_eq!(run(&script, &df, &transport, "return success()").await, false);
    assert_eq!(script.count(), 2, "and nothing is asked to stop");

    for protocol in [0, 3] {
        new_tab().await;
        let (script, df, transport) = reloaded(protocol, "").await;
        script.ended("complete", 0, 1, &["a"], "end");
        script.control(NOTHING_LIVE);
        let source =
            "await (await send()).text(); const done = await stop(); return done.success + done.message";
        assert_eq!(run(&script, &df, &transport, source).await, "falseNothing to stop");
    }
}

#[wasm_bindgen_test]
async fn what_will_be_stopped_when_it_arrives_is_a_success() {
    let (script, df, transport) = client("").await;
    script.silence();
    script.control(r#"{"success":true,"message":"The request will be stopped when it arrives"}"#);
    let source = "
        const controller = new AbortController()
        const sent = send(controller.signal).catch(() => {})
        await script.called(2)
        const told = await success()
        controller.abort()
        await sent
        return told";
    assert_eq!(run(&script, &df, &transport, source).await, true);
}

#[wasm_bindgen_test]
async fn it_stops_what_was_sent_elsewhere_too_also_after_a_reload() {
    const ELSEWHERE: &str = "https://app.example/v3?chatId=c1";
    let options = "prepareSendMessagesRequest: () => ({ body: {}, api: 'https://app.example/v3' })";
    let (script, df, transport) = client(options).await;
    script.live(0, &["half"], "hang");
    script.control(STOPPED);
    run(&script, &df, &transport, "const { body } = await send(); await stop(); await body.cancel()").await;
    let told = asked(&script.call(2));
    assert_eq!((string(&told, "url"), string(&told, "recording")), (ELSEWHERE.into(), ID.into()));

    let id = script.call(1).header("durablefetch-request");
    let (script, df, transport) = reloaded(3, options).await;
    script.control(STOPPED);
    run(&script, &df, &transport, "await stop()").await;
    let told = asked(&script.call(1));
    assert_eq!((string(&told, "url"), Some(string(&told, "request"))), (ELSEWHERE.into(), id));

    // What is resumed elsewhere and is nothing does not hide it.
    let options =
        format!("{options}, prepareReconnectToStreamRequest: () => ({{ api: 'https://app.example/old' }})");
    let (script, df, transport) = reloaded(3, &options).await;
    script.own(204, None);
    script.control(STOPPED);
    run(&script, &df, &transport, "await reconnect(); await stop()").await;
    assert_eq!(string(&asked(&script.call(2)), "url"), ELSEWHERE);

    // A tab that has sent nothing resumes it under that URL.
    new_tab().await;
    let options = "prepareReconnectToStreamRequest: () => ({ api: 'https://app.example/v3' })";
    let (script, df, transport) = reloaded(3, options).await;
    script.live(0, &["half"], "hang");
    script.control(STOPPED);
    run(&script, &df, &transport, "const { body } = await reconnect(); await stop(); await body.cancel()")
        .await;
    let told = asked(&script.call(2));
    assert_eq!((string(&told, "url"), string(&told, "recording")), (ELSEWHERE.into(), ID.into()));
}

#[wasm_bindgen_test]
async fn it_stops_by_whatever_names_the_app_gave_it() {
    let options =
        "prepareSendMessagesRequest: () => ({ body: { id: 'row-7' }, api: 'https://app.example/v3' })";
    for (api, id) in
        [(API, "c1"), ("https://app.example/v3", "c1"), (API, "row-7"), ("https://app.example/v3", "row-7")]
    {
        let (script, df, transport) = client(options).await;
        script.live(0, &["half"], "hang");
        script.control(STOPPED);
        let source = format!(
            "const {{ body }} = await send(); const done = await df.stopChat('{api}', '{id}'); await body.cancel(); return done.success"
        );
        assert_eq!(run(&script, &df, &transport, &source).await, true);
        let told = asked(&script.call(2));
        let key = "https://app.example/v3?chatId=c1";
        assert_eq!((string(&told, "url"), string(&told, "recording")), (key.into(), ID.into()), "{api} {id}");
    }
    // Of a chat that sent nothing here.
    let (script, df, transport) = reloaded(3, "").await;
    script.control(NOTHING);
    assert_eq!(
        run(&script, &df, &transport, &format!("return (await df.stopChat('{API}', 'other')).success")).await,
        false
    );
    assert_eq!((script.count(), script.call(1).address()), (2, format!("{HOST}/in-progress")));
}

#[wasm_bindgen_test]
async fn where_the_tab_takes_nothing_to_keep_the_page_does() {
    let (script, df, transport) = client("").await;
    script.silence();
    script.control(STOPPED);
    let source = "
        const { setItem } = Storage.prototype
        Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError') }
        const controller = new AbortController()
        const sent = send(controller.signal).catch(() => {})
        await script.called(2)
        Storage.prototype.setItem = setItem
        controller.abort()
        await sent
        const kept = sessionStorage.length
        const again = new df.constructor({ durablefetchHost: 'https://recorder.example', fetch: script.fetch })
        await again.stopChat('https://app.example/api/chat', 'c1')
        return kept";
    script.calls();
    assert_eq!(
        run(&script, &df, &transport, &format!("script.steps.splice(1, 0, script.steps[1]); {source}")).await,
        0
    );
    let told = asked(&script.call(script.count() - 1));
    assert_eq!(Some(string(&told, "request")), script.call(1).header("durablefetch-request"));
    // Not for the tests after this one.
    js(
        "await transport.prepareSendMessagesRequest({ id: 'c1', messages: [] }); sessionStorage.clear()",
        &[("transport", &transport)],
    )
    .await
    .unwrap();
}
