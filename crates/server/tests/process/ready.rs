//! `/readyz`: whether a start would be taken, and why not.

use std::fs;
use std::thread;
use std::time::Instant;

use crate::full::{assert_namespaces, inside, on_disk_of};
use crate::metrics_listener::{free_port, get};
use crate::support::{PATIENCE, Recorder, Upstream, send};

/// Asks until the answer is this one: it is looked at once a second at most.
fn until(recorder: &Recorder, status: u16, wanted: &str) {
    let until = Instant::now() + PATIENCE;
    loop {
        let (head, body) = recorder.send("GET /readyz", &[], "").all();
        if head.starts_with(&format!("http/1.1 {status}")) && body.contains(wanted) {
            let says_when = head.contains("retry-after: 1\r\n");
            assert_eq!(says_when, status == 503, "{head}");
            assert!(head.contains("durablefetch-state: none"), "{head}");
            return;
        }
        assert!(Instant::now() < until, "{status} {wanted}: {head}{body}");
        thread::yield_now();
    }
}

fn is_alive(recorder: &Recorder) -> bool {
    recorder.send("GET /healthz", &[], "").head().starts_with("http/1.1 200")
}

#[test]
fn a_recorder_that_drains_is_alive_and_not_ready() {
    let data = tempfile::tempdir().unwrap();
    let upstream = Upstream::start();
    let port = free_port();
    let flags = ["--drain", "1h", "--metrics-listen", &format!("127.0.0.1:{port}")];
    let recorder = Recorder::start(data.path(), &flags);
    until(&recorder, 200, "{\"ready\":true}");
    let (_, mut reply, mut stream) = recorder.begin(&upstream);
    recorder.terminate();
    until(&recorder, 503, "\"reason\":\"draining\"");
    assert!(is_alive(&recorder));
    // As a probe names a pod, which pages may not.
    let unready = get(port, "/readyz", "10.0.0.7:9187");
    assert!(unready.starts_with("HTTP/1.1 503") && unready.contains("draining"), "{unready}");
    assert!(get(port, "/healthz", "10.0.0.7:9187").starts_with("HTTP/1.1 200"));
    send(&mut stream, "");
    assert_eq!(reply.rest(), (String::new(), true));
    assert_eq!(recorder.ended(), Some(0));
}

#[test]
fn a_full_disk_is_not_ready_until_there_is_room() {
    assert_namespaces();
    let data = tempfile::tempdir().unwrap();
    let recorder = on_disk_of("6m", data.path());
    until(&recorder, 200, "true");
    inside(&recorder, data.path(), "head -c 100m /dev/zero > \"$DATA/fill\" 2>/dev/null; true");
    until(&recorder, 503, "\"reason\":\"no-room\"");
    assert!(is_alive(&recorder));
    inside(&recorder, data.path(), "rm \"$DATA/fill\"");
    until(&recorder, 200, "true");
}

/// Nothing else would have it make room: a recorder that is not ready is sent nothing.
#[test]
fn what_has_ended_makes_room_where_somebody_asks() {
    assert_namespaces();
    let data = tempfile::tempdir().unwrap();
    let recorder = on_disk_of("12m", data.path());
    let upstream = Upstream::start();
    let (_, mut reply, mut stream) = recorder.begin(&upstream);
    let piece = "x".repeat(64 << 10);
    for _ in 0..80 {
        send(&mut stream, &piece);
        assert!(reply.take(piece.len()) == piece);
    }
    send(&mut stream, "");
    assert_eq!(reply.rest(), (String::new(), true));
    inside(&recorder, data.path(), "head -c 100m /dev/zero > \"$DATA/fill\" 2>/dev/null; true");
    until(&recorder, 200, "true");
    assert!(recorder.status(&upstream.url).contains("\"state\":\"none\""), "it went");
}

#[test]
fn a_disk_that_cannot_be_written_is_not_ready() {
    assert_namespaces();
    let data = tempfile::tempdir().unwrap();
    let recorder = on_disk_of("12m", data.path());
    until(&recorder, 200, "true");
    // While the recorder has files open there the file system cannot be made read-only. This stops it from writing, too.
    inside(&recorder, data.path(), "mkdir \"$DATA/ready\"");
    until(&recorder, 503, "\"reason\":\"storage\"");
    assert!(is_alive(&recorder));
    inside(&recorder, data.path(), "rmdir \"$DATA/ready\"");
    until(&recorder, 200, "true");
}

#[test]
fn a_data_directory_that_is_gone_is_not_ready() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    let recorder = Recorder::start(&data, &[]);
    until(&recorder, 200, "true");
    fs::rename(&data, root.path().join("moved")).unwrap();
    until(&recorder, 503, "\"reason\":\"data-directory\"");
    fs::create_dir(&data).unwrap();
    until(&recorder, 503, "\"reason\":\"data-directory\"");
    fs::remove_dir(&data).unwrap();
    fs::rename(root.path().join("moved"), &data).unwrap();
    until(&recorder, 200, "true");
    assert!(is_alive(&recorder));
}
