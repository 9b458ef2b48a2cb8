//! `backup`: a copy of the data directory that a recorder can be started with.
//!
//! The database is copied within one read transaction, as it was at one moment; body files stay while they are copied. What is
//! live at that moment is interrupted in the copy, with the bytes that it had.

use std::fs::File;
use std::io;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::storage::bodies::Bodies;
use crate::storage::rows::stored_id;
use crate::storage::{DATABASE, private};

/// What was copied.
pub(super) struct Copied {
    pub(super) recordings: u64,
    pub(super) bytes: u64,
}

/// Copies `data`, whose body files stay meanwhile, to a directory that is empty or not there.
pub(super) fn copy(data: &Path, to: &Path) -> Result<Copied, String> {
    let failed = |error: io::Error| format!("cannot write to {}: {error}", to.display());
    if to.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(format!("{} is not empty: name a directory that is, or one to be made", to.display()));
    }
    private::directory(to).map_err(failed)?;
    let database = to.join(DATABASE);
    drop(private::create(&database).map_err(failed)?);
    let copied = snapshot(&data.join(DATABASE), &database)
        .map_err(|error| format!("the database cannot be copied to {}: {error}", to.display()))?;
    let (from, into) = (Bodies::open(data).map_err(failed)?, Bodies::open(to).map_err(failed)?);
    let mut bytes = 0;
    for id in copied.iter().filter_map(|id| stored_id(id)) {
        // No byte came of one that has no file.
        if let Some(mut body) = from.open_stored(id).map_err(failed)? {
            let mut file = into.create(id).map_err(failed)?;
            bytes += io::copy(&mut body, &mut file).map_err(failed)?;
            file.sync_data().map_err(failed)?;
        }
    }
    for path in [database.as_path(), to] {
        File::open(path).and_then(|file| file.sync_all()).map_err(failed)?;
    }
    Ok(Copied { recordings: copied.len() as u64, bytes })
}

/// Copies the database as it is at one moment. Returns the ids of the recordings in the copy.
fn snapshot(from: &Path, to: &Path) -> rusqlite::Result<Vec<String>> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(from, flags)?;
    db.busy_timeout(std::time::Duration::from_secs(10))?;
    db.execute("VACUUM INTO ?1", [to.to_string_lossy()])?;
    let copy = Connection::open_with_flags(to, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    copy.prepare("SELECT id FROM recordings")?.query_map([], |row| row.get(0))?.collect()
}
