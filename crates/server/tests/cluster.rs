//! A recorder that is one of a cluster passes the conformance suite: its rows and bytes are in PostgreSQL.

#![allow(clippy::unwrap_used, reason = "what a test needs and cannot have has failed it")]

mod launch;
// The store's own tests start one as well.
#[allow(dead_code, reason = "those look at more of it")]
#[path = "../../store-postgres/tests/postgres/server.rs"]
mod server;

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use durablefetch_conformance::{Ability, Process, Settings, Tests};
use launch::serve;
use server::Server;
use tokio::process::Command;
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    let runtime = Runtime::new().unwrap();
    let server = server::server();
    let theirs = Arc::clone(&server);
    let process = Process::new(move |settings, data| in_cluster(&theirs, settings, data));
    let process = process.lacking([Ability::DiskQuota]).without(EXCEPTIONS);
    Tests::new(&runtime).launching("cluster", process).run()
}

/// What of docs/cluster.md's "not there yet" has a case, and what is otherwise by design.
const EXCEPTIONS: [(&str, &str); 2] = [
    (
        "a recorder killed mid-stream leaves an interrupted recording whose bytes replay, then break",
        "bytes of the last 250 ms are not in the store",
    ),
    (
        "a token says how many bytes its scope may have stored; the oldest go first, and what fills it alone fails",
        "what has ended counts for no limit of bytes",
    ),
];

/// A recorder in a cluster of its own, which it finds again where it is started once more.
fn in_cluster(server: &Server, settings: &Settings, data: &Path) -> Command {
    let of_case = data.parent().unwrap();
    let at = of_case.join("peer-listen");
    let database = of_case.file_name().unwrap().to_str().unwrap().replace('-', "_").to_lowercase();
    if !at.exists() {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        fs::write(&at, format!("127.0.0.1:{port}")).unwrap();
        server.create(&database);
    }
    let mut command = serve(settings, data);
    let url = format!("postgres://postgres@127.0.0.1:{}/{database}?sslmode=disable", server.port);
    command.args(["--cluster", &url, "--peer-listen", &fs::read_to_string(at).unwrap()]);
    command
}
