//! `fetch`: past the recorder, through one of 0.1.0, or followed.

use std::rc::Rc;

use durablefetch_protocol::Mode;
use js_sys::Object;
use wasm_bindgen::JsValue;
use web_sys::{Response, ResponseInit};

use crate::chat::Run;
use crate::client::Inner;
use crate::generation::{self, Generation};
use crate::order::Order;
use crate::session::{Session, Step};
use crate::{ask, body, bypass, control, head, sys};

/// The app's response.
pub(crate) async fn fetch(
    client: Rc<Inner>,
    mut order: Order,
    chat: Option<Run>,
) -> Result<Response, JsValue> {
    stop_if_aborted(&order)?;
    if bypass::applies(&client, &order) {
        return direct(&client, &mut order).await;
    }
    bypass::warn_of_third_party(&client, &order);
    order.buffer().await?;
    stop_if_aborted(&order)?;
    if order.mode.is_some() || client.options.token.is_some() {
        generation::known(&client, &order).await;
    }
    if client.generation.get() == Generation::Seed {
        return seed(&client, order).await;
    }
    // Whoever says how to start does not mean what `isInProgress` found.
    let attach = if order.mode.is_none() { client.attachments.take(&order.href) } else { None };
    let href = order.href.clone();
    let mut session = Session::new(client, order, chat, attach.as_deref());
    match session.head().await {
        Step::Head(head) => {
            let text = head::status_text(&head);
            let ending = Object::new();
            let bodiless = sys::is_null_body(head.status());
            let body = if bodiless { JsValue::NULL } else { body::stream(session, &ending) };
            sys::respond(&body, &head, &text, &href, &ending)
        }
        Step::Pass(response) => Ok(sys::named(&response, &href)),
        Step::Failed(error) => Err(error),
        // No head, no chunk: what comes before the head is a head or an error.
        Step::Chunk(_) | Step::Done => Err(crate::error::mismatch()),
    }
}

fn stop_if_aborted(order: &Order) -> Result<(), JsValue> {
    match &order.signal {
        Some(signal) if signal.aborted() => Err(signal.reason()),
        _ => Ok(()),
    }
}

/// Past the recorder. Nothing is recorded there, so there is nothing to resume or to replay.
async fn direct(client: &Rc<Inner>, order: &mut Order) -> Result<Response, JsValue> {
    if order.is_http() {
        match order.mode {
            Some(Mode::Resume) => return empty(204),
            Some(Mode::Replay) => return empty(404),
            Some(Mode::Join | Mode::Restart) | None => {}
        }
    }
    order.buffer_unless_streaming().await?;
    let headers = order.copied_headers()?;
    let init = order.untouched(&headers);
    ask::transport(client, order, &order.href, &init).await
}

/// Through a recorder of 0.1.0: no headers of the protocol, no token, no continuation.
async fn seed(client: &Rc<Inner>, order: Order) -> Result<Response, JsValue> {
    match order.mode {
        Some(mode @ (Mode::Resume | Mode::Replay)) => {
            let status = control::status(client, &order, None).await?;
            let there = status.in_progress || mode == Mode::Replay && status.completed;
            if !there {
                return empty(if mode == Mode::Resume { 204 } else { 404 });
            }
        }
        Some(Mode::Restart) => {
            control::delete(client, &order).await?;
        }
        Some(Mode::Join) | None => {}
    }
    let address = client.options.base.address(&order.url, Generation::Seed)?;
    let init = order.init(&order.copied_headers()?, order.signal.as_ref());
    let response = ask::transport(client, &order, &address, &init).await?;
    Ok(sys::named(&response, &order.href))
}

/// A response of our own.
pub(crate) fn empty(status: u16) -> Result<Response, JsValue> {
    let init = ResponseInit::new();
    init.set_status(status);
    Response::new_with_opt_str_and_init(None, &init)
}
