//! The binary: reads the command line, binds, runs.

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;

use durablefetch_server::check::Check;
use durablefetch_server::cli::{Cli, Command, Healthcheck, LogFormat, ReadError, Serve};
use durablefetch_server::operator::{self, Which};
use durablefetch_server::{Server, Tls, descriptors, healthcheck, journal, signals};
use tokio::net::{TcpListener, TcpSocket};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

fn main() -> ExitCode {
    let cli = match Cli::read(std::env::args_os()) {
        Ok(cli) => cli,
        Err(ReadError::Arguments(error)) => error.exit(),
        Err(ReadError::File(error)) => {
            eprintln!("durablefetch: {error}");
            return ExitCode::from(2);
        }
    };
    let serve = match cli.command {
        Command::Serve(serve) => serve,
        Command::Check(check) => {
            log(LogFormat::Text);
            warn(&cli.warnings);
            return measure(check);
        }
        Command::Healthcheck(settings) => return code(is_well(&settings)),
        Command::Ls(list) => return operate(Which::List(list)),
        Command::Show(show) => return operate(Which::Show(show)),
        Command::Du(disk) => return operate(Which::Disk(disk)),
        Command::Rm(remove) => return operate(Which::Remove(remove)),
        Command::Backup(backup) => return operate(Which::Backup(backup)),
    };
    log(serve.operating.log_format);
    warn(&cli.warnings);
    descriptors::raise();
    code(start(*serve))
}

/// A failure is one sentence.
fn code(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("durablefetch: {message}");
            ExitCode::FAILURE
        }
    }
}

fn warn(warnings: &[String]) {
    warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
}

#[tokio::main(flavor = "current_thread")]
async fn measure(check: Check) -> ExitCode {
    durablefetch_server::check::run(check).await
}

#[tokio::main(flavor = "current_thread")]
async fn operate(which: Which) -> ExitCode {
    operator::run(which).await
}

#[tokio::main(flavor = "current_thread")]
async fn is_well(settings: &Healthcheck) -> Result<(), String> {
    let said = healthcheck::run(settings.question()?).await?;
    println!("{said}");
    Ok(())
}

/// Log lines go to stderr. `RUST_LOG` says how many there are.
fn log(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let stderr = journal::Lines::to_stderr();
    let lines = tracing_subscriber::fmt::layer().with_writer(stderr);
    let lines = match format {
        LogFormat::Text if stderr.is_journal() => lines.without_time().with_ansi(false).boxed(),
        LogFormat::Text => lines.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).boxed(),
        LogFormat::Json => {
            lines.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed()
        }
    };
    // The libraries would log headers and bytes.
    let own = |meta: &tracing::Metadata<'_>| {
        meta.target().starts_with("durablefetch") || *meta.level() <= tracing::Level::WARN
    };
    tracing_subscriber::registry().with(lines.with_filter(filter).with_filter(filter_fn(own))).init();
}

#[tokio::main(flavor = "current_thread")]
async fn start(serve: Serve) -> Result<(), String> {
    let address = serve.at.listen;
    let metrics_address = serve.at.metrics_listen;
    let until_stdin_closes = serve.operating.until_stdin_closes;
    let config = serve.into_config()?;
    config.check(address).map_err(|error| error.to_string())?;
    warn(&config.warnings());
    let listener = bind(address, "--listen")?;
    let signal =
        signals::shutdown(until_stdin_closes).map_err(|error| format!("cannot wait for signals: {error}"))?;
    let bound = listener.local_addr().map_err(|error| error.to_string())?;
    let base_path = config.base_path.clone();
    let mut server = Server::open(listener, config).map_err(|error| error.to_string())?;
    if let Some(address) = metrics_address {
        server = server.with_metrics(bind(address, "--metrics-listen")?);
    }
    let tls = server.tls();
    let scheme = if tls.is_some() { "https" } else { "http" };
    let mut hangups = signals::hangups().map_err(|error| format!("cannot wait for signals: {error}"))?;
    tokio::spawn(async move {
        while hangups.recv().await.is_some() {
            match tls.as_ref().map(Tls::reload) {
                None => tracing::info!("SIGHUP: no certificate to read again"),
                Some(Ok(())) => tracing::info!("SIGHUP: the certificate was read again"),
                Some(Err(error)) => tracing::error!("SIGHUP: {error}; the certificate stays as it was"),
            }
        }
    });
    // The program that started this reads the port here; a closed stdout is not a reason to stop.
    let mut out = std::io::stdout();
    let _ =
        writeln!(out, "durablefetch: listening on {scheme}://{bound}{base_path}").and_then(|()| out.flush());
    server.serve(signal).await;
    Ok(())
}

/// Listens with room for a burst: where as many wait to be accepted as the usual 128, the next one waits a second.
fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(4096)
}

fn bind(address: SocketAddr, flag: &str) -> Result<TcpListener, String> {
    listen(address).map_err(|error| {
        let remedy = if error.kind() == std::io::ErrorKind::AddrInUse {
            format!(
                "; another program listens there: stop it, or choose another port with {flag} 127.0.0.1:PORT"
            )
        } else {
            String::new()
        };
        format!("cannot listen on {address}: {error}{remedy}")
    })
}
