//! The messages, as JSON by id.

use js_sys::JSON;
use wasm_bindgen::JsValue;

use super::storage;
use crate::js::text;

/// Keys in the page's storage.
const PREFIX: &str = "durablefetch:last:";

/// Saves a message as JSON.
pub(crate) fn save(id: &str, message: &JsValue) -> Result<(), JsValue> {
    let text = JSON::stringify(message)?;
    match JsValue::from(text).as_string() {
        Some(text) => storage::set(&key(id), &text),
        None => storage::remove(&key(id)), // undefined has no JSON
    }
    Ok(())
}

/// The message, or undefined. An entry that is not JSON is dropped.
pub(crate) fn load(id: &str) -> JsValue {
    let Some(text) = storage::get(&key(id)) else { return JsValue::UNDEFINED };
    JSON::parse(&text).unwrap_or_else(|_| {
        storage::remove(&key(id));
        JsValue::UNDEFINED
    })
}

/// Forgets the message.
pub(crate) fn clear(id: &str) {
    storage::remove(&key(id));
}

fn key(id: &str) -> String {
    text::joined(&[PREFIX, id])
}
