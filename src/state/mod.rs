//! What the calls of one client share: the recorder, and what one call leaves for the next.

mod chats;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use durablefetch_protocol::retry::Policy;
use js_sys::{Function, Map, Promise, Set};

use crate::app_request::{AppRequest, Asker};
use crate::js::sys;
use crate::options::Options;
use crate::wire::recorder::Recorder;
use durablefetch_protocol::Mode;

use chats::Chats;

/// How long a yes of `isInProgress` holds for the fetches of its URL.
const IN_PROGRESS_MS: f64 = 10_000.0;
const FOR_GOOD: f64 = f64::INFINITY;

/// Shared by everything that one client has under way.
pub(crate) struct ClientState {
    pub(crate) recorder: Rc<Recorder>,
    pub(crate) policy: Policy,
    pub(crate) on_reconnect: Option<Function>,
    /// The mode of requests that say none, as the option `reuse` has it.
    pub(crate) reuse: Option<Mode>,
    /// `isInProgress` said yes: the fetches that follow it, as in the README of durablefetch 0.1.0, mean that
    /// recording. In between it may end, and a fetch that starts anew then runs a message a second time.
    in_progress: Map,
    /// What was read whole, of URLs that were asked with GET.
    delivered: Map,
    /// Who asked for a recording, and who asked last for a URL.
    askers: Map,
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
    /// The recorder does not answer, and requests go past it.
    pub(crate) direct: Cell<bool>,
    /// The recorder does not answer, and chats that have nothing to wait for are left as they are.
    pub(crate) idle: Cell<bool>,
}

impl ClientState {
    /// With what the client's former instance left unfinished.
    pub(crate) fn new(options: Options, unfinished: Set) -> Self {
        let Options { recorder_url, token, headers, fetch, policy, on_reconnect, reuse } = options;
        Self {
            recorder: Rc::new(Recorder::new(recorder_url, token, headers, fetch)),
            policy,
            on_reconnect,
            reuse,
            in_progress: Map::new(),
            delivered: Map::new(),
            askers: Map::new(),
            chats: Chats::new(unfinished),
            resuming: RefCell::default(),
            warned: Warned::default(),
        }
    }
    /// Notes what was found in progress; forgets the URL if nothing was.
    pub(crate) fn found(&self, href: &str, recording: Option<&str>) {
        sys::note(&self.in_progress, href, recording, IN_PROGRESS_MS);
    }

    /// What was found in progress. `once`: nobody asks for it again.
    pub(crate) fn to_attach_to(&self, href: &str, once: bool) -> Option<String> {
        let recording = sys::noted(&self.in_progress, href);
        if once {
            self.found(href, None);
        }
        recording
    }

    /// The response to a GET has come whole.
    pub(crate) fn deliver(&self, href: &str, recording: Option<&str>) {
        sys::note(&self.delivered, href, recording, FOR_GOOD);
    }

    /// Notes who asks for this: a URL, or the recording that it turned out to be.
    pub(crate) fn asks(&self, app_request: &AppRequest, what: &str) {
        sys::note_value(&self.askers, what, &app_request.asker().into(), FOR_GOOD);
    }

    /// Who asked for this.
    pub(crate) fn asker(&self, what: &str) -> Option<Asker> {
        sys::some(sys::noted_value(&self.askers, what)).map(Asker::from)
    }

    /// What has come whole of this URL.
    pub(crate) fn delivered(&self, href: &str) -> Option<String> {
        sys::noted(&self.delivered, href)
    }
}
