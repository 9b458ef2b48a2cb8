//! The module as a string literal. `pkg-template/text.js` reads it.
//!
//! Base64 puts four bytes for three, so that what repeats in the module does not in the text, and gzip finds no more
//! of it. Here a byte is one character, or two if it is high, and gzip hardly notices.

/// Written differently inside a string literal by this or that minifier, or not safe in an inline script.
const LEFT_OUT: &[u8] = b"\"$'<\\`";

/// Characters that stand for a byte of their own. The last two announce a byte that is 87 or 174 higher.
const LOW: usize = 87;

/// Printable ASCII that needs no escape.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let chars: Vec<u8> = (b' '..=b'~').filter(|char| !LEFT_OUT.contains(char)).collect();
    let mut text = String::with_capacity(bytes.len() * 5 / 4);
    for byte in bytes {
        let (above, low) = (usize::from(*byte) / LOW, usize::from(*byte) % LOW);
        if above > 0 {
            text.push(chars[LOW - 1 + above].into());
        }
        text.push(chars[low].into());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::encode;

    #[test]
    fn every_byte_has_a_text_of_its_own() {
        let mut texts: Vec<String> = (0..=255).map(|byte| encode(&[byte])).collect();
        assert!(texts.iter().all(|text| !text.contains(['"', '$', '\'', '<', '\\', '`'])));
        assert_eq!([&texts[0], &texts[1], &texts[86]], [" ", "!", "|"].map(str::to_owned).each_ref());
        assert_eq!([&texts[87], &texts[174]], ["} ", "~ "].map(str::to_owned).each_ref());
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), 256);
    }
}
