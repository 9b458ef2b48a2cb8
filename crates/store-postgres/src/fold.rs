//! The changes of a plan, one row each: a statement may change a row once.

use durablefetch_protocol::life::{Begin, Change};
use durablefetch_protocol::{RecordingId, RequestId};

use crate::commit::Commit;
use crate::numbers::signed;

/// What is written of a recording; what is `None` stays as it is.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Edit {
    pub(crate) id: String,
    /// It is new.
    pub(crate) fresh: bool,
    pub(crate) state: Option<&'static str>,
    pub(crate) cause: Option<&'static str>,
    pub(crate) fingerprint: Option<Vec<u8>>,
    pub(crate) status: Option<i32>,
    pub(crate) reason: Option<Vec<u8>>,
    pub(crate) headers: Option<Vec<u8>>,
    pub(crate) volatile: Option<bool>,
    pub(crate) len: Option<i64>,
    pub(crate) chunks: Option<i64>,
    pub(crate) started_ms: Option<i64>,
    pub(crate) used_ms: Option<i64>,
    pub(crate) retired_ms: Option<i64>,
    pub(crate) ended_ms: Option<i64>,
    pub(crate) restarted: Option<bool>,
    pub(crate) age_ms: Option<i64>,
    pub(crate) scope_bytes: Option<i64>,
}

/// What is written of a request id.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Settled {
    pub(crate) id: String,
    /// It was not known before: another row of it is a conflict.
    pub(crate) fresh: bool,
    pub(crate) outcome: String,
    pub(crate) at_ms: i64,
    pub(crate) answer: Option<Vec<u8>>,
}

/// All rows of a plan.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Folded {
    pub(crate) edits: Vec<Edit>,
    pub(crate) removed: Vec<String>,
    pub(crate) settled: Vec<Settled>,
    pub(crate) forgotten: Vec<String>,
}

impl Folded {
    /// The last change of a row counts, as it would if they were written one after the other.
    pub(crate) fn of(commit: &Commit<'_>) -> Self {
        let mut folded = Self::default();
        for change in commit.changes {
            folded.add(change, commit);
        }
        folded
    }

    fn add(&mut self, change: &Change, commit: &Commit<'_>) {
        match change {
            Change::Insert(Begin { id, fingerprint, restarted, at_ms, allowance }) => {
                let at_ms = Some(signed(*at_ms));
                let edit = self.edit(*id);
                edit.fresh = true;
                edit.state = Some("connecting");
                edit.fingerprint = Some(fingerprint.0.to_vec());
                (edit.started_ms, edit.used_ms) = (at_ms, at_ms);
                edit.restarted = Some(*restarted);
                edit.age_ms = allowance.age_ms.map(signed);
                edit.scope_bytes = allowance.bytes.map(signed);
            }
            Change::Head { id, volatile } => {
                let Some(head) = commit.head else { return };
                let edit = self.edit(*id);
                edit.state = Some("streaming");
                edit.status = Some(head.status.into());
                edit.reason = Some(head.reason.clone());
                edit.headers = Some(head.stored_headers());
                edit.volatile = Some(*volatile);
            }
            Change::End { id, state, cause, len, chunks, at_ms } => {
                let at_ms = Some(signed(*at_ms));
                let edit = self.edit(*id);
                edit.state = Some(state.as_str());
                edit.cause = cause.map(|code| code.as_str());
                (edit.len, edit.chunks) = (Some(signed(*len)), Some(signed(*chunks)));
                (edit.ended_ms, edit.used_ms) = (at_ms, at_ms);
            }
            Change::Retire { id, at_ms } => self.edit(*id).retired_ms = Some(signed(*at_ms)),
            Change::Use { id, at_ms } => self.edit(*id).used_ms = Some(signed(*at_ms)),
            Change::Unrecord { id } | Change::Remove { id } => {
                let id = id.to_string();
                self.edits.retain(|edit| edit.id != id);
                self.removed.push(id);
            }
            Change::Request { entry, answer } => {
                let id = entry.id.as_str().to_owned();
                self.settled.retain(|settled| settled.id != id);
                // One that is forgotten in the same plan has a row still.
                let forgotten = self.forgotten.iter().position(|forgotten| *forgotten == id);
                let has_row =
                    forgotten.map(|at| self.forgotten.remove(at)).is_some() || (commit.known)(&entry.id);
                self.settled.push(Settled {
                    fresh: !has_row,
                    id,
                    outcome: entry.outcome.to_text(),
                    at_ms: signed(entry.at_ms),
                    answer: answer.and(commit.answer).map(<[u8]>::to_vec),
                });
            }
            Change::Forget { id } => self.forget(id),
        }
    }

    fn forget(&mut self, id: &RequestId) {
        let id = id.as_str().to_owned();
        self.settled.retain(|settled| settled.id != id);
        self.forgotten.push(id);
    }

    fn edit(&mut self, id: RecordingId) -> &mut Edit {
        let id = id.to_string();
        let at = self.edits.iter().position(|edit| edit.id == id).unwrap_or_else(|| {
            self.edits.push(Edit { id, ..Edit::default() });
            self.edits.len() - 1
        });
        &mut self.edits[at]
    }
}
