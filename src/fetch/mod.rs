//! `fetch`: past the recorder, through one of 0.1.0, or followed.

pub(crate) mod about;
pub(crate) mod app_control;
mod body;
pub(crate) mod bypass;
pub(crate) mod session;

use std::rc::Rc;

use js_sys::Object;
use wasm_bindgen::JsValue;
use web_sys::{Response, ResponseInit};

use crate::app_request::AppRequest;
use crate::error;
use crate::fetch::session::{Observer, Session, Step};
use crate::js::sys;
use crate::js::task::Task;
use crate::state::ClientState;
use crate::wire::call::{Named, version};
use crate::wire::control::{self, DELETE};
use crate::wire::head::Seen;
use crate::wire::recorder_version::RecorderVersion;
use crate::wire::{head, send, status};
use durablefetch_protocol::follow::Answer;
use durablefetch_protocol::{Mode, name};

/// The app's response.
pub(crate) async fn fetch(
    client: Rc<ClientState>,
    mut app_request: AppRequest,
    observer: Option<Box<dyn Observer>>,
) -> Result<Response, JsValue> {
    stop_if_aborted(&app_request)?;
    client.recorder.headers.add_to(&app_request, false).await?;
    if bypass::applies(&client, &app_request) {
        app_request.buffer_unless_streaming().await?;
        return direct(&client, &app_request).await;
    }
    bypass::warn_of_third_party(&client, &app_request);
    app_request.buffer().await?;
    stop_if_aborted(&app_request)?;
    let told_how = app_request.mode.is_some();
    app_request.mode = app_request.mode.or(client.reuse);
    let new = app_request.mode.is_some_and(Mode::is_of_protocol_3);
    if new || told_how || client.recorder.token.is_some() {
        let patience = new.then_some(client.policy.first_answer_ms);
        let version = version(&client.recorder, &app_request, patience).await;
        match version {
            Err(error) if new => {
                let passed = bypass::instead_of(&client, &error);
                return if passed { direct(&client, &app_request).await } else { Err(error) };
            }
            Ok(version) if new && version != RecorderVersion::Third => {
                return Err(error::unsupported(if told_how { "This mode" } else { "The option 'reuse'" }));
            }
            _ => {}
        }
    }
    if client.recorder.version.get() == RecorderVersion::Seed {
        return seed(&client, app_request).await;
    }
    let href = app_request.href.clone();
    let third = client.recorder.is_third();
    // Who says how to start does not mean what `isInProgress` found.
    let mut attach = None;
    if !told_how && app_request.mode != Some(Mode::New) {
        attach = client.to_attach_to(&href, !third);
    }
    if third {
        let read =
            (app_request.mode.is_none() && app_request.is_get()).then(|| client.delivered(&href)).flatten();
        for (name, recording) in [(name::ATTACH, attach.take()), (name::READ, read)] {
            if let Some(recording) = recording {
                app_request.headers.set(name, &recording)?;
            }
        }
    }
    client.asks(&app_request, &href);
    let app_request = Rc::new(app_request);
    let mut session = Session::new(client.clone(), app_request.clone(), observer, attach.as_deref());
    match session.head().await {
        Step::Head(head) => {
            let text = head::status_text(&head);
            let ending = Object::new();
            let bodiless = sys::is_null_body(head.status());
            let body = if bodiless {
                session.deliver();
                JsValue::NULL
            } else {
                body::stream(session, &ending)
            };
            sys::respond(&body, &head, &text, &href, &ending)
        }
        Step::Pass(response) => Ok(sys::named(&response, &href)),
        Step::Failed(error) if bypass::instead_of(&client, &error) => direct(&client, &app_request).await,
        Step::Failed(error) => Err(error),
        // No head, no chunk: what comes before the head is a head or an error.
        Step::Chunk(_) | Step::Done => Err(error::mismatch()),
    }
}

fn stop_if_aborted(app_request: &AppRequest) -> Result<(), JsValue> {
    match &app_request.signal {
        Some(signal) if signal.aborted() => Err(signal.reason()),
        _ => Ok(()),
    }
}

/// Past the recorder. Nothing is recorded there, so there is nothing to resume or to replay.
fn direct<'a>(client: &'a ClientState, app_request: &'a AppRequest) -> Task<'a, Result<Response, JsValue>> {
    Box::pin(go_direct(client, app_request))
}

async fn go_direct(client: &ClientState, app_request: &AppRequest) -> Result<Response, JsValue> {
    if app_request.is_http() {
        match app_request.mode {
            Some(Mode::Resume) => return empty(204),
            Some(Mode::Replay) => return empty(404),
            _ => {}
        }
    }
    let headers = app_request.copied_headers()?;
    // What a start would have told the recorder.
    for header in [name::ATTACH, name::READ] {
        headers.delete(header)?;
    }
    let init = app_request.untouched(&headers);
    send::transport(&client.recorder, app_request, &app_request.href, &init).await
}

/// Through a recorder of 0.1.0: no headers of the protocol, no token, no continuation.
async fn seed(client: &ClientState, app_request: AppRequest) -> Result<Response, JsValue> {
    match app_request.mode {
        Some(mode @ (Mode::Resume | Mode::Replay)) => {
            let status = status::status(&client.recorder, &app_request, &Named::default()).await?;
            let there = status.in_progress || mode == Mode::Replay && status.completed;
            if !there {
                return empty(if mode == Mode::Resume { 204 } else { 404 });
            }
        }
        Some(Mode::Restart) => {
            client.found(&app_request.href, None);
            control::order(&client.recorder, &app_request, DELETE, &Named::default()).await?;
        }
        _ => {}
    }
    let address = client.recorder.url.address(&app_request.url, RecorderVersion::Seed)?;
    let init = app_request.init(&app_request.copied_headers()?, app_request.signal.as_ref());
    let response = send::transport(&client.recorder, &app_request, &address, &init).await?;
    if Seen::of(&response).answer == Answer::Redirect {
        return Err(error::redirected(client.recorder.url.host()));
    }
    Ok(sys::named(&response, &app_request.href))
}

/// A response of our own.
pub(crate) fn empty(status: u16) -> Result<Response, JsValue> {
    let init = ResponseInit::new();
    init.set_status(status);
    Response::new_with_opt_str_and_init(None, &init)
}
