//! `kill -9` and what the next start finds.

use std::fs;
use std::path::Path;
use std::time::Instant;

use crate::support::{PATIENCE, Recorder, Upstream, answer, header, send};

pub(crate) fn body_files(data: &Path) -> Vec<String> {
    let shards = fs::read_dir(data.join("bodies")).unwrap();
    let files = shards.flat_map(|shard| fs::read_dir(shard.unwrap().path()).unwrap());
    files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
}

/// What a reader has seen need not be written yet: waits until so many bytes are.
fn written(data: &Path, id: &str, bytes: usize) {
    let file = data.join("bodies").join(&id[24..]).join(id);
    let until = Instant::now() + PATIENCE;
    while fs::metadata(&file).map_or(0, |file| file.len()) < bytes as u64 {
        assert!(Instant::now() < until, "the body is not written");
        std::thread::yield_now();
    }
}

#[test]
fn a_recording_that_was_live_is_interrupted_and_its_bytes_are_a_prefix() {
    let data = tempfile::tempdir().unwrap();
    let upstream = Upstream::start();
    let recorder = Recorder::start(data.path(), &[]);
    let request = [("durablefetch-url", upstream.url.as_str()), ("durablefetch-request", "one")];
    let mut reply = recorder.send("POST /", &request, "hello");
    let mut stream = upstream.asked();
    answer(&mut stream);
    let id = header(&reply.head(), "durablefetch-recording").to_uppercase();
    send(&mut stream, "first ");
    assert_eq!(reply.take(6), "first ");
    written(data.path(), &id, 6);
    send(&mut stream, "second");
    recorder.kill();
    let (rest, clean) = reply.rest();
    assert!("second".starts_with(&rest) && !clean, "a crash is not an end");

    let recorder = Recorder::start(data.path(), &[]);
    let status = recorder.status(&upstream.url);
    assert!(status.contains("\"state\":\"interrupted\"") && status.contains(&id), "{status}");
    let mut replay =
        recorder.send("GET /", &[("durablefetch-url", &upstream.url), ("durablefetch-mode", "replay")], "");
    assert_eq!(header(&replay.head(), "durablefetch-state"), "interrupted");
    let (bytes, clean) = replay.rest();
    assert!("first second".starts_with(&bytes) && bytes.len() >= 6 && !clean, "{bytes:?}");

    // The same intent does not start again, another one does.
    let mut again = recorder.send("POST /", &request, "hello");
    assert_eq!(header(&again.head(), "durablefetch-recording").to_uppercase(), id);
    upstream.assert_not_asked();
    let _new = recorder.send("POST /", &[("durablefetch-url", &upstream.url)], "hello");
    upstream.asked();
}

#[test]
fn recordings_of_one_key_side_by_side_are_each_interrupted() {
    let data = tempfile::tempdir().unwrap();
    let upstream = Upstream::start();
    let recorder = Recorder::start(data.path(), &[]);
    let url = upstream.url.as_str();
    let ask = |recorder: &Recorder, id: &str, body: &str| {
        recorder.send("POST /", &[("durablefetch-url", url), ("durablefetch-request", id)], body)
    };
    let mut live = Vec::new();
    for (id, body) in [("one", "of one"), ("two", "of the other")] {
        let mut reply = ask(&recorder, id, body);
        let mut stream = upstream.asked();
        answer(&mut stream);
        let recording = header(&reply.head(), "durablefetch-recording").to_uppercase();
        send(&mut stream, body);
        assert_eq!(reply.take(body.len()), body);
        live.push((id, body, recording, reply, stream));
    }
    // One more has joined the second, and one has no head yet.
    let mut follower = ask(&recorder, "three", "of the other");
    assert_eq!(header(&follower.head(), "durablefetch-recording").to_uppercase(), live[1].2);
    let _connecting = ask(&recorder, "four", "unanswered");
    let _silent = upstream.asked();
    for (_, body, recording, ..) in &live {
        written(data.path(), recording, body.len());
    }
    for (.., stream) in &mut live {
        send(stream, " and more");
    }
    recorder.kill();
    for (_, _, _, reply, _) in &mut live {
        let (rest, clean) = reply.rest();
        assert!(" and more".starts_with(&rest) && !clean, "{rest:?}");
    }

    let recorder = Recorder::start(data.path(), &[]);
    let status = |named: &str| {
        let body = format!("{{\"url\":\"{url}\"{named}}}");
        recorder.send("POST /in-progress", &[], &body).all().1
    };
    let latest = status("");
    assert!(latest.contains("\"state\":\"interrupted\"") && latest.contains(&live[1].2), "{latest}");
    assert!(latest.contains("\"inProgress\":false") && !latest.contains("\"live\""), "{latest}");
    for (id, body, recording, ..) in &live {
        for named in [format!(",\"recording\":\"{recording}\""), format!(",\"request\":\"{id}\"")] {
            let said = status(&named);
            assert!(said.contains("\"state\":\"interrupted\"") && said.contains(recording), "{said}");
        }
        let mut again = ask(&recorder, id, body);
        assert_eq!(header(&again.head(), "durablefetch-recording").to_uppercase(), *recording);
        let (bytes, clean) = again.rest();
        let sent = format!("{body} and more");
        assert!(bytes.starts_with(body) && sent.starts_with(&bytes) && !clean, "{bytes:?}");
        let continued =
            [("durablefetch-url", url), ("durablefetch-recording", recording), ("durablefetch-offset", "3")];
        assert_eq!(recorder.send("GET /", &continued, "").all().1, bytes[3..]);
    }
    let mut again = ask(&recorder, "three", "of the other");
    assert_eq!(header(&again.head(), "durablefetch-recording").to_uppercase(), live[1].2);
    assert_eq!(header(&ask(&recorder, "four", "unanswered").head(), "durablefetch-error"), "interrupted");
    let resume = [("durablefetch-url", url), ("durablefetch-mode", "resume")];
    assert!(recorder.send("GET /", &resume, "").head().starts_with("http/1.1 204"));
    upstream.assert_not_asked();

    // The same question by another id is another intent.
    let _new = ask(&recorder, "five", "of one");
    upstream.asked();
}

#[test]
fn a_request_that_was_connecting_is_not_sent_again() {
    let data = tempfile::tempdir().unwrap();
    let upstream = Upstream::start();
    let recorder = Recorder::start(data.path(), &[]);
    let request = [("durablefetch-url", upstream.url.as_str()), ("durablefetch-request", "one")];
    let _reply = recorder.send("POST /", &request, "");
    let _stream = upstream.asked();
    recorder.kill();

    let recorder = Recorder::start(data.path(), &[]);
    let (head, _) = recorder.send("POST /", &request, "").all();
    assert!(head.starts_with("http/1.1 502"), "{head}");
    assert_eq!(header(&head, "durablefetch-error"), "interrupted");
    upstream.assert_not_asked();
    assert!(recorder.status(&upstream.url).contains("\"state\":\"none\""));
}

#[test]
fn a_complete_recording_survives_and_files_of_nothing_do_not() {
    let data = tempfile::tempdir().unwrap();
    let upstream = Upstream::start();
    let recorder = Recorder::start(data.path(), &[]);
    let (id, mut reply, mut stream) = recorder.begin(&upstream);
    send(&mut stream, "whole");
    send(&mut stream, "");
    assert_eq!(reply.rest(), ("whole".into(), true));
    // Whoever saw the end finds it again.
    recorder.kill();
    let orphan = data.path().join("bodies/ZZ/01ARZ3NDEKTSV4RRFFQ69G5FZZ");
    fs::create_dir_all(orphan.parent().unwrap()).unwrap();
    fs::write(&orphan, "nobody's").unwrap();

    let recorder = Recorder::start(data.path(), &[]);
    let (head, body) = recorder.send("GET /", &[("durablefetch-url", &upstream.url)], "").all();
    assert_eq!((header(&head, "durablefetch-state"), header(&head, "content-length")), ("complete", "5"));
    assert_eq!(body, "whole");
    upstream.assert_not_asked();
    assert_eq!(body_files(data.path()), [id]);
}

#[test]
fn a_body_that_lost_its_end_is_interrupted_and_what_is_left_replays() {
    let data = tempfile::tempdir().unwrap();
    let upstream = Upstream::start();
    let recorder = Recorder::start(data.path(), &[]);
    let (id, mut reply, mut stream) = recorder.begin(&upstream);
    send(&mut stream, "whole and torn");
    send(&mut stream, "");
    assert!(reply.rest().1);
    recorder.kill();
    let file = data.path().join("bodies").join(&id[24..]).join(&id);
    fs::File::options().write(true).open(&file).unwrap().set_len(5).unwrap();

    let recorder = Recorder::start(data.path(), &[]);
    let mut replay =
        recorder.send("GET /", &[("durablefetch-url", &upstream.url), ("durablefetch-mode", "replay")], "");
    assert_eq!(header(&replay.head(), "durablefetch-state"), "interrupted");
    assert_eq!(replay.rest(), ("whole".into(), false));
    upstream.assert_not_asked();
}
