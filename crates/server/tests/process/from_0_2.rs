//! A data directory of 0.2, opened by this version: everything is answered as 0.2 would have answered after a restart.

mod left;

use durablefetch_protocol::Fingerprint;
use rusqlite::Connection;
use serde_json::json;

use crate::crash::body_files;
use crate::start::refused;
use crate::support::{Recorder, Reply, answer, header, send};
pub(crate) use left::Left;
use left::{MINUTE, PROMPT, SECRET, assert_own, column, error, print, rows};

#[test]
fn the_fingerprint_of_0_2_is_the_one_of_today() {
    assert_eq!(&Fingerprint::of(&SECRET, "POST", PROMPT.as_bytes()).0[..], print());
}

#[test]
fn what_was_live_is_interrupted() {
    let left = Left::new();
    let connecting = left.recording("connecting", ("connecting", None), 0, None);
    left.request("connecting", "c-1", &format!("started:{connecting}"), None);
    let streaming = left.recording("streaming", ("streaming", None), 0, None);
    left.request("streaming", "s-1", &format!("started:{streaming}"), None);
    left.body(&streaming, "true prefix");
    let silent = left.recording("silent", ("streaming", None), 0, None);
    left.request("silent", "e-1", &format!("started:{silent}"), None);

    // A kill in between changes nothing.
    for _ in 0..2 {
        let recorder = Recorder::start(left.data.path(), &[]);
        assert_eq!(left.status(&recorder, "connecting")["state"], "none");
        let again = left.post(&recorder, "connecting", "c-1").all();
        assert_eq!(error(&again.0, "502"), "interrupted");

        for (name, id, request, body) in
            [("streaming", &streaming, "s-1", "true prefix"), ("silent", &silent, "e-1", "")]
        {
            let status = left.status(&recorder, name);
            assert_eq!((&status["state"], &status["inProgress"]), (&json!("interrupted"), &json!(false)));
            assert_eq!((&status["recording"], &status["bytesStored"]), (&json!(id), &json!(body.len())));
            assert_eq!((&status["status"], &status["completed"]), (&json!(201), &json!(false)));

            for mut reply in [left.mode(&recorder, name, "replay"), left.post(&recorder, name, request)] {
                let head = reply.head();
                assert_own(&head);
                assert_eq!(header(&head, "durablefetch-state"), "interrupted");
                assert_eq!(header(&head, "durablefetch-recording").to_uppercase(), **id);
                assert_eq!(reply.rest(), (body.to_owned(), false));
            }
            let half = body.len() / 2;
            let (head, rest) = left.rest(&recorder, name, id, &half.to_string());
            assert_eq!(header(&head, "content-length"), (body.len() - half).to_string());
            assert_eq!(rest, body[half..]);
            let past = left.rest(&recorder, name, id, "12");
            assert_eq!(error(&past.0, "416"), "offset-out-of-range");
            assert!(left.mode(&recorder, name, "resume").head().starts_with("http/1.1 204"));
        }
        left.upstream.assert_not_asked();
        recorder.kill();
    }
    // Another intent starts anew.
    let recorder = Recorder::start(left.data.path(), &[]);
    let mut new = left.post(&recorder, "streaming", "s-2");
    let mut stream = left.upstream.asked();
    answer(&mut stream);
    assert_ne!(header(&new.head(), "durablefetch-recording").to_uppercase(), streaming);
    send(&mut stream, "");
    assert!(new.rest().1);
    // What made way for it is still continued.
    assert_eq!(left.rest(&recorder, "streaming", &streaming, "5").1, "prefix");
}

#[test]
fn what_had_ended_is_served_byte_for_byte() {
    let left = Left::new();
    let complete = left.finished("complete", ("complete", None), "naïve 😀, whole");
    left.request("complete", "one", &format!("started:{complete}"), None);
    let stopped = left.finished("stopped", ("stopped", None), "up to here");
    let failed = left.finished("failed", ("failed", Some("upstream-idle")), "until it broke");
    let interrupted = left.finished("interrupted", ("interrupted", None), "until 0.2 died");
    let empty = left.recording("empty", ("complete", None), 0, None);

    let recorder = Recorder::start(left.data.path(), &[]);
    let status = left.status(&recorder, "complete");
    assert_eq!((&status["state"], &status["completed"]), (&json!("complete"), &json!(true)));
    assert_eq!((&status["recording"], &status["chunksStored"]), (&json!(complete), &json!(1)));
    let age = status["expiresAt"].as_u64().unwrap() - status["startedAt"].as_u64().unwrap();
    assert_eq!(age, 6 * 60 * MINUTE, "it was not used since");

    let clean = |reply: Reply, id: &str, body: &str| {
        let (head, read) = reply.all();
        assert_own(&head);
        assert_eq!(header(&head, "durablefetch-recording").to_uppercase(), id);
        assert_eq!(header(&head, "content-length"), body.len().to_string());
        assert_eq!(read, body);
    };
    // By its id, by another one, and without: the fingerprint is the same.
    let whole = "naïve 😀, whole";
    clean(left.post(&recorder, "complete", "one"), &complete, whole);
    clean(left.post(&recorder, "complete", "another"), &complete, whole);
    let url = left.url("complete");
    clean(recorder.send("POST /", &[("durablefetch-url", &url)], PROMPT), &complete, whole);
    clean(left.mode(&recorder, "complete", "replay"), &complete, whole);
    assert!(left.mode(&recorder, "complete", "resume").head().starts_with("http/1.1 204"));
    assert_eq!(left.rest(&recorder, "complete", &complete, "6").1, whole[6..]);
    clean(left.post(&recorder, "empty", "any"), &empty, "");
    // As 0.2: without an id one that was stopped answers again.
    let url = left.url("stopped");
    clean(recorder.send("POST /", &[("durablefetch-url", &url)], PROMPT), &stopped, "up to here");

    let broken = |name: &str, id: &str, code: Option<&str>, body: &str| {
        let mut reply = left.mode(&recorder, name, "replay");
        let head = reply.head();
        assert_own(&head);
        assert_eq!(header(&head, "durablefetch-recording").to_uppercase(), id);
        if let Some(code) = code {
            assert_eq!(header(&head, "durablefetch-error"), code);
        }
        assert_eq!(reply.rest(), (body.to_owned(), false));
        assert_eq!(left.rest(&recorder, name, id, "6").1, body[6..]);
    };
    broken("failed", &failed, Some("upstream-idle"), "until it broke");
    broken("interrupted", &interrupted, None, "until 0.2 died");
    left.upstream.assert_not_asked();

    // Another body is another request.
    let _other = recorder.send("POST /", &[("durablefetch-url", &left.url("complete"))], "another prompt");
    left.upstream.asked();
}

#[test]
fn what_was_superseded_is_continued_and_let_go_of_in_time() {
    let left = Left::new();
    let earlier = left.recording("key", ("complete", None), 7, Some(MINUTE));
    left.body(&earlier, "earlier");
    let overdue = left.recording("old", ("complete", None), 7, Some(11 * MINUTE));
    left.body(&overdue, "overdue");
    let current = left.finished("key", ("complete", None), "current");
    left.request("key", "of-earlier", "superseded", None);

    let recorder = Recorder::start(left.data.path(), &[]);
    let (head, body) = left.rest(&recorder, "key", &earlier, "3");
    assert_own(&head);
    assert_eq!((header(&head, "durablefetch-state"), body.as_str()), ("complete", "lier"));
    assert_eq!(error(&left.post(&recorder, "key", "of-earlier").all().0, "410"), "superseded");
    assert_eq!(left.post(&recorder, "key", "new").all().1, "current");
    assert_eq!(left.status(&recorder, "key")["recording"], json!(current));
    assert_eq!(error(&left.rest(&recorder, "old", &overdue, "0").0, "410"), "gone");
    left.upstream.assert_not_asked();
    recorder.kill();

    // Ten minutes later.
    let later = "UPDATE recordings SET retired_ms = retired_ms - 600000 WHERE retired_ms IS NOT NULL";
    assert_eq!(left.database.execute(later, []).unwrap(), 1);
    let recorder = Recorder::start(left.data.path(), &[]);
    assert_eq!(error(&left.rest(&recorder, "key", &earlier, "0").0, "410"), "superseded");
    assert_eq!(left.rest(&recorder, "key", &current, "0").1, "current");
    left.until_stored(&[&current]);
}

#[test]
fn what_nobody_used_for_long_goes_though_nobody_asks_for_it() {
    let left = Left::new();
    for name in ["complete", "failed", "interrupted"] {
        left.finished(name, (name, None), "body");
    }
    let live = left.recording("live", ("streaming", None), 0, None);
    left.body(&live, "ends with this start");
    let _recorder = Recorder::start(left.data.path(), &["--ttl", "40s"]);
    left.until_stored(&[&live]);
}

#[test]
fn request_ids_are_answered_as_they_were() {
    let left = Left::new();
    let kept = b"429\r\nSlow down\r\nretry-after: 7\r\nx-own: of the upstream\r\n\r\nlater, please";
    let cases = [
        ("superseded", "superseded", "410", "superseded", "superseded"),
        ("deleted", "deleted", "410", "deleted", "deleted"),
        ("answered-not-kept", "not-kept", "409", "already-answered", "unrecorded"),
        ("no-head:upstream-timeout", "timeout", "504", "upstream-timeout", "failed"),
        ("no-head:upstream-unreachable", "unreachable", "502", "upstream-unreachable", "failed"),
        ("no-head:interrupted", "interrupted", "502", "interrupted", "interrupted"),
        ("no-head:stopped", "stopped", "410", "stopped", "stopped"),
        ("stop-at-arrival", "stop", "410", "stopped", "stopped"),
        // The recording of it is not there: 0.2 died while it removed that.
        ("started:01ARZ3NDEKTSV4RRFFQ69G5FAV", "orphan", "502", "interrupted", "interrupted"),
    ];
    for (outcome, id, ..) in cases {
        left.request("key", id, outcome, None);
    }
    left.request("key", "kept", "answered", Some(kept));

    for _ in 0..2 {
        let recorder = Recorder::start(left.data.path(), &[]);
        for (outcome, id, status, code, state) in cases {
            assert_eq!(error(&left.post(&recorder, "key", id).all().0, status), code, "{outcome}");
            assert_eq!(left.state_of(&recorder, "key", id), state, "{outcome}");
        }
        let (head, body) = left.post(&recorder, "key", "kept").all();
        assert!(head.starts_with("http/1.1 429 slow down"), "{head}");
        assert_eq!((header(&head, "retry-after"), header(&head, "x-own")), ("7", "of the upstream"));
        assert_eq!((header(&head, "durablefetch-state"), body.as_str()), ("unrecorded", "later, please"));
        assert_eq!(left.state_of(&recorder, "key", "kept"), "unrecorded");
        assert_eq!(left.state_of(&recorder, "key", "never-seen"), "none");
        left.upstream.assert_not_asked();
        recorder.kill();
    }
}

#[test]
fn the_layout_is_that_of_a_new_directory() {
    let left = Left::new();
    left.finished("key", ("complete", None), "body");
    Recorder::start(left.data.path(), &[]).kill();
    let fresh = tempfile::tempdir().unwrap();
    Recorder::start(fresh.path(), &[]).kill();
    let fresh = Connection::open(fresh.path().join("recordings.db")).unwrap();
    for database in [&left.database, &fresh] {
        let version: i64 = database.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        assert_eq!(version, 2);
    }
    for layout in [
        "SELECT name || ' ' || coalesce(sql, '') FROM sqlite_schema WHERE type = 'index' ORDER BY 1",
        "SELECT t.name || '.' || c.name || ' ' || c.type || c.\"notnull\" || coalesce(c.dflt_value, '') || c.pk \
         FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table' ORDER BY 1",
    ] {
        assert_eq!(column(&left.database, layout), column(&fresh, layout));
    }
}

#[test]
fn a_start_with_what_this_version_has_stored_keeps_it() {
    let left = Left::new();
    left.finished("old", ("complete", None), "of 0.2");
    left.request("old", "kept", "answered", Some(b"404\r\nNo\r\n\r\nkept"));
    let recorder = Recorder::start(left.data.path(), &[]);
    // Two that ran side by side, and what came before them.
    let mut before = left.post(&recorder, "key", "before");
    let mut stream = left.upstream.asked();
    answer(&mut stream);
    send(&mut stream, "before");
    send(&mut stream, "");
    before.head();
    assert_eq!(before.rest(), ("before".into(), true));
    let mut side = Vec::new();
    for body in ["one", "two"] {
        let headers = [("durablefetch-url", &*left.url("key")), ("durablefetch-request", body)];
        let mut reply = recorder.send("POST /", &headers, body);
        let mut stream = left.upstream.asked();
        answer(&mut stream);
        reply.head();
        side.push((body, reply, stream));
    }
    for (body, reply, stream) in &mut side {
        send(stream, body);
        send(stream, "");
        assert_eq!(reply.rest(), ((*body).to_owned(), true));
    }
    recorder.terminate();
    assert_eq!(recorder.ended(), Some(0));
    let stored = (rows(&left.database), body_files(left.data.path()).len());
    assert_eq!(stored.1, 4);

    for _ in 0..2 {
        let recorder = Recorder::start(left.data.path(), &[]);
        assert_eq!((rows(&left.database), body_files(left.data.path()).len()), stored);
        recorder.kill();
    }
    let recorder = Recorder::start(left.data.path(), &[]);
    for body in ["one", "two"] {
        let same = [("durablefetch-url", &*left.url("key"))];
        assert_eq!(recorder.send("POST /", &same, body).all().1, body);
        let id = [same[0], ("durablefetch-request", body)];
        assert_eq!(recorder.send("POST /", &id, body).all().1, body);
    }
    assert_eq!(left.post(&recorder, "old", "new").all().1, "of 0.2");
    assert_eq!(left.post(&recorder, "old", "kept").all().1, "kept");
    left.upstream.assert_not_asked();
}

#[test]
fn a_directory_of_a_later_version_is_refused_and_left_alone() {
    let left = Left::new();
    left.finished("key", ("complete", None), "body");
    left.database.pragma_update(None, "user_version", 3).unwrap();
    let before = rows(&left.database);
    let message = refused(left.data.path(), &[]);
    assert!(
        message.contains("has format 3") && message.contains("later version of durablefetch"),
        "{message}"
    );
    assert!(message.contains("recordings.db") && message.contains("--data"), "{message}");
    assert_eq!((rows(&left.database), body_files(left.data.path()).len()), (before, 1));
}
