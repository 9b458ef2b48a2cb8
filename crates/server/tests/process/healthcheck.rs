//! `durablefetch healthcheck`: asked with the recorder's own settings, it says in one sentence how that is.

use std::fs;
use std::net::TcpListener;
use std::process::Command;

use crate::support::{Recorder, Upstream};
use crate::tls;

/// Exit code and what it prints, with these variables and flags.
fn ask(variables: &[(&str, &str)], flags: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_durablefetch"));
    let output = command.arg("healthcheck").args(flags).envs(variables.iter().copied()).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8(text).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    (output.status.code(), text)
}

#[test]
fn it_is_told_by_flags_variables_and_file_as_serve_is() {
    let data = tempfile::tempdir().unwrap();
    let recorder = Recorder::start(data.path(), &[]);
    let address = recorder.address.to_string();
    let (code, text) = ask(&[], &["--listen", &address]);
    assert_eq!((code, text), (Some(0), format!("the recorder at http://{address}/healthz is well\n")));
    assert_eq!(ask(&[("DURABLEFETCH_LISTEN", &address)], &[]).0, Some(0));
    // A proxy of the environment is not on the way to this machine.
    assert_eq!(
        ask(&[("DURABLEFETCH_LISTEN", &address), ("http_proxy", "http://127.0.0.1:1")], &[]).0,
        Some(0)
    );
    let file = data.path().join("durablefetch.toml");
    // With a setting that only `serve` needs.
    fs::write(&file, format!("listen = \"{address}\"\nttl = \"1h\"\n")).unwrap();
    assert_eq!(ask(&[], &["--config", file.to_str().unwrap()]).0, Some(0));
}

#[test]
fn one_with_a_public_origin_is_asked_under_that_name() {
    let data = tempfile::tempdir().unwrap();
    let settings = [
        ("DURABLEFETCH_PUBLIC_ORIGIN", "https://app.example"),
        ("DURABLEFETCH_BASE_PATH", "/df"),
        ("DURABLEFETCH_ALLOW_ANY", "true"),
        ("DURABLEFETCH_UNGUESSABLE_URLS", "true"),
    ];
    let mut command = crate::support::command(data.path(), &["--listen", "127.0.0.1:0"]);
    let mut child = command.envs(settings).spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line)
        .unwrap();
    let address = line.trim().strip_prefix("durablefetch: listening on http://").unwrap();
    let address = address.strip_suffix("/df").unwrap();
    let all = [&settings[..], &[("DURABLEFETCH_LISTEN", address)]].concat();
    let (well, said) = ask(&all, &[]);
    // Asked under another name, it refuses, and that is told.
    let (other, refused) = ask(&[("DURABLEFETCH_LISTEN", address)], &["--base-path", "/df"]);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!((well, other), (Some(0), Some(1)), "{said}{refused}");
    assert!(said.contains("/df/healthz is well"), "{said}");
    assert!(refused.contains("421") && refused.contains("misdirected-host"), "{refused}");
}

#[test]
fn one_with_a_certificate_is_asked_over_tls() {
    let folder = tempfile::tempdir().unwrap();
    tls::certify(folder.path());
    let recorder = tls::start(folder.path(), &[]);
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let address = recorder.address.to_string();
    let tls = ["--tls-cert", cert.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    let (code, text) = ask(&[("DURABLEFETCH_LISTEN", &address)], &tls);
    assert_eq!((code, text), (Some(0), format!("the recorder at https://{address}/healthz is well\n")));
    // Without TLS nobody answers there.
    assert_eq!(ask(&[("DURABLEFETCH_LISTEN", &address)], &[]).0, Some(1));
}

#[test]
fn nobody_and_another_program_are_told_apart() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let (code, text) = ask(&[], &["--listen", &free]);
    assert_eq!(code, Some(1));
    assert!(text.contains("nothing answers at") && text.contains("durablefetch serve"), "{text}");

    let other = Upstream::start();
    let address = other.url.strip_prefix("http://").unwrap().strip_suffix("/stream").unwrap();
    let answering = std::thread::spawn({
        let address = address.to_owned();
        move || ask(&[], &["--listen", &address])
    });
    std::io::Write::write_all(&mut other.asked(), b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
    let (code, text) = answering.join().unwrap();
    assert_eq!(code, Some(1));
    assert!(text.contains("is not a durablefetch recorder"), "{text}");

    let (code, text) = ask(&[], &["--listen", "127.0.0.1:0"]);
    assert_eq!(code, Some(1));
    assert!(text.contains("--listen"), "{text}");
}
