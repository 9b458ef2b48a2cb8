//! The Stop button.

use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::*;

const API: &str = "https://app.example/api/chat";
const KEY: &str = "https://app.example/api/chat?chatId=c1";
const STOPPED: &str = r#"{"success":true,"message":"Response stopped successfully"}"#;

async fn client(options: &str) -> (Script, Df, JsValue) {
    let script = Script::new();
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
    assert_eq!((get(&done, "success"), script.count()), (true.into(), 0));
}
