//! Connections, lent for one statement each.

use std::time::{Duration, Instant};

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime, Timeouts};
use durablefetch_protocol::Key;
use durablefetch_protocol::placement::Owner;
use tokio::time::timeout;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use crate::buckets;
use crate::connect::Options;
use crate::error::{Error, Result};
use crate::schema;

/// How many statements run at once. What waits is counted against its own time.
const CONNECTIONS: usize = 8;

/// The store, as one process has it.
#[derive(Clone)]
pub struct Store {
    pool: Pool,
    timeout: Duration,
    pub(crate) me: Owner,
    pub(crate) lease: Duration,
    /// How long one table of pieces is written to.
    pub(crate) period: Duration,
}

impl Store {
    /// For this process, `me`. `lease`: how long it has what it has without saying so again, at most. `ttl`: how long what has
    /// ended is kept unused. Connects when it is first asked for something.
    ///
    /// # Errors
    ///
    /// [`Error::Url`] where no pool of connections can be made of the options.
    pub fn new(options: &Options, me: Owner, lease: Duration, ttl: Duration) -> Result<Self> {
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let config = options.config.clone();
        let manager = match options.tls.clone() {
            Some(tls) => Manager::from_config(config, tls, recycling),
            None => Manager::from_config(config, NoTls, recycling),
        };
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS)
            .runtime(Runtime::Tokio1)
            .timeouts(Timeouts {
                wait: Some(options.timeout),
                create: Some(options.timeout),
                recycle: Some(options.timeout),
            })
            .build()
            .map_err(|error| Error::Url(format!("no connections can be made: {error}")))?;
        Ok(Self { pool, timeout: options.timeout, me, lease, period: buckets::period(ttl) })
    }

    /// Makes the tables, or brings them up to date, one process at a time.
    ///
    /// # Errors
    ///
    /// [`Error::TooNew`] where a later version has made them and this one may not use them any more.
    pub async fn migrate(&self) -> Result<()> {
        let mut lent = self.lend().await?;
        // Its own time: a layout takes longer than a statement.
        schema::migrate(lent.client()?).await?;
        lent.give_back();
        Ok(())
    }

    /// Runs one statement. One that no answer has come to within the time leaves its connection unusable: it may still be run.
    pub(crate) async fn query(
        &self,
        sql: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<tokio_postgres::Row>> {
        let began = Instant::now();
        let lent = self.lend().await?;
        let client = lent.object.as_ref().ok_or_else(gone)?;
        let run = async {
            let statement = client.prepare_cached(sql).await?;
            client.query(&statement, params).await
        };
        let left = self.timeout.saturating_sub(began.elapsed());
        match timeout(left, run).await {
            Err(_) => Err(Error::Unavailable(format!("no answer within {:?}", self.timeout))),
            Ok(Err(error)) => {
                let error = Error::from(error);
                if !matches!(error, Error::Unavailable(_)) {
                    lent.give_back();
                }
                Err(error)
            }
            Ok(Ok(rows)) => {
                lent.give_back();
                Ok(rows)
            }
        }
    }

    /// The first row, if there is one.
    pub(crate) async fn first(
        &self,
        sql: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<tokio_postgres::Row>> {
        Ok(self.query(sql, params).await?.into_iter().next())
    }

    pub(crate) async fn lend(&self) -> Result<Lent> {
        let object = self.pool.get().await.map_err(|error| match error {
            deadpool_postgres::PoolError::Backend(error) => Error::from(error),
            other => Error::Unavailable(other.to_string()),
        })?;
        Ok(Lent { object: Some(object) })
    }

    /// The process, as the database writes it.
    pub(crate) fn id(&self) -> Uuid {
        Uuid::from_u128(self.me.0)
    }
}

fn gone() -> Error {
    Error::Unavailable("the connection is gone".into())
}

/// A connection that is closed unless it is given back: a caller that gives up waiting leaves a statement running on it.
pub(crate) struct Lent {
    object: Option<Object>,
}

impl Lent {
    pub(crate) fn client(&mut self) -> Result<&mut Client> {
        self.object.as_mut().map(|object| &mut ***object).ok_or_else(gone)
    }

    pub(crate) fn give_back(mut self) {
        drop(self.object.take());
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(object) = self.object.take() {
            drop(Object::take(object));
        }
    }
}

/// What a key is called in the database: a hash, since URLs are longer than an index takes.
pub(crate) fn name_of(key: &Key) -> Vec<u8> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(key.scope().len() as u64).to_le_bytes());
    hasher.update(key.scope().as_bytes());
    hasher.update(key.url().as_bytes());
    hasher.finalize().as_bytes().to_vec()
}
