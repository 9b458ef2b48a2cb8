//! `resumeLastMessage`: asks, sends once, and tells whether it did.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Function, Promise};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::client::Inner;
use crate::options::wrong;
use crate::order::Order;
use crate::{control, task, text};

/// What is under way, by URL and id. React's StrictMode runs effects twice: the second call is the first one.
#[derive(Default)]
pub(crate) struct Resuming(RefCell<Vec<(String, Promise)>>);

/// Sends the last message if its answer is in progress. Rejects with what `send` throws or rejects with.
pub(crate) fn resume(client: &Rc<Inner>, url: &JsValue, id: &str, send: &JsValue) -> Promise {
    let order = match Order::read(url, &JsValue::UNDEFINED) {
        Ok(order) => order,
        Err(error) => return Promise::reject(&error),
    };
    let Some(send) = send.dyn_ref::<Function>().cloned() else {
        return Promise::reject(&wrong("send", "a function"));
    };
    let key = text::joined(&[&order.href, "\n", id]);
    let known =
        client.resuming.0.borrow().iter().find(|(known, _)| *known == key).map(|(_, run)| run.clone());
    if let Some(run) = known {
        return run;
    }
    let promise = task::promise({
        let (client, key, id) = (client.clone(), key.clone(), id.to_owned());
        async move {
            let result = run(&client, &order, &id, &send).await;
            client.resuming.0.borrow_mut().retain(|(known, _)| *known != key);
            result
        }
    });
    client.resuming.0.borrow_mut().push((key, promise.clone()));
    promise
}

async fn run(client: &Rc<Inner>, order: &Order, id: &str, send: &Function) -> Result<JsValue, JsValue> {
    let message = super::load(id);
    if message.is_undefined() || !control::is_in_progress(client, order).await?.in_progress {
        return Ok(false.into());
    }
    let sent = send.call1(&JsValue::UNDEFINED, &message)?;
    JsFuture::from(Promise::resolve(&sent)).await?;
    Ok(true.into())
}
