//! Whether the recorder takes starts, and if not, why.

use std::time::{Duration, Instant};

use http::StatusCode;
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::recording::writer::Writer;
use crate::storage::db::Db;
use crate::storage::probe::{Probe, Trouble};

/// Storage is not tried again for so long: strangers may ask, and could otherwise have it written all the time.
const FRESH: Duration = Duration::from_secs(1);
/// Storage that takes longer than this fails.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why it takes none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Reason {
    /// It was told to end.
    Draining,
    /// The file system is full, and what could be removed has been.
    NoRoom,
    /// The data directory or the database cannot be written or read.
    Storage,
    /// The data directory is not there any more.
    DataDirectory,
    /// The database of the cluster has not answered for as long as a lease lasts.
    Store,
}

impl Reason {
    const fn message(self) -> &'static str {
        match self {
            Self::Draining => "it is shutting down and starts nothing new",
            Self::NoRoom => "the disk of the data directory is full",
            Self::Storage => "the data directory or its database fails: see the log",
            Self::Store => "the cluster's database does not answer: nothing is started until it does",
            Self::DataDirectory => "the data directory was removed or replaced: restart the recorder",
        }
    }
}

/// What `/readyz` answers.
#[derive(Debug, Serialize)]
pub(crate) struct Readiness {
    ready: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<Told>,
}

#[derive(Debug, Serialize)]
struct Told {
    reason: Reason,
    message: &'static str,
}

impl Readiness {
    pub(crate) fn of(reasons: &[Reason]) -> Self {
        let told = |reason: &Reason| Told { reason: *reason, message: reason.message() };
        Self { ready: reasons.is_empty(), reasons: reasons.iter().map(told).collect() }
    }

    /// The status of the answer.
    pub(crate) const fn status(&self) -> StatusCode {
        if self.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
    }

    /// As JSON.
    pub(crate) fn json(&self) -> Vec<u8> {
        // Strings and booleans always serialise.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// Tries storage, for all who ask together.
#[derive(Debug)]
pub(crate) struct Health {
    probe: Probe,
    last: Mutex<Option<(Instant, Option<Reason>)>>,
}

impl Health {
    pub(crate) fn new(probe: Probe) -> Self {
        Self { probe, last: Mutex::default() }
    }

    /// Why storage takes nothing now, where it does not. `db`: `None` where rows are elsewhere.
    pub(crate) async fn storage(&self, db: Option<&Db>, writer: &Writer) -> Option<Reason> {
        let mut last = self.last.lock().await;
        if let Some((at, reason)) = *last
            && at.elapsed() < FRESH
        {
            return reason;
        }
        let reason = self.look(db, writer).await;
        *last = Some((Instant::now(), reason));
        reason
    }

    async fn look(&self, db: Option<&Db>, writer: &Writer) -> Option<Reason> {
        let probe = self.probe.clone();
        let written = timeout(PATIENCE, tokio::task::spawn_blocking(move || probe.run())).await;
        match written {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(Trouble::Gone))) => return Some(Reason::DataDirectory),
            Ok(Ok(Err(Trouble::Full))) => {
                // Have finished recordings removed, so that the next probe finds room. A recorder that is not ready is
                // sent no requests, which would have them removed otherwise.
                writer.starve();
                return Some(Reason::NoRoom);
            }
            Ok(Ok(Err(Trouble::Failing)) | Err(_)) | Err(_) => return Some(Reason::Storage),
        }
        let db = db?;
        let read = db.call(|db| db.query_row("select count(*) from sqlite_master", [], |row| row.get(0)));
        let read: Result<Result<i64, _>, _> = timeout(PATIENCE, read).await;
        (!matches!(read, Ok(Ok(_)))).then_some(Reason::Storage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_names_each_reason() {
        let text = |reasons: &[Reason]| String::from_utf8(Readiness::of(reasons).json()).unwrap();
        assert_eq!(text(&[]), r#"{"ready":true}"#);
        let told = text(&[Reason::Draining, Reason::DataDirectory]);
        assert!(
            told.starts_with(r#"{"ready":false,"reasons":[{"reason":"draining","message":"it is"#),
            "{told}"
        );
        assert!(told.contains(r#""reason":"data-directory""#), "{told}");
    }
}
