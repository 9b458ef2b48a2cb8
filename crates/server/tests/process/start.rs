//! A start that cannot be: each says what is wrong and what to do.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use crate::support::{Recorder, command};

/// What a start that fails prints.
fn refused(data: &Path, flags: &[&str]) -> String {
    let output = command(data, flags).output().unwrap();
    assert!(!output.status.success(), "it started");
    assert!(output.stdout.is_empty(), "nothing is listening");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_busy_port() {
    let data = tempfile::tempdir().unwrap();
    let busy = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = busy.local_addr().unwrap().to_string();
    let message = refused(data.path(), &["--listen", &address]);
    assert!(message.contains(&address) && message.contains("choose another port"), "{message}");
}

#[test]
fn a_public_address() {
    let data = tempfile::tempdir().unwrap();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:80"] {
        let message = refused(data.path(), &["--listen", address]);
        assert!(message.contains("is not a loopback address"), "{message}");
    }
}

#[test]
fn a_data_directory_that_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "x").unwrap();
    let message = refused(&file, &[]);
    assert!(message.contains("cannot be used") && message.contains("--data"), "{message}");
}

#[test]
fn a_data_directory_in_use() {
    let data = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(data.path(), &[]);
    let message = refused(data.path(), &[]);
    assert!(message.contains("in use by another recorder"), "{message}");
    recorder.kill();
    // The lock goes with its process.
    Recorder::start(data.path(), &[]);
}

#[test]
fn a_database_of_a_later_version() {
    let data = tempfile::tempdir().unwrap();
    Recorder::start(data.path(), &[]).kill();
    let database = rusqlite::Connection::open(data.path().join("recordings.db")).unwrap();
    database.pragma_update(None, "user_version", 999).unwrap();
    drop(database);
    let message = refused(data.path(), &[]);
    assert!(message.contains("has format 999"), "{message}");
}

#[test]
fn a_database_that_is_none() {
    let data = tempfile::tempdir().unwrap();
    fs::write(data.path().join("recordings.db"), "this is no database, and long enough to be read as one")
        .unwrap();
    let message = refused(data.path(), &[]);
    assert!(message.contains("cannot be opened"), "{message}");
}

#[test]
fn flags_that_say_nothing() {
    let data = tempfile::tempdir().unwrap();
    for (flag, value, help) in [
        ("--ttl", "soon", "is no duration"),
        ("--max-recording-bytes", "big", "is no size"),
        ("--allow", "api.example.com", "absolute URL"),
        ("--origin", "app.example", "is no origin"),
        ("--base-path", "df", "is no path"),
    ] {
        let message = refused(data.path(), &[flag, value]);
        assert!(message.contains(help), "{flag} {value}: {message}");
    }
}
