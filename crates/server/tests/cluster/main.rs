//! Recorders of a cluster pass the conformance suite: one, and three behind a balancer that gives each connection to the next.

#![allow(clippy::unwrap_used, reason = "what a test needs and cannot have has failed it")]

mod balancer;
#[path = "../launch/mod.rs"]
mod launch;
// The store's own tests start one as well.
#[allow(dead_code, reason = "those look at more of it")]
#[path = "../../../store-postgres/tests/postgres/server.rs"]
mod server;

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use durablefetch_conformance::{Ability, Process, Settings, Tests};
use launch::serve;
use server::Server;
use tokio::process::Command;
use tokio::runtime::Runtime;

/// How many are behind the balancer.
const SEVERAL: usize = 3;
/// Cases at once: four processes each.
const AT_ONCE: usize = 4;
/// What writes much, writes it into a database that the same machine runs.
const PATIENCE: Duration = Duration::from_secs(240);

fn main() -> ExitCode {
    let runtime = Runtime::new().unwrap();
    if let Some(several) = balancer::asked_for() {
        return runtime.block_on(several.run());
    }
    let server = server::server();
    let [one, several] = [(); 2].map(|()| Arc::clone(&server));
    let one = Process::new(move |settings, data| in_cluster(&one, settings, data));
    let one = one.lacking([Ability::DiskQuota]).without(OF_ONE).within(PATIENCE);
    let several = Process::new(move |settings, data| behind_balancer(&several, settings, data));
    let several = several
        .lacking([Ability::DiskQuota, Ability::Terminate, Ability::ResetHttp10])
        .without(OF_ONE)
        .without(OF_SEVERAL)
        .within(PATIENCE);
    let tests = Tests::new(&runtime).at_once(AT_ONCE);
    tests.launching("cluster of one", one).launching("cluster of three", several).run()
}

/// What of docs/cluster.md's "not there yet" has a case, and what is otherwise by design.
const OF_ONE: [(&str, &str); 2] = [
    (
        "a recorder killed mid-stream leaves an interrupted recording whose bytes replay, then break",
        "bytes of the last 250 ms are not in the store",
    ),
    (
        "a token says how many bytes its scope may have stored; the oldest go first, and what fills it alone fails",
        "what has ended counts for no limit of bytes",
    ),
];

/// Where a recorder listens is not where the balancer does.
const OWN: &str = "the balancer's address is none of the recorder's own, without a public origin";
/// See docs/cluster.md.
const EACH: &str = "recordings in flight are limited in each recorder";

/// The same of several.
const OF_SEVERAL: [(&str, &str); 12] = [
    ("the demo stream is recorded: a second tab sees the same bytes", OWN),
    ("a demo stream named by its full URL is the same recording, never fetched over HTTP", OWN),
    ("a demo stream can be deleted like any recording", OWN),
    ("a recorder that is asked to fetch itself answers 508", OWN),
    ("a recorder that is asked to fetch itself through another answers 508", OWN),
    ("a redirect to the recorder itself is refused", OWN),
    ("one recording more than may be in flight is a 503 until another has ended", EACH),
    ("a refused start may be sent again with the same request id", EACH),
    ("a request id that was refused for want of a seat is free again, and may come again soon", EACH),
    ("a start that is refused retires nothing", EACH),
    ("a 503 of the recorder says when to come again, one of the upstream does not", EACH),
    (
        "what is read is not removed when its time is over",
        "who reads what nobody has is not known to the others",
    ),
];

/// A database for a case, and a port for each of so many: those that are started once more find their cluster again.
fn cluster(server: &Server, data: &Path, count: usize) -> (String, Vec<String>) {
    let of_case = data.parent().unwrap();
    let at = of_case.join("peer-listen");
    let database = of_case.file_name().unwrap().to_str().unwrap().replace('-', "_").to_lowercase();
    if !at.exists() {
        let ports: Vec<_> = (0..count).map(|_| format!("127.0.0.1:{}", port())).collect();
        fs::write(&at, ports.join("\n")).unwrap();
        server.create(&database);
        drop_those_of_cases_that_are_over(server, of_case, &database);
    }
    let url = format!("postgres://postgres@127.0.0.1:{}/{database}?sslmode=disable", server.port);
    (url, fs::read_to_string(at).unwrap().lines().map(str::to_owned).collect())
}

/// A port that is free, and that the system gives to nobody while no recorder listens there.
fn port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 10_000 + (std::process::id() % 16_000) as u16;
    let below_those_that_it_gives =
        std::iter::repeat_with(|| first + NEXT.fetch_add(1, Ordering::Relaxed) % 6_000);
    below_those_that_it_gives
        .into_iter()
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .unwrap()
}

/// Each takes 8 MB.
fn drop_those_of_cases_that_are_over(server: &Server, of_case: &Path, database: &str) {
    static MADE: Mutex<Vec<(PathBuf, String)>> = Mutex::new(Vec::new());
    let mut made = MADE.lock().unwrap();
    made.push((of_case.to_owned(), database.to_owned()));
    let over: Vec<_> = made.extract_if(.., |(of_case, _)| !of_case.exists()).collect();
    drop(made);
    over.iter().for_each(|(_, database)| server.drop_database(database));
}

fn in_cluster(server: &Server, settings: &Settings, data: &Path) -> Command {
    let (url, peers) = cluster(server, data, 1);
    let mut command = serve(settings, data);
    command.args(["--cluster", &url, "--peer-listen", &peers[0]]);
    command
}

fn behind_balancer(server: &Server, settings: &Settings, data: &Path) -> Command {
    let (url, peers) = cluster(server, data, SEVERAL);
    let one = serve(settings, data);
    balancer::command(&url, &peers, data, one.as_std())
}
