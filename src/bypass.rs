//! What does not go through the recorder: a server on this machine while the recorder is elsewhere.

use std::cell::Cell;

use wasm_bindgen::JsValue;

use crate::base;
use crate::client::Inner;
use crate::order::Order;
use crate::plain::{self, Field};
use crate::{sys, text};

/// What was said on the console, once per client.
#[derive(Default)]
pub(crate) struct Warned {
    bypass: Cell<bool>,
    authorization: Cell<bool>,
}

/// Whether this goes past the recorder. Says so once.
pub(crate) fn applies(client: &Inner, order: &Order) -> bool {
    if !order.is_http() {
        return true;
    }
    let bypass = base::is_loopback(&order.url.hostname()) && !client.options.base.is_loopback();
    if bypass && !client.warned.bypass.replace(true) {
        let host = client.options.base.host();
        sys::warn(&text::joined(&[
            "durablefetch: ",
            &order.url.origin(),
            " is on this machine, where the recorder at ",
            host,
            " cannot reach it. Its requests are sent directly and are not durable. \
                 For development run a recorder here and set durablefetchHost to it.",
        ]));
    }
    bypass
}

/// The default recorder is a third party's: says once that a credential goes there.
pub(crate) fn warn_of_third_party(client: &Inner, order: &Order) {
    if client.options.base.is_default
        && order.authorization().is_some()
        && !client.warned.authorization.replace(true)
    {
        sys::warn(
            "durablefetch: an authorization header is sent to durablefetch.com, a third party. \
             Run a recorder of your own and set durablefetchHost to it.",
        );
    }
}

/// The status of what no recorder sees, as durablefetch 0.1.0 answers it.
pub(crate) fn status() -> JsValue {
    plain::object(&[
        ("inProgress", Field::Flag(false)),
        ("activeConnections", Field::Number(0.0)),
        ("chunksStored", Field::Number(0.0)),
        ("completed", Field::Flag(false)),
    ])
}

/// The answer to `delete` and `stop` where no recorder is asked.
pub(crate) fn done(message: &str) -> JsValue {
    plain::object(&[("success", Field::Flag(true)), ("message", Field::Text(message))])
}
