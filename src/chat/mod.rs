//! The AI SDK's chats: each is one key, `api?chatId=<id>`, whose recordings are its answers.

mod entry;
mod exchange;
mod options;
mod prepare;
mod transport;

use std::rc::Rc;

use durablefetch_protocol::control::Done;
use wasm_bindgen::JsValue;

use crate::exported::ClientState;
use crate::fetch::app_request::AppRequest;
use crate::fetch::bypass;
use crate::js::{sys, text};
use crate::wire::control;

pub(crate) use entry::Chats;
pub(crate) use exchange::Exchange;
pub(crate) use transport::transport;

/// The address that a chat is recorded under. The query that `api` has is kept.
fn keyed(api: &str, chat_id: &str) -> String {
    let (address, fragment) = text::split_before(api, b'#');
    let (_, query) = text::split_before(address, b'?');
    let parameter = text::joined(&["chatId=", &sys::encode_uri_component(chat_id)]);
    let mut rest = query.get(1..).unwrap_or_default();
    while !rest.is_empty() {
        let (known, after) = text::split_before(rest, b'&');
        if known == parameter {
            return api.to_owned();
        }
        rest = after.get(1..).unwrap_or_default();
    }
    let separator = match query {
        "" => "?",
        query if query == "?" || query.ends_with("&") => "",
        _ => "&",
    };
    text::joined(&[address, separator, &parameter, fragment])
}

/// Stops what was last sent or resumed for a chat: the recording where it is known, the request where its head
/// has not come, whatever is current where this page knows of neither.
pub(crate) async fn stop(client: Rc<ClientState>, api: &str, chat_id: &str) -> Result<JsValue, JsValue> {
    let app_request = AppRequest::read(&keyed(api, chat_id).as_str().into(), &JsValue::UNDEFINED)?;
    if bypass::applies(&client, &app_request) {
        return Ok(bypass::done(Done::NOTHING_TO_STOP));
    }
    stop_request(client, app_request).await
}

async fn stop_request(client: Rc<ClientState>, app_request: AppRequest) -> Result<JsValue, JsValue> {
    let (recording, request, asker) = client.chats.with(&app_request.href, |entry| {
        entry.stopped_here = true;
        let request = entry.request.clone().filter(|_| entry.recording.is_none());
        (entry.recording.clone(), request, entry.asker.clone())
    });
    // In the name of the request that it is about, with the same credentials.
    let app_request = app_request.in_the_name_of(asker.as_deref());
    control::stop(&client, &app_request, recording, request).await
}
