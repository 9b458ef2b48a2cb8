//! The key of a chat.

use web_sys::Url;

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

/// The URL as the registry knows it; the text itself where it is none, which the fetch will say.
pub(super) fn href(api: &str) -> String {
    let url = match sys::location() {
        Some(base) => Url::new_with_base(api, &base),
        None => Url::new(api),
    };
    match url {
        Ok(url) => {
            url.set_hash("");
            url.href()
        }
        Err(_) => api.to_owned(),
    }
}
