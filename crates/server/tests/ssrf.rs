//! Server-side request forgery: whatever a URL looks like and whatever its name resolves to, the recorder connects
//! to nothing that it may not. A canary listens on every address of this machine; where loopback is reached in a
//! form that is refused, it would see the connection.

#![allow(clippy::unwrap_used, reason = "what a test needs and cannot have has failed it")]

use std::collections::HashMap;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use durablefetch_conformance::client::{Recorder, Response};
use durablefetch_conformance::upstream::{Reply, Upstream};
use durablefetch_server::Config;
use durablefetch_server::resolve::{Looking, Lookup};
use tokio::sync::oneshot;

/// Hosts that are addresses which nobody may connect to, however they are spelled.
const FORBIDDEN: &[&str] = &[
    // "This host", which Linux connects to loopback.
    "0.0.0.0",
    "0",
    "0x0",
    "0x00000000",
    "00",
    "0.0",
    "0.0.0",
    "000.000.000.000",
    "0.0.0.0.",
    "0x0.0x0.0x0.0x0",
    "0.1",
    "%30.0.0.0",
    "%EF%BC%90.0.0.0",
    "0%E3%80%820%E3%80%820%E3%80%820",
    "[::]",
    "[0:0:0:0:0:0:0:0]",
    "[::0.0.0.0]",
    // Loopback in the form of another kind of address.
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:FFFF:7F00:0001]",
    "[::ffff:0.0.0.0]",
    "[::127.0.0.1]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::]",
    // Link-local, where metadata services are.
    "169.254.169.254",
    "169.254.169.254.",
    "2852039166",
    "0xa9fea9fe",
    "0xA9.0xFE.0xA9.0xFE",
    "0251.0376.0251.0376",
    "025177524776",
    "169.254.43518",
    "169.16689662",
    "169.0376.0xa9.254",
    "169%2E254%2E169%2E254",
    "%EF%BC%91%EF%BC%96%EF%BC%99.254.169.254",
    "%E2%91%A0%E2%91%A5%E2%91%A8.254.169.254",
    "169%EF%BC%8E254%EF%BC%8E169%EF%BC%8E254",
    "169.254.0.1",
    "[::ffff:169.254.169.254]",
    "[::ffff:a9fe:a9fe]",
    "[64:ff9b::169.254.169.254]",
    "[fe80::1]",
    "[febf:ffff::1]",
    "[fec0::1]",
    // Metadata services elsewhere.
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "[fd00:ec2::254]",
    "[FD00:0EC2:0:0:0:0:0:254]",
    "[fd00:ec2::23]",
    "[fd20:ce::254]",
    "[fd20:ce:0:0::0.0.2.84]",
    "[fd00:c1::a9fe:a9fe]",
    "[fd00:42::42]",
    "[fd00:a9fe:a9fe::1]",
    // Multicast, broadcast, reserved, documentation.
    "224.0.0.1",
    "239.255.255.250",
    "0xe0000001",
    "255.255.255.255",
    "4294967295",
    "240.0.0.1",
    "192.0.2.1",
    "198.51.100.1",
    "203.0.113.1",
    "198.18.0.1",
    "192.88.99.1",
    "[ff02::1]",
    "[ff0e::1]",
    "[2001:db8::1]",
    "[100::1]",
    "[3fff::1]",
    "[4000::1]",
    "[::ffff:8.8.8.8]",
];

/// Hosts that are addresses in somebody's own network, which an operator has to name.
const PRIVATE: &[&str] = &[
    "10.0.0.1",
    "10.1",
    "167772161",
    "0xa000001",
    "012.0.0.1",
    "10.255.255.255",
    "172.16.0.1",
    "172.31.255.254",
    "0xac.16.1",
    "192.168.0.1",
    "192.168.1",
    "3232235521",
    "0300.0250.0.1",
    "0xc0.0xa8.0x0.0x1",
    "192.168.0.1.",
    "%31%30.0.0.1",
    "100.64.0.1",
    "100.127.255.254",
    "0x64.0x40.1",
    "[fc00::1]",
    "[fd12:3456::1]",
    "[FDFF::]",
];

/// URLs, with `PORT` for the canary's, that mean one host to some parsers and another to others, or none.
const INVALID: &[&str] = &[
    "http://user@0.0.0.0:PORT/",
    "http://user:pass@0.0.0.0:PORT/",
    "http://a.example@0.0.0.0:PORT/",
    "http://a.example:80@0.0.0.0:PORT/",
    "http://a.example%40b@0.0.0.0:PORT/",
    "http://256.0.0.0:PORT/",
    "http://0x100000000:PORT/",
    "http://0.0.0.0.0:PORT/",
    "http://08.0.0.1:PORT/",
    "http://0xg.0.0.1:PORT/",
    "http://[fe80::1%25lo]:PORT/",
    "http://[fe80::1%lo]:PORT/",
    "http://[::1:PORT/",
    "http://[::ffff:0x7f.0.0.1]:PORT/",
    "http://0.0.0.0:PORT:80/",
    "http://0.0.0.0:999999/",
    "http://%00.0.0.0:PORT/",
    "http://0.0.0.0%20:PORT/",
    "http://:PORT/",
    "gopher://0.0.0.0:PORT/",
    "file:///etc/passwd",
    "ftp://0.0.0.0:PORT/",
    "ws://0.0.0.0:PORT/",
];

/// Other ways to write an address of [`FORBIDDEN`].
const MISLEADING: &[&str] = &[
    "http:\\\\0.0.0.0:PORT\\",
    "http:0.0.0.0:PORT/",
    "http:///0.0.0.0:PORT/",
    "http://0.0.0.0:PORT\\@a.example/",
    "http://0.0.0.0:PORT?@a.example/",
    "http://0.0.0.0:PORT#@a.example/",
    "https://0.0.0.0:PORT/",
    "HTTP://0.0.0.0:PORT/",
];

/// What names resolve to.
const NAMES: &[(&str, &str)] = &[
    ("metadata.example", "169.254.169.254"),
    ("zero.example", "0.0.0.0"),
    ("any.example", "::"),
    ("mapped.example", "::ffff:127.0.0.1"),
    ("nat64.example", "64:ff9b::7f00:1"),
    ("private.example", "10.0.0.1"),
    ("shared.example", "100.64.0.1"),
    ("local.example", "fd00::1"),
    ("link.example", "fe80::1"),
    ("multicast.example", "ff02::1"),
    ("mixed.example", "127.0.0.1 0.0.0.0"),
    ("mixed-too.example", "0.0.0.0 127.0.0.1"),
    ("xn--bcher-kva.example", "0.0.0.0"),
    ("dotted.example.", "0.0.0.0"),
    ("0.0.0.0.nip.example", "0.0.0.0"),
    ("single", "0.0.0.0"),
];

/// A name server that a test scripts: it gives one answer after the other, and the last one again and again.
#[derive(Debug, Default)]
struct Names {
    answers: HashMap<String, Vec<Vec<IpAddr>>>,
    asked: Mutex<Vec<String>>,
}

impl Names {
    fn new<'a>(names: impl IntoIterator<Item = (&'a str, &'a [&'a str])>) -> Arc<Self> {
        let addresses = |text: &&str| text.split(' ').map(|text| text.parse().unwrap()).collect();
        let answers =
            names.into_iter().map(|(name, texts)| (name.to_owned(), texts.iter().map(addresses).collect()));
        Arc::new(Self { answers: answers.collect(), asked: Mutex::default() })
    }

    fn asked(&self, name: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| *asked == name).count()
    }
}

impl Lookup for Names {
    fn lookup(&self, name: &str) -> Looking {
        let before = self.asked(name);
        self.asked.lock().unwrap().push(name.to_owned());
        let found = self.answers.get(name).map(|answers| answers[before.min(answers.len() - 1)].clone());
        Box::pin(async move { found.ok_or_else(|| ErrorKind::NotFound.into()) })
    }
}

/// A recorder, a scripted upstream on 127.0.0.1, and a canary on every address.
struct Scene {
    recorder: Recorder,
    upstream: Upstream,
    canary: TcpListener,
    port: u16,
    _data: tempfile::TempDir,
    _stop: oneshot::Sender<()>,
}

impl Scene {
    async fn new(names: Arc<Names>) -> Self {
        Self::with(names, |_| {}).await
    }

    async fn with(names: Arc<Names>, set_up: impl FnOnce(&mut Config)) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut config = Config { lookup: names, ..Config::new(data.path()) };
        set_up(&mut config);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let recorder = Recorder::at(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(durablefetch_server::run(listener, config, async {
            let _ = stopped.await;
        }));
        // On a machine without IPv6, its forms lead nowhere anyway.
        let canary = TcpListener::bind("[::]:0").or_else(|_| TcpListener::bind("0.0.0.0:0")).unwrap();
        canary.set_nonblocking(true).unwrap();
        let port = canary.local_addr().unwrap().port();
        Self { recorder, upstream: Upstream::listen().await.unwrap(), canary, port, _data: data, _stop: stop }
    }

    async fn ask(&self, url: &str) -> Response {
        self.recorder.request("GET", "/").header("durablefetch-url", url).send().await.unwrap()
    }

    async fn ask_through_redirect(&self, status: u16, to: &str) -> Response {
        let at = self.upstream.replying(Reply::redirect(status, to));
        let response = self.ask(&at.url()).await;
        at.hits(1).unwrap();
        response
    }

    #[track_caller]
    fn assert_no_connection(&self, after: &str) {
        let seen = self.canary.accept().map(|(_, from)| from);
        assert_eq!(seen.expect_err(after).kind(), ErrorKind::WouldBlock, "{after}");
    }
}

/// Checks a refusal, whose message must say what kind of address it was about.
async fn refused(mut response: Response, kinds: &[&str], url: &str) {
    assert_eq!(response.status, 403, "{url}");
    let json = response.json().await.unwrap();
    assert_eq!(json["error"]["code"], "upstream-not-allowed", "{url}");
    let message = json["error"]["message"].as_str().unwrap();
    assert!(kinds.iter().any(|kind| message.contains(&format!("has a {kind} address"))), "{url}: {message}");
    assert!(message.contains("--allow"), "{url}: {message}");
}

const KINDS_FORBIDDEN: &[&str] =
    &["unspecified", "link-local", "metadata service", "multicast", "reserved", "IPv4-in-IPv6"];
const KINDS_PRIVATE: &[&str] = &["private", "carrier-grade NAT", "unique local"];
const STATUSES: [u16; 5] = [301, 302, 303, 307, 308];

#[tokio::test(flavor = "multi_thread")]
async fn the_canary_sees_whoever_connects() {
    let scene = Scene::new(Names::new([])).await;
    let loopback = IpAddr::from(Ipv4Addr::LOCALHOST);
    let mut ways = vec![loopback, Ipv4Addr::UNSPECIFIED.into()];
    if scene.canary.local_addr().unwrap().is_ipv6() {
        ways.extend(["::", "::1", "::ffff:127.0.0.1"].map(|text| text.parse::<IpAddr>().unwrap()));
    }
    for way in ways {
        let _connection = TcpStream::connect((way, scene.port)).unwrap();
        scene.canary.accept().unwrap_or_else(|error| panic!("{way}: {error}"));
    }
    // By a way that is allowed, the recorder gets there too.
    let asking =
        scene.recorder.fetch("GET", &format!("http://127.0.0.1:{}/", scene.port)).open().await.unwrap();
    scene.canary.set_nonblocking(false).unwrap();
    let canary = scene.canary.try_clone().unwrap();
    tokio::task::spawn_blocking(move || canary.accept().unwrap()).await.unwrap();
    asking.reset();
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_urls_are_refused_and_nothing_is_connected_to() {
    let table = FORBIDDEN.len() + PRIVATE.len() + INVALID.len() + MISLEADING.len();
    assert!(table >= 80, "{table}");
    let scene = Scene::new(Names::new([])).await;
    let with_port = |url: &str| url.replace("PORT", &scene.port.to_string());

    for (hosts, kinds) in [(FORBIDDEN, KINDS_FORBIDDEN), (PRIVATE, KINDS_PRIVATE)] {
        for (host, status) in hosts.iter().zip(STATUSES.into_iter().cycle()) {
            let url = format!("http://{host}:{}/x?secret", scene.port);
            refused(scene.ask(&url).await, kinds, &url).await;
            let path = format!("/http:/{host}:{}/x", scene.port);
            refused(scene.recorder.request("GET", &path).send().await.unwrap(), kinds, &path).await;
            refused(scene.ask_through_redirect(status, &url).await, kinds, &url).await;
            scene.assert_no_connection(&url);
        }
    }
    for url in MISLEADING.iter().map(|url| with_port(url)) {
        refused(scene.ask(&url).await, KINDS_FORBIDDEN, &url).await;
        scene.assert_no_connection(&url);
    }
    for url in INVALID.iter().map(|url| with_port(url)) {
        let mut direct = scene.ask(&url).await;
        direct.error(400, "invalid-url").await.unwrap_or_else(|error| panic!("{url}: {error}"));
        let mut redirected = scene.ask_through_redirect(302, &url).await;
        redirected.error(502, "upstream-failed").await.unwrap_or_else(|error| panic!("{url}: {error}"));
        scene.assert_no_connection(&url);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_resolve_to_what_is_refused_are_refused() {
    let answers: Vec<_> = NAMES.iter().map(|(name, answer)| (*name, [*answer])).collect();
    let names = Names::new(answers.iter().map(|(name, answer)| (*name, answer.as_slice())));
    let scene = Scene::new(Arc::clone(&names)).await;
    let kinds: Vec<_> = KINDS_FORBIDDEN.iter().chain(KINDS_PRIVATE).copied().collect();
    for (index, (name, _)) in NAMES.iter().enumerate() {
        let url = format!("http://{name}:{}/x", scene.port);
        refused(scene.ask(&url).await, &kinds, &url).await;
        assert_eq!(names.asked(name), 1, "{url}");
        refused(scene.ask_through_redirect(STATUSES[index % 5], &url).await, &kinds, &url).await;
        let head = scene.recorder.request("HEAD", "/").header("durablefetch-url", url.as_str());
        assert_eq!(head.send().await.unwrap().status, 403, "{url}");
        assert_eq!(names.asked(name), 3, "{url}");
        scene.assert_no_connection(&url);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_looked_up_once_and_what_it_resolves_to_later_does_not_count() {
    let names = Names::new([
        ("rebind.example", ["127.0.0.1", "0.0.0.0"].as_slice()),
        ("hop.example", ["127.0.0.1", "0.0.0.0"].as_slice()),
    ]);
    let scene = Scene::new(Arc::clone(&names)).await;
    // Whoever looks up twice, to check and to connect, connects to what was not checked.
    let at = scene.upstream.replying(Reply::ok("hello"));
    let url = at.url().replace("127.0.0.1", "rebind.example");
    scene.ask(&url).await.ends_with("hello").await.unwrap();
    assert_eq!(names.asked("rebind.example"), 1);
    // A replay asks nobody.
    scene.ask(&url).await.ends_with("hello").await.unwrap();
    assert_eq!(names.asked("rebind.example"), 1);
    // The next start asks anew, and no connection of the first is used for it.
    let again = scene.recorder.request("GET", "/").header("durablefetch-url", url.as_str()).mode("restart");
    refused(again.send().await.unwrap(), &["unspecified"], &url).await;
    assert_eq!(names.asked("rebind.example"), 2);
    at.hits(1).unwrap();

    // A name that was fine for one hop is looked up and checked again for the next.
    let there = scene.upstream.replying(Reply::ok("never"));
    let there_url = there.url().replace("127.0.0.1", "hop.example");
    let first = scene.upstream.replying(Reply::redirect(307, &there_url));
    let first_url = first.url().replace("127.0.0.1", "hop.example");
    refused(scene.ask(&first_url).await, &["unspecified"], &first_url).await;
    assert_eq!(names.asked("hop.example"), 2);
    first.hits(1).unwrap();
    there.hits(0).unwrap();
}

/// Where anybody may have anything fetched, nobody learns what is around the recorder.
#[tokio::test(flavor = "multi_thread")]
async fn under_a_public_origin_every_name_that_leads_nowhere_is_one_answer() {
    let answers: Vec<_> = NAMES.iter().map(|(name, answer)| (*name, [*answer])).collect();
    let names = Names::new(answers.iter().map(|(name, answer)| (*name, answer.as_slice())));
    let scene = Scene::with(names, |config| {
        config.public_origin = Some("https://app.example".into());
        config.allow_any = true;
        config.unguessable_urls = true;
    });
    let scene = scene.await;
    let ask = async |method: &str, url: &str| {
        let request = scene.recorder.request(method, "/").header("durablefetch-url", url);
        request.header("host", "app.example").send().await.unwrap()
    };
    let mut unknown = ask("GET", "http://no-such-name.example/x").await;
    assert_eq!(
        (unknown.status, unknown.header("durablefetch-error").unwrap().as_str()),
        (502, "upstream-unreachable")
    );
    let said = unknown.text().await.unwrap();
    assert!(said.contains("log") && !said.contains("no-such-name"), "{said}");
    for (name, _) in NAMES {
        let url = format!("http://{name}:{}/x", scene.port);
        let mut response = ask("GET", &url).await;
        assert_eq!((response.status, response.text().await.unwrap()), (502, said.clone()), "{url}");
        assert_eq!(ask("HEAD", &url).await.status, 502, "{url}");
        scene.assert_no_connection(&url);
    }
}
