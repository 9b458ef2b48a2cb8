//! TLS that is begun and not ended.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::support::PATIENCE;
use crate::tls;

/// The beginning of a ClientHello that says that it has 512 bytes.
const HELLO: &[u8] = &[22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3];

#[tokio::test]
async fn handshakes_that_do_not_go_on_are_let_go_and_keep_nobody_out() {
    let folder = tempfile::tempdir().unwrap();
    let trusted = tls::certify(folder.path());
    let recorder = tls::start(folder.path(), &["--request-timeout", "1s", "--max-connections", "40"]);
    let begun: Vec<(&str, TcpStream)> = (0..36)
        .map(|number| {
            let mut stream = TcpStream::connect(recorder.address).unwrap();
            let (what, bytes) = match number % 4 {
                0 => ("nothing at all", &b""[..]),
                1 => ("a byte", &HELLO[..1]),
                2 => ("the beginning of a hello", HELLO),
                _ => ("a hello that comes byte by byte", &HELLO[..5]),
            };
            stream.write_all(bytes).unwrap();
            (what, stream)
        })
        .collect();
    let dripping: Vec<TcpStream> = begun
        .iter()
        .filter(|(what, _)| what.contains("byte by byte"))
        .map(|(_, s)| s.try_clone().unwrap())
        .collect();
    // For as long as it is let.
    let drips = std::thread::spawn(move || {
        let since = Instant::now();
        for mut stream in dripping {
            while stream.write_all(&[0]).is_ok() && since.elapsed() < PATIENCE {
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        since.elapsed()
    });
    let url = format!("https://localhost:{}/healthz", recorder.address.port());
    let answer = tls::client(&trusted).build().unwrap().get(&url).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    tokio::task::spawn_blocking(move || {
        for (what, mut stream) in begun {
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            let mut rest = Vec::new();
            match stream.read_to_end(&mut rest) {
                Ok(_) => {}
                Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{what} is not let go"),
            }
        }
        assert!(drips.join().unwrap() < PATIENCE, "bytes that drip in do not make a handshake longer");
    })
    .await
    .unwrap();
    drop(recorder);
}
