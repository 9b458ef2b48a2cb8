//! Standard error as the systemd journal reads it: `<N>` before a line is its priority, as sd-daemon(3) says.

use std::io::{self, Stderr, Write};

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// Writes lines to standard error, with their priorities where the journal reads it.
#[derive(Debug, Clone, Copy)]
pub struct Lines {
    is_journal: bool,
}

impl Lines {
    /// Looks whether the journal reads standard error: the variable `JOURNAL_STREAM` has its device and inode.
    #[must_use]
    pub fn to_stderr() -> Self {
        let named = std::env::var("JOURNAL_STREAM").ok();
        Self { is_journal: named.is_some_and(|named| stderr_is(&named)) }
    }

    /// Whether the journal reads them. It has the time of each line itself.
    #[must_use]
    pub fn is_journal(self) -> bool {
        self.is_journal
    }
}

impl Lines {
    /// Writes what ends the program, before there is a log or beside it. Each line is an error to the journal.
    pub fn fatal(self, text: &str) {
        let priority = if self.is_journal { priority(Level::ERROR) } else { "" };
        let lines: String = text.trim_end().lines().map(|line| format!("{priority}{line}\n")).collect();
        // Nobody may listen.
        let _ = io::stderr().write_all(lines.as_bytes());
    }
}

#[cfg(target_os = "linux")]
fn stderr_is(named: &str) -> bool {
    rustix::fs::fstat(io::stderr()).is_ok_and(|file| named == format!("{}:{}", file.st_dev, file.st_ino))
}

/// Only Linux has a journal.
#[cfg(not(target_os = "linux"))]
fn stderr_is(_: &str) -> bool {
    false
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line { priority: None, stderr: io::stderr() }
    }

    fn make_writer_for(&'a self, meta: &Metadata<'_>) -> Line {
        Line { priority: self.is_journal.then(|| priority(*meta.level())), stderr: io::stderr() }
    }
}

/// The priorities of syslog(3): error, warning, informational, debug.
fn priority(level: Level) -> &'static str {
    match level {
        Level::ERROR => "<3>",
        Level::WARN => "<4>",
        Level::INFO => "<6>",
        _ => "<7>",
    }
}

/// One line, which is written at once.
#[derive(Debug)]
pub struct Line {
    priority: Option<&'static str>,
    stderr: Stderr,
}

impl Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let Some(priority) = self.priority.take() else { return self.stderr.write(line) };
        // Together, since the lines of other threads come in between otherwise.
        self.stderr.write_all(&[priority.as_bytes(), line].concat())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stderr.flush()
    }
}
