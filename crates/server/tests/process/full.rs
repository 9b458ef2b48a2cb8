//! A file system that is full, and one that is read-only.
//!
//! These tests mount file systems, in a mount namespace of their own: they need root, or a kernel that lets users
//! have namespaces (`unshare -Urm` must work). Where that is not so they fail; they are never left out.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{PATIENCE, Recorder, Reply, Upstream, answer, command, header, send};

/// A recorder whose data directory is a disk of this size.
pub(crate) fn on_disk_of(size: &str, data: &Path) -> Recorder {
    let mount = format!("mount -t tmpfs -o size={size} none \"$DATA\"");
    Recorder::spawn(in_namespace(data, &mount).stderr(Stdio::inherit()))
}

/// `durablefetch serve` in a mount namespace, after this was done there.
pub(crate) fn in_namespace(data: &Path, mount: &str) -> Command {
    let inner = command(data, &[]);
    let mut outer = Command::new("unshare");
    let own = rustix::process::geteuid().is_root();
    outer.arg(if own { "-m" } else { "-Urm" }).args(["sh", "-c"]);
    outer.arg(format!("{mount} && exec \"$0\" \"$@\"")).arg(inner.get_program()).args(inner.get_args());
    outer.env("DATA", data).env("RUST_LOG", "error").stdout(Stdio::piped()).stderr(Stdio::piped());
    outer
}

pub(crate) fn assert_namespaces() {
    let data = tempfile::tempdir().unwrap();
    let mut probe = in_namespace(data.path(), "mount -t tmpfs none \"$DATA\" && exit 42");
    let code = probe.output().ok().and_then(|output| output.status.code());
    assert_eq!(
        code,
        Some(42),
        "this test mounts file systems: run it as root, or where `unshare -Urm` works (util-linux, user namespaces)"
    );
}

const PIECE: usize = 64 * 1024;

/// Sends pieces, each once the one before it has come.
pub(crate) fn pump(stream: &mut std::net::TcpStream, reader: &mut Reply, bytes: usize, letter: &str) {
    let piece = letter.repeat(PIECE);
    for _ in 0..bytes / PIECE {
        send(stream, &piece);
        assert!(reader.take(PIECE) == piece, "live bytes go on");
    }
}

#[test]
fn the_longest_live_recording_makes_room_for_all_others() {
    assert_namespaces();
    let data = tempfile::tempdir().unwrap();
    let recorder = on_disk_of("6m", data.path());
    let start = |upstream: &Upstream| {
        let mut reader = recorder.send("GET /", &[("durablefetch-url", &upstream.url)], "");
        let mut stream = upstream.asked();
        answer(&mut stream);
        reader.head();
        (stream, reader)
    };
    let replay = |upstream: &Upstream| {
        let mut reply = recorder.send(
            "GET /",
            &[("durablefetch-url", &upstream.url), ("durablefetch-mode", "replay")],
            "",
        );
        let head = reply.head();
        (head, reply)
    };

    let old = Upstream::start();
    let (mut stream, mut reader) = start(&old);
    pump(&mut stream, &mut reader, 1 << 20, "o");
    send(&mut stream, "");
    assert_eq!(reader.rest(), (String::new(), true));

    let (hog, small) = (Upstream::start(), Upstream::start());
    let (mut small_stream, mut small_reader) = start(&small);
    pump(&mut small_stream, &mut small_reader, PIECE, "s");
    // Twice what there is. Its reader gets all of it.
    let (mut hog_stream, mut hog_reader) = start(&hog);
    pump(&mut hog_stream, &mut hog_reader, 12 << 20, "h");
    assert!(recorder.status(&old.url).contains("\"state\":\"none\""), "finished recordings go first");
    assert!(recorder.status(&hog.url).contains("\"state\":\"streaming\""), "somebody reads it");
    let (head, _) = replay(&hog);
    assert_eq!(header(&head, "durablefetch-error"), "storage-full", "{head}");

    // Others live on, and the room is used again.
    pump(&mut small_stream, &mut small_reader, 1 << 20, "s");
    send(&mut small_stream, "");
    assert_eq!(small_reader.rest(), (String::new(), true));
    let new = Upstream::start();
    let (mut stream, mut reader) = start(&new);
    pump(&mut stream, &mut reader, 3 << 20, "n");
    send(&mut stream, "");
    assert_eq!(reader.rest(), (String::new(), true));
    let (head, mut stored) = replay(&new);
    assert_eq!(
        (header(&head, "durablefetch-state"), header(&head, "content-length")),
        ("complete", "3145728")
    );
    assert_eq!(stored.plain(3 << 20), "n".repeat(3 << 20));
    let (head, mut stored) = replay(&small);
    assert_eq!(header(&head, "durablefetch-state"), "complete");
    assert_eq!(stored.plain((1 << 20) + PIECE), "s".repeat((1 << 20) + PIECE));

    // Its end is not an end: what it was is not stored.
    send(&mut hog_stream, "");
    assert_eq!(hog_reader.rest(), (String::new(), false));
    let until = std::time::Instant::now() + PATIENCE;
    while !recorder.status(&hog.url).contains("\"state\":\"failed\"") {
        assert!(std::time::Instant::now() < until, "{}", recorder.status(&hog.url));
    }
    let status = recorder.status(&hog.url);
    let id = status.split("\"recording\":\"").nth(1).unwrap().split('"').next().unwrap();
    let rest = [("durablefetch-url", hog.url.as_str()), ("durablefetch-recording", id)];
    let end = [rest[0], rest[1], ("durablefetch-offset", "12582912")];
    let head = recorder.send("GET /", &end, "").head();
    assert_eq!(
        (header(&head, "durablefetch-state"), header(&head, "durablefetch-error")),
        ("failed", "storage-full")
    );
    let middle = [rest[0], rest[1], ("durablefetch-offset", "5")];
    let head = recorder.send("GET /", &middle, "").head();
    assert!(head.starts_with("http/1.1 507"), "{head}");
}

/// Starts a program, which is to be added, where the recorder's mounts are.
pub(crate) fn enter(recorder: &Recorder) -> Command {
    let mut nsenter = Command::new("nsenter");
    if !rustix::process::geteuid().is_root() {
        nsenter.args(["--user", "--preserve-credentials"]);
    }
    nsenter.args(["--mount", "--target", &recorder.child.id().to_string()]);
    nsenter
}

/// Runs a command where the recorder's mounts are.
pub(crate) fn inside(recorder: &Recorder, data: &Path, command: &str) {
    let mut shell = enter(recorder);
    shell.args(["sh", "-c", command]);
    assert!(shell.env("DATA", data).status().unwrap().success(), "{command}");
}

/// Others fill the disk, with a file `fill`.
fn fill(recorder: &Recorder, data: &Path) {
    inside(recorder, data, "head -c 100m /dev/zero > \"$DATA/fill\" 2>/dev/null; true");
}

/// A finished recording of so many bytes.
fn record(recorder: &Recorder, bytes: usize) -> Upstream {
    let upstream = Upstream::start();
    let (_, mut reader, mut stream) = recorder.begin(&upstream);
    pump(&mut stream, &mut reader, bytes, "x");
    let rest = "x".repeat(bytes % PIECE);
    if !rest.is_empty() {
        send(&mut stream, &rest);
    }
    send(&mut stream, "");
    assert_eq!(reader.rest(), (rest, true));
    upstream
}

#[test]
fn room_that_others_took_is_used_again_once_they_give_it_back() {
    assert_namespaces();
    let data = tempfile::tempdir().unwrap();
    let recorder = on_disk_of("24m", data.path());
    let old: Vec<Upstream> = (0..8).map(|_| record(&recorder, 1 << 20)).collect();
    for round in 0..3 {
        // Live ones, and then no room for anybody.
        let live = Upstream::start();
        let (_, mut reader, mut stream) = recorder.begin(&live);
        pump(&mut stream, &mut reader, 1 << 20, "l");
        fill(&recorder, data.path());
        pump(&mut stream, &mut reader, 12 << 20, "l");
        // Nobody listens there: it is refused before, or then.
        let refused = recorder.send("GET /", &[("durablefetch-url", "http://127.0.0.1:1/")], "").head();
        let error = header(&refused, "durablefetch-error");
        assert!(matches!(error, "storage-full" | "upstream-unreachable"), "round {round}: {refused}");
        send(&mut stream, "");
        reader.rest();
        inside(&recorder, data.path(), "rm \"$DATA/fill\"");

        // Without a restart, the next one is whole.
        let new = record(&recorder, 3 << 20);
        assert!(recorder.status(&new.url).contains("\"state\":\"complete\""), "round {round}");
        let mut stored = recorder.send("GET /", &[("durablefetch-url", &new.url)], "");
        assert_eq!(header(&stored.head(), "content-length"), "3145728");
        assert_eq!(stored.plain(3 << 20), "x".repeat(3 << 20));
        let metrics = recorder.send("GET /metrics", &[], "").all().1;
        let name = "durablefetch_stored_bytes{of=\"bodies\"} ";
        let counted: u64 = metrics.lines().find_map(|line| line.strip_prefix(name)).unwrap().parse().unwrap();
        assert!((3 << 20..24 << 20).contains(&counted), "round {round}: {counted}");
    }
    drop(old);
}

/// The files of small ones make no room for the database to forget them.
#[test]
fn where_small_ones_make_no_room_a_large_one_does() {
    assert_namespaces();
    let data = tempfile::tempdir().unwrap();
    let recorder = on_disk_of("24m", data.path());
    let small: Vec<Upstream> = (0..40).map(|_| record(&recorder, 1)).collect();
    let large = record(&recorder, 8 << 20);
    let live = Upstream::start();
    let (_, mut reader, mut stream) = recorder.begin(&live);
    pump(&mut stream, &mut reader, PIECE, "l");
    fill(&recorder, data.path());
    pump(&mut stream, &mut reader, 2 << 20, "l");
    send(&mut stream, "");
    assert_eq!(reader.rest(), (String::new(), true), "it was not given up");
    assert!(recorder.status(&live.url).contains("\"state\":\"complete\""), "{}", recorder.status(&live.url));
    assert!(recorder.status(&large.url).contains("\"state\":\"none\""), "{}", recorder.status(&large.url));
    drop(small);
}

#[test]
fn one_that_nobody_reads_ends_when_there_is_no_room() {
    assert_namespaces();
    let data = tempfile::tempdir().unwrap();
    let recorder = on_disk_of("4m", data.path());
    let upstream = Upstream::start();
    let reader = recorder.send("GET /", &[("durablefetch-url", &upstream.url)], "");
    let mut stream = upstream.asked();
    answer(&mut stream);
    drop(reader);
    // Until the recorder hangs up.
    let piece = format!("{PIECE:x}\r\n{}\r\n", "x".repeat(PIECE));
    while std::io::Write::write_all(&mut stream, piece.as_bytes()).is_ok() {}
    let until = std::time::Instant::now() + PATIENCE;
    let ended = |status: &str| {
        // Where writing down its end takes room too, it is the one finished recording that can give it.
        status.contains("\"state\":\"failed\"") || status.contains("\"state\":\"none\"")
    };
    while !ended(&recorder.status(&upstream.url)) {
        assert!(std::time::Instant::now() < until, "{}", recorder.status(&upstream.url));
    }
}

#[test]
fn a_read_only_data_directory() {
    assert_namespaces();
    let data = tempfile::tempdir().unwrap();
    Recorder::start(data.path(), &[]).kill();
    let read_only = "mount --bind \"$DATA\" \"$DATA\" && mount -o remount,bind,ro \"$DATA\"";
    let output = in_namespace(data.path(), read_only).output().unwrap();
    assert!(!output.status.success() && output.stdout.is_empty());
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(
        message.contains("cannot be used: Read-only file system") && message.contains("--data"),
        "{message}"
    );
}

#[test]
fn a_start_on_a_disk_without_room_says_so_and_loses_nothing() {
    assert_namespaces();
    let data = tempfile::tempdir().unwrap();
    let full = "mount -t tmpfs -o size=256k none \"$DATA\" && head -c 300k /dev/zero > \"$DATA/fill\" 2>/dev/null; true";
    let output = in_namespace(data.path(), full).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("no room on the disk"), "{said}");
    assert!(said.contains(data.path().to_str().unwrap()) && !said.contains("damaged"), "{said}");
}
