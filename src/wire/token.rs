//! The caller's token, where the recorder asks for one.

use js_sys::{Function, Promise};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::error::wrong;
use crate::js::sys;

/// The option `token`.
pub(crate) enum Token {
    None,
    Text(String),
    /// Asked for every request, and once more when its answer was refused.
    Ask(Function),
}

impl Token {
    pub(crate) fn read(value: JsValue) -> Result<Self, JsValue> {
        let Some(value) = sys::some(value) else { return Ok(Self::None) };
        if let Some(text) = value.as_string() {
            return Ok(Self::Text(text));
        }
        value.dyn_into().map(Self::Ask).map_err(|_| wrong("token", "a string or a function"))
    }

    pub(crate) fn is_some(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// Whether asking again may say something else.
    pub(crate) fn can_change(&self) -> bool {
        matches!(self, Self::Ask(_))
    }

    /// The token for the next request. What the app's function throws is the app's error.
    pub(crate) async fn current(&self) -> Result<Option<String>, JsValue> {
        match self {
            Self::None => Ok(None),
            Self::Text(text) => Ok(Some(text.clone())),
            Self::Ask(ask) => {
                let told = JsFuture::from(Promise::resolve(&ask.call0(&JsValue::UNDEFINED)?)).await?;
                match sys::some(told) {
                    None => Ok(None),
                    Some(told) => {
                        told.as_string().map(Some).ok_or_else(|| wrong("token", "or return a string"))
                    }
                }
            }
        }
    }
}
