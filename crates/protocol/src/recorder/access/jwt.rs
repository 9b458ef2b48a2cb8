//! Claims of signed tokens (JWT, RFC 7519) that requests carry for their upstream anyway: who it is stays the same while the
//! token around it is renewed. They say whose a recording is only once the signature was checked.

use core::fmt;

use jwt_compact::alg::{Hs256, Hs256Key};
use jwt_compact::jwk::JsonWebKey;
use jwt_compact::{Algorithm, AlgorithmExt, AlgorithmSignature, Claims};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::allowance::{self, Allowance};
use super::token::{SECRET_MIN, TokenError, can_be_a_subject, check_times, parse};

/// The keys that tokens may be signed with.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    keys: Vec<Key>,
    verify: Option<Verify>,
}

/// Checks a signature with a public key. Its driver brings it, where there is one.
pub type Verify = fn(&PublicKey, PublicAlgorithm, message: &[u8], signature: &[u8]) -> bool;

#[derive(Clone)]
struct Key {
    id: Option<String>,
    /// The one algorithm that it is for, where it says so.
    algorithm: Option<String>,
    material: Material,
}

#[derive(Clone)]
enum Material {
    Secret(Hs256Key),
    Public(PublicKey),
}

/// A key that checks and does not sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublicKey {
    /// Modulus and exponent, big-endian, without leading zeros.
    Rsa {
        /// The modulus.
        n: Vec<u8>,
        /// The exponent.
        e: Vec<u8>,
    },
    /// A point of P-256: 4, x, y.
    P256(Vec<u8>),
    /// A point of P-384: 4, x, y.
    P384(Vec<u8>),
    /// Of Ed25519.
    Ed25519(Vec<u8>),
}

/// An algorithm of public keys (RFC 7518 §3.1, RFC 8037).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are the names in the standard")]
pub enum PublicAlgorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    EdDsa,
}

impl PublicAlgorithm {
    const ALL: [(&'static str, Self); 9] = [
        ("RS256", Self::Rs256),
        ("RS384", Self::Rs384),
        ("RS512", Self::Rs512),
        ("PS256", Self::Ps256),
        ("PS384", Self::Ps384),
        ("PS512", Self::Ps512),
        ("ES256", Self::Es256),
        ("ES384", Self::Es384),
        ("EdDSA", Self::EdDsa),
    ];

    /// The one of this name that is for this kind of key: what a token says of itself does not choose between kinds.
    fn of(name: &str, key: &PublicKey) -> Option<Self> {
        let (_, algorithm) = Self::ALL.into_iter().find(|(known, _)| *known == name)?;
        let fits = match key {
            PublicKey::Rsa { .. } => !matches!(algorithm, Self::Es256 | Self::Es384 | Self::EdDsa),
            PublicKey::P256(_) => algorithm == Self::Es256,
            PublicKey::P384(_) => algorithm == Self::Es384,
            PublicKey::Ed25519(_) => algorithm == Self::EdDsa,
        };
        fits.then_some(algorithm)
    }

    fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, one)| *one == self).map_or("", |(name, _)| name)
    }
}

/// An entry of a JWKS (RFC 7517).
#[derive(Deserialize)]
struct Entry {
    kid: Option<String>,
    alg: Option<String>,
    #[serde(flatten)]
    key: JsonWebKey<'static>,
}

/// The fewest bytes of an RSA modulus: 2048 bits (RFC 7518 §3.3).
const MODULUS_MIN: usize = 256;

impl Keys {
    /// Reads keys: each text is a JWKS or one JWK (JSON), or else a secret for HS256. `verify` checks what is signed with
    /// public keys; without it there are secrets alone.
    ///
    /// # Errors
    /// A sentence, never with a key in it.
    pub fn parse<S: AsRef<str>>(texts: &[S], verify: Option<Verify>) -> Result<Self, String> {
        let mut keys = Vec::new();
        for text in texts {
            let text = text.as_ref().trim();
            if text.starts_with('{') {
                keys.extend(key_set(text, verify.is_some())?);
            } else {
                keys.push(Key { id: None, algorithm: None, material: secret(text.as_bytes())? });
            }
        }
        Ok(Self { keys, verify })
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The value of this claim of a token that one of the keys has signed, and what the token allows. `now_s` is in
    /// seconds since 1970.
    pub(super) fn claim(
        &self,
        token: &str,
        claim: &str,
        now_s: u64,
    ) -> Result<(String, Allowance), JwtError> {
        let claims = self.verified(token)?;
        check_times(&claims, i64::try_from(now_s).unwrap_or(i64::MAX))?;
        let value = match claims.custom.get(claim) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) if number.is_i64() || number.is_u64() => number.to_string(),
            _ => return Err(JwtError::Claim),
        };
        if !can_be_a_subject(&value) {
            return Err(JwtError::Claim);
        }
        let allowance = Allowance::read(claims.custom.get(allowance::CLAIM));
        Ok((value, allowance.map_err(TokenError::Allowance)?))
    }

    fn verified(&self, text: &str) -> Result<Claims<Map<String, Value>>, JwtError> {
        if text.split('.').count() == 5 {
            return Err(JwtError::Encrypted);
        }
        let token = parse(text)?;
        let id = token.header().key_id.as_deref();
        let is_known = id.is_some_and(|id| self.keys.iter().any(|key| key.id.as_deref() == Some(id)));
        let mut why = JwtError::Algorithm;
        for key in &self.keys {
            let is_named = if is_known { key.id.as_deref() == id } else { id.is_none() || key.id.is_none() };
            let is_for = key.algorithm.as_deref().is_none_or(|algorithm| algorithm == token.algorithm());
            if !is_named || !is_for {
                continue;
            }
            let validated = match &key.material {
                Material::Secret(secret) if token.algorithm() == "HS256" => {
                    Hs256.validator(secret).validate(&token)
                }
                Material::Secret(_) => continue,
                Material::Public(public) => {
                    let algorithm = PublicAlgorithm::of(token.algorithm(), public);
                    let Some((algorithm, verify)) = algorithm.zip(self.verify) else { continue };
                    Public { algorithm, verify }.validator(public).validate(&token)
                }
            };
            match validated {
                Ok(token) => return Ok(token.into_parts().1),
                Err(error) => why = JwtError::Token(TokenError::from_validation(&error)),
            }
        }
        Err(why)
    }
}

fn secret(bytes: &[u8]) -> Result<Material, String> {
    if bytes.len() < SECRET_MIN {
        return Err(format!(
            "a key for tokens has {} bytes, and fewer than {SECRET_MIN} can be guessed: name the secret that they are \
             signed with (HS256), or a JWKS",
            bytes.len()
        ));
    }
    Ok(Material::Secret(Hs256Key::new(bytes)))
}

fn key_set(text: &str, takes_public: bool) -> Result<Vec<Key>, String> {
    let json: Value = serde_json::from_str(text).map_err(|error| format!("the JWKS is not JSON: {error}"))?;
    let entries = match json.get("keys") {
        Some(Value::Array(keys)) => keys.clone(),
        _ => vec![json],
    };
    let mut keys = Vec::new();
    for (number, entry) in entries.into_iter().enumerate() {
        let at = |why: &str| format!("key {} of the JWKS {why}", number + 1);
        // RFC 7517 §5: what is not understood is passed over.
        let kind = entry.get("kty").and_then(Value::as_str).unwrap_or_default();
        if !matches!(kind, "oct" | "RSA" | "EC" | "OKP")
            || entry.get("use").is_some_and(|usage| usage != "sig")
        {
            continue;
        }
        if kind != "oct" && entry.get("d").is_some() {
            return Err(at("is private (`d`): the public part is all that is needed to check a signature"));
        }
        // The error might show the key.
        let entry: Entry = serde_json::from_value(entry)
            .map_err(|_| at("is not a JWK: a member is missing, or not base64url"))?;
        let Some(material) = material(entry.key).map_err(|why| at(&why))? else { continue };
        if matches!(material, Material::Public(_)) && !takes_public {
            return Err(at(
                "is public, and this recorder checks HS256 alone: name the secret, or run the native recorder",
            ));
        }
        keys.push(Key { id: entry.kid, algorithm: entry.alg, material });
    }
    if keys.is_empty() {
        return Err("the JWKS has no key for signatures that is understood: RSA, EC with P-256 or P-384, OKP with Ed25519, \
                    oct for HS256"
            .to_owned());
    }
    Ok(keys)
}

/// What a key is; `None` for one of a curve that is not known.
fn material(key: JsonWebKey<'_>) -> Result<Option<Material>, String> {
    let public = |key| Ok(Some(Material::Public(key)));
    match key {
        JsonWebKey::Symmetric { secret: key } => secret(key.as_ref()).map(Some),
        JsonWebKey::Rsa { modulus, public_exponent, .. } => {
            let whole =
                |bytes: &[u8]| bytes.iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<_>>();
            let (n, e) = (whole(&modulus), whole(&public_exponent));
            if n.len() < MODULUS_MIN {
                return Err(format!("has {} bits: 2048 are the fewest that are safe", n.len() * 8));
            }
            public(PublicKey::Rsa { n, e })
        }
        JsonWebKey::EllipticCurve { curve, x, y, .. } => {
            let point = [&[4][..], &x, &y].concat();
            match (&*curve, x.len(), y.len()) {
                ("P-256", 32, 32) => public(PublicKey::P256(point)),
                ("P-384", 48, 48) => public(PublicKey::P384(point)),
                ("P-256" | "P-384", ..) => Err("has coordinates of another length than its curve".to_owned()),
                _ => Ok(None),
            }
        }
        JsonWebKey::KeyPair { curve, x, .. } => match (&*curve, x.len()) {
            ("Ed25519", 32) => public(PublicKey::Ed25519(x.into_owned())),
            ("Ed25519", _) => Err("has another length than its curve".to_owned()),
            _ => Ok(None),
        },
        _ => Ok(None),
    }
}

/// Never the secrets.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.material {
            Material::Secret(_) => "a secret",
            Material::Public(_) => "a public key",
        };
        write!(f, "{kind} {:?}", self.id)
    }
}

/// One algorithm of public keys, as the JWT library wants it.
struct Public {
    algorithm: PublicAlgorithm,
    verify: Verify,
}

struct Signature(Vec<u8>);

impl AlgorithmSignature for Signature {
    fn try_from_slice(bytes: &[u8]) -> anyhow::Result<Self> {
        Ok(Self(bytes.to_vec()))
    }

    fn as_bytes(&self) -> std::borrow::Cow<'_, [u8]> {
        (&self.0).into()
    }
}

impl Algorithm for Public {
    /// There is none.
    type SigningKey = core::convert::Infallible;
    type VerifyingKey = PublicKey;
    type Signature = Signature;

    fn name(&self) -> std::borrow::Cow<'static, str> {
        self.algorithm.name().into()
    }

    fn sign(&self, key: &Self::SigningKey, _: &[u8]) -> Signature {
        match *key {}
    }

    fn verify_signature(&self, signature: &Signature, key: &PublicKey, message: &[u8]) -> bool {
        (self.verify)(key, self.algorithm, message, &signature.0)
    }
}

/// What is wrong with a token that is to say whose a recording is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JwtError {
    Token(TokenError),
    Encrypted,
    Algorithm,
    Claim,
}

impl From<TokenError> for JwtError {
    fn from(error: TokenError) -> Self {
        Self::Token(error)
    }
}

impl JwtError {
    pub(super) fn why(self) -> &'static str {
        match self {
            Self::Token(TokenError::Signature) => "is signed with another key than this recorder has",
            Self::Token(TokenError::Claims) => {
                "has claims that cannot be read: `exp` and `nbf` are whole seconds since 1970"
            }
            Self::Token(error) => error.why(),
            Self::Encrypted => {
                "is encrypted (five parts), so that its maker alone can read it: have the app make a `durablefetch-token`"
            }
            Self::Algorithm => "is signed in a way (`alg`, `kid`) for which this recorder has no key",
            Self::Claim => "does not have the claim, a text of 1 to 256 bytes without control characters",
        }
    }
}

#[cfg(test)]
#[path = "jwt_tests.rs"]
mod tests;
