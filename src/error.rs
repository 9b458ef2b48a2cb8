//! What apps see when something fails.
//!
//! Messages of lost connections begin with `network error`: frameworks look for the words `network` and `fetch`
//! to tell a lost connection from an answer. Messages of all other errors contain neither.

use durablefetch_protocol::State;
use js_sys::{Error, Promise};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::Response;

use crate::js::{sys, text};

/// An option or argument that cannot be used.
pub(crate) fn invalid(message: &str) -> JsValue {
    plain("invalid-option", message, None)
}

/// This option is something else than it must be.
pub(crate) fn wrong(name: &str, what: &str) -> JsValue {
    invalid(&text::joined(&["The option '", name, "' must be ", what]))
}

/// Whether this is a lost connection, so that trying again may help.
pub(crate) fn is_lost(error: &JsValue) -> bool {
    matches!(sys::get_text(error, "code").as_deref(), Some("network" | "unreachable" | "intermediary"))
}

/// Any error that is no lost connection.
pub(crate) fn plain(code: &str, message: &str, status: Option<u16>) -> JsValue {
    sys::durable_fetch_error(code, message, status, &JsValue::UNDEFINED)
}

/// A recorder of an earlier version cannot do this.
pub(crate) fn unsupported(what: &str) -> JsValue {
    let message = text::joined(&[
        what,
        " needs a recorder of version 0.3 or later, and this one is older: update it, or do without",
    ]);
    plain("unsupported", &message, None)
}

/// The recorder was there and is not any more.
pub(crate) fn network(host: &str, cause: &JsValue) -> JsValue {
    let message = text::joined(&["network error: the connection to ", host, " is lost"]);
    sys::durable_fetch_error("network", &message, None, cause)
}

/// The recorder has never answered.
pub(crate) fn unreachable(host: &str, cause: &JsValue) -> JsValue {
    let message = text::joined(&[
        "network error: no durablefetch recorder answers at ",
        host,
        ". Is it running, is the name spelled right, does it allow this page's origin (CORS), \
         and does the page's content security policy allow connecting to it?",
    ]);
    sys::durable_fetch_error("unreachable", &message, None, cause)
}

/// Something between here and the recorder answers in its place.
pub(crate) fn intermediary(host: &str, status: u16) -> JsValue {
    let status_text = sys::to_text(&status.into());
    let message = text::joined(&["network error: a proxy in front of ", host, " answers ", &status_text]);
    sys::durable_fetch_error("intermediary", &message, Some(status), &JsValue::UNDEFINED)
}

/// Something between here and the recorder sends requests elsewhere. They are not followed: whoever is there would get
/// token and request.
pub(crate) fn redirected(host: &str) -> JsValue {
    let message = text::joined(&[
        "network error: what answers at ",
        host,
        " sends requests elsewhere (a redirect), and a durablefetch recorder never does. Is there a login, \
         a change to https or a trailing slash in front of it? Give durablefetchHost the address that it is to be",
    ]);
    sys::durable_fetch_error("intermediary", &message, None, &JsValue::UNDEFINED)
}

/// Everything there is has been delivered, and it is not the whole.
pub(crate) fn ended(state: State) -> JsValue {
    let message = match state {
        State::Superseded => "A later request for the same URL took this response's place",
        State::Deleted => "The recording of this response was deleted",
        State::Interrupted => "network error: the recorder was restarted while this response was coming in",
        _ => "network error: the upstream broke off in the middle of this response",
    };
    plain(state.as_str(), message, None)
}

/// An answer that does not belong to what was asked.
pub(crate) fn mismatch() -> JsValue {
    plain("mismatch", "The recorder answered with another recording or offset than was asked for", None)
}

/// The recorder's own no. The body says why, as JSON.
pub(crate) async fn refused(response: Response, code: Option<String>) -> JsValue {
    let told = match response.json().map(|json: Promise| JsFuture::from(json)) {
        Ok(json) => json.await.unwrap_or(JsValue::UNDEFINED),
        Err(_) => JsValue::UNDEFINED,
    };
    let told = sys::get_text(&sys::get(&told, "error"), "message");
    refusal(code.as_deref().unwrap_or("refused"), response.status(), told)
}

/// The same where the body said nothing.
pub(crate) fn refusal(code: &str, status: u16, told: Option<String>) -> JsValue {
    let lost = |text: &String| {
        ["network", "Network", "fetch", "Fetch"].iter().any(|word| text::contains(text, word))
    };
    let (message, cause) = match told {
        Some(told) if !lost(&told) => (told, JsValue::UNDEFINED),
        // These words would make frameworks take it for a lost connection.
        Some(told) => (no(code), Error::new(&told).unchecked_into()),
        None => (no(code), JsValue::UNDEFINED),
    };
    sys::durable_fetch_error(code, &message, Some(status), &cause)
}

fn no(code: &str) -> String {
    text::joined(&["The recorder refused the request: ", code])
}
