//! Room on a disk that two processes share.

use std::process::Stdio;
use std::time::Instant;

use super::{Place, ends, rest_of};
use crate::full::{assert_namespaces, enter, on_disk_of, pump};
use crate::support::{PATIENCE, Recorder, Upstream, answer, command, header, send};

#[test]
fn the_quota_counts_what_both_have() {
    let place = Place::new();
    let [old, live] = [Upstream::start(), Upstream::start()];
    let quota = ["--max-disk-bytes", "3MiB"];
    let first = Recorder::spawn(&mut place.command(&quota));
    let mut reply = first.send("GET /", &[("durablefetch-url", &old.url)], "");
    let mut stream = old.asked();
    answer(&mut stream);
    reply.head();
    send(&mut stream, &"o".repeat(1 << 20));
    send(&mut stream, "");
    assert_eq!(reply.rest().0.len(), 1 << 20);
    let (_, mut reader, mut stream) = first.begin(&live);
    let second = Recorder::spawn(&mut place.command(&quota));
    assert!(second.status(&old.url).contains("\"completed\":true"));
    // What the first stores now has the second remove what is oldest.
    for _ in 0..40 {
        send(&mut stream, &"n".repeat(64 << 10));
        reader.take(64 << 10);
    }
    let until = Instant::now() + PATIENCE;
    while !second.status(&old.url).contains("\"state\":\"none\"") {
        assert!(Instant::now() < until, "what is too much goes: {}", second.status(&old.url));
    }
    send(&mut stream, "");
    assert_eq!(reader.rest(), (String::new(), true));
    ends(first);
}

#[test]
fn where_all_is_live_the_quota_ends_the_longest_in_the_first_too() {
    let place = Place::new();
    let live = Upstream::start();
    let quota = ["--max-disk-bytes", "1MiB"];
    let first = Recorder::spawn(&mut place.command(&quota));
    let (id, mut reader, mut stream) = first.begin(&live);
    let second = Recorder::spawn(&mut place.command(&quota));
    send(&mut stream, "first");
    let (piece, until) = ("n".repeat(16 << 10), Instant::now() + PATIENCE);
    // The second hears of what the first has stored a moment later.
    while reader.chunk().is_ok_and(|chunk| chunk.is_some()) {
        assert!(Instant::now() < until, "{}", second.status(&live.url));
        send(&mut stream, &piece);
    }
    assert!(second.status(&live.url).contains("\"state\":\"failed\""), "{}", second.status(&live.url));
    assert_eq!(header(&rest_of(&second, &id, 5, &live.url).head(), "durablefetch-error"), "storage-full");
}

#[test]
fn a_disk_that_the_first_fills_is_emptied_by_the_second() {
    assert_namespaces();
    let data = tempfile::tempdir().unwrap();
    let first = on_disk_of("7m", data.path());
    let [old, live] = [Upstream::start(), Upstream::start()];
    let (_, mut reader, mut stream) = first.begin(&old);
    pump(&mut stream, &mut reader, 3 << 20, "o");
    send(&mut stream, "");
    assert_eq!(reader.rest(), (String::new(), true));

    let (id, mut reader, mut stream) = first.begin(&live);
    let inner = command(data.path(), &["--listen", &first.address.to_string()]);
    let mut beside = enter(&first);
    beside.arg(inner.get_program()).args(inner.get_args());
    let second =
        Recorder::spawn(beside.env("RUST_LOG", "error").stdout(Stdio::piped()).stderr(Stdio::inherit()));
    assert!(second.status(&old.url).contains("\"completed\":true"));
    pump(&mut stream, &mut reader, 4 << 20, "l");
    send(&mut stream, "");
    assert_eq!(reader.rest(), (String::new(), true));
    ends(first);
    assert!(second.status(&old.url).contains("\"state\":\"none\""), "what was finished went first");
    let mut whole = rest_of(&second, &id, 0, &live.url);
    assert_eq!(header(&whole.head(), "durablefetch-state"), "complete");
    assert!(whole.plain(4 << 20) == "l".repeat(4 << 20));
}
