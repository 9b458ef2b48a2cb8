//! A worker that runs until it is dropped.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// Starts what prints its base URL, and returns that with it.
pub(crate) async fn running(mut command: Command) -> (Child, String) {
    let mut process = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().expect("workerd starts");
    let mut lines = BufReader::new(process.stdout.take().expect("its stdout")).lines();
    let base = lines.next_line().await.expect("stdout").expect("a line with its address");
    // What else it prints is nobody's, but its pipe must not fill up.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (process, base)
}
