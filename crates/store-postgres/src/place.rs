//! Who has a key.

use durablefetch_protocol::Key;
use durablefetch_protocol::placement::{Holder, Owner};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::schema::VERSION;
use crate::sql;
use crate::store::{Store, name_of};

/// This process, as the others see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Where its peers reach it: `https://10.0.0.5:8788`.
    pub url: String,
    /// The public key of its peer listener, DER, which peers pin.
    pub spki: Vec<u8>,
}

/// A process that is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Which.
    pub owner: Owner,
    /// Where it is reached, and by which key it is known.
    pub node: Node,
    /// Whether its lease runs.
    pub alive: bool,
    /// Whether it takes nothing any more.
    pub draining: bool,
}

/// What the store says about who has a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Who; `None` where nobody has it.
    pub holder: Option<Holder>,
    /// Whether its lease runs. One whose lease has run out may be alive: ask it.
    pub alive: bool,
    /// Nobody has it, and something was live in the process that had it last, which is dead: claim it and
    /// [`recover`](Store::recover), also to read it.
    pub is_left: bool,
}

impl Store {
    /// Lists this process among the others. One that was listed at the same address before is dead: its keys are nobody's.
    /// Call it once the peer listener is bound.
    ///
    /// # Errors
    ///
    /// See [`Error`](crate::Error).
    pub async fn join(&self, node: &Node) -> Result<()> {
        let seconds = self.lease.as_secs_f64();
        self.query(sql::JOIN, &[&self.id(), &node.url, &node.spki, &VERSION, &seconds]).await.map(drop)
    }

    /// Says that this process takes nothing over any more.
    ///
    /// # Errors
    ///
    /// See [`Error`](crate::Error).
    pub async fn drain(&self) -> Result<()> {
        self.query(sql::DRAIN, &[&self.id()]).await.map(drop)
    }

    /// Takes this process off the list, at its end. What it still has is nobody's.
    ///
    /// # Errors
    ///
    /// See [`Error`](crate::Error).
    pub async fn leave(&self) -> Result<()> {
        self.query(sql::LEAVE, &[&self.id()]).await.map(drop)
    }

    /// Takes a key that nobody has. `None` where somebody has it: [`place`](Self::place) says who, in another statement.
    ///
    /// # Errors
    ///
    /// See [`Error`](crate::Error).
    pub async fn claim(&self, key: &Key) -> Result<Option<Holder>> {
        let row = self.first(sql::CLAIM, &[&name_of(key), &key.scope(), &key.url(), &self.id()]).await?;
        Ok(row.map(|row| self.holding(row.get(0))))
    }

    /// Who has a key; `None` where the store does not know it.
    ///
    /// # Errors
    ///
    /// See [`Error`](crate::Error).
    pub async fn place(&self, key: &Key) -> Result<Option<Place>> {
        let row = self.first(sql::PLACE, &[&name_of(key)]).await?;
        Ok(row.map(|row| {
            let owner: Option<Uuid> = row.get(0);
            let epoch: i64 = row.get(1);
            let holder =
                owner.map(|owner| Holder { owner: Owner(owner.as_u128()), epoch: epoch.cast_unsigned() });
            Place { holder, alive: row.get(2), is_left: row.get(3) }
        }))
    }

    /// Takes a key from a process that is dead: its lease has run out, and its address was asked in vain. `None`
    /// where that may not be, or where somebody was faster. [`recover`](Self::recover) comes next.
    ///
    /// # Errors
    ///
    /// See [`Error`](crate::Error).
    pub async fn take_over(&self, key: &Key, from: Holder) -> Result<Option<Holder>> {
        let (owner, epoch) = (Uuid::from_u128(from.owner.0), from.epoch.cast_signed());
        let seconds = self.lease.as_secs_f64();
        let row = self.first(sql::TAKE_OVER, &[&name_of(key), &self.id(), &owner, &epoch, &seconds]).await?;
        Ok(row.map(|row| self.holding(row.get(0))))
    }

    /// Takes a key once more that this process has: what it does not know of any more, since no answer to a commit came, is
    /// left over from now on. `None` where somebody else has the key. [`recover`](Self::recover) comes next; nothing of the key
    /// may be live in this process.
    ///
    /// # Errors
    ///
    /// See [`Error`](crate::Error).
    pub async fn again(&self, key: &Key, holder: Holder) -> Result<Option<Holder>> {
        let epoch = holder.epoch.cast_signed();
        let row = self.first(sql::AGAIN, &[&name_of(key), &self.id(), &epoch]).await?;
        Ok(row.map(|row| self.holding(row.get(0))))
    }

    /// All processes that are listed, this one among them.
    ///
    /// # Errors
    ///
    /// See [`Error`](crate::Error).
    pub async fn nodes(&self) -> Result<Vec<Listed>> {
        let listed = |row: &tokio_postgres::Row| {
            let (owner, url, spki): (Uuid, String, Vec<u8>) = (row.get(0), row.get(1), row.get(2));
            Listed {
                owner: Owner(owner.as_u128()),
                node: Node { url, spki },
                alive: row.get(3),
                draining: row.get(4),
            }
        };
        Ok(self.query(sql::NODES, &[]).await?.iter().map(listed).collect())
    }

    /// Lets go of a key of which nothing is live, and of its row where nothing is stored either. Returns whether it was let go.
    ///
    /// # Errors
    ///
    /// See [`Error`](crate::Error).
    pub async fn release(&self, key: &Key, holder: Holder) -> Result<bool> {
        let (name, epoch) = (name_of(key), holder.epoch.cast_signed());
        if self.first(sql::RELEASE, &[&name, &self.id(), &epoch]).await?.is_none() {
            return Ok(false);
        }
        match self.query(sql::FORGET, &[&name]).await {
            // Somebody has claimed it and started already.
            Err(Error::Refused(error)) if is_referred_to(&error) => {}
            other => drop(other?),
        }
        Ok(true)
    }

    /// Whether this process still has what it thinks it has: call it where a lease had run out ([`Standing`](crate::Standing)).
    /// Returns the epochs of all its keys, by their names in the store.
    ///
    /// # Errors
    ///
    /// See [`Error`](crate::Error).
    pub async fn still_holds(&self, keys: &[(Key, Holder)]) -> Result<Vec<bool>> {
        let rows = self.query(sql::OWNED, &[&self.id()]).await?;
        let owned: std::collections::HashMap<Vec<u8>, i64> =
            rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        let holds =
            |(key, holder): &(Key, Holder)| owned.get(&name_of(key)) == Some(&holder.epoch.cast_signed());
        Ok(keys.iter().map(holds).collect())
    }

    /// The secret that keys fingerprints and scopes of all processes: the first one's. `fresh` is what is written where there
    /// is none yet: 32 random bytes.
    ///
    /// # Errors
    ///
    /// See [`Error`](crate::Error).
    pub async fn secret(&self, fresh: [u8; 32]) -> Result<[u8; 32]> {
        for _ in 0..2 {
            // Where two are the first, the slower one sees neither its own row nor the other's: the next statement does.
            if let Some(row) = self.first(sql::SECRET, &[&&fresh[..]]).await? {
                let stored: Vec<u8> = row.get(0);
                return stored.try_into().map_err(|_| Error::Damaged("secret".into()));
            }
        }
        Err(Error::Damaged("secret".into()))
    }

    fn holding(&self, epoch: i64) -> Holder {
        Holder { owner: self.me, epoch: epoch.cast_unsigned() }
    }
}

fn is_referred_to(error: &tokio_postgres::Error) -> bool {
    error.code() == Some(&tokio_postgres::error::SqlState::FOREIGN_KEY_VIOLATION)
}
