//! What a page knows of its chats. A chat's name is the URL that its `api` and id make; it is recorded under that one,
//! unless the app's `prepare…` functions say another.

use std::cell::RefCell;

use js_sys::Set;
use wasm_bindgen::JsValue;

use crate::app_request::Asker;

/// Chats remembered; the one unused for longest goes first.
const KEPT: usize = 64;

/// One chat in this page.
#[derive(Default)]
pub(crate) struct Entry {
    /// The recording that was last sent or resumed, once its head has come.
    pub(crate) recording: Option<String>,
    /// The request id of what was last sent.
    pub(crate) request: Option<String>,
    /// Who asked for it.
    pub(crate) asker: Option<Asker>,
    /// What is in `recording` or `request` was stopped by this client.
    pub(crate) stopped_here: bool,
    /// The last body ended in an error.
    pub(crate) errored: bool,
    /// Bodies that somebody is reading.
    pub(crate) open: u32,
}

/// By URL, the one used last at the end.
pub(crate) struct Chats {
    entries: RefCell<Vec<(String, Entry)>>,
    /// URLs of the chats that have a body which is not whole. It is JavaScript's, since it outlives an instance that
    /// broke down: what was open then ended in an error, too.
    unfinished: Set,
}

impl Chats {
    /// With what the client's former instance left behind.
    pub(crate) fn new(unfinished: Set) -> Self {
        Self { entries: RefCell::default(), unfinished }
    }

    /// Does something with a chat, new or known. `work` must not come back here.
    pub(crate) fn with<T>(&self, href: &str, work: impl FnOnce(&mut Entry) -> T) -> T {
        let (href, mut entry) = self.take(href);
        let result = work(&mut entry);
        self.put(href, entry);
        result
    }

    // Not within, as that is compiled for every `work`.
    #[inline(never)]
    fn take(&self, href: &str) -> (String, Entry) {
        let mut chats = self.entries.borrow_mut();
        match chats.iter().position(|(known, _)| known == href) {
            Some(index) => chats.remove(index),
            None => {
                if chats.len() >= KEPT {
                    chats.remove(0);
                }
                let errored = self.unfinished.has(&JsValue::from_str(href));
                (href.to_owned(), Entry { errored, ..Entry::default() })
            }
        }
    }

    #[inline(never)]
    fn put(&self, href: String, entry: Entry) {
        let key = JsValue::from_str(&href);
        if entry.errored || entry.open > 0 {
            self.unfinished.add(&key);
        } else {
            self.unfinished.delete(&key);
        }
        self.entries.borrow_mut().push((href, entry));
    }
}
