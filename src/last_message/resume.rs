//! `resumeLastMessage`: asks, sends once, and tells whether it did.

use std::rc::Rc;

use js_sys::{Function, Promise};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::message;
use crate::app_request::AppRequest;
use crate::error::wrong;
use crate::fetch::app_control;
use crate::js::{task, text};
use crate::state::ClientState;
use crate::wire::call::Named;

/// Sends the last message if its answer is in progress. Rejects with what `send` throws or rejects with.
pub(crate) fn resume(client: &Rc<ClientState>, url: &JsValue, id: &str, send: &JsValue) -> Promise {
    let app_request = match AppRequest::read(url, &JsValue::UNDEFINED) {
        Ok(app_request) => app_request,
        Err(error) => return Promise::reject(&error),
    };
    let Some(send) = send.dyn_ref::<Function>().cloned() else {
        return Promise::reject(&wrong("send", "a function"));
    };
    let key = text::joined(&[&app_request.href, "\n", id]);
    let known = client.resuming.borrow().iter().find(|(known, _)| *known == key).map(|(_, run)| run.clone());
    if let Some(run) = known {
        return run;
    }
    let promise = task::promise({
        let (client, key, id) = (client.clone(), key.clone(), id.to_owned());
        async move {
            let result = run(&client, &app_request, &id, &send).await;
            client.resuming.borrow_mut().retain(|(known, _)| *known != key);
            result
        }
    });
    client.resuming.borrow_mut().push((key, promise.clone()));
    promise
}

async fn run(
    client: &Rc<ClientState>,
    app_request: &AppRequest,
    id: &str,
    send: &Function,
) -> Result<JsValue, JsValue> {
    let message = message::load(id);
    if message.is_undefined()
        || !app_control::is_in_progress(client, app_request, &Named::default()).await?.in_progress
    {
        return Ok(false.into());
    }
    let sent = send.call1(&JsValue::UNDEFINED, &message)?;
    JsFuture::from(Promise::resolve(&sent)).await?;
    Ok(true.into())
}
