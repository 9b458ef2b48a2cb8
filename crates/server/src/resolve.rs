//! Names of upstreams to addresses, each checked before anything connects to it.

use std::collections::HashMap;
use std::error::Error;
use std::fmt::Debug;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _};
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use durablefetch_protocol::address::is_localhost_name;
use durablefetch_protocol::destination::{Lifted, check_all};
use hyper_util::client::legacy::connect::dns::Name;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tower_service::Service;

/// The addresses of a name, as they are looked up.
pub type Looking = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Looks up names. What it answers is checked, so it need not be trusted.
pub trait Lookup: Debug + Send + Sync {
    /// All addresses of a name. Asked once for each request to an upstream, redirects included.
    fn lookup(&self, name: &str) -> Looking;
}

/// Asks the system.
#[derive(Debug, Clone, Copy)]
pub struct System;

impl Lookup for System {
    fn lookup(&self, name: &str) -> Looking {
        let name = name.to_owned();
        Box::pin(async move {
            let found = threads()?.spawn_blocking(move || (name.as_str(), 0).to_socket_addrs());
            Ok(found.await.map_err(io::Error::other)??.map(|address| address.ip()).collect())
        })
    }
}

/// Look-ups that may be made at once, which the system can only do on a thread each.
const LOOKUPS_MAX: usize = 32;
/// Those of one scope among them.
const SCOPE_LOOKUPS_MAX: usize = 8;
/// How long a look-up waits for others, and for the system.
const PATIENCE: Duration = Duration::from_secs(10);

/// Threads for nothing else: a name whose servers do not answer holds one for seconds, and must not hold up disks.
fn threads() -> io::Result<&'static Handle> {
    static THREADS: OnceLock<Runtime> = OnceLock::new();
    if let Some(threads) = THREADS.get() {
        return Ok(threads.handle());
    }
    let threads = Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(LOOKUPS_MAX)
        .thread_name("df-lookup")
        .build()?;
    Ok(THREADS.get_or_init(|| threads).handle())
}

/// Shares look-ups out among scopes.
#[derive(Debug)]
pub(crate) struct Lookups {
    lookup: Arc<dyn Lookup>,
    all: Semaphore,
    scopes: Mutex<HashMap<String, Arc<Semaphore>>>,
}

impl Lookups {
    pub(crate) fn new(lookup: Arc<dyn Lookup>) -> Self {
        Self { lookup, all: Semaphore::new(LOOKUPS_MAX), scopes: Mutex::default() }
    }

    /// The addresses of a name, for a request of this scope.
    async fn find(&self, name: &str, scope: &str) -> io::Result<Vec<IpAddr>> {
        let share = self.share(scope);
        let found = timeout(PATIENCE, async {
            // First the scope's: those who wait for their own take nobody's place.
            let _own = share.acquire().await.map_err(io::Error::other)?;
            let _one = self.all.acquire().await.map_err(io::Error::other)?;
            self.lookup.lookup(name).await
        });
        let found = found.await;
        drop(share);
        self.let_go(scope);
        found.unwrap_or_else(|_| {
            let why = format!("the name could not be looked up within {} s", PATIENCE.as_secs());
            Err(io::Error::new(io::ErrorKind::TimedOut, why))
        })
    }

    fn share(&self, scope: &str) -> Arc<Semaphore> {
        // What everybody has is not one person's.
        let most = if scope.is_empty() { LOOKUPS_MAX } else { SCOPE_LOOKUPS_MAX };
        let mut scopes = self.scopes.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(scopes.entry(scope.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(most))))
    }

    fn let_go(&self, scope: &str) {
        let mut scopes = self.scopes.lock().unwrap_or_else(PoisonError::into_inner);
        if scopes.get(scope).is_some_and(|share| Arc::strong_count(share) == 1) {
            scopes.remove(scope);
        }
    }
}

/// What an HTTP client asks: it gets addresses that were checked, or none. Since it connects to what it gets
/// here, no later answer of a name server comes between check and connection.
#[derive(Debug, Clone)]
pub(crate) struct Resolver {
    pub(crate) lookups: Arc<Lookups>,
    pub(crate) lifted: Lifted,
    /// Of the request that it resolves for.
    pub(crate) scope: Arc<str>,
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let Self { lookups, lifted, scope } = self.clone();
        Box::pin(async move {
            // RFC 6761 gives `localhost` and what is below it to loopback, and not every system's resolver does.
            let found = if is_localhost_name(name.as_str()) {
                vec![Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()]
            } else {
                lookups.find(name.as_str(), &scope).await?
            };
            check_all(found.iter().copied(), lifted)?;
            let addresses: Vec<_> = found.into_iter().map(|address| SocketAddr::new(address, 0)).collect();
            Ok(addresses.into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Debug)]
    struct Always(&'static str);

    impl Lookup for Always {
        fn lookup(&self, _name: &str) -> Looking {
            let addresses = self.0.split(' ').map(|text| text.parse().unwrap()).collect();
            Box::pin(async move { Ok(addresses) })
        }
    }

    async fn resolve(name: &str, answer: &'static str, lifted: Lifted) -> Result<Vec<String>, String> {
        let lookups = Arc::new(Lookups::new(Arc::new(Always(answer))));
        let mut resolver = Resolver { lookups, lifted, scope: "".into() };
        let found = resolver.call(name.parse().unwrap()).await.map_err(|error| error.to_string())?;
        Ok(found.map(|address| address.ip().to_string()).collect())
    }

    #[tokio::test]
    async fn an_answer_is_given_whole_or_not_at_all() {
        let nothing = Lifted::default();
        let named = Lifted { named: true, ..nothing };
        assert_eq!(resolve("a.example", "1.1.1.1 8.8.8.8", nothing).await.unwrap(), ["1.1.1.1", "8.8.8.8"]);
        for answer in ["10.0.0.1", "1.1.1.1 10.0.0.1", "127.0.0.1", "1.1.1.1 ::1"] {
            assert!(resolve("a.example", answer, nothing).await.unwrap_err().contains("address"), "{answer}");
            assert!(resolve("a.example", answer, named).await.is_ok(), "{answer}");
        }
        for answer in ["169.254.169.254", "1.1.1.1 0.0.0.0", "fe80::1", "fd00:ec2::254"] {
            assert!(resolve("a.example", answer, named).await.is_err(), "{answer}");
        }
    }

    #[tokio::test]
    async fn localhost_is_loopback_whatever_name_servers_say() {
        let own = Lifted { own_machine: true, named: false };
        for name in ["localhost", "app.localhost", "localhost."] {
            assert_eq!(resolve(name, "10.0.0.1", own).await.unwrap(), ["::1", "127.0.0.1"], "{name}");
            assert!(resolve(name, "1.1.1.1", Lifted::default()).await.is_err(), "{name}");
        }
    }

    /// Looks up what begins with `slow` for ever.
    #[derive(Debug)]
    struct Slow(AtomicUsize);

    impl Lookup for Slow {
        fn lookup(&self, name: &str) -> Looking {
            self.0.fetch_add(1, Ordering::Relaxed);
            let is_slow = name.starts_with("slow");
            Box::pin(async move {
                if is_slow {
                    std::future::pending::<()>().await;
                }
                Ok(vec![Ipv4Addr::new(1, 1, 1, 1).into()])
            })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_scope_does_not_take_all_lookups_and_none_waits_for_ever() {
        let slow = Arc::new(Slow(AtomicUsize::new(0)));
        let lookups = Arc::new(Lookups::new(Arc::clone(&slow) as Arc<dyn Lookup>));
        let greedy: Vec<_> = (0..100)
            .map(|number| {
                let lookups = Arc::clone(&lookups);
                tokio::spawn(async move { lookups.find(&format!("slow-{number}.example"), "greedy").await })
            })
            .collect();
        tokio::task::yield_now().await;
        assert_eq!(slow.0.load(Ordering::Relaxed), SCOPE_LOOKUPS_MAX);
        assert!(lookups.find("fast.example", "other").await.is_ok());
        for waiting in greedy {
            assert_eq!(waiting.await.unwrap().unwrap_err().kind(), io::ErrorKind::TimedOut);
        }
        assert!(lookups.find("fast.example", "greedy").await.is_ok());
        assert!(lookups.scopes.lock().unwrap().is_empty(), "nothing is left of who has gone");
    }
}
