//! What systemd is told, and the sockets that it hands over.

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::metrics_listener::{free_port, get};
use crate::support::{PATIENCE, Recorder, Upstream, command, send};

fn hears(listener: &UnixDatagram) -> String {
    let mut buffer = [0; 500];
    let length = listener.recv(&mut buffer).expect("the service manager is told");
    String::from_utf8(buffer[..length].to_vec()).unwrap()
}

#[test]
fn it_hears_of_readiness_of_life_and_of_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("notify");
    let listener = UnixDatagram::bind(&socket).unwrap();
    listener.set_read_timeout(Some(PATIENCE)).unwrap();
    let upstream = Upstream::start();
    let mut starting = command(&folder.path().join("data"), &["--drain", "20s"]);
    starting.env("NOTIFY_SOCKET", &socket).env("WATCHDOG_USEC", "200000");
    let recorder = Recorder::spawn(starting.stderr(Stdio::inherit()));
    let mut ready = hears(&listener);
    if ready == "WATCHDOG=1" {
        ready = hears(&listener);
    }
    let listening = format!("READY=1\nSTATUS=listening on http://{}", recorder.address);
    assert_eq!(ready, listening);
    let since = Instant::now();
    for _ in 0..3 {
        assert_eq!(hears(&listener), "WATCHDOG=1");
    }
    assert!(since.elapsed().as_millis() >= 100, "no more often than it has to");
    let (_, mut reply, mut stream) = recorder.begin(&upstream);
    recorder.terminate();
    let stopping = loop {
        let said = hears(&listener);
        if said != "WATCHDOG=1" {
            break said;
        }
    };
    assert!(stopping.starts_with("STOPPING=1\nEXTEND_TIMEOUT_USEC=35000000\nSTATUS=draining"), "{stopping}");
    assert_eq!(hears(&listener), "WATCHDOG=1", "it lives on while it drains");
    send(&mut stream, "");
    assert_eq!(reply.rest(), (String::new(), true));
    assert_eq!(recorder.ended(), Some(0));
}

#[test]
fn a_watchdog_of_another_process_is_not_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("notify");
    let listener = UnixDatagram::bind(&socket).unwrap();
    listener.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut starting = command(&folder.path().join("data"), &[]);
    starting.env("NOTIFY_SOCKET", &socket).env("WATCHDOG_USEC", "1000").env("WATCHDOG_PID", "1");
    let recorder = Recorder::spawn(starting.stderr(Stdio::inherit()));
    assert!(hears(&listener).starts_with("READY=1"));
    recorder.terminate();
    assert!(hears(&listener).starts_with("STOPPING=1"), "nothing came in between");
    assert_eq!(recorder.ended(), Some(0));
}

/// `durablefetch serve` with these sockets, as sd_listen_fds(3) says.
fn handed(data: &Path, sockets: [Option<TcpListener>; 2], flags: &[&str]) -> Command {
    let inner = command(data, flags);
    let count = sockets.iter().flatten().count();
    let mut outer = Command::new("sh");
    let moved = if count == 2 { "exec 3<&0 4<&1 >&2" } else { "exec 3<&0" };
    let script = format!("{moved} </dev/null; export LISTEN_PID=$$ LISTEN_FDS={count}; exec \"$0\" \"$@\"");
    outer.arg("-c").arg(script).arg(inner.get_program()).args(inner.get_args()).env("RUST_LOG", "error");
    outer.stdout(Stdio::piped()).stderr(Stdio::piped());
    let [first, second] = sockets.map(|socket| socket.map(|socket| Stdio::from(OwnedFd::from(socket))));
    if let Some(first) = first {
        outer.stdin(first);
    }
    if let Some(second) = second {
        outer.stdout(second);
    }
    outer
}

#[test]
fn a_socket_that_is_handed_over_keeps_who_comes_during_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let start = || Recorder::spawn(&mut handed(data.path(), [Some(socket.try_clone().unwrap()), None], &[]));
    let recorder = start();
    assert_eq!(recorder.address, address, "--listen does not count");
    assert!(recorder.send("GET /healthz", &[], "").head().starts_with("http/1.1 200"));
    recorder.terminate();
    assert_eq!(recorder.ended(), Some(0));
    // Nobody is there, and nobody is refused: the socket waits.
    let stream = std::net::TcpStream::connect(address).unwrap();
    let next = start();
    let mut stream = stream;
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    std::io::Write::write_all(
        &mut stream,
        b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
    )
    .unwrap();
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut stream, &mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    drop(next);
}

#[test]
fn the_second_socket_is_for_metrics() {
    let data = tempfile::tempdir().unwrap();
    let bind = || TcpListener::bind("127.0.0.1:0").unwrap();
    let (main, metrics) = (bind(), bind());
    let (main_port, metrics_port) = (main.local_addr().unwrap().port(), metrics.local_addr().unwrap().port());
    let unused = format!("127.0.0.1:{}", free_port());
    let sockets = || [Some(main.try_clone().unwrap()), Some(metrics.try_clone().unwrap())];
    let mut child = handed(data.path(), sockets(), &["--metrics-listen", &unused]).spawn().unwrap();
    assert!(get(main_port, "/healthz", "localhost").contains("200"));
    assert!(get(metrics_port, "/metrics", "localhost").contains("durablefetch_"));
    child.kill().unwrap();
    child.wait().unwrap();
    let refused = handed(data.path(), sockets(), &[]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8(refused.stderr).unwrap().contains("add --metrics-listen"));
}
