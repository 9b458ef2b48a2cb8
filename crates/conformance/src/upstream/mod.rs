//! The scripted upstream: an HTTP/1.1 server on 127.0.0.1 whose every byte the case decides.
//!
//! A case asks for an [`Endpoint`] (a unique path), points the recorder at its URL, accepts the request when
//! it arrives, and then plays the upstream step by step through the [`Call`].

mod call;
mod coding;
mod elsewhere;
mod endpoint;
mod reply;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::{TcpListener, TcpStream};

pub use call::{Call, Received};
pub use coding::{brotli, deflate, gunzip, gzip, zlib, zstd};
pub use endpoint::Endpoint;
pub use reply::Reply;

use crate::check::{Checked, Oops};
use crate::wire::{Framing, Headers, Wire};

/// The server. Clones are handles to the same one; it listens until the last is dropped.
#[derive(Clone)]
pub struct Upstream {
    shared: Arc<Shared>,
}

struct Shared {
    address: SocketAddr,
    endpoints: Mutex<HashMap<String, Endpoint>>,
    next: AtomicU64,
}

impl Upstream {
    /// Listens on a free port of 127.0.0.1.
    pub async fn listen() -> Checked<Self> {
        Self::listen_on(Ipv4Addr::LOCALHOST.into()).await
    }

    /// Listens on a private address of this machine. To a recorder it is another machine.
    pub async fn listen_elsewhere() -> Checked<Self> {
        Self::listen_on(elsewhere::address()?).await
    }

    async fn listen_on(address: IpAddr) -> Checked<Self> {
        let failed = |error| Oops::new(format!("the scripted upstream cannot listen on {address}: {error}"));
        let listener = TcpListener::bind((address, 0)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let shared = Arc::new(Shared { address, endpoints: Mutex::default(), next: AtomicU64::new(1) });
        let weak = Arc::downgrade(&shared);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Some(shared) = weak.upgrade() else { return };
                tokio::spawn(serve(Self { shared }, Wire::new(stream)));
            }
        });
        Ok(Self { shared })
    }

    /// Host and port.
    pub fn authority(&self) -> String {
        self.shared.address.to_string()
    }

    /// A new path whose requests wait until they are [accepted](Endpoint::accept).
    pub fn endpoint(&self) -> Endpoint {
        self.add(None)
    }

    /// A new path that gives every request the same reply.
    pub fn replying(&self, reply: Reply) -> Endpoint {
        self.add(Some(reply))
    }

    fn add(&self, reply: Option<Reply>) -> Endpoint {
        let id = format!("e{}", self.shared.next.fetch_add(1, Ordering::Relaxed));
        let endpoint = Endpoint::new(self.authority(), &id, reply);
        self.endpoints(|all| all.insert(id, endpoint.clone()));
        endpoint
    }

    fn endpoints<T>(&self, f: impl FnOnce(&mut HashMap<String, Endpoint>) -> T) -> T {
        f(&mut self.shared.endpoints.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// An address on which nothing listens: connecting to it is refused.
///
/// The socket stays bound, so nobody else gets the port, but never listens.
pub struct Nobody {
    _bound: tokio::net::TcpSocket,
    address: SocketAddr,
}

impl Nobody {
    /// Takes a free port of 127.0.0.1.
    pub fn bind() -> Checked<Self> {
        let bind = || {
            let socket = tokio::net::TcpSocket::new_v4()?;
            socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
            let address = socket.local_addr()?;
            Ok(Self { _bound: socket, address })
        };
        bind().map_err(|e: std::io::Error| Oops::new(format!("cannot bind 127.0.0.1: {e}")))
    }

    /// Host and port.
    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    /// A URL there.
    pub fn url(&self) -> String {
        format!("http://{}/nobody", self.address)
    }
}

/// An address at which connections are neither taken nor refused: as many wait there as the system lets wait, and it
/// drops what asks for another one.
pub struct Deaf {
    _listening: tokio::net::TcpListener,
    _waiting: Vec<tokio::net::TcpStream>,
    address: SocketAddr,
}

impl Deaf {
    /// Takes a free port of 127.0.0.1.
    pub async fn listen() -> Checked<Self> {
        let listen = async || {
            let socket = tokio::net::TcpSocket::new_v4()?;
            socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
            let listening = socket.listen(1)?;
            let address = listening.local_addr()?;
            let mut waiting = Vec::new();
            // One more than it was told to let wait.
            for _ in 0..2 {
                waiting.push(tokio::net::TcpStream::connect(address).await?);
            }
            Ok(Self { _listening: listening, _waiting: waiting, address })
        };
        listen().await.map_err(|e: std::io::Error| Oops::new(format!("cannot listen on 127.0.0.1: {e}")))
    }

    /// A URL there.
    pub fn url(&self) -> String {
        format!("http://{}/deaf", self.address)
    }
}

/// Reads one request from the connection and hands it to its endpoint. A call that ends in good order
/// comes back here for the next request.
async fn serve(upstream: Upstream, mut wire: Wire) {
    let Ok(Some(head)) = wire.head().await else { return };
    let Some((mut received, mut framing)) = parse(&head) else { return };
    while let Some(piece) = match framing.next(&mut wire).await {
        Ok(piece) => piece,
        Err(_) => return,
    } {
        received.body.extend_from_slice(&piece);
    }
    let id = received.target.split(['/', '?']).nth(1).unwrap_or_default().to_owned();
    let endpoint = upstream.endpoints(|all| all.get(&id).cloned());
    let call = Call::new(upstream, wire, received);
    match endpoint {
        Some(endpoint) => endpoint.arrived(call).await,
        // Nobody asked for this path; the case that caused it will see a 404 it did not expect.
        None => drop(Reply::new(404).body("no such endpoint").play(call).await),
    }
}

fn parse(head: &[u8]) -> Option<(Received, Framing)> {
    let mut headers = [httparse::EMPTY_HEADER; 1100];
    let mut parsed = httparse::Request::new(&mut headers);
    parsed.parse(head).ok()?;
    let headers = Headers::of(parsed.headers);
    let framing = Framing::announced(&headers).ok()?.unwrap_or(Framing::Empty);
    let received = Received {
        method: parsed.method?.to_owned(),
        target: parsed.path?.to_owned(),
        headers,
        body: Vec::new(),
        at: std::time::Instant::now(),
    };
    Some((received, framing))
}

/// What `serve` needs to be handed back a connection.
fn again(upstream: Upstream, stream: TcpStream) {
    // Boxed by the spawn: `serve` is reached again from inside itself.
    let next: std::pin::Pin<Box<dyn Future<Output = ()> + Send>> =
        Box::pin(serve(upstream, Wire::new(stream)));
    tokio::spawn(next);
}
