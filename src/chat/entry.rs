//! What a page knows of its chats.

use std::cell::RefCell;
use std::rc::Rc;

use crate::order::Asker;

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
    pub(crate) asker: Option<Rc<Asker>>,
    /// What is in `recording` or `request` was stopped by this client.
    pub(crate) stopped_here: bool,
    /// The last body ended in an error.
    pub(crate) errored: bool,
    /// Bodies that did not end complete: what is sent after one of them is a new intent.
    pub(crate) failures: u32,
}

/// By URL, the one used last at the end.
#[derive(Default)]
pub(crate) struct Chats(RefCell<Vec<(String, Entry)>>);

impl Chats {
    /// Does something with a chat, new or known. `work` must not come back here.
    pub(crate) fn with<T>(&self, href: &str, work: impl FnOnce(&mut Entry) -> T) -> T {
        let mut chats = self.0.borrow_mut();
        let (href, mut entry) = match chats.iter().position(|(known, _)| known == href) {
            Some(index) => chats.remove(index),
            None => {
                if chats.len() >= KEPT {
                    chats.remove(0);
                }
                (href.to_owned(), Entry::default())
            }
        };
        let result = work(&mut entry);
        chats.push((href, entry));
        result
    }
}
