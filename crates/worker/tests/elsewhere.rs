//! A detour over another machine. An address of this machine's own that is not loopback stands for it; where there is
//! none that a recorder may connect to, nothing is tested.

#[path = "workerd/running.rs"]
mod running;
mod workerd;

use std::net::{IpAddr, SocketAddr, UdpSocket};

use durablefetch_conformance::Settings;
use durablefetch_conformance::check::{Checked, same};
use durablefetch_conformance::client::Recorder;
use durablefetch_conformance::upstream::{Reply, Upstream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use running::running;

/// A private address of this machine. Nothing is sent to find it.
fn address() -> IpAddr {
    let towards = |from: &str, to: &str| -> std::io::Result<IpAddr> {
        let socket = UdpSocket::bind(from)?;
        socket.connect(to)?;
        Ok(socket.local_addr()?.ip())
    };
    let found = [towards("0.0.0.0:0", "10.255.255.255:9"), towards("[::]:0", "[fd00::ffff]:9")];
    let is_private = |address: &IpAddr| match address {
        IpAddr::V4(address) => address.is_private(),
        IpAddr::V6(address) => address.is_unique_local(),
    };
    let remedy =
        "this test wants a private address of this machine: `ip addr add 10.1.2.3/32 dev lo` makes one";
    found.into_iter().flatten().find(is_private).expect(remedy)
}

/// A server there that redirects to where the path of a request says, and sets a cookie.
async fn elsewhere(address: IpAddr) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind((address, 0)).await?;
    let at = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = vec![0; 4096];
            let length = stream.read(&mut head).await.unwrap_or_default();
            let head = String::from_utf8_lossy(&head[..length]).into_owned();
            let to = head.split(' ').nth(1).and_then(|path| path.split_once("?to=")).map_or("", |(_, to)| to);
            let answer = format!(
                "HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    Ok(at)
}

/// Starts the worker and runs a test on it.
async fn with_recorder<F: Future<Output = Checked>>(
    allow: Vec<String>,
    any: bool,
    test: impl FnOnce(Recorder) -> F,
) {
    let store = tempfile::tempdir().expect("a directory");
    let settings = Settings { allow, ..Settings::default() };
    let mut command = workerd::serve(&settings, store.path());
    if any {
        command.env("DURABLEFETCH_ALLOW_ANY", "true");
    }
    let (_process, base) = running(command).await;
    let run = async { test(Recorder::at(&base)?).await };
    if let Err(oops) = run.await {
        panic!("{oops}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cookies_do_not_cross_after_a_detour_over_another_origin() {
    let address = address();
    let there = elsewhere(address).await.expect("it listens");
    let upstream = Upstream::listen().await.expect("it listens");
    let allow = vec![format!("http://{there}/"), format!("http://{}/", upstream.authority())];
    with_recorder(allow, false, |recorder| async move {
        let app = upstream.replying(Reply::ok("arrived").header("set-cookie", "a=b"));
        let mut straight = recorder.fetch("GET", &app.url()).send().await?;
        straight.has("set-cookie", "a=b")?;
        straight.ends_with("arrived").await?;
        let detour = upstream.replying(Reply::redirect(302, &format!("http://{there}/?to={}", app.url())));
        let mut answer = recorder.fetch("GET", &detour.url()).header("cookie", "c=d").send().await?;
        answer.is(200)?.lacks("set-cookie")?;
        answer.ends_with("arrived").await?;
        same("cookie", app.last()?.headers.get("cookie"), None)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_from_elsewhere_does_not_lead_to_this_machine() {
    let address = address();
    let there = elsewhere(address).await.expect("it listens");
    let upstream = Upstream::listen().await.expect("it listens");
    // What is named beside "any" may be private; all else may be fetched where it is public.
    with_recorder(vec![format!("http://{there}/")], true, |recorder| async move {
        let here = upstream.replying(Reply::ok("arrived"));
        let hop = upstream.replying(Reply::redirect(302, &here.url()));
        recorder.fetch("GET", &hop.url()).send().await?.ends_with("arrived").await?;
        let detour = upstream.replying(Reply::redirect(302, &format!("http://{there}/?to={}", here.url())));
        let mut refused = recorder.fetch("GET", &detour.url()).send().await?;
        refused.is(403)?;
        let said = refused.text().await?;
        same("the message names the redirect", said.contains("the upstream redirected elsewhere"), true)?;
        here.hits(1)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_is_told_which_upstream_cannot_be_connected_to() {
    let closed = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("its address");
    with_recorder(Vec::new(), false, |recorder| async move {
        let mut answer = recorder.fetch("GET", &format!("http://{closed}/")).send().await?;
        answer.is(502)?;
        let said = answer.text().await?;
        same("the message names the host", said.contains(&format!("`{closed}`")), true)
    })
    .await;
}
