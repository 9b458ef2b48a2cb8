//! What became of a commit that no answer came to.

use durablefetch_protocol::State;
use durablefetch_protocol::life::Change;

use crate::buckets::bucket;
use crate::commit::{Commit, Committed};
use crate::error::Result;
use crate::numbers::signed;
use crate::sql;
use crate::store::{Store, name_of};

impl Store {
    /// Reads whether a commit was written: `None` if it was not, and nobody else has the key. They are all written or
    /// none is. It waits for what is being written about the key; that of ours that comes even later finds its rows there.
    pub(crate) async fn happened(&self, commit: &Commit<'_>) -> Result<Option<Committed>> {
        let name = name_of(commit.key);
        let (owner, epoch) = (uuid::Uuid::from_u128(commit.holder.owner.0), signed(commit.holder.epoch));
        let holds = self.first(sql::GUARD, &[&name, &owner, &epoch]).await?.is_some();
        let mut yes = None;
        for change in commit.changes {
            match self.written(commit, change).await? {
                None => {}
                Some(Written::Yes { bucket }) => yes = Some(yes.flatten().or(bucket)),
                Some(Written::No) => return Ok(if holds { None } else { Some(Committed::Fenced) }),
            }
        }
        Ok(match yes {
            Some(bucket) => Some(Committed::Done { bucket }),
            // What leaves no trace may as well be written twice.
            None if holds => None,
            None => Some(Committed::Fenced),
        })
    }

    /// `None` for a change that does not tell.
    async fn written(&self, commit: &Commit<'_>, change: &Change) -> Result<Option<Written>> {
        let name = name_of(commit.key);
        let told = |yes: bool| Some(if yes { Written::Yes { bucket: None } } else { Written::No });
        Ok(match change {
            Change::Insert(begin) => match self.first(sql::ROW_OF, &[&begin.id.to_string()]).await? {
                Some(row) => Some(Written::Yes { bucket: Some(bucket(row.get(0))?) }),
                None => Some(Written::No),
            },
            Change::Head { id, .. } => {
                let row = self.first(sql::STATE_OF, &[&id.to_string(), &name]).await?;
                told(row.is_some_and(|row| row.get::<_, &str>(0) != State::Connecting.as_str()))
            }
            Change::End { id, state, .. } => {
                let row = self.first(sql::STATE_OF, &[&id.to_string(), &name]).await?;
                told(row.is_some_and(|row| row.get::<_, &str>(0) == state.as_str()))
            }
            Change::Unrecord { id } | Change::Remove { id } => {
                told(self.first(sql::STATE_OF, &[&id.to_string(), &name]).await?.is_none())
            }
            Change::Request { entry, .. } => {
                let row = self.first(sql::OUTCOME_OF, &[&name, &entry.id.as_str()]).await?;
                told(row.is_some_and(|row| row.get::<_, &str>(0) == entry.outcome.to_text()))
            }
            Change::Retire { .. } | Change::Use { .. } | Change::Forget { .. } => None,
        })
    }
}

/// Whether a change is in the store.
#[derive(Clone, Copy)]
enum Written {
    /// It is; where it started a recording, this is the bucket of its pieces.
    Yes {
        bucket: Option<u8>,
    },
    No,
}
