//! The database thread. Commits are grouped: what has queued up meanwhile is one transaction.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use rusqlite::{Connection, OpenFlags};
use tokio::sync::oneshot;

use crate::error::{StartError, StoreError};
use crate::storage::schema;

/// Jobs in one transaction, at most; the first of them waits for the last.
const GROUP_MAX: usize = 256;

enum Job {
    /// Runs in the transaction; what it returns runs once that is committed.
    Work(Box<dyn FnOnce(&mut Connection) -> Answer + Send>),
    /// Ends the thread.
    Close,
}
type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// A handle to the database thread.
#[derive(Debug, Clone)]
pub(crate) struct Db {
    jobs: mpsc::Sender<Job>,
}

/// Opens the database, making it where there is none.
pub(crate) fn open(path: &Path) -> Result<Connection, StartError> {
    let failed = |error: rusqlite::Error| StartError::Database(path.to_owned(), error.to_string());
    let flags = OpenFlags::default() | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    schema::configure(&connection).map_err(failed)?;
    if let Err(version) = schema::migrate(&mut connection).map_err(failed)? {
        return Err(StartError::FutureFormat(path.to_owned(), version));
    }
    // Better told now than found by whoever asks for what is damaged: a third of a second for 100,000 recordings.
    let found: String =
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed)?;
    if found == "ok" { Ok(connection) } else { Err(StartError::Database(path.to_owned(), found)) }
}

impl Db {
    /// Gives the connection to a thread of its own.
    /// It writes down in `taken` what the database and its log take.
    pub(crate) fn spawn(
        connection: Connection,
        taken: Arc<AtomicU64>,
    ) -> std::io::Result<(Self, thread::JoinHandle<()>)> {
        let (jobs, queue) = mpsc::channel();
        let thread =
            thread::Builder::new().name("df-db".into()).spawn(move || run(connection, &queue, &taken))?;
        Ok((Self { jobs }, thread))
    }

    /// Runs `work` in a transaction and returns once that is committed. What `work` did is undone where it
    /// fails; the rest of its group is not. It is done even if the returned future is dropped.
    pub(crate) async fn call<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (answer, result) = oneshot::channel();
        let job = Job::Work(Box::new(move |connection| {
            let done = in_savepoint(connection, work);
            Box::new(move |committed| {
                let outcome = match (done, committed) {
                    (Ok(value), Ok(())) => Ok(value),
                    (Err(error), _) => Err(error.into()),
                    (Ok(_), Err(error)) => Err(error),
                };
                let _ = answer.send(outcome);
            })
        }));
        self.jobs.send(job).map_err(|_| StoreError::closed())?;
        result.await.map_err(|_| StoreError::closed())?
    }

    /// Ends the thread once it has done what is queued; what is called later fails.
    pub(crate) fn close(&self) {
        let _ = self.jobs.send(Job::Close);
    }
}

/// What the database takes on the disk, less its free pages, and its log. A log that has outgrown its limit shrinks by
/// itself.
fn size(connection: &Connection) -> rusqlite::Result<u64> {
    let number = |name: &str| {
        connection.prepare_cached(&format!("PRAGMA {name}"))?.query_row([], |row| row.get::<_, i64>(0))
    };
    let pages = (number("page_count")? - number("freelist_count")?).max(0);
    let log = connection.path().and_then(|path| std::fs::metadata(format!("{path}-wal")).ok());
    let log = log.map_or(0, |log| log.len()).min(number("journal_size_limit")?.max(0) as u64);
    Ok((pages * number("page_size")?) as u64 + log)
}

fn in_savepoint<T>(
    connection: &mut Connection,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let savepoint = connection.savepoint()?;
    let value = work(&savepoint)?;
    savepoint.commit()?;
    Ok(value)
}

fn run(mut connection: Connection, queue: &mpsc::Receiver<Job>, taken: &AtomicU64) {
    let mut answers = Vec::new();
    let mut open = true;
    while open {
        let Ok(Job::Work(first)) = queue.recv() else { break };
        let begun = connection.execute_batch("BEGIN");
        answers.push(first(&mut connection));
        while answers.len() < GROUP_MAX {
            match queue.try_recv() {
                Ok(Job::Work(work)) => answers.push(work(&mut connection)),
                Ok(Job::Close) => {
                    open = false;
                    break;
                }
                Err(_) => break,
            }
        }
        let committed = begun.and_then(|()| connection.execute_batch("COMMIT")).map_err(StoreError::from);
        if committed.is_err() && !connection.is_autocommit() {
            let _ = connection.execute_batch("ROLLBACK");
        }
        // Before the answers: what was committed may have made room, or taken it.
        match size(&connection) {
            Ok(size) => taken.store(size, Ordering::Relaxed),
            Err(error) => tracing::warn!("the database cannot be measured: {error}"),
        }
        for answer in answers.drain(..) {
            answer(committed.clone());
        }
    }
    // The log goes into the database, so that a copy of that file alone is whole.
    let _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
}
