//! The exported class.

use std::future::Future;
use std::rc::Rc;

use js_sys::{Promise, Set};
use wasm_bindgen::prelude::*;

use crate::app_request::AppRequest;
use crate::fetch::about::{About, Asked};
use crate::fetch::{self, app_control};
use crate::js::task;
use crate::options::Options;
use crate::state::ClientState;
use crate::wire::control::{DELETE, STOP};
use crate::{chat, last_message};

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
        let state = ClientState::new(Options::read(options)?, unfinished);
        Ok(Self { state: Rc::new(state) })
    }

    /// `fetch`, durable.
    pub fn fetch(&self, input: &JsValue, init: &JsValue) -> Promise {
        let app_request = AppRequest::read(input, init);
        self.promise(
            |client| async move { fetch::fetch(client, app_request?, None).await.map(JsValue::from) },
        )
    }

    /// What the recorder knows of this URL, of one recording of it, or of each of these URLs.
    #[wasm_bindgen(js_name = isInProgress)]
    pub fn is_in_progress(&self, what: &JsValue, init: &JsValue) -> Promise {
        let asked = Asked::read(&self.state, what, init);
        self.promise(|client| async move { app_control::in_progress(&client, &asked?).await })
    }

    /// Deletes what is recorded of this URL, or one recording.
    pub fn delete(&self, what: &JsValue, init: &JsValue) -> Promise {
        self.order(DELETE, what, init)
    }

    /// Stops what is being recorded of this URL, or one recording: its upstream request is ended, its bytes stay.
    pub fn stop(&self, what: &JsValue, init: &JsValue) -> Promise {
        self.order(STOP, what, init)
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

    fn order(&self, order: &'static str, what: &JsValue, init: &JsValue) -> Promise {
        let about = About::read(what, init).map(|about| about.in_the_name_of_the_start(&self.state));
        self.promise(move |client| async move { app_control::order(&client, order, &about?).await })
    }

    fn promise<F: Future<Output = Result<JsValue, JsValue>> + 'static>(
        &self,
        run: impl FnOnce(Rc<ClientState>) -> F,
    ) -> Promise {
        task::promise(run(self.state.clone()))
    }
}
