//! The worker on workerd, as a program that a test starts.

mod command;

use std::path::Path;
use std::time::Duration;

use durablefetch_conformance::Settings;
use tokio::process::Command;

/// workerd with the worker, its settings and its storage. It prints its base URL.
pub(crate) fn serve(settings: &Settings, store: &Path) -> Command {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let built = here.join("build/index.js");
    assert!(built.exists(), "{} is missing: run cargo xtask worker --build", built.display());
    let mut command = command::workerd(&here.join("workerd.capnp"), store);
    let time = |time: Option<Duration>| time.map(|time| format!("{}ms", time.as_millis()));
    let list = |list: &[String]| (!list.is_empty()).then(|| list.join(","));
    let scope_secret = "that of every recorder in the tests";
    let variables = [
        ("TTL", time(settings.ttl)),
        ("MAX_AGE", time(settings.max_age)),
        ("CONNECT_TIMEOUT", time(settings.connect_timeout)),
        ("HEADER_TIMEOUT", time(settings.header_timeout)),
        ("IDLE_TIMEOUT", time(settings.idle_timeout)),
        ("MAX_REQUEST_BYTES", settings.request_bytes.map(|size| size.to_string())),
        ("MAX_RECORDING_BYTES", settings.recording_bytes.map(|size| size.to_string())),
        ("MAX_RECORDINGS", settings.in_flight.map(|count| count.to_string())),
        ("ALLOW", list(&settings.allow)),
        ("ALLOW_ANY", settings.allow_any.then(|| "true".to_owned())),
        ("DROP_HEADERS", list(&settings.drop_headers)),
        ("ORIGINS", list(&settings.origins)),
        ("ORIGIN_NULL", settings.origin_null.then(|| "true".to_owned())),
        ("BASE_PATH", settings.mount.clone()),
        ("PUBLIC_ORIGIN", settings.public_origin.clone()),
        ("UNGUESSABLE_URLS", settings.unguessable_urls.then(|| "true".to_owned())),
        ("TOKEN_SECRET", list(&settings.token_secrets)),
        ("SCOPE_BY", list(&settings.scope_by)),
        ("JWT_KEY", settings.jwt_key.clone()),
        ("SCOPE_SECRET", (!settings.scope_by.is_empty()).then(|| scope_secret.to_owned())),
    ];
    for (name, value) in variables {
        command.env(format!("DURABLEFETCH_{name}"), value.unwrap_or_default());
    }
    command
}
