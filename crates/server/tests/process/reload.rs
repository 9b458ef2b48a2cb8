//! SIGHUP reads the set-up again: all of it, or nothing.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;

use crate::support::{PATIENCE, Recorder, Upstream, answer, command, header, send};

/// A recorder with a configuration file, and the lines that it logs.
struct Reloading {
    recorder: Recorder,
    file: std::path::PathBuf,
    lines: mpsc::Receiver<String>,
}

impl Reloading {
    fn start(folder: &Path, settings: &str, log: Option<&str>) -> Self {
        let file = folder.join("durablefetch.toml");
        fs::write(&file, settings).unwrap();
        let mut starting = command(&folder.join("data"), &["--config", file.to_str().unwrap()]);
        starting.env_remove("RUST_LOG").stderr(Stdio::piped());
        if let Some(log) = log {
            starting.env("RUST_LOG", log);
        }
        let mut recorder = Recorder::spawn(&mut starting);
        let (sender, lines) = mpsc::channel();
        let log = BufReader::new(recorder.child.stderr.take().unwrap());
        thread::spawn(move || log.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { recorder, file, lines }
    }

    /// The lines up to the first of SIGHUP.
    fn hang_up(&self, settings: &str) -> String {
        fs::write(&self.file, settings).unwrap();
        self.recorder.signal("-HUP");
        self.line_with("SIGHUP")
    }

    fn line_with(&self, word: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).expect("a line");
            if line.contains(word) {
                return line;
            }
        }
    }

    fn get(&self, url: &str) -> String {
        self.recorder.send("GET /", &[("durablefetch-url", url)], "").head()
    }
}

#[test]
fn what_may_be_fetched_and_whose_pages_may_ask() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Upstream::start();
    let other = "allow = [\"https://api.example/\"]\n";
    let reloading = Reloading::start(folder.path(), other, None);
    let refused = reloading.get(&upstream.url);
    assert_eq!(header(&refused, "durablefetch-error"), "upstream-not-allowed");
    let origin = [("origin", "https://app.example")];
    let page = || reloading.recorder.send("GET /healthz", &origin, "").head();
    assert!(page().starts_with("http/1.1 403"), "{}", page());

    let here = upstream.url.replace("stream", "");
    let allowed = format!("allow = [\"{here}\"]\norigin = [\"https://app.example\"]\nttl = \"1h\"\n");
    let said = reloading.hang_up(&allowed);
    assert!(
        said.contains("origin = [\"https://app.example\"] (was unset)") && said.contains(&here),
        "{said}"
    );
    let waits = reloading.line_with("restart");
    assert!(waits.contains("ttl = \"1h\" (was \"6h\")") && waits.contains("WARN"), "{waits}");
    assert!(page().starts_with("http/1.1 200"), "{}", page());
    let (_, mut reply, mut stream) = reloading.recorder.begin(&upstream);
    send(&mut stream, "allowed");
    send(&mut stream, "");
    assert_eq!(reply.rest(), ("allowed".into(), true));

    // All or nothing: the first line alone would do.
    for wrong in
        ["max-recordings = 0", "tll = \"1h\"", "unguessable-urls =", "scope-by = [\"authorization\"]"]
    {
        let said = reloading.hang_up(&format!("{other}{wrong}\n"));
        assert!(said.contains("ERROR") && said.contains("everything stays as it was"), "{wrong}: {said}");
        let again = reloading.get(&upstream.url);
        assert_eq!(header(&again, "durablefetch-state"), "complete", "{wrong}");
    }
    let said = reloading.hang_up(&allowed);
    assert!(said.contains("no other setting changed"), "{said}");
    assert!(reloading.line_with("restart").contains("ttl"), "it still takes one");
}

#[test]
fn secrets_of_tokens() {
    /// `{"sub":"alice"}`, signed with `0123456789abcdef0123456789abcdef` and with the same backwards.
    const OLD: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.1LyJX3n8HF4PKpKt6cAnOsvYK1JymjhYdwLb9Q6B8gQ";
    const NEW: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.preP6CWKY-pzajEUuD7tbOCn-fdyxEKqqf2HFhXQag0";
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    fs::write(&secret, "0123456789abcdef0123456789abcdef").unwrap();
    let settings = format!("token-secret = [\"@{}\"]\n", secret.display());
    let reloading = Reloading::start(folder.path(), &settings, None);
    let asks = |token: &str| {
        let body = "{\"url\":\"https://api.example/\"}";
        let head =
            reloading.recorder.send("POST /in-progress", &[("durablefetch-token", token)], body).head();
        head.starts_with("http/1.1 200")
    };
    assert!(asks(OLD) && !asks(NEW));
    fs::write(&secret, "fedcba9876543210fedcba9876543210").unwrap();
    assert!(reloading.hang_up(&settings).contains("secrets and certificate were read again"));
    assert!(asks(NEW) && !asks(OLD));
    fs::remove_file(&secret).unwrap();
    assert!(reloading.hang_up(&settings).contains("cannot be read"));
    assert!(asks(NEW), "it stays as it was");
}

#[test]
fn quotas_and_the_level_of_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let reloading = Reloading::start(folder.path(), "max-disk-bytes = \"64MiB\"\n", None);
    let record = |bytes: usize| {
        let upstream = Upstream::start();
        let mut reply = reloading.recorder.send("GET /", &[("durablefetch-url", &upstream.url)], "");
        let mut stream = upstream.asked();
        answer(&mut stream);
        reply.head();
        send(&mut stream, &"x".repeat(bytes));
        send(&mut stream, "");
        assert_eq!(reply.rest().0.len(), bytes);
        upstream
    };
    let old = record(3 << 20);
    let live = Upstream::start();
    let (_, mut reply, mut stream) = reloading.recorder.begin(&live);
    assert!(reloading.recorder.status(&old.url).contains("complete"));
    let smaller = "max-disk-bytes = \"2MiB\"\nmax-recordings = 1\nlog-level = \"debug\"\n";
    let said = reloading.hang_up(smaller);
    for changed in ["max-disk-bytes = \"2MiB\"", "max-recordings = 1 ", "log-level = \"debug\""] {
        assert!(said.contains(changed), "{said}");
    }
    let until = std::time::Instant::now() + PATIENCE;
    while !reloading.recorder.status(&old.url).contains("\"state\":\"none\"") {
        assert!(std::time::Instant::now() < until, "what is too much goes");
        thread::yield_now();
    }
    // What is asked all the time has a line of that level only.
    reloading.recorder.send("GET /healthz", &[], "").head();
    reloading.line_with("DEBUG");
    let refused = reloading.get("http://127.0.0.1:1/");
    assert_eq!(header(&refused, "durablefetch-error"), "too-many-recordings");
    send(&mut stream, "goes on");
    send(&mut stream, "");
    assert_eq!(reply.rest(), ("goes on".into(), true));
}
