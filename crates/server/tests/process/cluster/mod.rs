//! Several recorders over one PostgreSQL: any of them answers any URL, whichever of them is killed, stopped or told to end, and
//! whatever becomes of the database.

mod faults;
mod operator;
mod settings;
// The store's own tests start one as well.
#[allow(dead_code, reason = "those look at more of it")]
#[path = "../../../../store-postgres/tests/postgres/server.rs"]
mod server;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::successor::port;
use crate::support::{PATIENCE, Recorder, Reply, Upstream, answer, command, header, send};
use server::Server;

/// How long a process that is not heard of has what it has, in these tests.
const LEASE: Duration = Duration::from_secs(1);

/// A database, and the recorders that share it.
struct Cluster {
    server: Arc<Server>,
    database: String,
    /// `None`: the default.
    lease: Option<Duration>,
    /// What each of them is started with beside that.
    flags: &'static [&'static str],
}

/// One recorder of it.
struct Node {
    recorder: Recorder,
    data: tempfile::TempDir,
}

impl std::ops::Deref for Node {
    type Target = Recorder;

    fn deref(&self) -> &Recorder {
        &self.recorder
    }
}

impl Cluster {
    fn new() -> Self {
        Self::on(server::server())
    }

    fn on(server: Arc<Server>) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let database = format!("cluster_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        server.create(&database);
        Self { server, database, lease: Some(LEASE), flags: &[] }
    }

    fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{}?sslmode=disable", self.server.port, self.database)
    }

    fn flags(&self) -> Vec<String> {
        let peer = format!("127.0.0.1:{}", port());
        let lease = self.lease.map(|lease| ("--lease", format!("{}ms", lease.as_millis())));
        let flags =
            [("--cluster", self.url()), ("--peer-listen", peer), ("--store-timeout", "2s".to_owned())];
        let flags = flags.into_iter().chain(lease);
        flags.flat_map(|(flag, value)| [flag.to_owned(), value]).collect()
    }

    fn node(&self) -> Node {
        self.node_with(&self.flags())
    }

    /// One with these flags: with those of one that has ended, it comes in its place.
    fn node_with(&self, flags: &[String]) -> Node {
        let data = tempfile::tempdir().unwrap();
        let flags: Vec<&str> = flags.iter().map(String::as_str).chain(self.flags.iter().copied()).collect();
        let recorder = Recorder::spawn(command(data.path(), &flags).stderr(Stdio::inherit()));
        Node { recorder, data }
    }

    fn nodes<const N: usize>(&self) -> [Node; N] {
        std::array::from_fn(|_| self.node())
    }

    /// Bytes of a recording that others find in the store.
    fn stored(&self, id: &str) -> u64 {
        let ask = format!("select coalesce(sum(length(bytes)), 0) from df.pieces where recording = '{id}'");
        self.psql(&ask).parse().unwrap()
    }

    /// Locks a table: what needs it waits, and gives up, until this is dropped.
    fn lock(&self, table: &str) -> Locked {
        let mut psql = Command::new(self.server.programs.join("psql"));
        psql.args(["-X", "-q", "-At"]).arg(self.url()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut psql = psql.spawn().unwrap();
        let sql = format!("begin; lock table {table} in access exclusive mode; select 'locked';\n");
        psql.stdin.as_mut().unwrap().write_all(sql.as_bytes()).unwrap();
        let mut said = String::new();
        BufReader::new(psql.stdout.as_mut().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "locked\n");
        Locked(psql)
    }

    /// What the database says.
    fn psql(&self, sql: &str) -> String {
        let output =
            Command::new(self.server.programs.join("psql")).args(["-At", "-c", sql]).arg(self.url()).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

/// A table that is locked.
struct Locked(Child);

impl Drop for Locked {
    fn drop(&mut self) {
        // At the end of its input, it leaves.
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// Looks until it is so.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "{what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Asks as a page does: again and again while it is told to come again.
fn ask(recorder: &Recorder, head: &str, headers: &[(&str, &str)], body: &str) -> (String, Reply) {
    let until = Instant::now() + PATIENCE;
    loop {
        let mut reply = recorder.send(head, headers, body);
        let told = reply.head();
        if !told.starts_with("http/1.1 503") {
            return (told, reply);
        }
        assert!(told.contains("retry-after: "), "{told}");
        assert!(Instant::now() < until, "{told}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Has something be started, which the upstream answers.
fn starts(recorder: &Recorder, upstream: &Upstream, headers: &[(&str, &str)]) -> Reply {
    thread::scope(|scope| {
        let asking = scope.spawn(|| ask(recorder, "POST /", headers, "another"));
        let mut stream = upstream.asked();
        answer(&mut stream);
        send(&mut stream, "more");
        send(&mut stream, "");
        asking.join().unwrap().1
    })
}

/// Follows what is there of a URL, and starts nothing.
fn resume(recorder: &Recorder, url: &str) -> (String, Reply) {
    ask(recorder, "GET /", &[("durablefetch-url", url), ("durablefetch-mode", "resume")], "")
}

/// All that is stored of a URL, and whether it ends as bodies end.
fn replay(recorder: &Recorder, url: &str) -> (String, String, bool) {
    let (head, mut reply) =
        ask(recorder, "GET /", &[("durablefetch-url", url), ("durablefetch-mode", "replay")], "");
    let (body, clean) =
        if head.contains("transfer-encoding: chunked") { reply.rest() } else { whole(&head, &mut reply) };
    (head, body, clean)
}

fn whole(head: &str, reply: &mut Reply) -> (String, bool) {
    (reply.plain(header(head, "content-length").parse().unwrap()), true)
}

#[test]
fn any_of_them_answers_any_url() {
    let cluster = Cluster::new();
    let [a, b, c] = cluster.nodes();
    let upstream = Upstream::start();
    let (id, mut at_a, mut stream) = a.begin(&upstream);
    send(&mut stream, "first ");
    assert_eq!(at_a.take(6), "first ");

    let (head, mut at_b) = resume(&b, &upstream.url);
    assert_eq!(header(&head, "durablefetch-recording").to_uppercase(), id);
    assert_eq!(at_b.take(6), "first ");
    // One that would start, where there were nothing.
    let (head, mut at_c) = ask(&c, "GET /", &[("durablefetch-url", &upstream.url)], "");
    assert_eq!(header(&head, "durablefetch-recording").to_uppercase(), id);
    assert_eq!(at_c.take(6), "first ");
    for node in [&a, &b, &c] {
        let status = node.status(&upstream.url);
        assert!(status.contains("\"state\":\"streaming\"") && status.contains(&id), "{status}");
    }
    send(&mut stream, "second");
    send(&mut stream, "");
    for reply in [&mut at_a, &mut at_b, &mut at_c] {
        assert_eq!(reply.rest(), ("second".to_owned(), true));
    }
    assert_eq!(cluster.stored(&id), 12);
    for node in [&a, &b, &c] {
        let (head, body, clean) = replay(node, &upstream.url);
        assert_eq!((body.as_str(), clean), ("first second", true), "{head}");
    }
    // The same request is answered with it everywhere, and another one starts everywhere.
    for node in [&c, &b, &a] {
        let (head, _) = ask(node, "GET /", &[("durablefetch-url", &upstream.url)], "");
        assert_eq!(header(&head, "durablefetch-recording").to_uppercase(), id);
    }
    upstream.assert_not_asked();
    let _beside = c.send("POST /", &[("durablefetch-url", &upstream.url)], "another");
    upstream.asked();
}

#[test]
fn a_request_id_starts_once_whichever_of_them_it_comes_to() {
    let cluster = Cluster::new();
    let [a, b, c] = cluster.nodes();
    let upstream = Upstream::start();
    let request = [("durablefetch-url", upstream.url.as_str()), ("durablefetch-request", "one")];
    // Nobody has the key: two of them claim it at once.
    let asked: Vec<String> = thread::scope(|scope| {
        let nodes = [&a, &b, &c];
        let asking = nodes.map(|node| scope.spawn(|| ask(node, "POST /", &request, "hello").0));
        let mut stream = upstream.asked();
        crate::support::answer(&mut stream);
        send(&mut stream, "all");
        send(&mut stream, "");
        asking.map(|asking| asking.join().unwrap()).into()
    });
    let ids: Vec<_> = asked.iter().map(|head| header(head, "durablefetch-recording")).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    upstream.assert_not_asked();
}

#[test]
fn what_is_longer_than_memory_and_a_piece_is_read_everywhere() {
    let cluster = Cluster::new();
    let [a, b] = cluster.nodes();
    let upstream = Upstream::start();
    let (id, mut at_a, mut stream) = a.begin(&upstream);
    let (_, mut at_b) = resume(&b, &upstream.url);
    let line = "0123456789abcdef".repeat(4096);
    let mut all = String::new();
    for n in 0..48 {
        let chunk = format!("{n:04}{line}");
        send(&mut stream, &chunk);
        all += &chunk;
    }
    send(&mut stream, "");
    for reply in [&mut at_a, &mut at_b] {
        let (body, clean) = reply.rest();
        assert!(body == all && clean, "{} of {} bytes", body.len(), all.len());
    }
    until("all of it is in the store", || cluster.stored(&id) == all.len() as u64);
    for node in [&a, &b] {
        let (_, body, clean) = replay(node, &upstream.url);
        assert!(body == all && clean, "{} of {} bytes", body.len(), all.len());
    }
}

#[tokio::test]
async fn a_stranger_is_not_spoken_to_among_them() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cluster = Cluster::new();
    let _nodes: [Node; 2] = cluster.nodes();
    let peer = cluster.psql("select url from df.nodes limit 1");
    let own = rcgen::generate_simple_self_signed(["durablefetch-peer".to_owned()]).unwrap();
    let own = own.cert.pem() + &own.signing_key.serialize_pem();
    let own = reqwest::Identity::from_pem(own.as_bytes()).unwrap();
    let stranger = || reqwest::Client::builder().no_proxy().tls_danger_accept_invalid_certs(true);
    for client in [stranger(), stranger().identity(own)] {
        let asked = client.build().unwrap().post(format!("{peer}/in-progress"));
        let asked =
            asked.header("durablefetch-forwarded", "127.0.0.1").body("{\"url\":\"https://a.example/\"}");
        let answer = asked.send().await;
        assert!(answer.is_err(), "it is answered: {answer:?}");
    }
}
