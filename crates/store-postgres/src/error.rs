//! What can go wrong with the store.

use tokio_postgres::error::SqlState;

use crate::settings::Difference;

/// Whatever the functions of this crate return.
pub type Result<T> = std::result::Result<T, Error>;

/// Why the store did not do what it was asked for. Nothing was changed, unless it is [`Unavailable`](Self::Unavailable).
#[derive(Debug)]
pub enum Error {
    /// The database's URL cannot be used; the text says why, and what to do.
    Url(String),
    /// The database was made by a later version, and this one may not use it any more.
    TooNew {
        /// The oldest layout that a program has to know to use it.
        min_reader: i32,
        /// The layout that this program knows.
        known: i32,
    },
    /// Another process has settings otherwise that have to be the same in all: this one is not listed.
    Differs(Vec<Difference>),
    /// A request id, a recording or a piece of it is there already.
    Known,
    /// No answer came: whether it was done is not known.
    Unavailable(String),
    /// It could not be done now: somebody else has a row for too long, or the server takes no statement of this kind. Ask again.
    Busy(String),
    /// The database refused it.
    Refused(tokio_postgres::Error),
    /// What is stored was written by no version of this program.
    Damaged(String),
}

/// A wait for a lock that took too long, a statement that did, a deadlock, too many connections, a server that has not taken over yet.
const BUSY: [&str; 6] = ["55P03", "57014", "40P01", "40001", "53300", "25006"];

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(told) = error.as_db_error() else { return Self::Unavailable(said(&error)) };
        if *told.code() == SqlState::UNIQUE_VIOLATION {
            return Self::Known;
        }
        if BUSY.contains(&told.code().code()) {
            return Self::Busy(said(&error));
        }
        // Connections that the server breaks, and a server that starts or stops.
        if told.code().code().starts_with("08") || told.code().code().starts_with("57P") {
            return Self::Unavailable(said(&error));
        }
        Self::Refused(error)
    }
}

/// An error with its causes: that of `tokio-postgres` alone says "db error".
pub(crate) fn said(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Url(text) => f.write_str(text),
            Self::TooNew { min_reader, known } => write!(
                f,
                "the database is of a later version: it takes a program that knows layout {min_reader}, and this one knows \
                 {known}. Update this program"
            ),
            Self::Differs(differences) => {
                let told: Vec<_> = differences.iter().map(Difference::to_string).collect();
                write!(f, "{}", told.join("; "))
            }
            Self::Known => f.write_str("it is stored already"),
            Self::Unavailable(why) => write!(f, "the database does not answer: {why}"),
            Self::Busy(why) => write!(f, "the database cannot do it now: {why}"),
            Self::Refused(error) => write!(f, "the database refused a statement: {}", said(error)),
            Self::Damaged(what) => write!(f, "a stored {what} was written by no version of this program"),
        }
    }
}

impl std::error::Error for Error {}
