//! One request to the recorder: its address, its headers, its token.

use std::rc::Rc;

use durablefetch_protocol::name;
use durablefetch_protocol::reader::{Answer, Request};
use js_sys::{Function, Object, Promise};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Headers, Response};

use crate::client::Inner;
use crate::generation::{self, Generation};
use crate::head::Seen;
use crate::order::Order;
use crate::task::Task;
use crate::token::Token;
use crate::{error, sys};

/// Why there is no response.
pub(crate) enum Lost {
    /// Not to be tried again: the app's token function threw, what it asked for cannot be sent, or a repetition
    /// would be a second request.
    Final(JsValue),
    /// No answer came.
    Network(JsValue),
}

/// Makes what a request is sent with, given the token.
type Init<'a> = dyn Fn(Option<&str>) -> Result<Object, JsValue> + 'a;

/// Sends the app's request, or a continuation on its behalf.
pub(crate) async fn ask(
    client: Rc<Inner>,
    order: Rc<Order>,
    what: Request,
    recording: Option<String>,
    signal: AbortSignal,
) -> Result<(Response, Seen), Lost> {
    let recorder = client.generation.get();
    let address = client.options.base.address(&order.url, recorder).map_err(Lost::Final)?;
    let init = |token: Option<&str>| {
        let headers = match what {
            Request::Start => start_headers(&order)?,
            Request::Continue(offset) => {
                continuation_headers(&order, recording.as_deref().unwrap_or_default(), offset)?
            }
        };
        headers.set(name::URL, &order.href)?;
        if let Some(token) = token {
            headers.set(name::TOKEN, token)?;
        }
        Ok(match what {
            Request::Start => order.init(&headers, Some(&signal)),
            Request::Continue(_) => order.bodiless(&headers, Some(&signal)),
        })
    };
    match with_token(&client, &order, &address, Some(&client.options.token), &init).await {
        Ok(response) => {
            let mut seen = Seen::of(&response);
            client.learn(&seen);
            if seen.answer == Answer::Foreign && seen.status >= 500 && runs_twice(&client, &order, what).await
            {
                // The upstream's own, then: 0.1.0 hands on what it does not record.
                seen.answer = Answer::Unrecorded;
            }
            Ok((response, seen))
        }
        Err(Lost::Network(cause)) if runs_twice(&client, &order, what).await => {
            Err(Lost::Final(error::network(client.options.base.host(), &cause)))
        }
        Err(lost) => Err(lost),
    }
}

/// Whether sending this again would run it again: a recorder of 0.1.0 knows no request ids. Asked only once
/// something is wrong.
async fn runs_twice(client: &Rc<Inner>, order: &Order, what: Request) -> bool {
    what == Request::Start && generation::known(client, order).await == Generation::Seed
}

fn start_headers(order: &Order) -> Result<Headers, JsValue> {
    let headers = order.copied_headers()?;
    headers.set(name::REQUEST, &order.request)?;
    if let Some(mode) = order.mode {
        headers.set(name::MODE, mode.as_str())?;
    }
    Ok(headers)
}

fn continuation_headers(order: &Order, recording: &str, offset: u64) -> Result<Headers, JsValue> {
    let headers = Headers::new()?;
    if let Some(authorization) = order.authorization() {
        headers.set("authorization", &authorization)?;
    }
    headers.set(name::RECORDING, recording)?;
    headers.set(name::OFFSET, &sys::to_text(&(offset as f64).into()))?;
    Ok(headers)
}

/// Sends with what the app's token is now, where it is to be sent; asks for another one once, if the recorder does not
/// take this one.
pub(crate) fn with_token<'a>(
    client: &'a Inner,
    order: &'a Order,
    address: &'a str,
    token: Option<&'a Token>,
    init: &'a Init<'a>,
) -> Task<'a, Result<Response, Lost>> {
    Box::pin(insist(client, order, address, token, init))
}

async fn insist(
    client: &Inner,
    order: &Order,
    address: &str,
    token: Option<&Token>,
    init: &Init<'_>,
) -> Result<Response, Lost> {
    let mut again = token.is_some_and(Token::can_change);
    loop {
        let current = match token {
            Some(token) => token.current().await.map_err(Lost::Final)?,
            None => None,
        };
        let init = init(current.as_deref()).map_err(Lost::Final)?;
        let response = transport(client, order, address, &init).await.map_err(Lost::Network)?;
        let refused = response.status() == 401 && Seen::of(&response).answer == Answer::Own;
        if !(refused && std::mem::replace(&mut again, false)) {
            return Ok(response);
        }
        sys::let_go(None, &response.body().map_or(JsValue::UNDEFINED, JsValue::from));
    }
}

/// The fetch underneath, looked up now: apps and tests patch it.
pub(crate) fn transport<'a>(
    client: &'a Inner,
    order: &'a Order,
    address: &'a str,
    init: &'a Object,
) -> Task<'a, Result<Response, JsValue>> {
    Box::pin(send(client, order, address, init))
}

async fn send(client: &Inner, order: &Order, address: &str, init: &Object) -> Result<Response, JsValue> {
    let global: Option<Function>;
    let fetch = match order.fetch.as_ref().or(client.options.fetch.as_ref()) {
        Some(fetch) => fetch,
        None => {
            global = sys::get_function(&js_sys::global(), "fetch");
            global.as_ref().ok_or_else(|| {
                error::invalid(
                    "There is no transport in this environment; give one by the option of that name",
                )
            })?
        }
    };
    let promise = fetch.call2(&JsValue::UNDEFINED, &address.into(), init)?;
    let response = JsFuture::from(Promise::resolve(&promise)).await?;
    Ok(response.unchecked_into())
}
