//! A TCP connection's way, which can be cut or fall silent, and goes on; and a balancer, which is one to several.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::listen::listen;

/// What passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passes {
    All,
    /// Nothing, for now: what was sent arrives later.
    Later,
    /// Nothing: connections are reset, new ones too.
    Nothing,
}

pub(crate) struct Pipe {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    /// The ports that it leads to, one after the other. One where nobody listens is left out.
    targets: Vec<u16>,
    next: AtomicUsize,
    passes: watch::Sender<Passes>,
}

impl Pipe {
    /// To one of these ports.
    pub(crate) async fn to(targets: Vec<u16>) -> Result<Self> {
        let shared =
            Arc::new(Shared { targets, next: AtomicUsize::new(0), passes: watch::Sender::new(Passes::All) });
        Ok(Self { port: listen(&shared, Shared::serve).await?, shared })
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn set(&self, passes: Passes) {
        self.shared.passes.send_replace(passes);
    }

    /// The next connection goes to the target of this number.
    pub(crate) fn turn_to(&self, target: usize) {
        self.shared.next.store(target, Ordering::Relaxed);
    }
}

impl Shared {
    async fn serve(self: Arc<Self>, mut client: TcpStream) {
        let mut passes = self.passes.subscribe();
        let whole = tokio::select! {
            passed = self.pass(&mut client) => passed.is_ok(),
            _ = passes.wait_for(|passes| *passes == Passes::Nothing) => false,
        };
        if !whole {
            let _ = client.set_zero_linger();
        }
    }

    async fn pass(&self, client: &mut TcpStream) -> io::Result<()> {
        self.may_pass().await;
        let mut server = self.connect().await?;
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let (mut from_client, mut to_client) = client.split();
        let (mut from_server, mut to_server) = server.split();
        let up = async {
            self.copy(&mut from_client, &mut to_server).await?;
            // The answer may be on its way yet.
            std::future::pending().await
        };
        let down = self.copy(&mut from_server, &mut to_client);
        tokio::select! { passed = up => passed, passed = down => passed }
    }

    /// To the next target that takes connections.
    async fn connect(&self) -> io::Result<TcpStream> {
        let mut failed = io::Error::from(io::ErrorKind::NotConnected);
        for _ in &self.targets {
            let next = self.next.fetch_add(1, Ordering::Relaxed) % self.targets.len();
            match TcpStream::connect(("127.0.0.1", self.targets[next])).await {
                Ok(stream) => return Ok(stream),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    /// To the end of what comes, which is told on.
    async fn copy(
        &self,
        from: &mut (impl AsyncRead + Unpin),
        to: &mut (impl AsyncWrite + Unpin),
    ) -> io::Result<()> {
        let mut buffer = vec![0; 16 << 10];
        loop {
            let length = from.read(&mut buffer).await?;
            self.may_pass().await;
            if length == 0 {
                return to.shutdown().await;
            }
            to.write_all(&buffer[..length]).await?;
        }
    }

    async fn may_pass(&self) {
        let mut passes = self.passes.subscribe();
        // The sender is here.
        let _ = passes.wait_for(|passes| *passes == Passes::All).await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use tokio::net::TcpListener;

    use super::*;

    /// Says its name to everybody, and then what it is told.
    async fn echo(name: &'static [u8]) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                tokio::spawn(async move {
                    stream.write_all(name).await.unwrap();
                    let (mut from, mut to) = stream.split();
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                });
            }
        });
        port
    }

    async fn said(stream: &mut TcpStream) -> Option<u8> {
        stream.read_u8().await.ok()
    }

    #[tokio::test]
    async fn each_connection_goes_to_the_next_that_listens() {
        let (a, b) = (echo(b"a").await, echo(b"b").await);
        let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let nobody = gone.local_addr().unwrap().port();
        drop(gone);
        let pipe = Pipe::to(vec![a, nobody, b]).await.unwrap();
        pipe.turn_to(1);
        let mut heard = Vec::new();
        for _ in 0..3 {
            let mut stream = TcpStream::connect(("127.0.0.1", pipe.port())).await.unwrap();
            heard.push(said(&mut stream).await);
        }
        assert_eq!(heard, [Some(b'b'), Some(b'a'), Some(b'b')]);
    }

    #[tokio::test]
    async fn what_is_silent_goes_on_and_what_is_cut_does_not() {
        let pipe = Pipe::to(vec![echo(b"a").await]).await.unwrap();
        let mut stream = TcpStream::connect(("127.0.0.1", pipe.port())).await.unwrap();
        assert_eq!(said(&mut stream).await, Some(b'a'));
        pipe.set(Passes::Later);
        stream.write_all(b"x").await.unwrap();
        assert!(timeout(Duration::from_millis(100), said(&mut stream)).await.is_err());
        pipe.set(Passes::All);
        assert_eq!(said(&mut stream).await, Some(b'x'));
        pipe.set(Passes::Nothing);
        assert_eq!(said(&mut stream).await, None);
        let mut refused = TcpStream::connect(("127.0.0.1", pipe.port())).await.unwrap();
        assert_eq!(said(&mut refused).await, None);
    }
}
