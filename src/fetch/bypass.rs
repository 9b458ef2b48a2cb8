//! What does not go through the recorder: a server on this machine while the recorder is elsewhere.

use wasm_bindgen::JsValue;

use crate::app_request::AppRequest;
use crate::js::object::{Field, object};
use crate::js::{sys, text};
use crate::state::ClientState;
use crate::wire::recorder_url;

/// Whether this goes past the recorder. Says so once.
pub(crate) fn applies(client: &ClientState, app_request: &AppRequest) -> bool {
    if !app_request.is_http() {
        return true;
    }
    let bypass = recorder_url::is_loopback(&app_request.url.hostname()) && !client.recorder.url.is_loopback();
    if bypass && !client.warned.bypass.replace(true) {
        let host = client.recorder.url.host();
        sys::warn(&text::joined(&[
            "durablefetch: ",
            &app_request.url.origin(),
            " is on this machine, where the recorder at ",
            host,
            " cannot reach it. Its requests are sent directly and are not durable. \
                 For development run a recorder here and set durablefetchHost to it.",
        ]));
    }
    bypass
}

/// Whether this error of the recorder's sends the request straight to its upstream. Says so once.
pub(crate) fn instead_of(client: &ClientState, error: &JsValue) -> bool {
    let code = sys::get_text(error, "code");
    let applies = client.policy.direct
        && match code.as_deref() {
            Some("unreachable") => true,
            Some("intermediary") => {
                sys::get(error, "status").as_f64().is_some_and(|status| (502.0..=504.0).contains(&status))
            }
            _ => false,
        };
    if applies && !client.warned.direct.replace(true) {
        let message = sys::get_text(error, "message").unwrap_or_default();
        sys::warn(&text::joined(&[
            "durablefetch: ",
            &message,
            ". Requests go straight to their servers (whenUnreachable: 'direct') and are not durable. One that has reached \
             the recorder all the same runs twice.",
        ]));
    }
    applies
}

/// The default recorder is a third party's: says once that a credential goes there.
pub(crate) fn warn_of_third_party(client: &ClientState, app_request: &AppRequest) {
    if client.recorder.url.is_default
        && app_request.authorization().is_some()
        && !client.warned.authorization.replace(true)
    {
        sys::warn(
            "durablefetch: an authorization header is sent to durablefetch.com, a third party. \
             Exchange a recorder of your own and set durablefetchHost to it.",
        );
    }
}

/// The status of what no recorder sees, as durablefetch 0.1.0 answers it.
pub(crate) fn status() -> JsValue {
    object(&[
        ("inProgress", Field::Flag(false)),
        ("activeConnections", Field::Number(0.0)),
        ("chunksStored", Field::Number(0.0)),
        ("completed", Field::Flag(false)),
    ])
}

/// The answer to `delete` and `stop` where no recorder is asked.
pub(crate) fn done(success: bool, message: &str) -> JsValue {
    object(&[("success", Field::Flag(success)), ("message", Field::Text(message))])
}
