//! The application's process: `GET` of a path asks the upstream for it, and appends what comes to a stream of that path.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use crate::client::{self, Response};
use crate::upstream::asked;

/// Text, since the server sends other bytes in base64: a third more of them for every reader.
const TEXT: &str = "content-type: text/plain\r\n";
const END: &str = "stream-closed: true\r\n";

/// Serves until the process is ended. Prints `listening on http://ADDRESS` first.
///
/// # Errors
/// Without a port.
pub async fn run(upstream: SocketAddr, server: SocketAddr) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await.context("the app cannot listen")?;
    println!("listening on http://{}", listener.local_addr()?);
    loop {
        let (socket, _) = listener.accept().await?;
        tokio::task::spawn_local(async move {
            if let Err(error) = start(socket, upstream, server).await {
                eprintln!("the app beside durable-streams: {error:#}");
            }
        });
    }
}

/// Answers as soon as there is a stream to read, and goes on filling it.
async fn start(mut socket: TcpStream, upstream: SocketAddr, server: SocketAddr) -> Result<()> {
    let (path, _) = asked(&mut socket).await?;
    let mut source = Response::get(upstream, &path, "").await?;
    ensure!(source.status == 200, "the upstream answered {}", source.status);
    let mut stream = TcpStream::connect(server).await?;
    stream = sent(stream, server, "PUT", &path, TEXT, b"").await?;
    socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await?;
    drop(socket);
    let mut buffer = client::buffer();
    loop {
        let mut came = Vec::new();
        let goes_on = source.read(&mut buffer, |bytes| {
            came.extend_from_slice(bytes);
            Ok(())
        });
        let goes_on = goes_on.await?;
        // One after the other, as an app that waits for each to be on disk: what comes meanwhile goes into the next.
        if !came.is_empty() {
            stream = sent(stream, server, "POST", &path, TEXT, &came).await?;
        }
        if !goes_on {
            sent(stream, server, "POST", &path, END, b"").await?;
            return Ok(());
        }
    }
}

/// Sends one request and returns the connection for the next.
async fn sent(
    stream: TcpStream,
    server: SocketAddr,
    method: &str,
    path: &str,
    headers: &str,
    body: &[u8],
) -> Result<TcpStream> {
    let response = Response::send_on(stream, server, method, path, headers, body).await?;
    ensure!((200..300).contains(&response.status), "{method} of {path} was answered {}", response.status);
    response.into_stream().await
}
