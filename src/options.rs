//! The options of `new DurableFetchClient(options)`, checked one by one so that an error names its option.

use durablefetch_protocol::retry::Policy;
use js_sys::{Function, Object};
use wasm_bindgen::{JsCast, JsValue};

use crate::error::{self, wrong};
use crate::js::{sys, text};
use crate::wire::client_headers::ClientHeaders;
use crate::wire::recorder_url::{DEFAULT_HOST, RecorderUrl};
use crate::wire::token::Token;
use durablefetch_protocol::Mode;

const KNOWN: [&str; 9] = [
    "durablefetchHost",
    "reuse",
    "whenUnreachable",
    "token",
    "headers",
    "fetch",
    "retry",
    "stallAfterMs",
    "onReconnect",
];
/// With `whenUnreachable: 'direct'`, how long a recorder that has never answered is tried.
const DIRECT_AFTER_MS: u32 = 2_000;
const KNOWN_RETRY: [&str; 3] = ["initialDelayMs", "maxDelayMs", "giveUpAfterMs"];

/// What the app chose, or the defaults.
pub(crate) struct Options {
    pub(crate) recorder_url: RecorderUrl,
    pub(crate) token: Token,
    pub(crate) headers: ClientHeaders,
    pub(crate) fetch: Option<Function>,
    pub(crate) policy: Policy,
    pub(crate) on_reconnect: Option<Function>,
    pub(crate) reuse: Option<Mode>,
}

impl Options {
    /// Reads the options; an unknown name is an error, since it is most likely a typing mistake.
    pub(crate) fn read(options: &JsValue) -> Result<Self, JsValue> {
        only_known(options, "", &KNOWN)?;
        let host = text(options, "durablefetchHost")?;
        let recorder_url = RecorderUrl::parse(host.as_deref().unwrap_or(DEFAULT_HOST))?;
        let mut policy = policy(options)?;
        policy.direct = choice(options, "whenUnreachable", ["error", "direct"])?;
        if policy.direct {
            policy.first_answer_ms = policy.first_answer_ms.min(DIRECT_AFTER_MS);
        }
        if recorder_url.flaw.is_some() {
            policy.first_answer_ms = 0;
        }
        Ok(Self {
            recorder_url,
            token: Token::read(sys::get(options, "token"))?,
            headers: ClientHeaders::read(sys::get(options, "headers"))?,
            fetch: function(options, "fetch")?,
            policy,
            on_reconnect: function(options, "onReconnect")?,
            reuse: reuse(options)?,
        })
    }
}

/// The mode that says what may be reused; none for what a recorder does by itself.
fn reuse(options: &JsValue) -> Result<Option<Mode>, JsValue> {
    let Some(given) = sys::some(sys::get(options, "reuse")) else { return Ok(None) };
    match given.as_string().as_deref() {
        Some("always") => Ok(None),
        Some("live") => Ok(Some(Mode::MatchLive)),
        Some("never") => Ok(Some(Mode::New)),
        _ => Err(wrong("reuse", "'always', 'live' or 'never'")),
    }
}

fn policy(options: &JsValue) -> Result<Policy, JsValue> {
    let retry = sys::get(options, "retry");
    only_known(&retry, "retry.", &KNOWN_RETRY)?;
    let mut policy = Policy::default();
    milliseconds(&retry, "initialDelayMs", 1, &mut policy.initial_delay_ms)?;
    milliseconds(&retry, "maxDelayMs", 1, &mut policy.max_delay_ms)?;
    milliseconds(&retry, "giveUpAfterMs", 0, &mut policy.give_up_after_ms)?;
    policy.hard = sys::some(sys::get(&retry, "giveUpAfterMs")).is_some();
    milliseconds(options, "stallAfterMs", 1, &mut policy.stall_after_ms)?;
    policy.first_answer_ms = policy.first_answer_ms.min(policy.give_up_after_ms);
    policy.stall_max_ms = policy.stall_max_ms.max(policy.stall_after_ms);
    Ok(policy)
}

fn milliseconds(object: &JsValue, name: &str, least: u32, into: &mut u32) -> Result<(), JsValue> {
    let what = if least == 0 {
        "a whole number of milliseconds, 0 or more"
    } else {
        "a whole number of milliseconds, 1 or more"
    };
    let Some(given) = sys::some(sys::get(object, name)) else { return Ok(()) };
    match given.as_f64() {
        // What is not a whole number, or none of 32 bits, does not come back the same.
        Some(given) if f64::from(given as u32) == given && given as u32 >= least => *into = given as u32,
        _ => return Err(wrong(name, what)),
    }
    Ok(())
}

/// An option that is a text or not given.
pub(crate) fn text(object: &JsValue, name: &str) -> Result<Option<String>, JsValue> {
    let Some(given) = sys::some(sys::get(object, name)) else { return Ok(None) };
    given.as_string().map(Some).ok_or_else(|| wrong(name, "a string"))
}

/// An option that is a function or not given.
pub(crate) fn function(object: &JsValue, name: &str) -> Result<Option<Function>, JsValue> {
    let Some(value) = sys::some(sys::get(object, name)) else { return Ok(None) };
    value.dyn_into().map(Some).map_err(|_| wrong(name, "a function"))
}

/// Whether the second of two choices was taken; the first is the default.
pub(crate) fn choice(options: &JsValue, name: &str, choices: [&str; 2]) -> Result<bool, JsValue> {
    let Some(given) = sys::some(sys::get(options, name)) else { return Ok(false) };
    match given.as_string() {
        Some(given) if given == choices[0] => Ok(false),
        Some(given) if given == choices[1] => Ok(true),
        _ => Err(wrong(name, &text::joined(&["'", choices[0], "' or '", choices[1], "'"]))),
    }
}

fn only_known(object: &JsValue, prefix: &str, known: &[&str]) -> Result<(), JsValue> {
    if object.is_undefined() || object.is_null() {
        return Ok(());
    }
    let Some(object) = object.dyn_ref::<Object>() else {
        let name = if prefix.is_empty() { "options" } else { "retry" };
        return Err(wrong(name, "an object"));
    };
    for key in Object::keys(object) {
        let key = key.as_string().unwrap_or_default();
        if !known.contains(&key.as_str()) {
            let mut message = text::joined(&["Unknown option '", prefix, &key, "'. There are:"]);
            for (index, name) in known.iter().enumerate() {
                message.push_str(if index == 0 { " " } else { ", " });
                message.push_str(name);
            }
            return Err(error::invalid(&message));
        }
    }
    Ok(())
}
