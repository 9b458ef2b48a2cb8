//! What a chat last sent. Kept for the tab, so that it can be stopped and sent again after a reload: by the URL that it
//! was sent to, and by the chat's name, where that is another.

use js_sys::Object;
use wasm_bindgen::{JsCast, JsValue};

use crate::js::object::{Field, object};
use crate::js::{sys, text};

/// Keys in the tab's storage.
const PREFIX: &str = "durablefetch:chat:";
/// How often recorder or upstream said that nothing came of it.
const TOLD: &str = "told";
/// Whether the answer has come, or it is known that none will.
const OVER: &str = "over";

/// It is this object: `url`, which it was sent to, `request`, its id, `message`, what every tab would send the same of,
/// `told` and `over`.
pub(super) struct LastSend(JsValue);

impl LastSend {
    pub(super) fn new(url: &str, request: &str, message: &str, told: u32) -> Self {
        Self(object(&[
            ("url", Field::Text(url)),
            ("request", Field::Text(request)),
            ("message", Field::Text(message)),
            (TOLD, Field::Number(told.into())),
        ]))
    }

    /// That of a chat, by name or URL; nothing is known of one that sent nothing.
    pub(super) fn load(chat: &str) -> Self {
        Self(sys::in_tab(&key(chat), &JsValue::UNDEFINED))
    }

    pub(super) fn save(&self, chat: &str) {
        sys::in_tab(&key(chat), &self.0);
    }

    pub(super) fn text(&self, field: &str) -> Option<String> {
        sys::get_text(&self.0, field)
    }

    pub(super) fn told(&self) -> u32 {
        sys::get(&self.0, TOLD).as_f64().unwrap_or_default() as u32
    }

    /// The id of the request whose answer this tab waits for.
    pub(super) fn awaited(&self) -> Option<String> {
        self.text("request").filter(|request| !request.is_empty() && !sys::get(&self.0, OVER).is_truthy())
    }
}

/// The answer to the last send has come.
pub(super) fn over(url: &str) {
    let last = LastSend::load(url);
    if let Some(kept) = last.0.dyn_ref::<Object>() {
        sys::set(kept, OVER, &true.into());
        last.save(url);
    }
}

/// Nothing came of the last send, which has to be this request where one is named; sent again, it is meant again.
pub(super) fn told(url: &str, request: Option<&str>) {
    let last = LastSend::load(url);
    if let Some(kept) = last.0.dyn_ref::<Object>()
        && (request.is_none() || last.text("request").as_deref() == request)
    {
        sys::set(kept, TOLD, &(last.told() + 1).into());
        sys::set(kept, OVER, &true.into());
        last.save(url);
    }
}

fn key(chat: &str) -> String {
    text::joined(&[PREFIX, chat])
}
