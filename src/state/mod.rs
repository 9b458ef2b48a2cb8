//! What the calls of one client share: the recorder, and what one call leaves for the next.

mod attachments;
mod chats;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use durablefetch_protocol::retry::Policy;
use js_sys::{Function, Promise, Set};

use crate::options::Options;
use crate::wire::recorder::Recorder;

use attachments::Attachments;
use chats::Chats;

/// Shared by everything that one client has under way.
pub(crate) struct ClientState {
    pub(crate) recorder: Rc<Recorder>,
    pub(crate) policy: Policy,
    pub(crate) on_reconnect: Option<Function>,
    pub(crate) attachments: Attachments,
    pub(crate) chats: Chats,
    /// Last messages that are being resumed, by URL and id. React's StrictMode runs effects twice: the second call is
    /// the first one.
    pub(crate) resuming: RefCell<Vec<(String, Promise)>>,
    pub(crate) warned: Warned,
}

/// What was said on the console, once per client.
#[derive(Default)]
pub(crate) struct Warned {
    pub(crate) bypass: Cell<bool>,
    pub(crate) authorization: Cell<bool>,
}

impl ClientState {
    /// With what the client's former instance left unfinished.
    pub(crate) fn new(options: Options, unfinished: Set) -> Self {
        let Options { recorder_url, token, fetch, policy, on_reconnect } = options;
        Self {
            recorder: Rc::new(Recorder::new(recorder_url, token, fetch)),
            policy,
            on_reconnect,
            attachments: Attachments::default(),
            chats: Chats::new(unfinished),
            resuming: RefCell::default(),
            warned: Warned::default(),
        }
    }
}
