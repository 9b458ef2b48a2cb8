//! The database thread. Commits are grouped: what has queued up meanwhile is one transaction.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use tokio::sync::oneshot;

use crate::error::{StartError, StoreError};
use crate::storage::schema;

/// Jobs in one transaction, at most; the first of them waits for the last.
const GROUP_MAX: usize = 256;

/// As long as rusqlite has it: another process that writes is waited for.
const BUSY: Duration = Duration::from_secs(5);
/// What was removed leaves the log once nothing was to be done for this long...
const QUIET: Duration = Duration::from_millis(250);
/// ...and after this at the latest: a start that comes at that moment waits for the disk, once in so long.
const ERASE_WITHIN: Duration = Duration::from_secs(30);

/// How often the database is measured, but for when something was removed.
const MEASURE_EVERY: Duration = Duration::from_millis(50);

enum Job {
    /// Runs in the transaction, or without one where none could be begun; what it returns runs once that is committed.
    Work {
        work: Work,
        /// It removes what is not to be found on the disk any more.
        erases: bool,
    },
    /// Ends the thread.
    Close {
        /// Another process goes on: it is not held up.
        for_another: bool,
    },
}
type Work = Box<dyn FnOnce(Option<&mut Connection>) -> Answer + Send>;
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
    // Better told now than when somebody asks for what is damaged: a third of a second for 100,000 recordings.
    let found: String =
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed)?;
    if found != "ok" {
        return Err(StartError::Database(path.to_owned(), found));
    }
    // What is sorted is in memory, and in no file outside the data directory. To rewrite a database that has just been
    // migrated would take its size in memory, so this comes after that.
    connection.pragma_update(None, "temp_store", "MEMORY").map_err(failed)?;
    Ok(connection)
}

/// Opens the database beside a process that has it open and in order.
pub(crate) fn open_beside(path: &Path) -> Result<Connection, StartError> {
    let failed = |error: rusqlite::Error| StartError::Database(path.to_owned(), error.to_string());
    let flags =
        (OpenFlags::default() | OpenFlags::SQLITE_OPEN_NOFOLLOW).difference(OpenFlags::SQLITE_OPEN_CREATE);
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    schema::configure(&connection).map_err(failed)?;
    connection.pragma_update(None, "temp_store", "MEMORY").map_err(failed)?;
    Ok(connection)
}

impl Db {
    /// None is there: whatever it is asked for fails.
    pub(crate) fn none() -> Self {
        Self { jobs: mpsc::channel().0 }
    }

    /// Gives the connection to a thread of its own, which writes down in `taken` what the database and its log take.
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
        self.write(false, work).await
    }

    /// As [`Db::call`]; the bytes of what is removed leave the log as well, a moment later, where this `erases`.
    pub(crate) async fn write<T, F>(&self, erases: bool, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (answer, result) = oneshot::channel();
        let work: Work = Box::new(move |connection| {
            let done = connection.map(|connection| in_savepoint(connection, work));
            Box::new(move |committed| {
                let outcome = match (done, committed) {
                    (Some(Ok(value)), Ok(())) => Ok(value),
                    (Some(Err(error)), _) => Err(error.into()),
                    (_, Err(error)) => Err(error),
                    (None, Ok(())) => Err(StoreError::closed()),
                };
                let _ = answer.send(outcome);
            })
        });
        self.jobs.send(Job::Work { work, erases }).map_err(|_| StoreError::closed())?;
        result.await.map_err(|_| StoreError::closed())?
    }

    /// Ends the thread once it has done what is queued; what is called later fails.
    /// `for_another`: another process goes on.
    pub(crate) fn close(&self, for_another: bool) {
        let _ = self.jobs.send(Job::Close { for_another });
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
    let (mut open, mut goes_on) = (true, false);
    let mut measured = None;
    // The last process may have been killed before the log was rid of what it had removed.
    let mut traces = Traces { since: Some(Instant::now()), patience: QUIET };
    while open {
        let first = match traces.since {
            None => queue.recv().ok(),
            Some(_) => match queue.recv_timeout(traces.patience) {
                Err(RecvTimeoutError::Timeout) => {
                    traces.erase(&connection);
                    continue;
                }
                job => job.ok(),
            },
        };
        let (work, erases) = match first {
            Some(Job::Work { work, erases }) => (work, erases),
            Some(Job::Close { for_another }) => {
                goes_on = for_another;
                break;
            }
            None => break,
        };
        let mut erasing = erases;
        // Another process may write as well: a transaction that has read before it writes would be refused at once, without
        // waiting for it.
        let begun = connection.execute_batch("BEGIN IMMEDIATE");
        let is_begun = begun.is_ok();
        answers.push(work(is_begun.then_some(&mut connection)));
        while answers.len() < GROUP_MAX {
            match queue.try_recv() {
                Ok(Job::Work { work, erases }) => {
                    erasing |= erases;
                    answers.push(work(is_begun.then_some(&mut connection)));
                }
                Ok(Job::Close { for_another }) => {
                    open = false;
                    goes_on = for_another;
                    break;
                }
                Err(_) => break,
            }
        }
        let committed = begun.and_then(|()| connection.execute_batch("COMMIT")).map_err(StoreError::from);
        if committed.is_err() && !connection.is_autocommit() {
            let _ = connection.execute_batch("ROLLBACK");
        }
        // Before the answers: those who have made room want to see it.
        if erasing || measured.is_none_or(|last: Instant| last.elapsed() >= MEASURE_EVERY) {
            measured = Some(Instant::now());
            match size(&connection) {
                Ok(size) => taken.store(size, Ordering::Relaxed),
                Err(error) => tracing::warn!("the database cannot be measured: {error}"),
            }
        }
        for answer in answers.drain(..) {
            answer(committed.clone());
        }
        if erasing {
            traces.since.get_or_insert_with(Instant::now);
        }
        if traces.since.is_some_and(|since| since.elapsed() >= ERASE_WITHIN) {
            traces.erase(&connection);
        }
    }
    // The log goes into the database, so that a copy of that file alone is whole.
    if !goes_on {
        let _ = empty_log(&connection);
    }
}

/// What was removed, as it still stands in the log.
struct Traces {
    /// Since when there may be any.
    since: Option<Instant>,
    /// How long there has to be nothing to do before they are removed.
    patience: Duration,
}

impl Traces {
    fn erase(&mut self, connection: &Connection) {
        // Another process that reads the database at this moment is not waited for: starts would wait too.
        let emptied = connection.busy_timeout(Duration::ZERO).and_then(|()| empty_log(connection));
        let _ = connection.busy_timeout(BUSY);
        *self = match emptied {
            Ok(true) => Self { since: None, patience: QUIET },
            Ok(false) | Err(_) => Self { since: Some(Instant::now()), patience: ERASE_WITHIN },
        };
        if let Err(error) = emptied {
            tracing::warn!("the database's log cannot be emptied: {error}");
        }
    }
}

/// Moves the log into the database and leaves it empty. False where another process reads it.
fn empty_log(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| Ok(row.get::<_, i64>(0)? == 0))
}
