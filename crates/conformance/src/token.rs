//! Tokens, good and bad ones: JWTs put together by hand, since libraries refuse to make the bad ones.

use hmac::{Hmac, Mac};
use serde_json::{Map, Value, json};
use sha2::Sha256;

/// The secret that tokens of recorders under test are signed with.
pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A token to be signed.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    alg: String,
    claims: Map<String, Value>,
}

impl Token {
    /// A token whose `sub` is this.
    pub(crate) fn of(sub: &str) -> Self {
        Self { alg: "HS256".to_owned(), claims: Map::from_iter([("sub".to_owned(), json!(sub))]) }
    }

    /// With this `exp`, in seconds since 1970.
    pub(crate) fn expiring(self, at: i64) -> Self {
        self.claim("exp", json!(at))
    }

    /// With this claim.
    pub(crate) fn claim(mut self, name: &str, value: Value) -> Self {
        self.claims.insert(name.to_owned(), value);
        self
    }

    /// Saying that it is signed with this algorithm. It is signed with HS256 all the same.
    pub(crate) fn alg(mut self, alg: &str) -> Self {
        alg.clone_into(&mut self.alg);
        self
    }

    /// Without a signature.
    pub(crate) fn unsigned(self) -> String {
        format!("{}.", self.message())
    }

    /// Signed with this secret.
    pub(crate) fn signed(self, secret: &str) -> String {
        let message = self.message();
        // Any length will do for a key.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return message };
        mac.update(message.as_bytes());
        format!("{message}.{}", base64url(&mac.finalize().into_bytes()))
    }

    fn message(&self) -> String {
        let header = json!({ "alg": self.alg, "typ": "JWT" }).to_string();
        let claims = Value::Object(self.claims.clone()).to_string();
        format!("{}.{}", base64url(header.as_bytes()), base64url(claims.as_bytes()))
    }
}

fn base64url(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}
