use jwt_compact::alg::{Hs384, Hs384Key};
use jwt_compact::{Empty, Header};
use serde_json::{Value, json};

use super::*;

const NOW_S: u64 = 1_790_000_000;
const SECRET: &str = "0123456789abcdef0123456789abcdef";
const OLD: &str = "fedcba9876543210fedcba9876543210";

/// A signed token with exactly these claims.
fn signed(secret: &str, claims: &Value) -> String {
    let claims: Claims<Value> = Claims::new(claims.clone());
    Hs256.token(&Header::empty(), &claims, &Hs256Key::new(secret)).unwrap()
}

/// A token whose parts are these, with a signature that is right for HS256.
fn raw(header: &str, claims: &str) -> String {
    use jwt_compact::Algorithm;
    use jwt_compact::AlgorithmSignature;
    let message = format!("{}.{}", base64url(header.as_bytes()), base64url(claims.as_bytes()));
    let signature = Hs256.sign(&Hs256Key::new(SECRET), message.as_bytes());
    format!("{message}.{}", base64url(&signature.as_bytes()))
}

pub(crate) fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for digit in 0..=chunk.len() {
            out.push(char::from(DIGITS[(word >> (18 - 6 * digit) & 63) as usize]));
        }
    }
    out
}

fn scope(token: &str) -> Result<String, TokenError> {
    Secrets::new(&[SECRET]).unwrap().told(token, NOW_S as i64).map(|told| told.id)
}

#[test]
fn the_subject_is_the_scope() {
    assert_eq!(scope(&signed(SECRET, &json!({ "sub": "alice" }))).as_deref(), Ok("alice"));
    assert_eq!(
        scope(&raw(r#"{"alg":"HS256","typ":"JWT","kid":"1"}"#, r#"{"sub":"bob","role":"x"}"#)).as_deref(),
        Ok("bob")
    );
}

#[test]
fn expiry_is_honoured_with_the_clock_skew() {
    let at = |exp: i64| scope(&signed(SECRET, &json!({ "sub": "a", "exp": exp })));
    let now = NOW_S as i64;
    assert!(at(now + 1).is_ok());
    assert!(at(now - CLOCK_SKEW_S + 1).is_ok());
    for late in [now - CLOCK_SKEW_S, now - 3600, 0, -1] {
        assert_eq!(at(late), Err(TokenError::Expired), "{late}");
    }
    let from = |nbf: i64| scope(&signed(SECRET, &json!({ "sub": "a", "nbf": nbf })));
    assert!(from(now + CLOCK_SKEW_S).is_ok());
    assert_eq!(from(now + CLOCK_SKEW_S + 1), Err(TokenError::NotYet));
}

#[test]
fn two_secrets_sign_while_one_replaces_the_other() {
    let both = Secrets::new(&[SECRET, OLD]).unwrap();
    for secret in [SECRET, OLD] {
        let token = signed(secret, &json!({ "sub": "a" }));
        assert_eq!(both.told(&token, 0).map(|told| told.id).as_deref(), Ok("a"));
    }
    assert_eq!(scope(&signed(OLD, &json!({ "sub": "a" }))), Err(TokenError::Signature));
}

#[test]
fn no_other_algorithm_is_taken() {
    let claims = Claims::new(json!({ "sub": "a" }));
    let hs384 = Hs384.token(&Header::new(Empty {}), &claims, &Hs384Key::new(SECRET)).unwrap();
    assert_eq!(scope(&hs384), Err(TokenError::Algorithm));
    // The signature is right, were it HS256.
    for alg in ["none", "None", "hs256", "RS256", "HS384", ""] {
        let token = raw(&format!(r#"{{"alg":"{alg}"}}"#), r#"{"sub":"a"}"#);
        assert_eq!(scope(&token), Err(TokenError::Algorithm), "{alg}");
        let unsigned = token.rsplit_once('.').unwrap().0;
        assert_eq!(scope(&format!("{unsigned}.")), Err(TokenError::Algorithm), "{alg}");
    }
}

#[test]
fn a_token_that_was_changed_is_refused() {
    let token = signed(SECRET, &json!({ "sub": "alice" }));
    let parts: Vec<_> = token.split('.').collect();
    let other = base64url(br#"{"sub":"mallory"}"#);
    assert_eq!(scope(&[parts[0], &other, parts[2]].join(".")), Err(TokenError::Signature));
    for signature in ["", "AA", &parts[2][..40]] {
        assert!(scope(&[parts[0], parts[1], signature].join(".")).is_err(), "{signature}");
    }
}

#[test]
fn what_is_no_token_is_refused() {
    for text in ["x", "a.b", "a.b.c", "..", "a.b.c.d", "e30.e30.e30", "🦀.🦀.🦀", &"x".repeat(70_000)] {
        assert_eq!(scope(text), Err(TokenError::Malformed), "{text:.20}");
    }
}

#[test]
fn claims_have_their_types_and_name_somebody() {
    for claims in [
        r#"{"sub":7}"#,
        r#"{"sub":"a","exp":"x"}"#,
        r#"{"sub":"a","exp":1e300}"#,
        "[]",
        "x",
        r#"{"sub":"a","aud":7}"#,
    ] {
        assert_eq!(scope(&raw(r#"{"alg":"HS256"}"#, claims)), Err(TokenError::Claims), "{claims}");
    }
    for sub in [json!(""), json!(null), json!("a\nb"), json!("a\0"), json!("x".repeat(257))] {
        assert_eq!(scope(&signed(SECRET, &json!({ "sub": sub }))), Err(TokenError::Subject), "{sub}");
    }
    assert_eq!(scope(&signed(SECRET, &json!({}))), Err(TokenError::Subject));
}

#[test]
fn a_token_for_somebody_else_or_with_extensions_is_refused() {
    let aud = |aud: Value| scope(&signed(SECRET, &json!({ "sub": "a", "aud": aud })));
    assert!(aud(json!("durablefetch")).is_ok() && aud(json!(["x", "durablefetch"])).is_ok());
    for other in [json!("billing"), json!([]), json!(["billing"])] {
        assert_eq!(aud(other.clone()), Err(TokenError::Audience), "{other}");
    }
    let critical = raw(r#"{"alg":"HS256","crit":["exp"]}"#, r#"{"sub":"a"}"#);
    assert_eq!(scope(&critical), Err(TokenError::Critical));
}

#[test]
fn the_header_may_stand_once_and_errors_do_not_repeat_it() {
    let secrets = Secrets::new(&[SECRET]).unwrap();
    let of = |tokens: &[&str]| {
        let mut headers = HeaderMap::new();
        for token in tokens {
            headers.append(name::TOKEN, token.parse().unwrap());
        }
        secrets.scope(&headers, NOW_S)
    };
    let good = signed(SECRET, &json!({ "sub": "a" }));
    assert_eq!(of(&[&good]).unwrap().id, "a");
    assert_eq!(of(&[&good, &good]).unwrap_err().code, ErrorCode::BadRequest);
    for bad in [&[][..], &[""], &["hunter2"], &[&signed(OLD, &json!({ "sub": "hunter2" }))]] {
        let error = of(bad).unwrap_err();
        assert_eq!(error.code, ErrorCode::Unauthorized);
        assert!(!error.message.contains("hunter2"), "{}", error.message);
    }
}

#[test]
fn a_token_says_what_its_scope_may_have() {
    let of = |claim: Value| {
        let token = signed(SECRET, &json!({ "sub": "a", "durablefetch": claim }));
        Secrets::new(&[SECRET]).unwrap().told(&token, NOW_S as i64).map(|told| told.allowance.bytes)
    };
    assert_eq!(of(json!({ "maxBytes": 7 })), Ok(Some(7)));
    assert_eq!(of(Value::Null), Ok(None));
    assert!(
        matches!(of(json!({ "maxBytes": 0 })), Err(TokenError::Allowance(why)) if why.contains("maxBytes"))
    );
}

#[test]
fn secrets_are_long_and_few_and_not_shown() {
    assert!(Secrets::new(&["short"]).unwrap_err().contains("openssl rand"));
    assert!(Secrets::new::<&str>(&[]).is_err());
    assert!(Secrets::new(&[SECRET, OLD, SECRET]).is_err());
    assert!(!format!("{:?}", Secrets::new(&[SECRET]).unwrap()).contains(SECRET));
}

#[test]
fn a_secret_has_32_bytes_and_a_subject_up_to_256() {
    assert!(Secrets::new(&["x".repeat(32)]).is_ok());
    assert!(Secrets::new(&["x".repeat(31)]).is_err());
    assert!(Secrets::new(&[SECRET.to_owned(), "x".repeat(31)]).is_err());
    let longest = "x".repeat(256);
    assert_eq!(scope(&signed(SECRET, &json!({ "sub": longest }))), Ok(longest));
    assert_eq!(format!("{:?}", Secrets::new(&[SECRET, OLD]).unwrap()), "2 secret(s)");
}

#[test]
fn every_fault_of_a_token_has_a_sentence() {
    use TokenError::{
        Algorithm, Audience, Claims, Critical, Expired, Malformed, Missing, NotYet, Signature, Subject,
    };
    let mut said = std::collections::HashSet::new();
    for error in
        [Missing, Malformed, Critical, Algorithm, Signature, Claims, Expired, NotYet, Audience, Subject]
    {
        let message = ProtocolError::from(error).message;
        assert!(message.starts_with("the token (durablefetch-token) ") && message.len() > 60, "{message}");
        assert!(said.insert(message));
    }
}

#[test]
fn claims_are_json() {
    let cbor = raw(r#"{"alg":"HS256","cty":"x"}"#, r#"{"sub":"a"}"#);
    assert_eq!(scope(&cbor), Err(TokenError::Claims));
}
