//! Connections to upstreams, and only to addresses that were checked.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use durablefetch_protocol::destination::Refused;
use durablefetch_protocol::response_head::{UPSTREAM_HEAD_MAX, UPSTREAM_HEADERS_MAX};
use http::Uri;
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_rustls::{HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::{Connection as _, HttpConnector, HttpInfo};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tower_service::Service as _;

use crate::resolve::{Lookup, Lookups, Resolver};
use crate::upstream::budget::{Budget, Traffic};
use crate::upstream::line::Line;
use crate::upstream::ways::Way;

/// Bytes of what is read of an HTTP/1 upstream and not taken yet. A head has to fit.
const HTTP1_BUFFER_MAX: usize = 2 * UPSTREAM_HEAD_MAX;

type Stream = TokioIo<Budget<TokioIo<MaybeHttpsStream<TokioIo<TcpStream>>>>>;

/// What drives an HTTP/1 connection.
pub(crate) type Driver = http1::Connection<Stream, Full<Bytes>>;

/// Connects.
#[derive(Debug)]
pub(crate) struct Connector {
    lookups: Arc<Lookups>,
    tls: ClientConfig,
    /// How long a connection may take.
    patience: Duration,
    /// How long after its address was checked a connection may be asked.
    kept_for: Duration,
}

/// A connection on which nothing has been asked yet, in the version of HTTP that it speaks.
pub(crate) enum Connected {
    One(One),
    Two(Line),
}

/// A connection over HTTP/1, for one request.
pub(crate) struct One {
    pub(crate) sender: http1::SendRequest<Full<Bytes>>,
    pub(crate) driver: Box<Driver>,
    /// Where it leads.
    pub(crate) remote: Option<SocketAddr>,
    /// To be told once the head of the answer is here.
    pub(crate) traffic: Traffic,
}

/// Why the connection failed. Whatever it is, the upstream has not heard of the request.
#[derive(Debug)]
pub(crate) enum NotConnected {
    /// The URL is not one that HTTP can ask for.
    Url,
    /// Its name resolves to an address that is not to be connected to.
    Refused(Refused),
    /// With all that caused it.
    Unreachable(String),
}

impl NotConnected {
    fn of(error: &(dyn Error + 'static)) -> Self {
        match chain(error).find_map(|error| error.downcast_ref::<Refused>()) {
            Some(refused) => Self::Refused(*refused),
            None => Self::Unreachable(causes(error)),
        }
    }
}

impl Connector {
    /// # Errors
    /// Where TLS cannot be set up at all. Without the system's CA certificates every handshake fails, and http
    /// upstreams work.
    pub(crate) fn new(
        lookup: Arc<dyn Lookup>,
        patience: Duration,
        kept_for: Duration,
    ) -> Result<Self, rustls::Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = || {
            ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()
        };
        let tls = match builder()?.with_platform_verifier() {
            Ok(builder) => builder.with_no_client_auth(),
            Err(error) => {
                tracing::warn!(
                    "https upstreams cannot be verified ({error}): install the system's CA certificates"
                );
                builder()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth()
            }
        };
        Ok(Self { lookups: Arc::new(Lookups::new(lookup)), tls, patience, kept_for })
    }

    /// Connects for one request of this scope.
    pub(crate) async fn connect(&self, way: &Way, scope: &Arc<str>) -> Result<Connected, NotConnected> {
        let connected = timeout(self.patience, self.connect_at_last(way, scope)).await;
        let late = || format!("no connection within {:?}", self.patience);
        connected.unwrap_or_else(|_| Err(NotConnected::Unreachable(late())))
    }

    async fn connect_at_last(&self, way: &Way, scope: &Arc<str>) -> Result<Connected, NotConnected> {
        // The look-up is later than this.
        let until = Instant::now() + self.kept_for;
        let uri = Uri::try_from(way.url.as_str()).map_err(|_| NotConnected::Url)?;
        let (lookups, scope) = (Arc::clone(&self.lookups), Arc::clone(scope));
        let resolver = Resolver { lookups, lifted: way.lifted, scope };
        let mut tcp = HttpConnector::new_with_resolver(resolver);
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        // Shared by all addresses that the name has: one that is dead leaves time for the next.
        tcp.set_connect_timeout(Some(self.patience));
        let stream = if way.url.scheme() == "http" {
            MaybeHttpsStream::Http(tcp.call(uri).await.map_err(|error| NotConnected::of(&error))?)
        } else {
            let builder = HttpsConnectorBuilder::new().with_tls_config(self.tls.clone());
            let mut tls = builder.https_only().enable_all_versions().wrap_connector(tcp);
            tls.call(uri).await.map_err(|error| NotConnected::of(&*error))?
        };
        let connected = stream.connected();
        let mut extensions = http::Extensions::new();
        connected.get_extras(&mut extensions);
        let remote = extensions.get::<HttpInfo>().map(HttpInfo::remote_addr);
        let is_negotiated_h2 = connected.is_negotiated_h2();
        let (stream, traffic) = Budget::new(TokioIo::new(stream));
        if is_negotiated_h2 {
            let line = Line::open(stream, traffic, remote, until, self.patience).await;
            return line.map(Connected::Two).map_err(|error| NotConnected::of(&error));
        }
        let handshake = http1::Builder::new()
            .max_headers(UPSTREAM_HEADERS_MAX + 1)
            .max_buf_size(HTTP1_BUFFER_MAX)
            .allow_spaces_after_header_name_in_responses(true)
            .allow_obsolete_multiline_headers_in_responses(true)
            .ignore_invalid_headers_in_responses(true)
            .handshake(TokioIo::new(stream));
        let (sender, driver) = handshake.await.map_err(|error| NotConnected::of(&error))?;
        Ok(Connected::One(One { sender, driver: Box::new(driver), remote, traffic }))
    }
}

/// An error with all that caused it, in one line.
pub(crate) fn causes(error: &(dyn Error + 'static)) -> String {
    chain(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// An error, what caused it, and so on.
pub(crate) fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error: &&'a (dyn Error + 'static)| error.source())
}

#[cfg(test)]
mod tests {
    use durablefetch_protocol::destination::Lifted;

    use super::*;
    use crate::resolve::System;

    #[tokio::test]
    async fn what_a_name_resolves_to_is_checked_before_it_is_connected_to() {
        let canary = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        canary.set_nonblocking(true).unwrap();
        let url = format!("http://localhost:{}/", canary.local_addr().unwrap().port()).parse().unwrap();
        let connector = Connector::new(Arc::new(System), Duration::from_secs(10), Duration::ZERO).unwrap();
        let way = Way { url, is_mapped: false, lifted: Lifted::default() };
        let Err(NotConnected::Refused(refused)) = connector.connect(&way, &"".into()).await else {
            panic!("it is refused")
        };
        assert_eq!(refused.kind(), "loopback");
        assert_eq!(canary.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    }
}
