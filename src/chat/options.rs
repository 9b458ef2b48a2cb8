//! The options of `chatTransport`.

use js_sys::{Function, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};

use crate::error::wrong;
use crate::js::sys;
use crate::options::{choice, function, text};

/// The route of the AI SDK's own default.
const DEFAULT_API: &str = "/api/chat";

/// What is ours of the options; everything else is handed on to the AI SDK.
pub(crate) struct ChatOptions {
    pub(crate) api: String,
    /// `reconnect: 'recorded'`: a reader who comes back after the end still gets the answer.
    pub(crate) recorded: bool,
    /// `onAbort: 'stop'`.
    pub(crate) stop_on_abort: bool,
    /// The transport underneath for this chat, instead of the client's.
    pub(crate) fetch: Option<Function>,
    /// Told besides the client's.
    pub(crate) on_reconnect: Option<Function>,
    pub(crate) prepare_send: Option<Function>,
    pub(crate) prepare_reconnect: Option<Function>,
    /// The app's options without ours.
    pub(crate) rest: Object,
}

impl ChatOptions {
    pub(crate) fn read(options: &JsValue) -> Result<Self, JsValue> {
        if let Some(options) = sys::some(options.clone())
            && !options.is_object()
        {
            return Err(wrong("options", "an object"));
        }
        let rest = Object::new();
        if let Some(options) = options.dyn_ref::<Object>() {
            Object::assign(&rest, options);
        }
        let read = Self {
            api: text(options, "api")?.unwrap_or_else(|| DEFAULT_API.into()),
            recorded: choice(options, "reconnect", ["live", "recorded"])?,
            stop_on_abort: choice(options, "onAbort", ["detach", "stop"])?,
            fetch: function(options, "fetch")?,
            on_reconnect: function(options, "onReconnect")?,
            prepare_send: function(options, "prepareSendMessagesRequest")?,
            prepare_reconnect: function(options, "prepareReconnectToStreamRequest")?,
            rest,
        };
        for ours in ["reconnect", "onAbort", "onReconnect"] {
            let _ = Reflect::delete_property(&read.rest, &ours.into());
        }
        Ok(read)
    }
}
