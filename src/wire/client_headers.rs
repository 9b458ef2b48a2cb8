//! The option `headers`: what every request has besides its own, for gateways that want a key on each.

use js_sys::{Function, Promise};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::Headers;

use crate::app_request::AppRequest;
use crate::error::wrong;
use crate::js::sys;

/// The option, understood.
pub(crate) enum ClientHeaders {
    None,
    These(Headers),
    /// Asked once for each response and each call, and anew where a gateway refused what it said.
    Ask(Function),
}

impl ClientHeaders {
    pub(crate) fn read(value: JsValue) -> Result<Self, JsValue> {
        match value.dyn_into() {
            Ok(ask) => Ok(Self::Ask(ask)),
            Err(value) => Ok(understood(value)?.map_or(Self::None, Self::These)),
        }
    }

    /// Whether asking again may say something else.
    pub(crate) fn can_change(&self) -> bool {
        matches!(self, Self::Ask(_))
    }

    /// Adds them to a request, whose own win; `anew`, in place of those that were added before. All requests of one
    /// response have the same: another credential could be another scope. What the app's function throws is the app's
    /// error.
    pub(crate) async fn add_to(&self, app_request: &AppRequest, anew: bool) -> Result<(), JsValue> {
        let told = match self {
            Self::None => return Ok(()),
            _ if !anew && sys::is_extended(&app_request.headers) => return Ok(()),
            Self::These(headers) => Some(headers.clone()),
            Self::Ask(ask) => {
                let told = Promise::resolve(&ask.call0(&JsValue::UNDEFINED)?);
                understood(JsFuture::from(told).await?)?
            }
        };
        sys::extend(&app_request.headers, told.as_ref());
        Ok(())
    }
}

/// A header that is undefined would be sent as that word.
fn understood(value: JsValue) -> Result<Option<Headers>, JsValue> {
    let Some(value) = sys::some(value) else { return Ok(None) };
    sys::headers_of(&value).map(Some).map_err(|_| {
        wrong(
            "headers",
            "Headers, a list or an object of names and values, none of them undefined, or a function of such",
        )
    })
}
