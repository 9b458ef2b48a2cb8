//! Whose recordings a request is about. What another scope has recorded does not exist for it: the scope is a
//! part of every key, so that nothing has to be compared and no answer can tell.

use http::header::{self, HeaderMap, HeaderName};

use super::allowance::{Allowance, Scope};
use super::jwt::Keys;
use super::token::Secrets;
use crate::words::{ErrorCode, ProtocolError};

/// How a recorder tells whose recordings a request is about.
#[derive(Debug, Clone, Default)]
pub enum Scoping {
    /// It does not: everyone has the same. For a recorder on loopback, and where URLs cannot be guessed.
    #[default]
    Shared,
    /// By the `sub` of the request's token.
    Tokens(Secrets),
    /// By credentials that the request carries anyway, for its upstream. The keys are those of signed tokens among them.
    Presented(Vec<Credential>, Keys),
}

/// Something that says who sends a request, and stays the same as long as it is the same person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// The value of this header.
    Header(HeaderName),
    /// The value of the cookie of this name.
    Cookie(String),
    /// A claim of a signed token, which stays the same while the token is renewed.
    Claim(TokenIn, String),
}

/// Where a signed token stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenIn {
    /// `authorization: Bearer`.
    Bearer,
    /// The cookie of this name.
    Cookie(String),
}

/// Headers that say who somebody is by themselves.
const KNOWN: [&str; 7] = [
    "authorization",
    "proxy-authorization",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "x-auth-token",
    "x-access-token",
];

impl Credential {
    /// Reads `authorization`, another header that is known to carry a credential, `header:NAME` for any other,
    /// `cookie:NAME`, `bearer-jwt:CLAIM` or `cookie-jwt:NAME:CLAIM`.
    ///
    /// # Errors
    /// A sentence that names the forms.
    pub fn parse(text: &str) -> Result<Self, String> {
        let help = || {
            format!(
                "`{text}` is not a credential: write authorization, x-api-key, header:NAME, cookie:NAME, \
                 bearer-jwt:sub or cookie-jwt:NAME:sub"
            )
        };
        let is_claim = |claim: &str| !claim.is_empty() && !claim.chars().any(char::is_control);
        let claim = |place, claim: &str| {
            is_claim(claim).then(|| Self::Claim(place, claim.to_owned())).ok_or_else(help)
        };
        let cookie = |name: &str| is_cookie_name(name).then(|| name.to_owned()).ok_or_else(help);
        match text.split_once(':') {
            Some(("cookie", name)) => return cookie(name).map(Self::Cookie),
            Some(("bearer-jwt", name)) => return claim(TokenIn::Bearer, name),
            Some(("cookie-jwt", rest)) => {
                let (name, of) = rest.split_once(':').ok_or_else(help)?;
                return claim(TokenIn::Cookie(cookie(name)?), of);
            }
            _ if matches!(text, "bearer-jwt" | "cookie-jwt") => return Err(help()),
            _ => {}
        }
        let said = text.strip_prefix("header:");
        let name: HeaderName = said.unwrap_or(text).parse().map_err(|_| help())?;
        if name == header::COOKIE {
            return Err(
                "all cookies together change too often to say whose recordings these are: name one, \
                        cookie:NAME"
                    .to_owned(),
            );
        }
        // A cookie's name looks like a header's, and one that nobody sends lets nobody in.
        if said.is_none() && !KNOWN.contains(&name.as_str()) {
            return Err(format!(
                "`{text}` is not a header that is known to carry a credential: write cookie:{text} for the cookie, or \
                 header:{text} for the header"
            ));
        }
        Ok(Self::Header(name))
    }

    /// What a request presents of it, in order. Empty values say nothing.
    fn values<'a>(&self, headers: &'a HeaderMap) -> Vec<&'a [u8]> {
        let all = |name: &HeaderName| headers.get_all(name).iter().map(|value| value.as_bytes().trim_ascii());
        let mut found: Vec<&[u8]> = match self {
            Self::Header(name) => all(name).collect(),
            Self::Cookie(name) | Self::Claim(TokenIn::Cookie(name), _) => cookies(headers, name),
            Self::Claim(TokenIn::Bearer, _) => all(&header::AUTHORIZATION).filter_map(bearer).collect(),
        };
        found.retain(|value| !value.is_empty());
        found
    }

    /// What of a value says who it is, and what a token allows.
    fn identity(&self, value: &[u8], keys: &Keys, now_s: u64) -> Result<(Vec<u8>, Allowance), ProtocolError> {
        let Self::Claim(_, claim) = self else { return Ok((value.to_vec(), Allowance::default())) };
        // What is not text is not a token either.
        let token = core::str::from_utf8(value).unwrap_or_default();
        let told = keys.claim(token, claim, now_s).map(|(who, allowance)| (who.into_bytes(), allowance));
        told.map_err(|error| {
            let message = format!("the token that says whose the request is ({self}) {}", error.why());
            ProtocolError::new(ErrorCode::Unauthorized, message)
        })
    }

    /// Whether it is told by a signed token.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        matches!(self, Self::Claim(..))
    }
}

/// RFC 6265 §4.1.1.
fn is_cookie_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(&byte);
    !name.is_empty() && name.bytes().all(fits)
}

fn cookies<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a [u8]> {
    let pairs =
        headers.get_all(header::COOKIE).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b';'));
    let values = pairs.filter_map(|pair| {
        let at = pair.iter().position(|byte| *byte == b'=')?;
        (pair[..at].trim_ascii() == name.as_bytes()).then(|| pair[at + 1..].trim_ascii())
    });
    values.collect()
}

/// The token of `authorization: Bearer TOKEN`.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked("bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

impl core::fmt::Display for Credential {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Header(name) if KNOWN.contains(&name.as_str()) => write!(f, "{name}"),
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Cookie(name) => write!(f, "cookie:{name}"),
            Self::Claim(TokenIn::Bearer, claim) => write!(f, "bearer-jwt:{claim}"),
            Self::Claim(TokenIn::Cookie(name), claim) => write!(f, "cookie-jwt:{name}:{claim}"),
        }
    }
}

impl Scoping {
    /// By these credentials.
    ///
    /// # Errors
    /// A sentence, where keys for signed tokens are missing or are of no use.
    pub fn presented(credentials: Vec<Credential>, keys: Keys) -> Result<Self, String> {
        match credentials.iter().find(|credential| credential.is_signed()) {
            Some(signed) if keys.is_empty() => Err(format!(
                "{signed} needs a key that the token's signature is checked with: the secret (HS256) or a JWKS"
            )),
            None if !keys.is_empty() => {
                Err("a key for signed tokens is of no use without bearer-jwt:CLAIM or \
                                             cookie-jwt:NAME:CLAIM to tell scopes by"
                    .to_owned())
            }
            _ => Ok(Self::Presented(credentials, keys)),
        }
    }

    /// The scope of a request. `secret` is the recorder's own, which keys the hash of what is presented, so that
    /// a stored scope tells nobody the credential; `now_s` is in seconds since 1970.
    ///
    /// # Errors
    /// [`ErrorCode::Unauthorized`] where the request does not say whose it is, with the remedy.
    pub fn scope(&self, headers: &HeaderMap, secret: &[u8; 32], now_s: u64) -> Result<Scope, ProtocolError> {
        match self {
            Self::Shared => Ok(Scope::default()),
            Self::Tokens(secrets) => secrets.scope(headers, now_s),
            Self::Presented(credentials, keys) => presented((credentials, keys), headers, secret, now_s),
        }
    }
}

/// A name for a scope that may stand in a log: 16 hexadecimal digits of a hash that the recorder's secret keys. It does not
/// tell whose it is to those who do not know the secret. `None` for the empty scope, which is everybody's.
#[must_use]
pub fn scope_name(secret: &[u8; 32], scope: &str) -> Option<String> {
    if scope.is_empty() {
        return None;
    }
    let mut hasher = blake3::Hasher::new_keyed(secret);
    // Apart from the hashes of credentials.
    hasher.update(b"the name of a scope: ").update(scope.as_bytes());
    Some(hasher.finalize().to_hex()[..16].to_owned())
}

fn presented(
    (credentials, keys): (&[Credential], &Keys),
    headers: &HeaderMap,
    secret: &[u8; 32],
    now_s: u64,
) -> Result<Scope, ProtocolError> {
    let mut allowance = Allowance::default();
    let mut hasher = blake3::Hasher::new_keyed(secret);
    let mut any = false;
    for (index, credential) in credentials.iter().enumerate() {
        for value in credential.values(headers) {
            any = true;
            let (value, allows) = credential.identity(value, keys, now_s)?;
            allowance = allowance.and(allows);
            hasher.update(&(index as u64).to_le_bytes());
            hasher.update(&(value.len() as u64).to_le_bytes());
            hasher.update(&value);
        }
    }
    if !any {
        let names: Vec<_> = credentials.iter().map(ToString::to_string).collect();
        return Err(ProtocolError::new(
            ErrorCode::Unauthorized,
            format!("the request does not say whose it is: send one of {}", names.join(", ")),
        ));
    }
    Ok(Scope { id: hasher.finalize().to_hex().to_string(), allowance })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scoping(text: &str) -> Scoping {
        let credentials = text.split(',').map(|text| Credential::parse(text).unwrap()).collect();
        Scoping::presented(credentials, Keys::default()).unwrap()
    }

    fn scope(by: &str, headers: &[(&'static str, &str)]) -> Result<String, ErrorCode> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        scoping(by).scope(&map, &[1; 32], 0).map(|scope| scope.id).map_err(|error| error.code)
    }

    #[test]
    fn the_same_credential_is_the_same_scope_and_another_is_another() {
        let by = "authorization,cookie:sid";
        let alice = scope(by, &[("authorization", "Bearer a"), ("cookie", "x=1; sid=7; y=2")]).unwrap();
        assert_eq!(
            scope(by, &[("cookie", "sid=7"), ("authorization", "Bearer a"), ("x-other", "z")]),
            Ok(alice.clone())
        );
        for other in [
            &[("authorization", "Bearer b"), ("cookie", "sid=7")][..],
            &[("authorization", "Bearer a"), ("cookie", "sid=8")],
            &[("authorization", "Bearer a")],
            &[("cookie", "sid=7")],
            &[("cookie", "sid=Bearer a")],
            &[("authorization", "7"), ("cookie", "sid=Bearer a")],
            &[("authorization", "Bearer a"), ("cookie", "sid=7; sid=8")],
        ] {
            assert_ne!(scope(by, other).unwrap(), alice, "{other:?}");
        }
    }

    #[test]
    fn who_presents_nothing_is_refused() {
        for nothing in [
            &[][..],
            &[("authorization", "")],
            &[("cookie", "sid=")],
            &[("cookie", "ssid=1; sid2=1; SID=1")],
            &[("cookie", "sid")],
            &[("x-authorization", "a")],
        ] {
            assert_eq!(
                scope("authorization,cookie:sid", nothing),
                Err(ErrorCode::Unauthorized),
                "{nothing:?}"
            );
        }
    }

    #[test]
    fn a_scope_has_a_name_of_its_own_for_each_secret() {
        let name = |secret: u8, scope: &str| scope_name(&[secret; 32], scope);
        assert_eq!(name(1, "alice"), name(1, "alice"));
        assert_eq!((name(1, "alice").unwrap().len(), name(1, "")), (16, None));
        assert!(name(1, "alice") != name(1, "bob") && name(1, "alice") != name(2, "alice"));
    }

    #[test]
    fn a_scope_does_not_show_the_credential_and_depends_on_the_secret() {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", "Bearer hunter2".parse().unwrap());
        let of = |secret: u8| scoping("authorization").scope(&headers, &[secret; 32], 0).unwrap().id;
        assert_ne!(of(1), of(2));
        assert!(of(1).len() == 64 && !of(1).contains("hunter2"));
    }

    #[test]
    fn credentials_are_headers_or_one_cookie() {
        for good in [
            "authorization",
            "X-Api-Key",
            "header:x-user",
            "cookie:__Host-sid",
            "bearer-jwt:sub",
            "bearer-jwt:https://app.example/id",
            "cookie-jwt:__Host-sid:sub",
        ] {
            assert_eq!(Credential::parse(good).unwrap().to_string().to_lowercase(), good.to_lowercase());
        }
        for bad in [
            "",
            "cookie",
            "cookie:",
            "cookie:a b",
            "cookie:a=b",
            "a b",
            "a:b",
            "header:",
            "header:cookie",
            "session",
            "bearer-jwt",
            "bearer-jwt:",
            "cookie-jwt:",
            "cookie-jwt:a",
            "cookie-jwt:a:",
            "cookie-jwt::sub",
            "jwt:sub",
        ] {
            assert!(Credential::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_that_is_not_known_needs_saying_what_it_is() {
        let error = Credential::parse("session").unwrap_err();
        assert!(error.contains("cookie:session") && error.contains("header:session"), "{error}");
        let of = |text| Credential::parse(text).unwrap();
        assert_eq!(of("header:x-api-key"), of("x-api-key"));
    }

    #[test]
    fn shared_is_one_scope_for_all() {
        assert_eq!(Scoping::Shared.scope(&HeaderMap::new(), &[0; 32], 0), Ok(Scope::default()));
    }
}
