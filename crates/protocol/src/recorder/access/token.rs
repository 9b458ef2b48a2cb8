//! Tokens: JWTs (RFC 7519) signed with HS256, whose `sub` is the scope of who presents one.

use core::fmt;

use http::header::HeaderMap;
use jwt_compact::alg::{Hs256, Hs256Key};
use jwt_compact::{AlgorithmExt, Claims, ParseError, UntrustedToken, ValidationError};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::allowance::{Allowance, Scope};
use crate::words::{ErrorCode, ProtocolError, header, name};

/// How far the clocks of who signs and who checks may be apart: `exp` and `nbf` are off by at most this.
pub const CLOCK_SKEW_S: i64 = 30;
/// The fewest bytes of a secret: as many as the hash has (RFC 7518 §3.2).
pub const SECRET_MIN: usize = 32;
/// The most bytes that the `sub` of a token may have.
pub const SUBJECT_MAX: usize = 256;
/// Who a token is for, where it says so (`aud`).
pub const AUDIENCE: &str = "durablefetch";

/// The secrets that tokens may be signed with.
#[derive(Clone)]
pub struct Secrets(Vec<Hs256Key>);

impl Secrets {
    /// One secret, or two while one is being replaced by the other.
    ///
    /// # Errors
    /// A sentence, for none, for more than two, and for one of fewer than [`SECRET_MIN`] bytes.
    pub fn new<S: AsRef<[u8]>>(secrets: &[S]) -> Result<Self, String> {
        if !(1..=2).contains(&secrets.len()) {
            return Err(format!(
                "there are {} token secrets: name one, or two while one replaces the other",
                secrets.len()
            ));
        }
        if let Some(short) = secrets.iter().map(|secret| secret.as_ref().len()).find(|len| *len < SECRET_MIN)
        {
            return Err(format!(
                "a token secret has {short} bytes, and fewer than {SECRET_MIN} can be guessed: make one with \
                 `openssl rand -hex 32`"
            ));
        }
        Ok(Self(secrets.iter().map(Hs256Key::new).collect()))
    }

    /// The scope of who sent these headers. `now_s` is in seconds since 1970.
    ///
    /// # Errors
    /// [`ErrorCode::Unauthorized`] with what is wrong with the token, never with what is in it;
    /// [`ErrorCode::BadRequest`] for two tokens.
    pub fn scope(&self, headers: &HeaderMap, now_s: u64) -> Result<Scope, ProtocolError> {
        let token = header::single(headers, name::TOKEN)?.filter(|token| !token.is_empty());
        let token = token.ok_or(TokenError::Missing)?;
        Ok(self.told(token, i64::try_from(now_s).unwrap_or(i64::MAX))?)
    }

    fn told(&self, token: &str, now_s: i64) -> Result<Scope, TokenError> {
        let claims = self.verified(&parse(token)?)?;
        check_times(&claims, now_s)?;
        let Subject { sub, aud, durablefetch } = claims.custom;
        if aud.is_some_and(|aud| !aud.names(AUDIENCE)) {
            return Err(TokenError::Audience);
        }
        let id = sub.filter(|sub| can_be_a_subject(sub)).ok_or(TokenError::Subject)?;
        let allowance = Allowance::read(durablefetch.as_ref()).map_err(TokenError::Allowance)?;
        Ok(Scope { id, allowance })
    }

    /// The claims, where one of the secrets has signed them.
    fn verified(&self, token: &UntrustedToken<'_, Critical>) -> Result<Claims<Subject>, TokenError> {
        let mut why = TokenError::Signature;
        for secret in &self.0 {
            match Hs256.validator::<Subject>(secret).validate(token) {
                Ok(token) => return Ok(token.into_parts().1),
                Err(error) => why = TokenError::from_validation(&error),
            }
        }
        Err(why)
    }
}

/// Reads a token, whose signature is still to be checked. None is read that wants more understood than the standard.
pub(super) fn parse(text: &str) -> Result<UntrustedToken<'_, Critical>, TokenError> {
    let token: UntrustedToken<'_, Critical> = text.try_into().map_err(TokenError::from_parse)?;
    if token.header().other_fields.crit.is_some() {
        return Err(TokenError::Critical);
    }
    Ok(token)
}

/// Whether this can say whose a recording is.
pub(super) fn can_be_a_subject(value: &str) -> bool {
    (1..=SUBJECT_MAX).contains(&value.len()) && !value.chars().any(char::is_control)
}

/// Checks `exp` and `nbf`.
pub(super) fn check_times<T>(claims: &Claims<T>, now_s: i64) -> Result<(), TokenError> {
    if claims.expiration.is_some_and(|at| at.timestamp().saturating_add(CLOCK_SKEW_S) <= now_s) {
        return Err(TokenError::Expired);
    }
    if claims.not_before.is_some_and(|at| at.timestamp().saturating_sub(CLOCK_SKEW_S) > now_s) {
        return Err(TokenError::NotYet);
    }
    Ok(())
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} secret(s)", self.0.len())
    }
}

/// Extensions that a token wants understood (RFC 7515 §4.1.11). None is.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Critical {
    #[serde(default)]
    pub(super) crit: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
struct Subject {
    #[serde(default)]
    sub: Option<String>,
    #[serde(default)]
    aud: Option<Audience>,
    /// See [`Allowance`].
    #[serde(default)]
    durablefetch: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    fn names(&self, who: &str) -> bool {
        match self {
            Self::One(one) => one == who,
            Self::Many(many) => many.iter().any(|one| one == who),
        }
    }
}

/// What is wrong with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenError {
    Missing,
    Malformed,
    Critical,
    Algorithm,
    Signature,
    Claims,
    Expired,
    NotYet,
    Audience,
    Subject,
    /// What is wrong with what it allows.
    Allowance(&'static str),
}

impl TokenError {
    pub(super) fn from_parse(error: ParseError) -> Self {
        match error {
            ParseError::UnsupportedContentType(_) => Self::Claims,
            _ => Self::Malformed,
        }
    }

    pub(super) fn from_validation(error: &ValidationError) -> Self {
        match error {
            ValidationError::AlgorithmMismatch { .. } => Self::Algorithm,
            ValidationError::MalformedClaims(_) => Self::Claims,
            _ => Self::Signature,
        }
    }

    pub(super) fn why(self) -> &'static str {
        match self {
            Self::Missing => {
                "is missing: this recorder wants one with every request (option `token` of the client)"
            }
            Self::Malformed => "is not a JWT: it needs three parts in base64url, separated by dots",
            Self::Critical => "wants an extension (`crit`) that this recorder does not know",
            Self::Algorithm => "is not signed with HS256 (`alg`), the only algorithm that is taken",
            Self::Signature => "is signed with another secret than this recorder has",
            Self::Claims => {
                "has claims that cannot be read: `exp` and `nbf` are whole seconds since 1970, `sub` is a string"
            }
            Self::Expired => "has expired (`exp`): get a new one",
            Self::NotYet => "is not valid yet (`nbf`): compare the clocks of who signs and of this recorder",
            Self::Audience => "is for somebody else (`aud`): leave it out or name `durablefetch`",
            Self::Subject => {
                "names nobody: its `sub`, 1 to 256 bytes without control characters, is whose recordings these are"
            }
            Self::Allowance(why) => why,
        }
    }
}

impl From<TokenError> for ProtocolError {
    fn from(error: TokenError) -> Self {
        Self::new(ErrorCode::Unauthorized, format!("the token ({}) {}", name::TOKEN, error.why()))
    }
}

#[cfg(test)]
#[path = "token_tests.rs"]
pub(super) mod tests;
