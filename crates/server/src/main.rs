//! The binary: reads the command line, binds, runs.

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use durablefetch_server::check::Check;
use durablefetch_server::cli::{self, Cli, Command, Healthcheck, LogFormat, ReadError, Serve, Setting};
use durablefetch_server::operator::{self, Which};
use durablefetch_server::service_manager::{self, ServiceManager};
use durablefetch_server::{
    Server, SetUp, StartError, Tls, ask_for_place, descriptors, detach, healthcheck, journal, signals,
    was_here,
};
use tokio::net::{TcpListener, TcpSocket};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

fn main() -> ExitCode {
    let cli = match Cli::read(std::env::args_os()) {
        Ok(cli) => cli,
        // Help goes to standard output, and so does what clap colours for people.
        Err(ReadError::Arguments(error))
            if error.use_stderr() && journal::Lines::to_stderr().is_journal() =>
        {
            return Failed::Configuration(error.to_string()).exit();
        }
        Err(ReadError::Arguments(error)) => error.exit(),
        Err(ReadError::Settings(error)) => return Failed::Configuration(error).exit(),
    };
    let serve = match cli.command {
        Command::Serve(serve) => serve,
        Command::Completions { shell } => return print(&Cli::completions(shell)),
        Command::Man { command } => {
            return Cli::manual(command.as_deref())
                .map_or_else(|error| Failed::Configuration(error).exit(), |page| print(&page));
        }
        Command::Check(check) => {
            let _ = log(LogFormat::Text, tracing::Level::INFO);
            warn(&cli.warnings);
            return measure(check);
        }
        Command::Healthcheck(settings) => {
            return is_well(&settings)
                .map_or_else(|error| Failed::Other(error).exit(), |()| ExitCode::SUCCESS);
        }
        Command::Ls(list) => return operate(Which::List(list)),
        Command::Show(show) => return operate(Which::Show(show)),
        Command::Du(disk) => return operate(Which::Disk(disk)),
        Command::Rm(remove) => return operate(Which::Remove(remove)),
        Command::Backup(backup) => return operate(Which::Backup(backup)),
    };
    let handle = log(serve.operating.log_format, serve.operating.log_level);
    warn(&cli.warnings);
    descriptors::raise();
    if serve.operating.dry_run {
        return match dry_run(*serve, &cli.settings) {
            Ok(shown) => print(shown.as_bytes()),
            Err(failed) => failed.exit(),
        };
    }
    if serve.operating.detach && serve.operating.detached_from.is_none() {
        return detach::detach().unwrap_or_else(|error| Failed::Other(error).exit());
    }
    let set_up = SetUp::new(cli.settings, move |level| _ = handle.reload(filter(level)));
    match start(*serve, set_up) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => failed.exit(),
    }
}

/// Why it ends before it has begun.
enum Failed {
    /// It will fail again until a setting is changed: status 2, which a service manager need not try again.
    Configuration(String),
    /// It may go better the next time: status 1.
    Other(String),
}

impl Failed {
    fn exit(self) -> ExitCode {
        let (message, status) = match self {
            Self::Configuration(message) => (message, 2),
            Self::Other(message) => (message, 1),
        };
        journal::Lines::to_stderr().fatal(&format!("durablefetch: {message}"));
        ExitCode::from(status)
    }
}

impl From<StartError> for Failed {
    fn from(error: StartError) -> Self {
        let message = error.to_string();
        if error.is_configuration() { Self::Configuration(message) } else { Self::Other(message) }
    }
}

fn print(text: &[u8]) -> ExitCode {
    // Who reads it may have had enough.
    let mut out = std::io::stdout();
    let _ = out.write_all(text).and_then(|()| out.flush());
    ExitCode::SUCCESS
}

/// What a start would go by. Nothing is opened but the files that are named.
fn dry_run(serve: Serve, settings: &[Setting]) -> Result<String, Failed> {
    let address = serve.at.listen;
    let config = serve.into_config().map_err(Failed::Configuration)?;
    config.check(address)?;
    if let Some(files) = &config.tls {
        Tls::check(files)?;
    }
    warn(&config.warnings());
    descriptors::warn_of(&config.limits);
    Ok(cli::shown(settings, &config))
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

/// Sets from which level on there are lines.
type LevelHandle = tracing_subscriber::reload::Handle<EnvFilter, tracing_subscriber::Registry>;

/// Log lines go to stderr, from this level on. `RUST_LOG` says it in more detail.
fn log(format: LogFormat, level: tracing::Level) -> LevelHandle {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| filter(level));
    let (filter, handle) = tracing_subscriber::reload::Layer::new(filter);
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
    handle
}

fn filter(level: tracing::Level) -> EnvFilter {
    EnvFilter::default().add_directive(level.into())
}

#[tokio::main(flavor = "current_thread")]
async fn start(serve: Serve, set_up: SetUp) -> Result<(), Failed> {
    let (listen, metrics_address) = (serve.at.listen, serve.at.metrics_listen);
    let (until_stdin_closes, detached_from) =
        (serve.operating.until_stdin_closes, serve.operating.detached_from);
    let mut handed = service_manager::sockets().map_err(Failed::Configuration)?.into_iter();
    let mut handed_main = handed.next();
    let config = serve.into_config().map_err(Failed::Configuration)?;
    config.check(match &handed_main {
        Some(socket) => socket.local_addr().map_err(|error| Failed::Other(error.to_string()))?,
        None => listen,
    })?;
    let mut handed_metrics = handed.next();
    let mut offer = match handed_main {
        Some(_) => None,
        None if config.cluster.is_some() => None,
        None => ask_for_place(&config.data, listen, metrics_address),
    };
    if let Some(offer) = &mut offer {
        handed_main = Some(offer.listener().map_err(|error| Failed::Other(error.to_string()))?);
        handed_metrics = offer.metrics();
    }
    warn(&config.warnings());
    let patience = if was_here(&config.data) { DYING } else { Duration::ZERO };
    let listener = take(handed_main, listen, "--listen", patience)?;
    let no_signals = |error| Failed::Other(format!("cannot wait for signals: {error}"));
    let signal = signals::shutdown(until_stdin_closes).map_err(no_signals)?;
    let hangups = signals::Hangups::listen().map_err(no_signals)?;
    let bound = listener.local_addr().map_err(|error| Failed::Other(error.to_string()))?;
    let base_path = config.base_path.clone();
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    let drain = config.drain_most();
    let metrics = match (metrics_address, handed_metrics) {
        (None, Some(_)) => {
            return Err(Failed::Configuration(
                "the second socket of the service manager is for metrics: add --metrics-listen".to_owned(),
            ));
        }
        (None, None) => None,
        (Some(address), socket) => Some(take(socket, address, "--metrics-listen", patience)?),
    };
    let shared = config.cluster.as_ref().map(|shared| shared.peer_listen);
    let peers = shared.map(|address| bind(address, "--peer-listen", patience)).transpose()?;
    let mut server = match (&mut offer, peers) {
        (Some(offer), _) => Server::succeed(listener, config, offer).await?,
        (None, Some(peers)) => Server::join(listener, peers, config).await?,
        (None, None) => Server::open(listener, config)?,
    };
    if let Some(metrics) = metrics {
        server = server.with_metrics(metrics);
    }
    let mut manager = ServiceManager::from_env();
    if let Some(offer) = &offer
        && !manager.is_there()
    {
        manager = offer.manager();
    }
    // Who is not the main process is not heard.
    let is_main = Arc::new(AtomicBool::new(offer.is_none()));
    if let Some(every) = manager.beat() {
        let (manager, is_main) = (manager.clone(), Arc::clone(&is_main));
        server = server.with_beat(every, move || {
            if is_main.load(Ordering::Acquire) {
                manager.alive();
            }
        });
    }
    if shared.is_none() {
        server = server.with_successors(listen, metrics_address, manager.clone());
    }
    tokio::spawn(set_up.again_at_each(hangups, server.reloads()?));
    // The program that started this reads the port here; a closed stdout is not a reason to stop.
    let listening = format!("listening on {scheme}://{bound}{base_path}");
    let mut out = std::io::stdout();
    let _ = writeln!(out, "durablefetch: {listening}").and_then(|()| out.flush());
    match offer {
        None => manager.ready(&listening),
        Some(offer) => {
            let manager = manager.clone();
            std::thread::spawn(move || {
                detach::until_gone(detached_from);
                offer.announce();
                is_main.store(true, Ordering::Release);
                manager.ready(&listening);
                manager.alive();
            });
        }
    }
    server
        .serve(async move {
            signal.await;
            manager.stopping(drain + FAREWELL, "draining: nothing starts, what is live may finish");
        })
        .await;
    Ok(())
}

/// How long it may take to end after what is live has.
const FAREWELL: Duration = Duration::from_secs(15);

/// A socket of the service manager's, or one of its own.
fn take(
    handed: Option<std::net::TcpListener>,
    address: SocketAddr,
    flag: &str,
    patience: Duration,
) -> Result<TcpListener, Failed> {
    let Some(socket) = handed else { return bind(address, flag, patience) };
    let taken = socket.set_nonblocking(true).and_then(|()| TcpListener::from_std(socket));
    taken.map_err(|error| Failed::Other(format!("the socket of the service manager cannot be used: {error}")))
}

/// Listens with room for a burst: where as many wait to be accepted as the usual 128, the next one waits a second.
fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // For a restart that does not wait for what the last connections have left; on Windows it would let two recorders listen at
    // one address.
    if cfg!(unix) {
        socket.set_reuseaddr(true)?;
    }
    socket.bind(address)?;
    socket.listen(4096)
}

/// So long a process may take to die. The system closes what it has open one after the other.
const DYING: Duration = Duration::from_secs(1);

fn bind(address: SocketAddr, flag: &str, patience: Duration) -> Result<TcpListener, Failed> {
    let until = Instant::now() + patience;
    let bound = loop {
        match listen(address) {
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse && Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(5));
            }
            bound => break bound,
        }
    };
    bound.map_err(|error| {
        let remedy = if error.kind() == std::io::ErrorKind::AddrInUse {
            format!(
                "; another program listens there: stop it, or choose another port with {flag} 127.0.0.1:PORT"
            )
        } else {
            String::new()
        };
        Failed::Other(format!("cannot listen on {address}: {error}{remedy}"))
    })
}
