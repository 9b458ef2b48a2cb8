//! The program, as the conformance suite starts it.

use std::path::Path;
use std::time::Duration;

use durablefetch_conformance::Settings;
use tokio::process::Command;

/// `durablefetch serve` with flags for what a case wants otherwise than by default.
pub(crate) fn serve(settings: &Settings, data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_durablefetch"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data);
    let millis = |time: Duration| format!("{}ms", time.as_millis());
    let flags = [
        ("--ttl", settings.ttl.map(millis)),
        ("--max-age", settings.max_age.map(millis)),
        ("--drain", settings.drain.map(millis)),
        ("--connect-timeout", settings.connect_timeout.map(millis)),
        ("--header-timeout", settings.header_timeout.map(millis)),
        ("--idle-timeout", settings.idle_timeout.map(millis)),
        ("--max-request-bytes", settings.request_bytes.map(|n| n.to_string())),
        ("--max-recording-bytes", settings.recording_bytes.map(|n| n.to_string())),
        ("--max-disk-bytes", settings.disk_bytes.map(|n| n.to_string())),
        ("--max-recordings", settings.in_flight.map(|n| n.to_string())),
        ("--base-path", settings.mount.clone()),
        ("--public-origin", settings.public_origin.clone()),
        ("--jwt-key", settings.jwt_key.clone()),
    ];
    for (flag, value) in flags.into_iter().filter_map(|(flag, value)| Some((flag, value?))) {
        command.args([flag, &value]);
    }
    for (flag, values) in [
        ("--allow", &settings.allow),
        ("--origin", &settings.origins),
        ("--token-secret", &settings.token_secrets),
        ("--scope-by", &settings.scope_by),
        ("--map", &settings.maps),
        ("--trusted-proxies", &settings.trusted_proxies),
        ("--drop-header", &settings.drop_headers),
    ] {
        for value in values {
            command.args([flag, value]);
        }
    }
    for (flag, is_set) in [
        ("--allow-any", settings.allow_any),
        ("--unguessable-urls", settings.unguessable_urls),
        ("--origin-null", settings.origin_null),
    ] {
        command.args(is_set.then_some(flag));
    }
    command
}
