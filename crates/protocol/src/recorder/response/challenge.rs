//! `www-authenticate`, parsed (RFC 9110 §11.6.1): which challenges may reach a browser.
//!
//! A browser answers Basic, Digest, Negotiate and NTLM by itself: with a dialog on the recorder's origin, which is the
//! app's where the recorder is mounted below it, and with a password that it then sends to that origin for good.

use http::header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE};

use crate::words::header::is_of_token;
use crate::words::name;

/// Schemes that no browser answers, and that scripts want to know of.
const OF_SCRIPTS: [&str; 2] = ["bearer", "dpop"];

/// Leaves the challenges that scripts answer, and puts the others under a name of which browsers know nothing. What does
/// not parse is dropped: a browser might read a challenge in it.
pub(super) fn disarm(headers: &mut HeaderMap) {
    let lines: Vec<&[u8]> = headers.get_all(WWW_AUTHENTICATE).iter().map(HeaderValue::as_bytes).collect();
    if lines.is_empty() {
        return;
    }
    // Several lines are one list (RFC 9110 §5.3).
    let list = lines.join(&b", "[..]);
    let challenges = Reader { text: &list, at: 0 }.challenges().unwrap_or_default();
    headers.remove(WWW_AUTHENTICATE);
    let of_scripts = |challenge: &&[u8]| {
        let scheme = challenge.split(|byte| *byte == b' ').next().unwrap_or_default();
        OF_SCRIPTS.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(scheme))
    };
    let (pass, others): (Vec<&[u8]>, Vec<&[u8]>) = challenges.into_iter().partition(of_scripts);
    for (name, challenges) in [(WWW_AUTHENTICATE.as_str(), pass), (name::CHALLENGE, others)] {
        let value = HeaderValue::from_bytes(&challenges.join(&b", "[..]));
        if let Some(value) = value.ok().filter(|value| !value.is_empty()) {
            headers.insert(name, value);
        }
    }
}

/// Reads `#challenge`, with `challenge = auth-scheme [ 1*SP ( token68 / #auth-param ) ]`.
struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Each challenge as it stands there; nothing where it is not such a list.
    fn challenges(mut self) -> Option<Vec<&'a [u8]>> {
        let mut all = Vec::new();
        loop {
            self.blanks_and_commas();
            if self.at == self.text.len() {
                return Some(all);
            }
            let from = self.at;
            let to = self.challenge()?;
            all.push(&self.text[from..to]);
        }
    }

    /// Reads one challenge and returns its end. Behind it is a comma or nothing.
    fn challenge(&mut self) -> Option<usize> {
        self.token()?;
        let mut end = self.at;
        if self.blanks() > 0 && !self.is_at_end_of_member() {
            if let Some(to) = self.param() {
                end = to;
            } else {
                self.token68()?;
                end = self.at;
                return self.ends(end);
            }
            // More parameters, until a comma with a scheme behind it.
            loop {
                let before = self.at;
                self.blanks();
                if !self.is_at_end_of_member() {
                    return None;
                }
                self.blanks_and_commas();
                if let Some(to) = self.param() {
                    end = to;
                } else {
                    self.at = before;
                    break;
                }
            }
        }
        self.ends(end)
    }

    fn ends(&mut self, end: usize) -> Option<usize> {
        self.blanks();
        self.is_at_end_of_member().then_some(end)
    }

    /// `auth-param = token BWS "=" BWS ( token / quoted-string )`; the end of it. Where there is none, nothing is read.
    fn param(&mut self) -> Option<usize> {
        let from = self.at;
        let read = self.token().and_then(|()| {
            self.blanks();
            self.byte(b'=')?;
            self.blanks();
            if self.peek() == Some(b'"') { self.quoted() } else { self.token() }
        });
        if read.is_none() {
            self.at = from;
        }
        read.map(|()| self.at)
    }

    fn quoted(&mut self) -> Option<()> {
        self.byte(b'"')?;
        loop {
            let byte = self.peek()?;
            self.at += 1;
            match byte {
                b'"' => return Some(()),
                b'\\' => self.at += usize::from(self.peek().is_some()),
                _ => {}
            }
        }
    }

    fn token68(&mut self) -> Option<()> {
        let of_it = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
        self.some(of_it)?;
        while self.byte(b'=').is_some() {}
        Some(())
    }

    fn token(&mut self) -> Option<()> {
        self.some(is_of_token)
    }

    /// At least one byte of these.
    fn some(&mut self, fits: impl Fn(u8) -> bool) -> Option<()> {
        let from = self.at;
        while self.peek().is_some_and(&fits) {
            self.at += 1;
        }
        (self.at > from).then_some(())
    }

    fn blanks(&mut self) -> usize {
        let from = self.at;
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        self.at - from
    }

    fn blanks_and_commas(&mut self) {
        while self.blanks() > 0 || self.byte(b',').is_some() {}
    }

    fn is_at_end_of_member(&self) -> bool {
        matches!(self.peek(), None | Some(b','))
    }

    fn byte(&mut self, wanted: u8) -> Option<()> {
        (self.peek() == Some(wanted)).then(|| self.at += 1)
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `www-authenticate` and the header of all other challenges are for these lines.
    fn disarmed(lines: &[&str]) -> [Option<String>; 2] {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(WWW_AUTHENTICATE, line.parse().unwrap());
        }
        disarm(&mut headers);
        ["www-authenticate", name::CHALLENGE].map(|name| {
            assert!(headers.get_all(name).iter().count() < 2);
            headers.get(name).map(|value| value.to_str().unwrap().to_owned())
        })
    }

    fn check(lines: &[&str], pass: &str, others: &str) {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        assert_eq!(disarmed(lines), [some(pass), some(others)], "{lines:?}");
    }

    #[test]
    fn what_scripts_answer_passes() {
        check(&[], "", "");
        for one in [
            "Bearer",
            "bearer realm=\"x\"",
            "Bearer realm=\"a, Basic realm=\\\"b\\\"\", error=\"invalid_token\"",
            "Bearer scope = \"a b\" , error=x",
            "DPoP algs=\"ES256 PS256\"",
            "Bearer abc123==",
            "DPoP realm=\"x\", Bearer",
        ] {
            check(&[one], one, "");
        }
    }

    #[test]
    fn what_browsers_answer_is_under_another_name() {
        for one in [
            "Basic",
            "basic realm=\"x\"",
            "Basic realm=\"Bearer\", charset=\"UTF-8\"",
            "Digest realm=\"x\", qop=\"auth, auth-int\", nonce=abc, opaque=\"Bearer x\"",
            "Negotiate",
            "Basic realm=",
            "Negotiate oYG2MIGzoAMKAQ==",
            "NTLM TlRMTVNTUAACAAAA",
            "HOBA max-age=180, challenge=\"16:x\"",
            "ToCome",
        ] {
            check(&[one], "", one);
        }
    }

    #[test]
    fn a_list_is_taken_apart() {
        check(&["Basic realm=\"x\", Bearer realm=\"y\""], "Bearer realm=\"y\"", "Basic realm=\"x\"");
        check(&["Bearer realm=\"y\", Basic"], "Bearer realm=\"y\"", "Basic");
        check(
            &["Negotiate, NTLM, Basic realm=x, DPoP algs=\"a\""],
            "DPoP algs=\"a\"",
            "Negotiate, NTLM, Basic realm=x",
        );
        check(&["Basic realm=\"x\"", "Bearer"], "Bearer", "Basic realm=\"x\"");
        check(&[", ,Bearer ,, Basic , "], "Bearer", "Basic");
        check(&["Bearer a=1,, b=2, Negotiate abc=, DPoP"], "Bearer a=1,, b=2, DPoP", "Negotiate abc=");
        check(&["Bearer\ta=1, Basic\tb=2"], "", "Bearer\ta=1, Basic\tb=2");
    }

    #[test]
    fn what_does_not_parse_is_dropped() {
        for bad in [
            "",
            ",",
            "Basic realm=\"x",
            "Basic realm=\"x\\",
            "Basic realm=\"x\" Bearer",
            "Basic realm=\"x\", =y",
            "Bearer \"x\"",
            "=Basic",
            "Basic realm=\"x\"; Bearer",
            "Basic realm=\"x\"y",
            "Bearer abc== def",
            "\"Basic\"",
            "Basic, (x)",
            "Basic: realm=x",
        ] {
            check(&[bad], "", "");
        }
        check(&["Bearer realm=\"x", "Basic realm=\"y\""], "", "");
    }

    #[test]
    fn bytes_beyond_ascii_are_of_a_quoted_string() {
        let mut headers = HeaderMap::new();
        headers.append(
            WWW_AUTHENTICATE,
            HeaderValue::from_bytes(b"Bearer realm=\"\xe4\", Basic realm=\"\xc3\xa4\"").unwrap(),
        );
        disarm(&mut headers);
        assert_eq!(headers[WWW_AUTHENTICATE].as_bytes(), b"Bearer realm=\"\xe4\"");
        assert_eq!(headers[name::CHALLENGE].as_bytes(), b"Basic realm=\"\xc3\xa4\"");
    }
}
