//! The native recorder passes the conformance suite: inside this process, and as the program that users run.

mod launch;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use durablefetch_conformance::{Process, Tests};
use durablefetch_server::Config;
use launch::serve;
use tokio::net::TcpListener;
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
