//! The worker on workerd, as a program that a test starts.

use std::path::Path;
use std::time::Duration;

use durablefetch_conformance::Settings;
use tokio::process::Command;

/// workerd tells its port as JSON to a file descriptor; the suite reads a URL.
const SERVE: &str = r#"
    exec "$WORKERD" serve "$CONFIG" --socket-addr http=127.0.0.1:0 --directory-path "storage=$STORE" --control-fd=3 \
        3> >(sed -un "s|.*\"port\":\([0-9]*\).*|http://127.0.0.1:\1$DURABLEFETCH_BASE_PATH|p")
"#;

/// workerd with the worker, its settings and its storage. It prints its base URL.
pub(crate) fn serve(settings: &Settings, store: &Path) -> Command {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workerd = here.join("tools/node_modules/.bin/workerd");
    for (path, remedy) in [
        (&workerd, "npm ci in crates/worker/tools"),
        (&here.join("build/index.js"), "cargo xtask worker --build"),
    ] {
        assert!(path.exists(), "{} is missing: run {remedy}", path.display());
    }
    std::fs::create_dir_all(store).expect("a directory for the store");
    let mut command = Command::new("bash");
    command
        .arg("-c")
        .arg(SERVE)
        .env("WORKERD", workerd)
        .env("CONFIG", here.join("workerd.capnp"))
        .env("STORE", store);
    let time = |time: Option<Duration>| time.map(|time| format!("{}ms", time.as_millis()));
    let list = |list: &[String]| (!list.is_empty()).then(|| list.join(","));
    let scope_secret = "that of every recorder in the tests";
    let variables = [
        ("TTL", time(settings.ttl)),
        ("HEADER_TIMEOUT", time(settings.header_timeout)),
        ("IDLE_TIMEOUT", time(settings.idle_timeout)),
        ("MAX_REQUEST_BYTES", settings.request_bytes.map(|size| size.to_string())),
        ("MAX_RECORDING_BYTES", settings.recording_bytes.map(|size| size.to_string())),
        ("MAX_RECORDINGS", settings.in_flight.map(|count| count.to_string())),
        ("ALLOW", list(&settings.allow)),
        ("ORIGINS", list(&settings.origins)),
        ("BASE_PATH", settings.mount.clone()),
        ("PUBLIC_ORIGIN", settings.public_origin.clone()),
        ("UNGUESSABLE_URLS", settings.unguessable_urls.then(|| "true".to_owned())),
        ("TOKEN_SECRET", list(&settings.token_secrets)),
        ("SCOPE_BY", list(&settings.scope_by)),
        ("SCOPE_SECRET", (!settings.scope_by.is_empty()).then(|| scope_secret.to_owned())),
    ];
    for (name, value) in variables {
        command.env(format!("DURABLEFETCH_{name}"), value.unwrap_or_default());
    }
    command
}
