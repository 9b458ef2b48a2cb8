//! What apps see when something fails.
//!
//! Messages of lost connections begin with `network error`: frameworks look for the words `network` and `fetch`
//! to tell a lost connection from an answer. Messages of all other errors contain neither as they look for them.

use durablefetch_protocol::State;
use js_sys::Promise;
use wasm_bindgen::JsValue;
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

/// One after which it is not known what is there: [`is_lost`], and no program has answered in a recorder's place.
pub(crate) fn is_untold(error: &JsValue) -> bool {
    let has_answered = sys::get_text(error, "code").as_deref() == Some("unreachable")
        && !sys::get(error, "status").is_undefined();
    is_lost(error) && !has_answered
}

/// Any error but a lost connection.
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
    sys::lost("network", host, None, cause, None)
}

/// The recorder has never answered. `flaw`: of its address.
pub(crate) fn unreachable(host: &str, cause: &JsValue, flaw: Option<&str>) -> JsValue {
    sys::lost("unreachable", host, None, cause, flaw)
}

/// What answers here, with this status and of this type, is something else, and no recorder has ever answered.
pub(crate) fn no_recorder(host: &str, status: u16, content_type: Option<&str>) -> JsValue {
    sys::lost("stranger", host, Some(status), &JsValue::UNDEFINED, content_type)
}

/// Something between here and the recorder answers in its place.
pub(crate) fn intermediary(host: &str, status: u16) -> JsValue {
    sys::lost("proxy", host, Some(status), &JsValue::UNDEFINED, None)
}

/// It passes status calls, which say that there is more, and nothing of that comes.
pub(crate) fn held(host: &str) -> JsValue {
    sys::lost("held", host, None, &JsValue::UNDEFINED, None)
}

/// It answers with what belongs to another request.
pub(crate) fn misfit(host: &str, status: u16) -> JsValue {
    sys::lost("misfit", host, Some(status), &JsValue::UNDEFINED, None)
}

/// It sends requests elsewhere. They are not followed: the server there would get token and request.
pub(crate) fn redirected(host: &str) -> JsValue {
    sys::lost("redirected", host, None, &JsValue::UNDEFINED, None)
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
    let message = told.map_or_else(|| no(code), |told| sys::parted(&told));
    sys::durable_fetch_error(code, &message, Some(status), &JsValue::UNDEFINED)
}

fn no(code: &str) -> String {
    text::joined(&["The recorder refused the request: ", code])
}
