//! The other processes of the cluster, as the store lists them.

use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use durablefetch_protocol::placement::Owner;
use durablefetch_store_postgres::Store;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};
use url::Url;

use super::identity::{Identity, NAME, spki_of};

/// A process that lives answers within this time.
const PATIENCE: Duration = Duration::from_secs(1);

/// A connection to another process.
pub(crate) type Way = client::TlsStream<TcpStream>;

/// Those that are known.
pub(super) struct Peers {
    identity: Identity,
    acceptor: TlsAcceptor,
    me: Owner,
    known: Mutex<HashMap<Owner, Peer>>,
}

#[derive(Clone)]
struct Peer {
    /// Host and port.
    address: (String, u16),
    spki: Vec<u8>,
    connector: TlsConnector,
}

impl Peers {
    pub(super) fn new(identity: Identity, me: Owner) -> Result<Self, rustls::Error> {
        Ok(Self { acceptor: identity.acceptor()?, identity, me, known: Mutex::default() })
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Owner, Peer>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads who is listed. Returns whether another one lives that takes what this one lets go of.
    pub(super) async fn look(&self, store: &Store) -> io::Result<bool> {
        let listed = store.nodes().await.map_err(|error| io::Error::other(error.to_string()))?;
        let takes = listed.iter().any(|node| node.owner != self.me && node.alive && !node.draining);
        let mut before = self.known().clone();
        let mut known = HashMap::new();
        for listed in listed.into_iter().filter(|listed| listed.owner != self.me) {
            // One that is known has its connections' tickets.
            let peer = match before.remove(&listed.owner) {
                Some(peer) => peer,
                None => {
                    let connector = self.identity.connector(&listed.node.spki).map_err(io::Error::other)?;
                    let Some(address) = address(&listed.node.url) else { continue };
                    Peer { address, spki: listed.node.spki, connector }
                }
            };
            known.insert(listed.owner, peer);
        }
        *self.known() = known;
        Ok(takes)
    }

    async fn find(&self, store: &Store, owner: Owner) -> io::Result<Option<Peer>> {
        let known = self.known().get(&owner).cloned();
        if known.is_some() {
            return Ok(known);
        }
        self.look(store).await?;
        Ok(self.known().get(&owner).cloned())
    }

    pub(super) async fn connect(&self, store: &Store, owner: Owner) -> io::Result<Way> {
        let peer = self.find(store, owner).await?;
        let peer = peer.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "it is not listed"))?;
        let connecting = async {
            let (host, port) = &peer.address;
            let stream = TcpStream::connect((host.as_str(), *port)).await?;
            stream.set_nodelay(true)?;
            peer.connector.connect(NAME.try_into().map_err(io::Error::other)?, stream).await
        };
        timeout(PATIENCE, connecting).await?
    }

    /// Accepts a connection of a process that is listed; `None` for one of somebody else.
    pub(super) async fn accept(
        &self,
        store: &Store,
        stream: TcpStream,
    ) -> io::Result<Option<server::TlsStream<TcpStream>>> {
        stream.set_nodelay(true)?;
        let stream = timeout(PATIENCE, self.acceptor.accept(stream)).await??;
        let shown = stream.get_ref().1.peer_certificates().and_then(|all| spki_of(all.first()?));
        let Some(shown) = shown else { return Ok(None) };
        let is_known = || self.known().values().any(|peer| peer.spki == shown);
        if !is_known() {
            // It may have joined a moment ago.
            self.look(store).await?;
        }
        Ok(is_known().then_some(stream))
    }
}

/// Host and port of a process's URL.
fn address(url: &str) -> Option<(String, u16)> {
    let url = Url::parse(url).ok()?;
    let host = url.host_str()?.trim_start_matches('[').trim_end_matches(']').to_owned();
    Some((host, url.port_or_known_default()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_reached_at_host_and_port() {
        assert_eq!(address("https://10.0.0.5:8788"), Some(("10.0.0.5".to_owned(), 8788)));
        assert_eq!(address("https://[::1]:8788"), Some(("::1".to_owned(), 8788)));
        assert_eq!(address("https://df-1.internal"), Some(("df-1.internal".to_owned(), 443)));
        assert_eq!(address("10.0.0.5:8788"), None);
    }
}
