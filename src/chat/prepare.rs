//! What the AI SDK is told to send. Mode and request id travel as headers, which `fetch` reads and takes out.

use std::rc::Rc;

use durablefetch_protocol::name;
use js_sys::{Array, Function, Object, Promise};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::Headers;

use super::key::{href, keyed};
use super::last_send::LastSend;
use super::options::ChatOptions;
use crate::js::{id, sys, text};
use crate::state::ClientState;
use durablefetch_protocol::Mode;

/// `prepareSendMessagesRequest`: a new answer, or the one that another tab has asked for with the same message.
pub(crate) async fn send(options: Rc<ChatOptions>, given: JsValue) -> Result<JsValue, JsValue> {
    let own = call(options.prepare_send.as_ref(), &given).await?;
    let prepared = prepared(&options, &given, &own)?;
    let (name, url) = named(&options, &given, &prepared);
    let body = sys::some(sys::get(&own, "body")).unwrap_or_else(|| default_body(&given));
    let mut names = vec![name, url.clone()];
    // The app may stop it by the id that it gave it, and by the route that it sent it to.
    if let Some(id) = sys::get_text(&body, "id").filter(|id| *id != chat_id(&given)) {
        let route = sys::get_text(&own, "api").unwrap_or_default();
        names.extend([&options.api, &route].map(|api| href(&keyed(api, &id))));
    }
    let request = to_send(&names, &url, &given);
    prepared.headers.set(name::MODE, Mode::Restart.as_str())?;
    prepared.headers.set(name::REQUEST, &request)?;
    let result = prepared.into_object();
    sys::set(&result, "body", &body);
    Ok(result.into())
}

/// `prepareReconnectToStreamRequest`: what is live, or what is recorded.
pub(crate) async fn reconnect(
    client: Rc<ClientState>,
    options: Rc<ChatOptions>,
    given: JsValue,
) -> Result<JsValue, JsValue> {
    let own = call(options.prepare_reconnect.as_ref(), &given).await?;
    let prepared = prepared(&options, &given, &own)?;
    // After an error, what is there has to be seen again: resuming would say that nothing is live, and the
    // error would turn into half an answer that looks finished.
    let (name, url) = named(&options, &given, &prepared);
    if name != url && LastSend::load(&name).text("url").is_none() {
        // What was sent from elsewhere is resumed here.
        LastSend::new(&url, "", "", 0).save(&name);
    }
    let errored = client.chats.with(&url, |chat| chat.errored);
    let mode = if errored || options.recorded { Mode::Replay } else { Mode::Resume };
    prepared.headers.set(name::MODE, mode.as_str())?;
    Ok(prepared.into_object().into())
}

struct Prepared {
    api: String,
    headers: Headers,
    credentials: Option<JsValue>,
}

impl Prepared {
    /// As the AI SDK takes it; early versions take plain objects for headers and nothing else.
    fn into_object(self) -> Object {
        let object = Object::new();
        sys::set(&object, "api", &self.api.into());
        if let Ok(headers) = Object::from_entries(&self.headers) {
            sys::set(&object, "headers", &headers);
        }
        if let Some(credentials) = &self.credentials {
            sys::set(&object, "credentials", credentials);
        }
        object
    }
}

/// The app's own answer first, then what the AI SDK would send by itself.
fn prepared(options: &ChatOptions, given: &JsValue, own: &JsValue) -> Result<Prepared, JsValue> {
    let either = |name| sys::some(sys::get(own, name)).or_else(|| sys::some(sys::get(given, name)));
    let chat_id = chat_id(given);
    let api = either("api").and_then(|api| api.as_string());
    let headers = match either("headers") {
        Some(headers) => Headers::new_with_headers(headers.unchecked_ref())?,
        None => Headers::new()?,
    };
    Ok(Prepared {
        api: keyed(api.as_deref().unwrap_or(&options.api), &chat_id),
        headers,
        credentials: either("credentials"),
    })
}

async fn call(own: Option<&Function>, given: &JsValue) -> Result<JsValue, JsValue> {
    let Some(own) = own else { return Ok(JsValue::UNDEFINED) };
    JsFuture::from(Promise::resolve(&own.call1(&JsValue::UNDEFINED, given)?)).await
}

/// What `HttpChatTransport` sends where nothing is prepared.
fn default_body(given: &JsValue) -> JsValue {
    let body = Object::new();
    if let Some(extra) = sys::get(given, "body").dyn_ref::<Object>() {
        Object::assign(&body, extra);
    }
    for name in ["id", "messages", "trigger", "messageId"] {
        sys::set(&body, name, &sys::get(given, name));
    }
    body.into()
}

fn chat_id(given: &JsValue) -> String {
    sys::get_text(given, "id").unwrap_or_default()
}

/// The chat's name, which `stopChat` is told, and the URL that is asked.
fn named(options: &ChatOptions, given: &JsValue, prepared: &Prepared) -> (String, String) {
    (href(&keyed(&options.api, &chat_id(given))), href(&prepared.api))
}

/// The request id of what is sent, which is remembered. A fresh one for what a person sends. What the chat sends by
/// itself (tool results) every tab would send by itself: there the id follows from the message, so that it starts once.
fn to_send(names: &[String], url: &str, given: &JsValue) -> String {
    let last = sys::get(given, "messages")
        .dyn_ref::<Array>()
        .map_or(JsValue::UNDEFINED, |messages| messages.get(messages.length().wrapping_sub(1)));
    let (mut request, mut message, mut told) = (id::fresh(), String::new(), 0);
    if sys::get_text(&last, "role").as_deref() == Some("assistant") {
        let message_id = sys::get_text(&last, "id").unwrap_or_default();
        let parts = sys::get(&last, "parts").dyn_ref::<Array>().map_or(0, Array::length);
        message = text::joined(&[&message_id, "/", &sys::to_text(&parts.into())]);
        // Sent again after it failed, it is meant again.
        let before = LastSend::load(url);
        if before.text("message").as_deref() == Some(&*message) {
            told = before.told();
        }
        request = id::derived(&[&chat_id(given), &message_id], &[parts, told]);
    }
    let sent = LastSend::new(url, &request, &message, told);
    for name in names {
        sent.save(name);
    }
    request
}
