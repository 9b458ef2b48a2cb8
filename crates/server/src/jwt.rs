//! Signatures of tokens that are checked with public keys.

use durablefetch_protocol::jwt::{PublicAlgorithm as Algorithm, PublicKey};
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};

/// Whether this key has signed the message. The protocol sees to it that key and algorithm belong together.
pub(crate) fn verify(key: &PublicKey, algorithm: Algorithm, message: &[u8], signed: &[u8]) -> bool {
    let checked = match key {
        PublicKey::Rsa { n, e } => {
            let padding = match algorithm {
                Algorithm::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
                Algorithm::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
                Algorithm::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
                Algorithm::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
                Algorithm::Ps384 => &signature::RSA_PSS_2048_8192_SHA384,
                Algorithm::Ps512 => &signature::RSA_PSS_2048_8192_SHA512,
                Algorithm::Es256 | Algorithm::Es384 | Algorithm::EdDsa => return false,
            };
            RsaPublicKeyComponents { n, e }.verify(padding, message, signed)
        }
        PublicKey::P256(point) => {
            UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point).verify(message, signed)
        }
        PublicKey::P384(point) => {
            UnparsedPublicKey::new(&signature::ECDSA_P384_SHA384_FIXED, point).verify(message, signed)
        }
        PublicKey::Ed25519(key) => UnparsedPublicKey::new(&signature::ED25519, key).verify(message, signed),
    };
    checked.is_ok()
}

#[cfg(test)]
mod tests {
    use durablefetch_protocol::jwt::Keys;
    use durablefetch_protocol::scope::{Credential, Scoping};
    use http::HeaderMap;
    use serde_json::Value;

    use super::*;

    /// A JWKS, and tokens that other software has signed with its keys, each with the `sub` alice.
    fn vectors() -> Value {
        serde_json::from_str(include_str!("jwt_vectors.json")).unwrap()
    }

    fn scope(keys: &Value, token: &str) -> Result<String, String> {
        let keys = Keys::parse(&[keys.to_string()], Some(verify)).unwrap();
        let by = vec![Credential::parse("bearer-jwt:sub").unwrap()];
        let mut headers = HeaderMap::new();
        headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
        let scoping = Scoping::presented(by, keys).unwrap();
        scoping.scope(&headers, &[0; 32], 0).map(|scope| scope.id).map_err(|error| error.message)
    }

    #[test]
    fn tokens_of_other_software_are_checked_with_every_kind_of_key() {
        let Value::Object(vectors) = vectors() else { panic!() };
        let jwks = &vectors["jwks"];
        let Value::Object(tokens) = &vectors["tokens"] else { panic!() };
        assert_eq!(tokens.len(), 9);
        for (algorithm, token) in tokens {
            let token = token.as_str().unwrap();
            // The same person, whatever it was signed with.
            assert_eq!(scope(jwks, token), scope(jwks, tokens["RS256"].as_str().unwrap()), "{algorithm}");
            assert!(scope(jwks, token).is_ok(), "{algorithm}: {:?}", scope(jwks, token));
            // One bit of the message, and of the signature.
            let (head, signed) = token.rsplit_once('.').unwrap();
            let flipped = |text: &str, at: usize| {
                let other = if &text[at..=at] == "A" { "B" } else { "A" };
                format!("{}{other}{}", &text[..at], &text[at + 1..])
            };
            for forged in [
                format!("{}.{signed}", flipped(head, head.len() - 3)),
                format!("{head}.{}", flipped(signed, 5)),
                format!("{head}."),
            ] {
                assert!(scope(jwks, &forged).is_err(), "{algorithm}: {forged}");
            }
        }
    }
}
