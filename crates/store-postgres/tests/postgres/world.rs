//! A database, the processes that share it, and what they write.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use durablefetch_protocol::ledger::Entry;
use durablefetch_protocol::life::{Begin, Change};
use durablefetch_protocol::placement::{Holder, Owner};
use durablefetch_protocol::response_head::Head;
use durablefetch_protocol::{Fingerprint, Key, Outcome, RecordingId, RequestId, State};
use durablefetch_store_postgres::{Commit, Committed, Node, Options, Piece, Renewal, Store};
use tokio_postgres::{Client, NoTls};

use crate::server::{Server, server};

/// Longer than any test.
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
/// So short that a test can wait for its end.
pub(crate) const SHORT: Duration = Duration::from_millis(400);

pub(crate) struct Database {
    pub(crate) server: Arc<Server>,
    pub(crate) name: String,
}

impl Database {
    /// An empty one.
    pub(crate) async fn empty() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let server = server();
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let database = Self { server, name: "postgres".into() };
        database.client().await.batch_execute(&format!("create database {name}")).await.unwrap();
        Self { name, ..database }
    }

    /// One with the tables.
    pub(crate) async fn new() -> Self {
        let database = Self::empty().await;
        database.unlisted(0, HOUR).migrate().await.unwrap();
        database
    }

    pub(crate) fn url(&self, port: u16) -> String {
        format!("postgres://postgres@127.0.0.1:{port}/{}?sslmode=disable", self.name)
    }

    pub(crate) fn options(&self) -> Options {
        self.options_by(self.server.port, Duration::from_secs(30))
    }

    pub(crate) fn options_by(&self, port: u16, timeout: Duration) -> Options {
        Options::parse(&self.url(port), timeout).unwrap()
    }

    /// A process by its number that has not joined.
    pub(crate) fn unlisted(&self, number: u128, lease: Duration) -> Store {
        Store::new(&self.options(), Owner(number), lease, HOUR).unwrap()
    }

    /// One that has.
    pub(crate) async fn process(&self, number: u128, lease: Duration) -> Store {
        let store = self.unlisted(number, lease);
        join(&store, number).await;
        store
    }

    /// One whose lease is renewed for as long as what is returned with it.
    pub(crate) async fn renewed(&self, number: u128, lease: Duration) -> (Store, Renewal) {
        let store = self.process(number, lease).await;
        (store, Renewal::start(&self.options(), Owner(number), lease).unwrap())
    }

    /// A connection beside those of the processes.
    pub(crate) async fn client(&self) -> Client {
        let (client, connection) = tokio_postgres::connect(&self.url(self.server.port), NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }
}

pub(crate) async fn join(store: &Store, number: u128) {
    store.join(&Node { url: format!("https://node-{number}:8788"), spki: vec![1] }, &[]).await.unwrap();
}

pub(crate) fn key(name: &str) -> Key {
    Key::new("scope", &format!("https://api.example/{name}"))
}

pub(crate) fn recording(number: u128) -> RecordingId {
    RecordingId::from_parts(1_700_000_000_000, number)
}

pub(crate) fn request(text: &str) -> RequestId {
    RequestId::parse(text).unwrap()
}

/// A recording begins, for this request id.
pub(crate) fn start(number: u128, id: &str) -> Vec<Change> {
    let begin = Begin {
        id: recording(number),
        fingerprint: Fingerprint([7; 32]),
        restarted: false,
        at_ms: 1_700_000_000_000,
        allowance: Default::default(),
    };
    let entry =
        Entry { id: request(id), outcome: Outcome::Started(recording(number)), at_ms: 1_700_000_000_000 };
    vec![Change::Insert(begin), Change::Request { entry, answer: None }]
}

pub(crate) fn end(number: u128, len: u64) -> Vec<Change> {
    vec![Change::End {
        id: recording(number),
        state: State::Complete,
        cause: None,
        len,
        chunks: 1,
        at_ms: 1_700_000_001_000,
    }]
}

pub(crate) fn head() -> Head {
    let lines = b"content-type: text/plain\r\n";
    Head::from_stored(200, b"OK".to_vec(), lines).unwrap()
}

/// Writes the head of a recording that has begun.
pub(crate) async fn stream(store: &Store, key: &Key, holder: Holder, number: u128) {
    let changes = [Change::Head { id: recording(number), volatile: false }];
    let head = head();
    let commit = Commit { head: Some(&head), ..Commit::of(key, holder, &changes) };
    assert!(matches!(store.commit(&commit).await.unwrap(), Committed::Done { .. }));
}

/// Starts a recording. Returns the table of its pieces.
pub(crate) async fn begin(store: &Store, key: &Key, holder: Holder, number: u128, id: &str) -> u8 {
    let changes = start(number, id);
    match store.commit(&Commit::of(key, holder, &changes)).await.unwrap() {
        Committed::Done { bucket: Some(bucket) } => bucket,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn piece(number: u128, bucket: u8, at: u64, bytes: &[u8]) -> Piece {
    Piece { recording: recording(number), bucket, at, bytes: bytes.to_vec() }
}

/// Takes a key from a process whose lease is about to run out, as soon as that may be.
pub(crate) async fn take_over(store: &Store, key: &Key, from: Holder) -> Holder {
    loop {
        if let Some(holder) = store.take_over(key, from).await.unwrap() {
            return holder;
        }
    }
}

/// Resolves once a statement waits for a lock of this kind.
pub(crate) async fn until_one_waits(client: &Client, kind: &str) {
    const WAITING: &str = "select from pg_locks where locktype = $1 and not granted
        and pid in (select pid from pg_stat_activity where datname = current_database())";
    while client.query_opt(&format!("{WAITING} limit 1"), &[&kind]).await.unwrap().is_none() {}
}
