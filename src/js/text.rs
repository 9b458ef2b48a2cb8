//! The little that this crate does with text. The standard library's ways are faster on long texts, and ten times
//! as large.

/// All parts in a row.
pub(crate) fn joined(parts: &[&str]) -> String {
    let mut text = String::with_capacity(parts.iter().map(|part| part.len()).sum());
    for part in parts {
        text.push_str(part);
    }
    text
}

/// Whether this word, which is not empty, occurs.
pub(crate) fn contains(text: &str, word: &str) -> bool {
    text.as_bytes().windows(word.len()).any(|window| window == word.as_bytes())
}

/// Before the first such ASCII character, and from there on. The rest is empty where there is none.
pub(crate) fn split_before(text: &str, mark: u8) -> (&str, &str) {
    let at = text.bytes().position(|byte| byte == mark).unwrap_or(text.len());
    (text.get(..at).unwrap_or_default(), text.get(at..).unwrap_or_default())
}

/// Without what it ends with, as often as it does.
pub(crate) fn trimmed<'a>(mut text: &'a str, end: &str) -> &'a str {
    while let Some(rest) = text.strip_suffix(end) {
        text = rest;
    }
    text
}
