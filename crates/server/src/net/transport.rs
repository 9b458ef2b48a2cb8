//! A client's byte stream: a socket, or TLS on one.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::net::peer;

/// What a connection reads and writes.
#[derive(Debug)]
pub(crate) enum Transport {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    /// Another process of this machine, that passes on what clients ask it.
    Peer(peer::Stream),
}

/// What a connection over HTTP/2 begins with.
const PREFACE: &[u8] = b"PRI";

impl Transport {
    /// Whether the client is known to speak HTTP/1, once it has said something. Where it is not, what it says decides.
    pub(crate) async fn is_http1(&self) -> io::Result<bool> {
        match self {
            Self::Plain(socket) => {
                let mut first = [0; PREFACE.len()];
                let n = socket.peek(&mut first).await?;
                Ok(!PREFACE.starts_with(&first[..n]))
            }
            // HTTP/2 over TLS is what both have agreed on (RFC 9113 §3.2); nginx and others that ask for no protocol mean HTTP/1.
            Self::Tls(stream) => Ok(stream.get_ref().1.alpn_protocol() != Some(b"h2")),
            Self::Peer(_) => Ok(true),
        }
    }

    /// The socket, without what is left to be told on it, where it is one that can be reset. Another process sees a cut by
    /// the chunk that is missing.
    pub(crate) fn into_socket(self) -> Option<TcpStream> {
        match self {
            Self::Plain(socket) => Some(socket),
            Self::Tls(stream) => Some(stream.into_inner().0),
            Self::Peer(_) => None,
        }
    }
}

macro_rules! each {
    ($self:ident, $stream:ident => $do:expr) => {
        match $self.get_mut() {
            Self::Plain(socket) => {
                let $stream = Pin::new(socket);
                $do
            }
            Self::Tls(tls) => {
                let $stream = Pin::new(tls.as_mut());
                $do
            }
            Self::Peer(socket) => {
                let $stream = Pin::new(socket);
                $do
            }
        }
    };
}

impl AsyncRead for Transport {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => stream.poll_read(cx, buf))
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        each!(self, stream => stream.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        each!(self, stream => stream.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => stream.poll_shutdown(cx))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn what_a_client_says_first_shows_its_version() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        for (first, is_http1) in [
            ("GET / HTTP/1.1", true),
            ("PROPFIND / HTTP/1.1", true),
            ("PRI * HTTP/2.0", false),
            // Not yet known, or nothing more to come.
            ("PR", false),
            ("", false),
        ] {
            let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            client.write_all(first.as_bytes()).await.unwrap();
            client.shutdown().await.unwrap();
            let (socket, _) = listener.accept().await.unwrap();
            assert_eq!(Transport::Plain(socket).is_http1().await.unwrap(), is_http1, "{first:?}");
        }
    }
}
