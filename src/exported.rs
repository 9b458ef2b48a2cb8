//! The exported class, and what all calls of one client share.

use std::cell::Cell;
use std::future::Future;
use std::rc::Rc;

use js_sys::{Promise, Set};
use wasm_bindgen::prelude::*;

use crate::chat::{self, Chats};
use crate::fetch;
use crate::fetch::app_request::AppRequest;
use crate::fetch::attach::Attachments;
use crate::fetch::bypass;
use crate::js::task;
use crate::last_message::{self, Resuming};
use crate::options::Options;
use crate::wire::control;
use crate::wire::head::Seen;
use crate::wire::recorder_version::RecorderVersion;
use durablefetch_protocol::reader::Answer;

/// Shared by everything that one client has under way.
pub(crate) struct ClientState {
    pub(crate) options: Options,
    pub(crate) version: Cell<RecorderVersion>,
    pub(crate) attachments: Attachments,
    pub(crate) chats: Chats,
    pub(crate) resuming: Resuming,
    pub(crate) warned: bypass::Warned,
    /// The recorder has answered before.
    answered: Cell<bool>,
}

impl ClientState {
    /// Whether this recorder has ever answered; until then it may not be there at all.
    pub(crate) fn answered(&self) -> bool {
        self.answered.get()
    }

    /// Takes note of an answer: only a recorder of this protocol says a state.
    pub(crate) fn learn(&self, seen: &Seen) {
        if seen.answer != Answer::Foreign {
            self.answered.set(true);
            self.version.set(RecorderVersion::Current);
        }
    }
}

/// The part of `DurableFetchClient` that is Rust; `client.js` binds its methods.
#[wasm_bindgen]
pub struct Client {
    state: Rc<ClientState>,
}

#[wasm_bindgen]
impl Client {
    /// A client; makes no request yet. `unfinished`: of the same client in an instance before this one.
    ///
    /// # Errors
    /// A `DurableFetchError` with the code `invalid-option` that names the option.
    #[wasm_bindgen(constructor)]
    pub fn new(options: &JsValue, unfinished: Set) -> Result<Client, JsValue> {
        let options = Options::read(options)?;
        let version = RecorderVersion::assumed(&options.recorder_url);
        let state = ClientState {
            options,
            version: Cell::new(version),
            attachments: Attachments::default(),
            chats: Chats::new(unfinished),
            resuming: Resuming::default(),
            warned: bypass::Warned::default(),
            answered: Cell::new(false),
        };
        Ok(Self { state: Rc::new(state) })
    }

    /// `fetch`, durable.
    pub fn fetch(&self, input: &JsValue, init: &JsValue) -> Promise {
        let app_request = AppRequest::read(input, init);
        self.promise(
            |client| async move { fetch::fetch(client, app_request?, None).await.map(JsValue::from) },
        )
    }

    /// What the recorder knows of this URL.
    #[wasm_bindgen(js_name = isInProgress)]
    pub fn is_in_progress(&self, url: &JsValue, init: &JsValue) -> Promise {
        let app_request = AppRequest::read(url, init);
        self.promise(|client| async move { Ok(control::is_in_progress(&client, &app_request?).await?.json) })
    }

    /// Deletes the recording of this URL.
    pub fn delete(&self, url: &JsValue, init: &JsValue) -> Promise {
        let app_request = AppRequest::read(url, init);
        self.promise(|client| async move { control::delete(&client, &app_request?).await })
    }

    /// Stops the recording of this URL: its upstream request is ended, its bytes stay.
    pub fn stop(&self, url: &JsValue, init: &JsValue) -> Promise {
        let app_request = AppRequest::read(url, init);
        self.promise(|client| async move { control::stop(&client, &app_request?, None, None).await })
    }

    /// Options for the AI SDK's `DefaultChatTransport`.
    ///
    /// # Errors
    /// A `DurableFetchError` with the code `invalid-option` that names the option.
    #[wasm_bindgen(js_name = chatTransport)]
    pub fn chat_transport(&self, options: &JsValue) -> Result<JsValue, JsValue> {
        chat::transport(&self.state, options)
    }

    /// Stops what this client last sent or resumed for a chat.
    #[wasm_bindgen(js_name = stopChat)]
    pub fn stop_chat(&self, api: &str, chat_id: &str) -> Promise {
        let (api, chat_id) = (api.to_owned(), chat_id.to_owned());
        self.promise(|client| async move { chat::stop(client, &api, &chat_id).await })
    }

    /// Remembers a message until it is cleared.
    ///
    /// # Errors
    /// Whatever `JSON.stringify` throws for this message.
    #[wasm_bindgen(js_name = saveLastMessage)]
    pub fn save_last_message(&self, id: &str, message: &JsValue) -> Result<(), JsValue> {
        last_message::save(id, message)
    }

    /// The message saved last under this id.
    #[wasm_bindgen(js_name = lastMessage)]
    pub fn last_message(&self, id: &str) -> JsValue {
        last_message::load(id)
    }

    /// Forgets the message.
    #[wasm_bindgen(js_name = clearLastMessage)]
    pub fn clear_last_message(&self, id: &str) {
        last_message::clear(id);
    }

    /// Sends the last message again if its answer is still being recorded.
    #[wasm_bindgen(js_name = resumeLastMessage)]
    pub fn resume_last_message(&self, url: &JsValue, id: &str, send: &JsValue) -> Promise {
        last_message::resume(&self.state, url, id, send)
    }

    fn promise<F: Future<Output = Result<JsValue, JsValue>> + 'static>(
        &self,
        run: impl FnOnce(Rc<ClientState>) -> F,
    ) -> Promise {
        task::promise(run(self.state.clone()))
    }
}
