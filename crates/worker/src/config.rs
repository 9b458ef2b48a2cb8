//! Configuration by the variables and secrets of the Worker.

use std::cell::OnceCell;
use std::rc::Rc;
use std::time::Duration;

use durablefetch_protocol::allow::Allow;
use durablefetch_protocol::jwt::Keys;
use durablefetch_protocol::scope::{Credential, Scoping};
use durablefetch_protocol::token::{SECRET_MIN, Secrets};
use durablefetch_protocol::{DropHeader, Fingerprint, limits, units};
use worker::Env;

use crate::access::Access;
use crate::js::sys;

/// What a recorder was configured with; its secrets are not for logs. The variables are documented in `examples/cloudflare/README.md`.
pub(crate) struct Config {
    /// `PUBLIC_ORIGIN`, `ORIGINS`, `ORIGIN_NULL`, `ALLOW`, `ALLOW_ANY`: who may ask, and for what.
    pub(crate) access: Access,
    /// `DROP_HEADERS`: headers of requests that go to no upstream at all.
    pub(crate) drop_headers: Vec<DropHeader>,
    /// `TOKEN_SECRET`, `SCOPE_BY`, `JWT_KEY`: whose a recording is.
    pub(crate) scoping: Scoping,
    /// Made of `SCOPE_SECRET`: keys the hash of what is presented. The same in all objects, unlike theirs.
    pub(crate) scope_secret: [u8; 32],
    /// `BASE_PATH`: the path under which it is mounted.
    pub(crate) base_path: String,
    /// `TTL`: how long a recording is kept after its last use.
    pub(crate) ttl: Duration,
    /// `MAX_AGE`: how long it is kept after its end, whatever uses it.
    pub(crate) max_age: Duration,
    /// `MAX_RECORDING_BYTES`.
    pub(crate) recording_bytes: u64,
    /// `MAX_RECORDINGS`: recordings in flight in one isolate.
    pub(crate) recordings: usize,
    /// `MAX_REQUEST_BYTES`.
    pub(crate) request_bytes: u64,
    /// `CONNECT_TIMEOUT`.
    pub(crate) connect_timeout: Duration,
    /// `HEADER_TIMEOUT`.
    pub(crate) header_timeout: Duration,
    /// `IDLE_TIMEOUT`.
    pub(crate) idle_timeout: Duration,
}

/// A Durable Object's database holds 10 GB at most; one recording may take a tenth of that by default.
const RECORDING_BYTES: u64 = 1 << 30;
const RECORDINGS: usize = 10_000;

thread_local! {
    /// The variables of an isolate never change.
    static CONFIG: OnceCell<Rc<Result<Config, String>>> = const { OnceCell::new() };
}

/// The configuration, or a sentence that says which variable is wrong and what it should be.
pub(crate) fn of(env: &Env) -> Rc<Result<Config, String>> {
    CONFIG.with(|config| config.get_or_init(|| Rc::new(Config::read(&|name| var(env, name)))).clone())
}

fn var(env: &Env, name: &str) -> Option<String> {
    let value = sys::get(env.as_ref(), name).as_string()?;
    let value = value.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

impl Config {
    fn read(var: &dyn Fn(&str) -> Option<String>) -> Result<Self, String> {
        let time = |name: &str, default: Duration| match var(name) {
            Some(text) => units::duration(&text).map_err(|error| format!("{name}: {error}")),
            None => Ok(default),
        };
        let size = |name: &str, default: u64| match var(name) {
            Some(text) => units::size(&text).map_err(|error| format!("{name}: {error}")),
            None => Ok(default),
        };
        let list = |name: &str| -> Vec<String> {
            let value = var(name).unwrap_or_default();
            value.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
        };
        let allow: Result<Vec<Allow>, String> = list("ALLOW")
            .iter()
            .map(|entry| Allow::parse(entry).map_err(|error| format!("ALLOW: `{entry}`: {}", error.message)))
            .collect();
        let drop_headers: Result<Vec<DropHeader>, String> = list("DROP_HEADERS")
            .iter()
            .map(|name| DropHeader::parse(name).map_err(|error| format!("DROP_HEADERS: {error}")))
            .collect();
        let scoping = scoping(&list("TOKEN_SECRET"), &list("SCOPE_BY"), var("JWT_KEY"))?;
        let access = Access::read(var, &list("ORIGINS"), allow?, &scoping)?;
        let scope_secret = var("SCOPE_SECRET").unwrap_or_default();
        if matches!(scoping, Scoping::Presented(..)) && scope_secret.len() < SECRET_MIN {
            return Err(format!(
                "SCOPE_BY needs SCOPE_SECRET, {SECRET_MIN} bytes or more that nobody else knows: make them with \
                 `openssl rand -hex 32`"
            ));
        }
        Ok(Self {
            access,
            drop_headers: drop_headers?,
            scoping,
            scope_secret: Fingerprint::of(&[0; 32], "scope", scope_secret.as_bytes()).0,
            base_path: base_path(&var("BASE_PATH").unwrap_or_default())?,
            ttl: time("TTL", limits::TTL)?,
            max_age: time("MAX_AGE", limits::MAX_AGE)?,
            recording_bytes: size("MAX_RECORDING_BYTES", RECORDING_BYTES)?,
            recordings: var("MAX_RECORDINGS")
                .map_or(Ok(RECORDINGS), |text| count("MAX_RECORDINGS", &text))?,
            request_bytes: size("MAX_REQUEST_BYTES", limits::REQUEST_BODY_MAX as u64)?,
            connect_timeout: time("CONNECT_TIMEOUT", limits::CONNECT_TIMEOUT)?,
            header_timeout: time("HEADER_TIMEOUT", limits::HEADER_TIMEOUT)?,
            idle_timeout: time("IDLE_TIMEOUT", limits::IDLE_TIMEOUT)?,
        })
    }
}

/// A mount, without the slash at its end; empty at the root.
fn base_path(text: &str) -> Result<String, String> {
    let path = text.trim_end_matches('/');
    if path.is_empty() || (path.starts_with('/') && !path.contains(['?', '#'])) {
        return Ok(path.to_owned());
    }
    Err(format!("BASE_PATH: `{text}` is not a path: write /df"))
}

fn count(name: &str, text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| format!("{name}: `{text}` is not a number: write 100"))
}

/// How it is told whose a recording is. `secrets` are one, or two while one replaces the other.
fn scoping(secrets: &[String], credentials: &[String], key: Option<String>) -> Result<Scoping, String> {
    // Nothing here checks signatures of public keys without waiting.
    let keys = Keys::parse(key.as_slice(), None).map_err(|error| format!("JWT_KEY: {error}"))?;
    if credentials.is_empty() && !keys.is_empty() {
        return Err(
            "JWT_KEY is of no use without SCOPE_BY: set that to bearer-jwt:sub, or unset JWT_KEY".into()
        );
    }
    match (secrets, credentials) {
        ([], []) => Ok(Scoping::Shared),
        (secrets, []) => {
            Secrets::new(secrets).map(Scoping::Tokens).map_err(|error| format!("TOKEN_SECRET: {error}"))
        }
        ([], credentials) => {
            let credentials =
                credentials.iter().map(|text| Credential::parse(text)).collect::<Result<_, _>>();
            let credentials = credentials.map_err(|error| format!("SCOPE_BY: {error}"))?;
            Scoping::presented(credentials, keys).map_err(|error| format!("JWT_KEY: {error}"))
        }
        _ => {
            Err("TOKEN_SECRET and SCOPE_BY are two ways to say whose a recording is: set one of them".into())
        }
    }
}
