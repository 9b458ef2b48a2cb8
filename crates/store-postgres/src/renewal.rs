//! The lease of this process, renewed on a connection and a thread of its own: a runtime that is busy, or a pool whose connections
//! all wait, must not cost it.

use std::thread;
use std::time::{Duration, Instant};

use durablefetch_protocol::placement::Owner;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use crate::connect::Options;
use crate::error::{Error, Result};
use crate::sql;

/// How often a lease is renewed while it runs.
const PARTS: u32 = 4;

/// How this process stands, as far as it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing was heard of the store yet.
    Unknown,
    /// Its lease runs, and has run since this moment of the store's clock, in microseconds. Where that moves, others may have
    /// taken keys meanwhile: [`still_holds`](crate::Store::still_holds) says which are left.
    Held {
        /// Since when.
        since_us: i64,
    },
    /// Its lease may have run out: the store did not answer for so long.
    Lapsed,
    /// It is not listed any more: it has no key. It has to [`join`](crate::Store::join) under another id.
    Gone,
}

/// Renews a lease until it is dropped.
pub struct Renewal {
    standing: watch::Receiver<Standing>,
    /// The thread ends once it is closed.
    _ends: watch::Sender<()>,
}

impl Renewal {
    /// Starts to renew the lease of a process that has joined.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] where the system gives no thread for it.
    pub fn start(options: &Options, me: Owner, lease: Duration) -> Result<Self> {
        let (tell, standing) = watch::channel(Standing::Unknown);
        let (ends, ended) = watch::channel(());
        let options = options.clone();
        let no_thread =
            |error: std::io::Error| Error::Unavailable(format!("no thread renews the lease: {error}"));
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(no_thread)?;
        thread::Builder::new()
            .name("lease".into())
            .spawn(move || {
                let mut ended = ended;
                runtime.block_on(async {
                    tokio::select! {
                        // An error: the sender is gone.
                        _ = ended.changed() => {}
                        () = renew(&options, me, lease, &tell) => {}
                    }
                });
            })
            .map_err(no_thread)?;
        Ok(Self { standing, _ends: ends })
    }

    /// How this process stands now.
    #[must_use]
    pub fn standing(&self) -> Standing {
        *self.standing.borrow()
    }

    /// Tells of each change of it.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Standing> {
        self.standing.clone()
    }
}

/// Renews until the process is gone from the list.
async fn renew(options: &Options, me: Owner, lease: Duration, tell: &watch::Sender<Standing>) {
    let mut client = None;
    // When the renewal was sent that was last confirmed: the lease runs for longer than from then on.
    let mut confirmed: Option<Instant> = None;
    let joined = Instant::now();
    loop {
        let sent = Instant::now();
        let left = confirmed.map_or(lease, |at| lease.saturating_sub(at.elapsed())).max(lease / PARTS);
        match timeout(left, once(&mut client, options, me, lease)).await {
            Ok(Ok(Some(since_us))) => {
                confirmed = Some(sent);
                set(tell, Standing::Held { since_us });
                sleep((lease / PARTS).saturating_sub(sent.elapsed())).await;
                continue;
            }
            Ok(Ok(None)) => {
                set(tell, Standing::Gone);
                return;
            }
            Ok(Err(error)) => tracing::warn!("the lease is not renewed: {error}"),
            Err(_) => tracing::warn!("the lease is not renewed: the database does not answer"),
        }
        client = None;
        if confirmed.unwrap_or(joined).elapsed() >= lease {
            set(tell, Standing::Lapsed);
        }
        // Often enough for several tries while a lease runs.
        sleep(lease / (4 * PARTS)).await;
    }
}

fn set(tell: &watch::Sender<Standing>, standing: Standing) {
    tell.send_if_modified(|now| std::mem::replace(now, standing) != standing);
}

/// Renews once, over this connection or a new one. `None`: the process is not listed.
async fn once(
    client: &mut Option<Client>,
    options: &Options,
    me: Owner,
    lease: Duration,
) -> Result<Option<i64>> {
    let client = match client {
        Some(client) => client,
        None => client.insert(connect(options).await?),
    };
    let id = Uuid::from_u128(me.0);
    let row = client.query_opt(sql::RENEW, &[&id, &lease.as_secs_f64()]).await?;
    Ok(row.map(|row| row.get(0)))
}

async fn connect(options: &Options) -> Result<Client> {
    let config = &options.config;
    Ok(match options.tls.clone() {
        Some(tls) => {
            let (client, connection) = config.connect(tls).await?;
            tokio::spawn(connection);
            client
        }
        None => {
            let (client, connection) = config.connect(NoTls).await?;
            tokio::spawn(connection);
            client
        }
    })
}
