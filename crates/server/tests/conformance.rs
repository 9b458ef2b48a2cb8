//! The native recorder passes the conformance suite: inside this process, and as the program that users run.

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use durablefetch_conformance::{Process, Settings, Tests};
use durablefetch_server::Config;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let runtime = Runtime::new()?;
    let data = tempfile::tempdir()?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let url = format!("http://{}", listener.local_addr()?);
    let (stop, stopped) = oneshot::channel::<()>();
    let config = Config { drain: Duration::ZERO, ..Config::new(data.path()) };
    let library = runtime.spawn(durablefetch_server::run(listener, config, async {
        let _ = stopped.await;
    }));
    let code = Tests::new(&runtime).at("library", url).launching("program", Process::new(serve)).run();
    drop(stop);
    runtime.block_on(library)??;
    Ok(code)
}

/// `durablefetch serve` with flags for what a case wants otherwise than by default.
fn serve(settings: &Settings, data: &Path) -> Command {
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
