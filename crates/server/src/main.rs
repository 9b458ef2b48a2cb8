//! The binary: reads the command line, binds, runs.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use durablefetch_server::cli::{Cli, Command, Serve};
use durablefetch_server::{Recorder, StartError, signals};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let Command::Serve(serve) = Cli::parse().command;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr).init();
    raise_descriptor_limit();
    match start(*serve) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("durablefetch: {message}");
            ExitCode::FAILURE
        }
    }
}

/// A live recording takes a descriptor for its upstream, one for its file and one for each reader; the usual soft
/// limit of 1024 is for programs that use `select`.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        tracing::debug!("the limit of open files stays as it is: {error}");
    }
}

#[tokio::main]
async fn start(serve: Serve) -> Result<(), String> {
    let address = serve.listen;
    let config = serve.into_config()?;
    if !address.ip().is_loopback() {
        return Err(StartError::NotLoopback(address).to_string());
    }
    let listener = TcpListener::bind(address).await.map_err(|error| {
        let remedy = if error.kind() == std::io::ErrorKind::AddrInUse {
            "; another program listens there: stop it, or choose another port with --listen 127.0.0.1:PORT"
        } else {
            ""
        };
        format!("cannot listen on {address}: {error}{remedy}")
    })?;
    let signal = signals::shutdown().map_err(|error| format!("cannot wait for signals: {error}"))?;
    let bound = listener.local_addr().map_err(|error| error.to_string())?;
    let base_path = config.base_path.clone();
    let recorder = Recorder::open(listener, config).map_err(|error| error.to_string())?;
    // Whoever started this reads the port here; a closed stdout is no reason to stop.
    let mut out = std::io::stdout();
    let _ = writeln!(out, "durablefetch: listening on http://{bound}{base_path}").and_then(|()| out.flush());
    recorder.serve(signal).await;
    Ok(())
}
