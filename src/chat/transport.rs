//! `chatTransport`: options for `DefaultChatTransport`.

use std::rc::Rc;

use js_sys::Promise;
use wasm_bindgen::prelude::*;
use web_sys::Response;

use super::exchange::Exchange;
use super::last_send::LastSend;
use super::options::ChatOptions;
use super::prepare;
use crate::app_request::AppRequest;
use crate::error;
use crate::fetch;
use crate::fetch::bypass;
use crate::fetch::session::Observer;
use crate::js::{sys, task, text};
use crate::state::ClientState;
use crate::wire::status;
use durablefetch_protocol::Mode;
use durablefetch_protocol::follow::Told;

/// The app's options with our `api`, `fetch` and `prepare…` functions. The app's own are called by ours.
pub(crate) fn transport(client: &Rc<ClientState>, options: &JsValue) -> Result<JsValue, JsValue> {
    let options = Rc::new(ChatOptions::read(options)?);
    let result = options.rest.clone();
    sys::set(&result, "api", &options.api.as_str().into());

    let (state, chat) = (client.clone(), options.clone());
    let fetch = Closure::<dyn Fn(JsValue, JsValue) -> Promise>::new(move |input: JsValue, init: JsValue| {
        let (state, chat) = (state.clone(), chat.clone());
        let app_request = AppRequest::read(&input, &init);
        task::promise(async move { Ok(chat_fetch(state, &chat, app_request?).await?.into()) })
    });
    sys::set(&result, "fetch", &fetch.into_js_value());

    let chat = options.clone();
    let send = Closure::<dyn Fn(JsValue) -> Promise>::new(move |given: JsValue| {
        task::promise(prepare::send(chat.clone(), given))
    });
    sys::set(&result, "prepareSendMessagesRequest", &send.into_js_value());

    let (state, chat) = (client.clone(), options.clone());
    let reconnect = Closure::<dyn Fn(JsValue) -> Promise>::new(move |given: JsValue| {
        task::promise(prepare::reconnect(state.clone(), chat.clone(), given))
    });
    sys::set(&result, "prepareReconnectToStreamRequest", &reconnect.into_js_value());
    Ok(result.into())
}

/// Whether the recorder has never heard of the request whose answer this tab waits for. Then the latest answer is that to
/// the question before.
async fn never_arrived(
    client: &ClientState,
    app_request: &AppRequest,
    awaited: String,
) -> Result<bool, JsValue> {
    let href = &app_request.href;
    if client.chats.with(href, |chat| chat.recording.is_some()) {
        return Ok(false);
    }
    let asked = AppRequest::read(&href.as_str().into(), &JsValue::UNDEFINED)?;
    let mut asked = asked.in_the_name_of(Some(app_request.asker()));
    asked.id = awaited;
    let told = status::told(client.recorder.clone(), Rc::new(asked), None).await;
    Ok(matches!(told, Told::Is(None, _)))
}

async fn chat_fetch(
    client: Rc<ClientState>,
    options: &ChatOptions,
    mut app_request: AppRequest,
) -> Result<Response, JsValue> {
    app_request.fetch = options.fetch.clone();
    app_request.on_reconnect = options.on_reconnect.clone();
    let sends = !matches!(app_request.mode, Some(Mode::Resume | Mode::Replay));
    let awaited = if sends { None } else { LastSend::load(&app_request.href).awaited() };
    let is_idle = app_request.mode == Some(Mode::Resume) && awaited.is_none();
    app_request.is_idle = is_idle;
    let exchange: Option<Box<dyn Observer>> = if bypass::applies(&client, &app_request) {
        None
    } else {
        Some(Box::new(Exchange::begin(&client, &app_request, sends, options.stop_on_abort)))
    };
    let replays = app_request.mode == Some(Mode::Replay);
    if replays
        && exchange.is_some()
        && let Some(awaited) = awaited
        && never_arrived(&client, &app_request, awaited).await?
    {
        return fetch::empty(204);
    }
    let response = match fetch::fetch(client.clone(), app_request, exchange).await {
        // There is nothing to wait for that anybody knows of.
        Err(error) if is_idle && error::is_lost(&error) => {
            if !client.warned.idle.replace(true) {
                let message = sys::get_text(&error, "message").unwrap_or_default();
                sys::warn(&text::joined(&["durablefetch: chats are not resumed: ", &message]));
            }
            return fetch::empty(204);
        }
        response => response?,
    };
    // To the AI SDK 404 is an error, and 204 means that there is nothing to come back to.
    if replays && response.status() == 404 { fetch::empty(204) } else { Ok(response) }
}
