//! The messages, as JSON by id.

use wasm_bindgen::JsValue;

use crate::js::storage::Kept;
use crate::js::text;

/// Keys in the page's storage.
const PREFIX: &str = "durablefetch:last:";

/// Saves a message as JSON.
pub(crate) fn save(id: &str, message: &JsValue) -> Result<(), JsValue> {
    Kept::Here.save(&key(id), message)
}

/// The message, or undefined.
pub(crate) fn load(id: &str) -> JsValue {
    Kept::Here.load(&key(id))
}

/// Forgets the message.
pub(crate) fn clear(id: &str) {
    Kept::Here.remove(&key(id));
}

fn key(id: &str) -> String {
    text::joined(&[PREFIX, id])
}
