//! The key of a chat.

use crate::js::{sys, text};

/// The address that a chat is recorded under. The query that `api` has is kept.
pub(super) fn keyed(api: &str, chat_id: &str) -> String {
    let (address, fragment) = text::split_before(api, b'#');
    let (_, query) = text::split_before(address, b'?');
    let parameter = text::joined(&["chatId=", &sys::encode_uri_component(chat_id)]);
    let mut rest = query.get(1..).unwrap_or_default();
    while !rest.is_empty() {
        let (known, after) = text::split_before(rest, b'&');
        if known == parameter {
            return api.to_owned();
        }
        rest = after.get(1..).unwrap_or_default();
    }
    let separator = match query {
        "" => "?",
        query if query == "?" || query.ends_with("&") => "",
        _ => "&",
    };
    text::joined(&[address, separator, &parameter, fragment])
}
