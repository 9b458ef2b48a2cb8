//! Tokens and scopes: the input is the value of `durablefetch-token`, `authorization` and `cookie`, and a credential.
#![no_main]

use durablefetch_protocol::access::jwt::Keys;
use durablefetch_protocol::scope::{Credential, Scoping};
use durablefetch_protocol::token::Secrets;
use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;

const SECRET: [u8; 32] = [7; 32];
const NOW_S: u64 = 1_790_000_000;

fuzz_target!(|value: &[u8]| {
    let secrets = Secrets::new(&[SECRET, [8; 32]]).expect("two secrets");
    let Ok(token) = HeaderValue::from_bytes(value) else { return };
    let mut headers = HeaderMap::new();
    headers.insert("durablefetch-token", token.clone());
    headers.insert("authorization", token.clone());
    headers.insert("cookie", token);
    if let Ok(scope) = secrets.scope(&headers, NOW_S) {
        // Nobody guesses a signature; only the token of the corpus, which is signed, is let in.
        assert_eq!(scope.id, "someone");
    }
    if let Ok(text) = std::str::from_utf8(value)
        && let Ok(credential) = Credential::parse(text)
    {
        // A claim of a signed token has no key here.
        let Ok(scoping) = Scoping::presented(vec![credential], Keys::default()) else { return };
        let one = scoping.scope(&headers, &SECRET, NOW_S);
        assert_eq!(one.as_ref().ok(), scoping.scope(&headers, &SECRET, NOW_S).ok().as_ref());
        assert!(one.is_err() || !one.unwrap().id.chars().any(char::is_control));
    }
    let known = Credential::parse("authorization").expect("one that is known");
    let scoping = Scoping::presented(vec![known], Keys::default()).expect("it needs no key");
    let _ = scoping.scope(&headers, &SECRET, NOW_S);
});
