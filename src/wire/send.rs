//! Sending to the recorder: the token, and the fetch underneath.

use durablefetch_protocol::follow::Answer;
use js_sys::{Object, Promise};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::Response;

use crate::app_request::AppRequest;
use crate::error;
use crate::js::sys;
use crate::js::task::Task;
use crate::wire::head::Seen;
use crate::wire::recorder::Recorder;
use crate::wire::token::Token;

/// Why no response came.
pub(crate) enum Lost {
    /// Not to be tried again: the app's token function threw, what it asked for cannot be sent, or a repetition
    /// would be a second request.
    Final(JsValue),
    /// No answer came.
    Network(JsValue),
}

/// Makes what a request is sent with, given the token.
type Init<'a> = dyn Fn(Option<&str>) -> Result<Object, JsValue> + 'a;

/// Sends with what the app's token is now, where it is to be sent; asks for another one once, if the recorder does not
/// take this one, and for other headers once, if a gateway does not take those.
pub(crate) fn with_token<'a>(
    recorder: &'a Recorder,
    app_request: &'a AppRequest,
    address: &'a str,
    token: Option<&'a Token>,
    init: &'a Init<'a>,
) -> Task<'a, Result<Response, Lost>> {
    Box::pin(insist(recorder, app_request, address, token, init))
}

async fn insist(
    recorder: &Recorder,
    app_request: &AppRequest,
    address: &str,
    token: Option<&Token>,
    init: &Init<'_>,
) -> Result<Response, Lost> {
    recorder.headers.add_to(app_request, false).await.map_err(Lost::Final)?;
    let mut again = token.is_some_and(Token::can_change);
    let mut anew = recorder.headers.can_change();
    loop {
        let current = match token {
            Some(token) => token.current().await.map_err(Lost::Final)?,
            None => None,
        };
        let init = init(current.as_deref()).map_err(Lost::Final)?;
        let response = transport(recorder, app_request, address, &init).await.map_err(Lost::Network)?;
        let status = response.status();
        if !matches!(status, 401 | 403) {
            return Ok(response);
        }
        let refused_by = Seen::of(&response).answer;
        let another = match refused_by {
            Answer::Own if status == 401 => &mut again,
            Answer::Foreign => &mut anew,
            _ => return Ok(response),
        };
        if !std::mem::replace(another, false) {
            return Ok(response);
        }
        sys::let_go(None, &response.body().map_or(JsValue::UNDEFINED, JsValue::from));
        if refused_by == Answer::Foreign {
            recorder.headers.add_to(app_request, true).await.map_err(Lost::Final)?;
        }
    }
}

/// The fetch underneath, looked up now: apps and tests patch it.
pub(crate) fn transport<'a>(
    recorder: &'a Recorder,
    app_request: &'a AppRequest,
    address: &'a str,
    init: &'a Object,
) -> Task<'a, Result<Response, JsValue>> {
    Box::pin(send(recorder, app_request, address, init))
}

async fn send(
    recorder: &Recorder,
    app_request: &AppRequest,
    address: &str,
    init: &Object,
) -> Result<Response, JsValue> {
    let (address, global) = (JsValue::from(address), js_sys::global());
    let promise = match app_request.fetch.as_ref().or(recorder.fetch.as_ref()) {
        // A function of the app's own, and no method of anything.
        Some(fetch) => fetch.call2(&JsValue::UNDEFINED, &address, init)?,
        // The platform's is a method of the global scope. Firefox insists on that in an extension's content script, whose
        // scope is not the function's own.
        None => sys::get_function(&global, "fetch")
            .ok_or_else(|| {
                error::invalid("This environment has no transport; give one by the option of that name")
            })?
            .call2(&global, &address, init)?,
    };
    let response = JsFuture::from(Promise::resolve(&promise)).await?;
    Ok(response.unchecked_into())
}
