//! What a chat last sent. Kept for the tab, so that it can be stopped and sent again after a reload.

use crate::js::object::{Field, object};
use crate::js::storage::Kept;
use crate::js::{sys, text};

/// Keys in the tab's storage, by the chat's name.
const PREFIX: &str = "durablefetch:chat:";

#[derive(Default)]
pub(super) struct LastSend {
    /// The URL that it was sent to.
    pub(super) url: String,
    /// Its request id.
    pub(super) request: String,
    /// What it is about, where every tab would send the same: the request id without failures.
    pub(super) message: String,
    /// How often recorder or upstream said that nothing came of it.
    pub(super) told: u32,
}

impl LastSend {
    pub(super) fn load(name: &str) -> Option<Self> {
        let kept = Kept::InTab.load(&key(name));
        Some(Self {
            url: sys::get_text(&kept, "url")?,
            request: sys::get_text(&kept, "request")?,
            message: sys::get_text(&kept, "message")?,
            told: sys::get(&kept, "told").as_f64()? as u32,
        })
    }

    pub(super) fn save(&self, name: &str) {
        let kept = object(&[
            ("url", Field::Text(&self.url)),
            ("request", Field::Text(&self.request)),
            ("message", Field::Text(&self.message)),
            ("told", Field::Number(self.told.into())),
        ]);
        // What is made of texts and numbers has a JSON.
        let _ = Kept::InTab.save(&key(name), &kept);
    }
}

/// Nothing came of the last send, which has to be this request where one is named; sent again, it is meant again.
pub(super) fn told(name: &str, request: Option<&str>) {
    if let Some(mut last) = LastSend::load(name)
        && request.is_none_or(|request| last.request == request)
    {
        last.told += 1;
        last.save(name);
    }
}

fn key(name: &str) -> String {
    text::joined(&[PREFIX, name])
}
