//! One request of a chat, sent or resumed: what its end means for the chat.

use std::cell::Cell;
use std::rc::Rc;

use durablefetch_protocol::State;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;

use super::last_send;
use super::stop::stop_request;
use crate::app_request::AppRequest;
use crate::fetch::session::Observer;
use crate::js::sys;
use crate::js::wakeup::Wakeup;
use crate::state::ClientState;

/// What a session tells its chat.
pub(crate) struct Exchange {
    client: Rc<ClientState>,
    href: String,
    /// The request id, where it sends a message; resuming an answer has none.
    sent: Option<String>,
    /// `onAbort: 'stop'`.
    stop_on_abort: bool,
    /// The head has come, and the body is not over.
    open: Cell<bool>,
}

impl Exchange {
    /// A request of a chat begins. `sends`: a message, in contrast to resuming an answer.
    pub(crate) fn begin(
        client: &Rc<ClientState>,
        app_request: &AppRequest,
        sends: bool,
        stop_on_abort: bool,
    ) -> Self {
        client.chats.with(&app_request.href, |chat| {
            chat.asker = Some(app_request.asker());
            if sends {
                chat.request = Some(app_request.id.clone());
                chat.recording = None;
                chat.errored = false;
            }
            // Forget an earlier stop, unless this resumes the recording that was stopped.
            chat.stopped_here &= chat.recording.is_some();
        });
        Self {
            client: client.clone(),
            href: app_request.href.clone(),
            sent: sends.then(|| app_request.id.clone()),
            stop_on_abort,
            open: Cell::new(false),
        }
    }
}

impl Observer for Exchange {
    /// With `onAbort: 'stop'`, abort is Stop.
    fn watch_abort(&self, wakeup: &Wakeup) {
        if !self.stop_on_abort {
            return;
        }
        let (client, href) = (self.client.clone(), self.href.clone());
        wakeup.also_on_abort(Box::new(move || {
            spawn_local(async move {
                if let Ok(app_request) = AppRequest::read(&href.as_str().into(), &JsValue::UNDEFINED)
                    && let Err(error) = stop_request(client, app_request).await
                {
                    // Nobody waits for this answer.
                    sys::console_error(&error);
                }
            });
        }));
    }

    /// The head has come: the recording is known.
    fn head(&self, recording: &str) {
        self.client.chats.with(&self.href, |chat| {
            chat.open += u32::from(!self.open.replace(true));
            if chat.recording.as_deref() != Some(recording) {
                // Stopped while its head had not come: that was this one.
                chat.stopped_here &= chat.recording.is_none();
                chat.recording = Some(recording.to_owned());
            }
        });
    }

    /// The body ended clean. What somebody else stopped is not a finished answer: an error that frameworks take
    /// for an abort, lest they send something by themselves in the other tab.
    fn finished(&self, state: State) -> Option<JsValue> {
        let here = self.client.chats.with(&self.href, |chat| {
            chat.errored = false;
            chat.stopped_here
        });
        if state != State::Stopped {
            last_send::over(&self.href);
            return None;
        }
        self.told(true);
        (!here).then(|| sys::dom_exception("The answer was stopped elsewhere", "AbortError"))
    }

    /// Given up. `in_body`: after the head had come.
    fn failed(&self, in_body: bool) {
        if in_body {
            self.client.chats.with(&self.href, |chat| chat.errored = true);
        }
    }

    /// Sent again after that, it is meant again. After no answer the same is asked for, since it may be on its way.
    fn told(&self, ended: bool) {
        // A refusal to resume says nothing of the message.
        if ended || self.sent.is_some() {
            last_send::told(&self.href, self.sent.as_deref());
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if self.open.get() {
            self.client.chats.with(&self.href, |chat| chat.open = chat.open.saturating_sub(1));
        }
    }
}
