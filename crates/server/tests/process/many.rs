//! Thousands of answers of one URL, by a recorder that may have few files open.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use rusqlite::Connection;

use crate::crash::body_files;
use crate::limits::with_open_files;
use crate::support::{Kept, PATIENCE, Recorder, header};

const WITH_IDS: usize = 4000;
const WITHOUT: usize = 6000;
/// The numbers of DESIGN: ids that a key remembers, retired recordings that it keeps.
const IDS_MAX: usize = 4096;
const RETIRED_MAX: usize = 64;
/// Requests that are under way at a time, each on a connection of its own.
const AT_ONCE: usize = 4;

/// An upstream that answers each request with its body, and counts.
struct Echo {
    url: String,
    asked: Arc<AtomicUsize>,
}

impl Echo {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/rpc", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        for _ in 0..AT_ONCE {
            let (listener, count) = (listener.try_clone().unwrap(), Arc::clone(&count));
            thread::spawn(move || {
                for stream in listener.incoming() {
                    count.fetch_add(1, Ordering::Relaxed);
                    // The upstream does not care that a recorder is killed.
                    let _ = echo(stream.unwrap());
                }
            });
        }
        Self { url, asked }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

fn echo(stream: TcpStream) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let (mut line, mut length) = (String::new(), 0);
    while stream.read_line(&mut line)? > 0 && line != "\r\n" {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
            length = value.trim().parse().unwrap();
        }
        line.clear();
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
    stream.get_mut().write_all(&[head.as_bytes(), &body].concat())
}

/// A POST; its body is its name.
fn post(kept: &mut Kept, url: &str, id: Option<&str>, body: &str) -> (String, String) {
    let headers = [
        ("durablefetch-url", url),
        id.map_or(("durablefetch-mode", "match"), |id| ("durablefetch-request", id)),
    ];
    kept.ask("POST /", &headers, body)
}

/// Ids as they are once what they started was superseded, and is let go of.
fn remember(data: &Path, url: &str, numbers: std::ops::Range<usize>) {
    let mut database = Connection::open(data.join("recordings.db")).unwrap();
    let transaction = database.transaction().unwrap();
    for at in numbers {
        let like_the_first = "INSERT INTO requests SELECT scope, url, ?2, 'superseded', at_ms, NULL FROM requests \
                              WHERE url = ?1 AND id = 'id-0'";
        assert_eq!(transaction.execute(like_the_first, [url, &format!("id-{at}")]).unwrap(), 1);
    }
    transaction.commit().unwrap();
}

fn continued(kept: &mut Kept, url: &str, recording: &str) -> (String, String) {
    let headers =
        [("durablefetch-url", url), ("durablefetch-recording", recording), ("durablefetch-offset", "0")];
    kept.ask("GET /", &headers, "")
}

fn refused(head: &str, status: &str, code: &str) {
    assert!(head.starts_with(&format!("http/1.1 {status}")), "{head}");
    assert_eq!(header(head, "durablefetch-error"), code);
}

fn open_files(recorder: &Recorder) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", recorder.child.id())).unwrap().count()
}

/// Asks many things at once, and checks that each gets its own answer. Returns recording and body of each, in the order
/// in which they started, and how many files were open at most.
fn many(recorder: &Recorder, url: &str, ids: &[Option<String>]) -> (Vec<(String, String)>, usize) {
    let (next, files) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || {
        let mut kept = Kept::open(recorder);
        let mut seen = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(id) = ids.get(at) else { return seen };
            let name = id.clone().unwrap_or_else(|| format!("without-{at}"));
            let (head, body) = post(&mut kept, url, id.as_deref(), &name);
            assert!(head.starts_with("http/1.1 200"), "{name}: {head}");
            assert_eq!(body, name, "an answer is given to the request that it answers");
            if at % 64 == 0 {
                files.fetch_max(open_files(recorder), Ordering::Relaxed);
            }
            seen.push((header(&head, "durablefetch-recording").to_uppercase(), name));
        }
    };
    let mut all: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    all.sort();
    (all, files.into_inner())
}

/// What is kept is the latest, and of what was before it the latest 64.
fn check_kept(data: &Path, recorder: &Recorder, url: &str, all: &[(String, String)]) {
    let mut kept = Kept::open(recorder);
    let (gone, there) = all.split_at(all.len() - RETIRED_MAX - 1);
    for (recording, body) in there {
        let (head, read) = continued(&mut kept, url, recording);
        assert_eq!((header(&head, "durablefetch-state"), &read), ("complete", body));
    }
    for (recording, _) in gone.iter().rev().take(RETIRED_MAX) {
        refused(&continued(&mut kept, url, recording).0, "410", "superseded");
    }
    let mut expected: Vec<&str> = there.iter().map(|(recording, _)| recording.as_str()).collect();
    expected.sort_unstable();
    let until = Instant::now() + PATIENCE;
    loop {
        // The files go a moment after their rows.
        let mut stored = body_files(data);
        stored.sort();
        if stored == expected {
            return;
        }
        assert!(Instant::now() < until, "{} files are stored, and {} kept", stored.len(), expected.len());
        thread::yield_now();
    }
}

/// The long one in small: what is missing of the ids is put into storage.
#[test]
fn answers_of_one_url_hold_no_files() {
    check(200, 400);
}

/// `cargo xtask test --all` runs it: half a minute in a debug build, most of it in the HTTP of twenty thousand requests.
#[test]
#[ignore = "half a minute"]
fn ten_thousand_answers_of_one_url_with_seven_hundred_files() {
    check(WITH_IDS, WITHOUT);
}

fn check(with_ids: usize, without: usize) {
    let data = tempfile::tempdir().unwrap();
    let (mut recorder, _) = with_open_files(data.path(), 700, &[]);
    let upstream = Echo::start();
    let url = upstream.url.as_str();

    // Ids come last: each event looks through those that the key remembers, which takes long in a debug build.
    let id = |at: usize| at.checked_sub(without).map(|at| format!("id-{at}"));
    let ids: Vec<_> = (0..with_ids + without).map(id).collect();
    let (mut all, files) = many(&recorder, url, &ids);
    assert_eq!((all.len(), upstream.asked()), (ids.len(), ids.len()), "each had an answer of its own");
    assert!(files < 100, "{files} files were open");
    if with_ids < WITH_IDS {
        recorder.kill();
        remember(data.path(), url, with_ids..WITH_IDS);
        (recorder, _) = with_open_files(data.path(), 700, &[]);
    }

    // Up to the last id that fits; that one alone.
    let more: Vec<_> = (WITH_IDS..IDS_MAX - 1).map(|at| Some(format!("more-{at}"))).collect();
    all.extend(many(&recorder, url, &more).0);
    let mut kept = Kept::open(&recorder);
    let (head, body) = post(&mut kept, url, Some("last"), "last");
    all.push((header(&head, "durablefetch-recording").to_uppercase(), body));
    let asked = upstream.asked();
    assert_eq!(asked, ids.len() + IDS_MAX - WITH_IDS);

    let full = |kept: &mut Kept, body: &str| {
        let (head, _) = post(kept, url, Some("one-too-many"), body);
        refused(&head, "503", "too-many-recordings");
        let seconds: u64 = header(&head, "retry-after").parse().unwrap();
        assert!(seconds > 0);
    };
    // Neither a start nor a finished answer: the id could not be remembered.
    full(&mut kept, "one-too-many");
    full(&mut kept, "last");
    // Ids that are known are answered as ever, and so are those who have none.
    assert_eq!(post(&mut kept, url, Some("last"), "last").1, "last");
    for known in ["id-0", "id-3999", "more-4000"] {
        refused(&post(&mut kept, url, Some(known), known).0, "410", "superseded");
    }
    assert_eq!(post(&mut kept, url, None, "last").1, "last");
    check_kept(data.path(), &recorder, url, &all);
    let elsewhere = format!("{url}?other");
    assert_eq!(post(&mut kept, &elsewhere, Some("one-too-many"), "there").1, "there");
    assert_eq!(upstream.asked(), asked + 1);
    let (head, _) = kept.ask("POST /delete", &[], &format!("{{\"url\":\"{elsewhere}\"}}"));
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(open_files(&recorder) < 100, "{} files are open", open_files(&recorder));

    // All of it is in storage.
    recorder.kill();
    let (recorder, _) = with_open_files(data.path(), 700, &[]);
    let mut kept = Kept::open(&recorder);
    full(&mut kept, "one-too-many");
    refused(&post(&mut kept, url, Some("id-0"), "id-0").0, "410", "superseded");
    check_kept(data.path(), &recorder, url, &all);
    recorder.kill();

    // Ten minutes later there is room again.
    let database = Connection::open(data.path().join("recordings.db")).unwrap();
    let ids = "UPDATE requests SET at_ms = at_ms - 600000 WHERE url NOT LIKE '%?other'";
    assert_eq!(database.execute(ids, []).unwrap(), IDS_MAX);
    database.execute("UPDATE recordings SET ended_ms = ended_ms - 600000", []).unwrap();
    let (recorder, _) = with_open_files(data.path(), 700, &[]);
    let mut kept = Kept::open(&recorder);
    assert_eq!(post(&mut kept, url, Some("one-too-many"), "one-too-many").1, "one-too-many");
    assert_eq!(upstream.asked(), asked + 2);
}
