//! A second `durablefetch serve` on the data directory of one that serves, told to listen where that one does: it takes its
//! place, and nothing that is live is cut.

mod hand_overs;
mod kills;
mod room;

use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::metrics_listener::free_port;
use crate::operator::json;
use crate::start::refused;
use crate::support::{Kept, PATIENCE, Recorder, Reply, Upstream, command, header, send};

/// A port that is free, and that the system gives to nobody while no recorder listens there.
pub(crate) fn port() -> u16 {
    let below_those_that_it_gives = std::iter::repeat_with(|| fastrand::u16(10_000..32_000));
    below_those_that_it_gives
        .map(|port| (port, TcpListener::bind(("127.0.0.1", port))))
        .find(|(_, bound)| bound.is_ok())
        .unwrap()
        .0
}

/// A port for one test, and recorders that are told to listen on it.
struct Place {
    data: tempfile::TempDir,
    listen: String,
}

impl Place {
    fn new() -> Self {
        Self { data: tempfile::tempdir().unwrap(), listen: format!("127.0.0.1:{}", port()) }
    }

    fn path(&self) -> &Path {
        self.data.path()
    }

    fn command(&self, flags: &[&str]) -> Command {
        let mut command = command(self.path(), &["--listen", &self.listen]);
        command.args(flags).stderr(Stdio::inherit());
        command
    }

    fn start(&self) -> Recorder {
        Recorder::spawn(&mut self.command(&[]))
    }

    fn address(&self) -> SocketAddr {
        self.listen.parse().unwrap()
    }
}

fn rest_of(recorder: &Recorder, id: &str, offset: usize, url: &str) -> Reply {
    let headers = [
        ("durablefetch-url", url),
        ("durablefetch-recording", id),
        ("durablefetch-offset", &offset.to_string()),
    ];
    recorder.send("GET /", &headers, "")
}

fn ends(recorder: Recorder) {
    assert_eq!(recorder.ended(), Some(0));
}

#[test]
fn what_lives_in_the_first_goes_on_there_and_is_reached_through_the_second() {
    let place = Place::new();
    let (upstream, other) = (Upstream::start(), Upstream::start());
    let first = place.start();
    let (id, mut reader, mut stream) = first.begin(&upstream);
    send(&mut stream, "before,");
    assert_eq!(reader.take(7), "before,");

    let second = place.start();
    assert_eq!(second.address, place.address());
    send(&mut stream, "after");
    assert_eq!(reader.take(5), "after", "who reads in the first reads on");
    let listed = json(place.path(), &["ls", "--state", "live"])["recordings"][0].clone();
    assert_eq!(
        (&listed["recording"], &listed["bytes"], &listed["readers"]),
        (&id.as_str().into(), &12.into(), &1.into())
    );
    assert_eq!(json(place.path(), &["show", &id])["readers_so_far"], 1);
    assert!(second.status(&upstream.url).contains("\"inProgress\":true"), "{}", second.status(&upstream.url));
    let mut rest = rest_of(&second, &id, 7, &upstream.url);
    assert_eq!(header(&rest.head(), "durablefetch-state"), "streaming");
    assert_eq!(rest.take(5), "after");
    // Who joins through the second joins in the first.
    let mut joined = second.send("GET /", &[("durablefetch-url", &upstream.url)], "");
    assert_eq!(header(&joined.head(), "durablefetch-recording").to_uppercase(), id);
    assert_eq!(joined.take(12), "before,after");

    // What is idle is the second's.
    let (_, mut fresh, mut asked) = second.begin(&other);
    send(&mut asked, "new");
    send(&mut asked, "");
    assert_eq!(fresh.rest(), ("new".into(), true));

    send(&mut stream, ".");
    send(&mut stream, "");
    for reply in [&mut reader, &mut rest, &mut joined] {
        assert_eq!(reply.rest(), (".".into(), true));
    }
    ends(first);
    assert!(second.status(&upstream.url).contains("\"completed\":true"));
    assert_eq!(rest_of(&second, &id, 0, &upstream.url).all().1, "before,after.");
    upstream.assert_not_asked();
    let left: Vec<_> = place.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let peers = left.iter().filter(|name| name.to_str().unwrap().starts_with("peer-")).count();
    assert_eq!(peers, 2, "the socket and the lock of the second: {left:?}");
}

#[test]
fn a_control_call_reaches_the_process_that_has_the_recording() {
    let place = Place::new();
    let [stopped, deleted] = [Upstream::start(), Upstream::start()];
    let first = place.start();
    let (_, mut reader, mut stream) = first.begin(&stopped);
    let (_, mut gone, mut going) = first.begin(&deleted);
    for stream in [&mut stream, &mut going] {
        send(stream, "x");
    }
    assert_eq!((reader.take(1), gone.take(1)), ("x".into(), "x".into()));
    let second = place.start();
    let call = |path: &str, url: &str| {
        second.send(&format!("POST /{path}"), &[], &format!("{{\"url\":\"{url}\"}}")).all().1
    };
    let both = format!("{{\"urls\":[\"{}\",\"{}\",\"http://127.0.0.1:1/\"]}}", stopped.url, deleted.url);
    let list = second.send("POST /in-progress", &[], &both).all().1;
    assert_eq!(list.matches("\"inProgress\":true").count(), 2, "{list}");
    assert!(call("stop", &stopped.url).contains("stopped successfully"));
    assert_eq!(reader.rest(), (String::new(), true));
    assert!(call("delete", &deleted.url).contains("deleted successfully"));
    assert_eq!(gone.rest(), (String::new(), false));
    ends(first);
    assert!(second.status(&stopped.url).contains("\"state\":\"stopped\""));
    assert!(second.status(&deleted.url).contains("\"state\":\"none\""));
}

#[test]
fn a_reader_in_the_first_is_cut_as_a_cut_through_the_second() {
    let place = Place::new();
    let upstream = Upstream::start();
    let first = place.start();
    let (id, _reader, mut stream) = first.begin(&upstream);
    send(&mut stream, "half");
    let second = place.start();
    let mut rest = rest_of(&second, &id, 0, &upstream.url);
    rest.head();
    assert_eq!(rest.take(4), "half");
    drop(stream);
    assert_eq!(rest.rest(), (String::new(), false), "the upstream broke");
    ends(first);
    assert!(second.status(&upstream.url).contains("\"state\":\"failed\""));
}

#[test]
fn another_address_is_an_error_as_ever_and_so_is_a_free_port() {
    let place = Place::new();
    let first = place.start();
    let other = format!("127.0.0.1:{}", free_port());
    for listen in [other.as_str(), "127.0.0.1:0"] {
        let message = refused(place.path(), &["--listen", listen]);
        assert!(message.contains("in use by another recorder"), "{message}");
    }
    assert!(first.send("GET /healthz", &[], "").head().starts_with("http/1.1 200"));
    let free = Recorder::start(tempfile::tempdir().unwrap().path(), &[]);
    assert!(free.send("GET /healthz", &[], "").head().starts_with("http/1.1 200"));
}

#[test]
fn one_that_was_given_a_free_port_is_succeeded_at_that_port() {
    let data = tempfile::tempdir().unwrap();
    let first = Recorder::start(data.path(), &["--listen", "127.0.0.1:0"]);
    let second = Recorder::start(data.path(), &["--listen", &first.address.to_string()]);
    assert_eq!(second.address, first.address);
    ends(first);
    let third = Recorder::start(data.path(), &["--listen", &second.address.to_string()]);
    ends(second);
    assert!(third.send("GET /healthz", &[], "").head().starts_with("http/1.1 200"));
}

#[test]
fn the_sockets_are_for_their_owner_alone_and_are_gone_after_the_end() {
    let place = Place::new();
    let recorder = place.start();
    let sockets = || {
        let all = place.path().read_dir().unwrap().map(|entry| entry.unwrap());
        let ours = all.filter(|entry| {
            let name = entry.file_name().into_string().unwrap();
            name.starts_with("peer-") || name == "successor.sock"
        });
        ours.map(|entry| (entry.file_name(), entry.metadata().unwrap().permissions().mode() & 0o777))
            .collect::<Vec<_>>()
    };
    assert_eq!(sockets().len(), 3, "{:?}", sockets());
    assert!(sockets().iter().all(|(_, mode)| *mode == 0o600), "{:?}", sockets());
    recorder.terminate();
    ends(recorder);
    assert!(sockets().is_empty(), "{:?}", sockets());
}

#[test]
fn a_settings_error_of_the_second_leaves_the_first_as_it_is() {
    let place = Place::new();
    let upstream = Upstream::start();
    let first = place.start();
    let (_, mut reader, mut stream) = first.begin(&upstream);
    let message = refused(
        place.path(),
        &["--listen", &place.listen, "--tls-cert", "/nowhere", "--tls-key", "/nowhere"],
    );
    assert!(message.contains("/nowhere"), "{message}");
    let mut again = first.send("GET /", &[("durablefetch-url", &upstream.url)], "");
    again.head();
    send(&mut stream, "on");
    send(&mut stream, "");
    assert_eq!((reader.rest(), again.rest()), (("on".into(), true), ("on".into(), true)));
}

#[test]
fn when_the_first_is_told_to_end_what_lives_in_it_has_the_time_that_it_would_have_alone() {
    let place = Place::new();
    let upstream = Upstream::start();
    let first = Recorder::spawn(&mut place.command(&["--drain", "300ms"]));
    let (_, mut reader, mut stream) = first.begin(&upstream);
    send(&mut stream, "x");
    reader.take(1);
    let second = place.start();
    let since = Instant::now();
    first.terminate();
    assert_eq!(reader.rest(), (String::new(), false));
    ends(first);
    assert!(since.elapsed() < PATIENCE);
    assert!(second.status(&upstream.url).contains("\"state\":\"interrupted\""));
}

#[test]
fn when_the_second_is_told_to_end_it_waits_for_the_first() {
    let place = Place::new();
    let upstream = Upstream::start();
    let first = place.start();
    let (id, mut reader, mut stream) = first.begin(&upstream);
    let second = place.start();
    second.terminate();
    let refused = loop {
        // It takes a moment until it hears the signal.
        let head = second.send("GET /", &[("durablefetch-url", "http://127.0.0.1:1/")], "").head();
        if head.contains("shutting-down") {
            break head;
        }
    };
    assert!(refused.starts_with("http/1.1 503"), "{refused}");
    send(&mut stream, "last");
    let mut rest = rest_of(&second, &id, 0, &upstream.url);
    rest.head();
    assert_eq!(rest.take(4), "last", "the rest is had from the first");
    send(&mut stream, "");
    assert_eq!((reader.rest(), rest.rest()), (("last".into(), true), (String::new(), true)));
    ends(first);
    ends(second);
    let third = place.start();
    assert!(third.status(&upstream.url).contains("\"completed\":true"));
}

/// What the service manager is told next, but that all is well.
fn told(manager: &UnixDatagram) -> String {
    let mut buffer = [0; 500];
    loop {
        let length = manager.recv(&mut buffer).expect("the service manager is told");
        let text = String::from_utf8(buffer[..length].to_vec()).unwrap();
        if text != "WATCHDOG=1" {
            return text;
        }
    }
}

#[test]
fn a_successor_that_a_command_has_started_is_the_service_managers_main_process_from_then_on() {
    let place = Place::new();
    let socket = place.path().with_extension("notify");
    let manager = UnixDatagram::bind(&socket).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let first =
        Recorder::spawn(place.command(&[]).env("NOTIFY_SOCKET", &socket).env("WATCHDOG_USEC", "200000"));
    assert!(told(&manager).starts_with("READY=1"));

    // As the unit's ExecReload= does: the command ends once the successor serves.
    let reload = || {
        let output = place.command(&["--detach"]).output().unwrap();
        assert!(output.status.success());
        let line = String::from_utf8(output.stdout).unwrap();
        assert_eq!(line, format!("durablefetch: listening on http://{}\n", place.listen));
        let main = told(&manager);
        let pid = main.strip_prefix("MAINPID=").unwrap_or_else(|| panic!("{main}")).to_owned();
        assert!(told(&manager).starts_with("READY=1\nSTATUS=listening"));
        // It is the one that the watchdog hears.
        let mut buffer = [0; 500];
        let length = manager.recv(&mut buffer).expect("the successor is well");
        assert_eq!(&buffer[..length], b"WATCHDOG=1");
        pid
    };
    let second = reload();
    assert_ne!(second, first.child.id().to_string());
    ends(first);
    let third = reload();
    assert_ne!(third, second);
    let serves = std::net::TcpStream::connect(place.address());
    assert!(serves.is_ok());
    // A setting that is wrong: the command fails, and who serves goes on.
    let wrong = place.command(&["--detach", "--ttl", "long"]).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8(wrong.stderr).unwrap().contains("`long` is not a duration"));
    assert!(Command::new("kill").args(["-TERM", &third]).status().unwrap().success());
    assert!(told(&manager).starts_with("STOPPING=1"));
    let until = Instant::now() + PATIENCE;
    let lives =
        |pid: &str| Command::new("kill").args(["-0", pid]).stderr(Stdio::null()).status().unwrap().success();
    while lives(&second) || lives(&third) {
        assert!(Instant::now() < until, "they do not end");
    }
}

#[test]
fn a_connection_that_is_kept_moves_to_the_second_with_its_next_request() {
    let place = Place::new();
    let upstream = Upstream::start();
    let first = place.start();
    let (_, mut reader, mut stream) = first.begin(&upstream);
    let mut kept = Kept::open(&first);
    assert!(!kept.get("/healthz").contains("connection: close"));
    let second = place.start();
    // It came to the first, which has not the key, and passes it on.
    let asked = format!("{{\"url\":\"{}\"}}", upstream.url.replace("stream", "other"));
    let (head, body) = kept.ask("POST /in-progress", &[], &asked);
    assert!(head.contains("connection: close") && body.contains("\"state\":\"none\""), "{head}{body}");
    send(&mut stream, "");
    assert_eq!(reader.rest(), (String::new(), true));
    ends(first);
    drop(second);
}

#[test]
fn a_head_as_large_as_may_be_is_passed_on() {
    let place = Place::new();
    let upstream = Upstream::start();
    let first = place.start();
    let mut reply = first.send("GET /", &[("durablefetch-url", &upstream.url)], "");
    let mut stream = upstream.asked();
    let headers: String = (0..150).map(|n| format!("x-{n}: {}\r\n", "v".repeat(200))).collect();
    let head = format!("HTTP/1.1 200 OK\r\n{headers}transfer-encoding: chunked\r\n\r\n");
    std::io::Write::write_all(&mut stream, head.as_bytes()).unwrap();
    let id = header(&reply.head(), "durablefetch-recording").to_uppercase();
    let second = place.start();
    let head = rest_of(&second, &id, 0, &upstream.url).head();
    assert_eq!(header(&head, "x-149"), "v".repeat(200));
    send(&mut stream, "");
    assert_eq!(reply.rest(), (String::new(), true));
    ends(first);
}

#[test]
fn when_the_second_is_killed_the_first_serves_again() {
    let place = Place::new();
    let [old, lost, new] = [Upstream::start(), Upstream::start(), Upstream::start()];
    let first = place.start();
    let (id, mut reader, mut stream) = first.begin(&old);
    let second = place.start();
    let (_, mut cut, mut going) = second.begin(&lost);
    send(&mut going, "stored");
    assert_eq!(cut.take(6), "stored");
    second.kill();
    assert_eq!(cut.rest(), (String::new(), false));
    // It connects, and waits until the first has noticed.
    let (_, mut fresh, mut asked) = first.begin(&new);
    send(&mut asked, "");
    assert_eq!(fresh.rest(), (String::new(), true));
    assert!(first.status(&lost.url).contains("\"state\":\"interrupted\""), "{}", first.status(&lost.url));
    send(&mut stream, "goes on");
    let mut rest = rest_of(&first, &id, 0, &old.url);
    rest.head();
    assert_eq!(rest.take(7), "goes on");
    send(&mut stream, "");
    assert_eq!(reader.rest(), ("goes on".into(), true));
    // It gives its place away once more.
    let third = place.start();
    ends(first);
    assert!(third.status(&old.url).contains("\"completed\":true"));
    assert!(third.status(&lost.url).contains("\"state\":\"interrupted\""));
}

#[test]
fn when_the_first_is_killed_the_second_has_what_it_had_stored() {
    let place = Place::new();
    let upstream = Upstream::start();
    let first = place.start();
    let (id, mut reader, mut stream) = first.begin(&upstream);
    send(&mut stream, "stored");
    assert_eq!(reader.take(6), "stored");
    let second = place.start();
    let mut through = rest_of(&second, &id, 0, &upstream.url);
    through.head();
    assert_eq!(through.take(6), "stored");
    first.kill();
    assert_eq!((reader.rest().1, through.rest().1), (false, false), "a cut is not an end");
    let until = Instant::now() + PATIENCE;
    while !second.status(&upstream.url).contains("\"state\":\"interrupted\"") {
        assert!(Instant::now() < until, "{}", second.status(&upstream.url));
    }
    let mut rest =
        second.send("GET /", &[("durablefetch-url", &upstream.url), ("durablefetch-mode", "replay")], "");
    rest.head();
    assert_eq!(rest.rest(), ("stored".into(), false));
    let (_, mut again, mut asked) = second.begin(&upstream);
    send(&mut asked, "");
    assert_eq!(again.rest(), (String::new(), true));
}
