use jwt_compact::alg::{Hs512, Hs512Key};
use jwt_compact::{Empty, Header};
use serde_json::json;

use super::super::token::tests::base64url;
use super::*;

const NOW_S: u64 = 1_790_000_000;
const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn hs256(secret: &str, header: &Header<Empty>, claims: &Value) -> String {
    Hs256.token(header, &Claims::new(claims.clone()), &Hs256Key::new(secret)).unwrap()
}

fn signed(claims: &Value) -> String {
    hs256(SECRET, &Header::empty(), claims)
}

fn secrets() -> Keys {
    Keys::parse(&[SECRET], None).unwrap()
}

fn sub(keys: &Keys, token: &str) -> Result<String, JwtError> {
    keys.claim(token, "sub", NOW_S).map(|(sub, _)| sub)
}

#[test]
fn a_claim_of_a_token_that_is_signed_is_told() {
    let token = signed(
        &json!({ "sub": "alice", "org": 7, "https://app.example/id": "x", "exp": NOW_S + 600, "aud": "other" }),
    );
    for (claim, value) in [("sub", "alice"), ("org", "7"), ("https://app.example/id", "x")] {
        assert_eq!(secrets().claim(&token, claim, NOW_S).map(|told| told.0).as_deref(), Ok(value), "{claim}");
    }
}

#[test]
fn a_token_says_what_its_scope_may_have() {
    let of = |claim: serde_json::Value| {
        let token = signed(&json!({ "sub": "alice", "durablefetch": claim }));
        secrets().claim(&token, "sub", NOW_S).map(|(_, allowance)| allowance.recordings)
    };
    assert_eq!(of(json!({ "maxRecordings": 7 })), Ok(Some(7)));
    let error = of(json!({ "maxRecordings": "7" })).unwrap_err();
    assert!(error.why().contains("maxRecordings"), "{error:?}");
}

#[test]
fn a_claim_is_a_short_text() {
    for claims in [
        json!({}),
        json!({ "sub": "" }),
        json!({ "sub": null }),
        json!({ "sub": ["a"] }),
        json!({ "sub": { "id": "a" } }),
        json!({ "sub": true }),
        json!({ "sub": 1.5 }),
        json!({ "sub": "a\nb" }),
        json!({ "sub": "x".repeat(257) }),
    ] {
        assert_eq!(sub(&secrets(), &signed(&claims)), Err(JwtError::Claim), "{claims}");
    }
}

#[test]
fn times_are_honoured_with_the_clock_skew() {
    for (times, told) in [
        (json!({ "exp": NOW_S - 29 }), Ok("a")),
        (json!({ "exp": NOW_S - 30 }), Err(JwtError::Token(TokenError::Expired))),
        (json!({ "nbf": NOW_S + 30 }), Ok("a")),
        (json!({ "nbf": NOW_S + 31 }), Err(JwtError::Token(TokenError::NotYet))),
        (json!({ "exp": "tomorrow" }), Err(JwtError::Token(TokenError::Claims))),
    ] {
        let mut claims = times.clone();
        claims["sub"] = json!("a");
        assert_eq!(sub(&secrets(), &signed(&claims)).as_deref(), told.as_ref().map(|text| *text), "{times}");
    }
}

#[test]
fn what_is_not_signed_by_one_of_the_keys_says_nothing() {
    let claims = json!({ "sub": "alice" });
    let good = signed(&claims);
    let (head, rest) = good.split_once('.').unwrap();
    let body = rest.split_once('.').unwrap().0;
    let hs512 = Hs512.token(&Header::empty(), &Claims::new(claims.clone()), &Hs512Key::new(SECRET)).unwrap();
    let bobs = signed(&json!({ "sub": "bob" }));
    let (bobs, _) = bobs.rsplit_once('.').unwrap();
    let changed = format!("{bobs}.{}", good.rsplit_once('.').unwrap().1);
    // {"alg":"none"}, {"alg":"None"}
    let none = format!("eyJhbGciOiJub25lIn0.{body}.");
    let capital = format!("eyJhbGciOiJOb25lIn0.{body}.");
    let malformed = JwtError::Token(TokenError::Malformed);
    for (token, error) in [
        (none, JwtError::Algorithm),
        (capital, JwtError::Algorithm),
        (hs512, JwtError::Algorithm),
        (
            hs256("another-secret-of-32-bytes-or-so", &Header::empty(), &claims),
            JwtError::Token(TokenError::Signature),
        ),
        (changed, JwtError::Token(TokenError::Signature)),
        (format!("{head}.{body}."), JwtError::Token(TokenError::Signature)),
        (format!("{head}.{body}"), malformed),
        ("opaque".to_owned(), malformed),
        (String::new(), malformed),
        ("a.b.c.d.e".to_owned(), JwtError::Encrypted),
    ] {
        assert_eq!(sub(&secrets(), &token), Err(error), "{token}");
        assert!(!error.why().contains("alice"));
    }
}

/// Takes what is signed with the name of the algorithm, and says so: keys are told apart by their kinds alone.
fn by_name(_: &PublicKey, algorithm: PublicAlgorithm, message: &[u8], signature: &[u8]) -> bool {
    !message.is_empty() && signature == algorithm.name().as_bytes()
}

/// A token that says this of its algorithm and key, with this for a signature.
fn raw(alg: &str, kid: Option<&str>, signature: &str) -> String {
    let encode = |text: &str| base64url(text.as_bytes());
    let header = match kid {
        Some(kid) => format!(r#"{{"alg":"{alg}","kid":"{kid}"}}"#),
        None => format!(r#"{{"alg":"{alg}"}}"#),
    };
    format!("{}.{}.{}", encode(&header), encode(r#"{"sub":"alice"}"#), encode(signature))
}

fn rsa(kid: &str) -> Value {
    json!({ "kty": "RSA", "kid": kid, "n": base64url(&[200; 256]), "e": "AQAB" })
}

fn p256(kid: &str) -> Value {
    json!({ "kty": "EC", "crv": "P-256", "kid": kid, "x": base64url(&[1; 32]), "y": base64url(&[2; 32]) })
}

fn set(keys: &[Value]) -> Result<Keys, String> {
    Keys::parse(&[json!({ "keys": keys }).to_string()], Some(by_name))
}

#[test]
fn an_algorithm_belongs_to_a_kind_of_key() {
    let ed25519 = json!({ "kty": "OKP", "crv": "Ed25519", "x": base64url(&[3; 32]) });
    let p384 = json!({ "kty": "EC", "crv": "P-384", "x": base64url(&[1; 48]), "y": base64url(&[2; 48]) });
    let oct = json!({ "kty": "oct", "k": base64url(SECRET.as_bytes()) });
    let all = PublicAlgorithm::ALL.map(|(name, _)| name);
    for (key, taken) in [
        (rsa("r"), &["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"][..]),
        (p256("p"), &["ES256"]),
        (p384, &["ES384"]),
        (ed25519, &["EdDSA"]),
        (oct, &[]),
    ] {
        let keys = set(std::slice::from_ref(&key)).unwrap();
        for name in all {
            let told = sub(&keys, &raw(name, None, name));
            let right = if taken.contains(&name) { Ok("alice".to_owned()) } else { Err(JwtError::Algorithm) };
            assert_eq!(told, right, "{key} {name}");
        }
        for name in ["HS256", "HS512", "none", "ES256K", "rs256", "RSA-OAEP", ""] {
            let told = sub(&keys, &raw(name, None, name));
            assert!(told.is_err(), "{key} {name}");
        }
    }
    // The old trick: a public key for a secret.
    let keys = set(&[rsa("r")]).unwrap();
    let n = String::from_utf8_lossy(&[200; 256]).into_owned();
    assert_eq!(
        sub(&keys, &hs256(&n, &Header::empty(), &json!({ "sub": "alice" }))),
        Err(JwtError::Algorithm)
    );
}

#[test]
fn a_key_is_found_by_its_id_and_its_algorithm() {
    let keys = set(&[rsa("old"), rsa("new"), p256("p")]).unwrap();
    for kid in [None, Some("old"), Some("new")] {
        assert!(sub(&keys, &raw("RS256", kid, "RS256")).is_ok(), "{kid:?}");
    }
    // Of another key, of none, and with another signature.
    assert_eq!(sub(&keys, &raw("RS256", Some("p"), "RS256")), Err(JwtError::Algorithm));
    assert_eq!(sub(&keys, &raw("RS256", Some("x"), "RS256")), Err(JwtError::Algorithm));
    assert_eq!(sub(&keys, &raw("RS256", Some("old"), "PS256")), Err(JwtError::Token(TokenError::Signature)));
    let mut only = rsa("r");
    only["alg"] = json!("RS512");
    let keys = set(&[only]).unwrap();
    assert_eq!(sub(&keys, &raw("RS256", None, "RS256")), Err(JwtError::Algorithm));
    assert!(sub(&keys, &raw("RS512", None, "RS512")).is_ok());
}

#[test]
fn a_key_set_that_is_of_no_use_says_why() {
    let with = |change: &dyn Fn(&mut Value)| {
        let mut key = rsa("r");
        change(&mut key);
        key
    };
    for (keys, said) in [
        (vec![], "no key for signatures"),
        (vec![json!({ "kty": "AKP" })], "no key for signatures"),
        (vec![json!({ "kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA" })], "no key for signatures"),
        (vec![with(&|key| key["use"] = json!("enc"))], "no key for signatures"),
        (vec![rsa("x"), with(&|key| key["d"] = json!("AA"))], "key 2 of the JWKS is private"),
        (vec![with(&|key| key["n"] = json!(base64url(&[200; 128])))], "1024 bits"),
        (vec![with(&|key| key["n"] = json!("not base64!"))], "is not a JWK"),
        (vec![with(&|key| drop(key.as_object_mut().unwrap().remove("e")))], "is not a JWK"),
        (vec![json!({ "kty": "oct", "k": "AAAA" })], "can be guessed"),
        (vec![json!({ "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA" })], "another length"),
    ] {
        let error = set(&keys).unwrap_err();
        assert!(error.contains(said), "{keys:?}: {error}");
    }
    // What is not understood is passed over.
    assert!(set(&[json!({ "kty": "AKP" }), rsa("r")]).is_ok());
    assert!(Keys::parse(&["{"], Some(by_name)).unwrap_err().contains("not JSON"));
    assert!(Keys::parse(&["short"], None).unwrap_err().contains("can be guessed"));
    assert!(Keys::parse(&[rsa("r").to_string()], Some(by_name)).is_ok());
    let no_public = Keys::parse(&[rsa("r").to_string()], None).unwrap_err();
    assert!(no_public.contains("HS256 alone"), "{no_public}");
}

#[test]
fn keys_are_never_shown() {
    let keys = Keys::parse(&[SECRET, &json!({ "keys": [rsa("r")] }).to_string()], Some(by_name)).unwrap();
    assert!(!format!("{keys:?}").contains("0123456789"), "{keys:?}");
}
