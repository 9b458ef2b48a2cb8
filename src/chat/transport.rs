//! `chatTransport`: options for `DefaultChatTransport`.

use std::rc::Rc;

use durablefetch_protocol::Mode;
use js_sys::Promise;
use wasm_bindgen::prelude::*;
use web_sys::Response;

use super::Run;
use super::options::ChatOptions;
use super::prepare;
use crate::client::Inner;
use crate::order::Order;
use crate::{bypass, fetch, sys, task};

/// The app's options with our `api`, `fetch` and `prepare…` functions. The app's own are called by ours.
pub(crate) fn transport(client: &Rc<Inner>, options: &JsValue) -> Result<JsValue, JsValue> {
    let options = Rc::new(ChatOptions::read(options)?);
    let result = options.rest.clone();
    sys::set(&result, "api", &options.api.as_str().into());

    let (inner, chat) = (client.clone(), options.clone());
    let fetch = Closure::<dyn Fn(JsValue, JsValue) -> Promise>::new(move |input: JsValue, init: JsValue| {
        let (inner, chat) = (inner.clone(), chat.clone());
        let order = Order::read(&input, &init);
        task::promise(async move { Ok(chat_fetch(inner, &chat, order?).await?.into()) })
    });
    sys::set(&result, "fetch", &fetch.into_js_value());

    let (inner, chat) = (client.clone(), options.clone());
    let send = Closure::<dyn Fn(JsValue) -> Promise>::new(move |given: JsValue| {
        task::promise(prepare::send(inner.clone(), chat.clone(), given))
    });
    sys::set(&result, "prepareSendMessagesRequest", &send.into_js_value());

    let (inner, chat) = (client.clone(), options.clone());
    let reconnect = Closure::<dyn Fn(JsValue) -> Promise>::new(move |given: JsValue| {
        task::promise(prepare::reconnect(inner.clone(), chat.clone(), given))
    });
    sys::set(&result, "prepareReconnectToStreamRequest", &reconnect.into_js_value());
    Ok(result.into())
}

async fn chat_fetch(client: Rc<Inner>, options: &ChatOptions, mut order: Order) -> Result<Response, JsValue> {
    order.fetch = options.fetch.clone();
    let run = if bypass::applies(&client, &order) {
        None
    } else {
        let sends = !matches!(order.mode, Some(Mode::Resume | Mode::Replay));
        Some(Run::begin(&client, &order, sends, options.stop_on_abort))
    };
    let replays = order.mode == Some(Mode::Replay);
    let response = fetch::fetch(client, order, run).await?;
    // To the AI SDK 404 is an error, and 204 means that there is nothing to come back to.
    if replays && response.status() == 404 { fetch::empty(204) } else { Ok(response) }
}
