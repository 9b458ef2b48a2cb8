//! A start that cannot be: each says what is wrong and what to do.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;

use crate::support::{Recorder, Upstream, command, header, send};

/// What a start that fails prints.
pub(crate) fn refused(data: &Path, flags: &[&str]) -> String {
    let mut child = command(data, flags).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    if !line.is_empty() {
        child.kill().unwrap();
        panic!("it started: {line}");
    }
    let output = child.wait_with_output().unwrap();
    assert!(!output.status.success(), "it ended as if all were well");
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

/// Others would reach it, and nothing was said about what they may do.
#[test]
fn a_public_listener_without_rules() {
    let data = tempfile::tempdir().unwrap();
    let all = ["--public-origin", "--allow", "--token-secret"];
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:80"] {
        let message = refused(data.path(), &["--listen", address]);
        assert!(message.contains(address), "{message}");
        assert!(all.iter().all(|flag| message.contains(flag)), "{message}");
    }
    let public = ["--public-origin", "https://app.example"];
    let allow = ["--allow", "https://api.example/"];
    let scope = ["--scope-by", "authorization"];
    for (flags, missing) in [
        (vec![public], &["--allow", "--allow-any", "--token-secret", "--scope-by", "--unguessable-urls"][..]),
        (vec![public, allow], &["--token-secret", "--scope-by", "--unguessable-urls"]),
        (vec![public, scope], &["--allow", "--allow-any"]),
        (vec![["--listen", "0.0.0.0:0"], allow, scope], &["--public-origin"]),
    ] {
        let message = refused(data.path(), &flags.concat());
        assert!(missing.iter().all(|flag| message.contains(flag)), "{flags:?}: {message}");
        let given = flags.iter().map(|flag| flag[0]).filter(|flag| *flag != "--listen");
        assert!(given.into_iter().all(|flag| !message.contains(&format!("{flag} "))), "{flags:?}: {message}");
    }
    Recorder::start(data.path(), &[public, allow, scope].concat()).kill();
    Recorder::start(data.path(), &[&public[..], &["--allow-any", "--unguessable-urls"]].concat()).kill();
}

#[test]
fn a_mapping_of_what_is_not_allowed() {
    let data = tempfile::tempdir().unwrap();
    let flags = ["--map", "https://app.example=http://127.0.0.1:1", "--allow", "https://api.example/"];
    let message = refused(data.path(), &flags);
    assert!(message.contains("--allow https://app.example/"), "{message}");
}

#[test]
fn a_file_of_settings_that_says_nothing() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("durablefetch.toml");
    fs::write(&file, "max-recordingz = 3").unwrap();
    let message = refused(data.path(), &["--config", file.to_str().unwrap()]);
    assert!(message.contains("max-recordingz") && message.contains("`max-recordings`"), "{message}");
}

#[test]
fn a_flag_goes_before_its_variable_and_that_before_the_file() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("durablefetch.toml");
    // Each of them would be refused for its value, if it counted.
    fs::write(&file, "ttl = \"in the file\"\ndrain = \"in the file\"\n").unwrap();
    let start = |ttl: Option<&str>, flags: &[&str]| {
        let mut command = command(data.path(), flags);
        command.env("DURABLEFETCH_CONFIG", &file).env("DURABLEFETCH_DRAIN", "1s");
        if let Some(ttl) = ttl {
            command.env("DURABLEFETCH_TTL", ttl);
        }
        command
    };
    let refusal =
        |mut command: std::process::Command| String::from_utf8(command.output().unwrap().stderr).unwrap();
    assert!(refusal(start(None, &[])).contains("`in the file` is not a duration"));
    assert!(refusal(start(Some("in the variable"), &[])).contains("`in the variable` is not a duration"));
    assert!(
        refusal(start(Some("1h"), &["--ttl", "in the flag"])).contains("`in the flag` is not a duration")
    );
    Recorder::spawn(&mut start(Some("1h"), &[])).kill();
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
    fs::write(data.path().join("recordings.db"), "this is not a database, and long enough to be read as one")
        .unwrap();
    let message = refused(data.path(), &[]);
    assert!(message.contains("cannot be opened"), "{message}");
}

#[test]
fn flags_that_say_nothing() {
    let data = tempfile::tempdir().unwrap();
    for (flag, value, help) in [
        ("--ttl", "soon", "is not a duration"),
        ("--max-recording-bytes", "big", "is not a size"),
        ("--allow", "api.example.com", "absolute URL"),
        ("--origin", "app.example", "is not an origin"),
        ("--base-path", "df", "is not a path"),
    ] {
        let message = refused(data.path(), &[flag, value]);
        assert!(message.contains(help), "{flag} {value}: {message}");
    }
}

#[test]
fn a_database_that_is_cut_is_told_or_made_whole() {
    let data = tempfile::tempdir().unwrap();
    let upstream = Upstream::start();
    let recorder = Recorder::start(data.path(), &[]);
    let (_, mut reply, mut stream) = recorder.begin(&upstream);
    send(&mut stream, "kept");
    send(&mut stream, "");
    assert_eq!(reply.rest(), ("kept".into(), true));
    // In good order, so that everything is in this one file.
    recorder.terminate();
    assert_eq!(recorder.ended(), Some(0));
    let path = data.path().join("recordings.db");
    let whole = fs::read(&path).unwrap();
    for left in [0, 1, 511, 1000, 4095] {
        fs::write(&path, &whole[..left]).unwrap();
        let message = refused(data.path(), &[]);
        assert!(message.contains("missing or empty") && message.contains("put it back"), "{left}: {message}");
        assert_eq!(fs::read(&path).unwrap().len(), left, "what is damaged is left for who wants to save it");
    }
    for left in [4096, 5000, whole.len() / 2, whole.len() - 4096] {
        fs::write(&path, &whole[..left]).unwrap();
        let message = refused(data.path(), &[]);
        assert!(
            message.contains("cannot be opened") && message.contains("move the data directory"),
            "{message}"
        );
    }
    // The bodies were not taken for orphans meanwhile.
    fs::write(&path, &whole).unwrap();
    let recorder = Recorder::start(data.path(), &[]);
    let (head, body) = recorder.send("GET /", &[("durablefetch-url", &upstream.url)], "").all();
    assert_eq!((header(&head, "durablefetch-state"), body.as_str()), ("complete", "kept"));
    upstream.assert_not_asked();
}

/// 2 for what is configured, and what a service manager need not try again; 1 for the rest.
#[test]
fn the_status_tells_what_is_configured_wrong_from_what_may_pass() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let busy = TcpListener::bind("127.0.0.1:0").unwrap();
    let busy = busy.local_addr().unwrap().to_string();
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    let status = |data: &Path, flags: &[&str]| command(data, flags).output().unwrap().status.code();
    for wrong in [
        &["--no-such-flag"][..],
        &["--ttl", "6"],
        &["--max-recordings", "0"],
        &["--config", "/nowhere.toml"],
        &["--listen", "0.0.0.0:0"],
        &["--token-secret", "@/nowhere"],
        &["--token-secret", "short"],
        &["--map", "https://app.example=http://127.0.0.1:1", "--allow", "https://api.example/"],
        &["--tls-cert", "/nowhere.pem", "--tls-key", "/nowhere.pem"],
    ] {
        assert_eq!(status(&data, wrong), Some(2), "{wrong:?}");
        assert_eq!(status(&data, &[wrong, &["--dry-run"]].concat()), Some(2), "{wrong:?}");
    }
    let mut typo = command(&data, &[]);
    let output = typo.env("DURABLEFETCH_TLL", "1h").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && said.contains("nearest is DURABLEFETCH_TTL"), "{said}");
    assert_eq!(status(&data, &["--listen", &busy]), Some(1));
    assert_eq!(status(&file, &[]), Some(1));
}

#[test]
fn a_dry_run_says_what_counts_and_starts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut dry =
        command(&data, &["--dry-run", "--max-readers", "7", "--public-origin", "http://app.example"]);
    dry.args(["--allow-any", "--unguessable-urls"]).env("DURABLEFETCH_TTL", "1h").env("RUST_LOG", "warn");
    let output = dry.output().unwrap();
    assert!(output.status.success());
    let said = String::from_utf8(output.stdout).unwrap();
    for (setting, from) in [
        ("max-readers = 7 ", "# --max-readers"),
        ("ttl = \"1h\"", "# DURABLEFETCH_TTL"),
        ("max-recordings = 10000", "# default"),
        ("unguessable-urls = true", "# --unguessable-urls"),
    ] {
        assert!(
            said.lines().any(|line| line.starts_with(setting) && line.ends_with(from)),
            "{setting}: {said}"
        );
    }
    let warned = String::from_utf8(output.stderr).unwrap();
    assert!(warned.contains("everybody on the way can read"), "{warned}");
    assert!(!data.exists(), "nothing was opened");
}

#[test]
fn completions_manual_and_version_need_nothing_else() {
    let of = |arguments: &[&str]| {
        let output =
            std::process::Command::new(env!("CARGO_BIN_EXE_durablefetch")).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(of(&["completions", "bash"]).contains("_durablefetch"));
    assert!(of(&["man", "serve"]).starts_with(".ie"), "roff");
    assert!(of(&["--version"]).starts_with(&format!("durablefetch {}", env!("CARGO_PKG_VERSION"))));
}
