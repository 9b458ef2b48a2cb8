//! Objects of our own making, as plain JavaScript objects.
//!
//! Written as maps: for the fields of structs serde-wasm-bindgen keeps a hash map of their names, and that map is
//! larger than this whole crate's use of it.

use serde::ser::{Serialize, Serializer};
use wasm_bindgen::JsValue;

/// The value of a field.
pub(crate) enum Field<'a> {
    Flag(bool),
    Number(f64),
    Text(&'a str),
}

/// The names and values of one object.
struct Fields<'a>(&'a [(&'a str, Field<'a>)]);

impl Serialize for Field<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Number(number) => serializer.serialize_f64(*number),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (*name, value)))
    }
}

/// The object. It cannot fail; a property that were missing would say so where it is used.
pub(crate) fn object(fields: &[(&str, Field<'_>)]) -> JsValue {
    Fields(fields).serialize(&serde_wasm_bindgen::Serializer::json_compatible()).unwrap_or(JsValue::UNDEFINED)
}
