//! The version of the layout: an object that an earlier one wrote is brought to this one when it is opened.

use js_sys::Array;

use super::{Store, StoreError, Stored, integer, read_head};

/// This one. 1 was durablefetch 0.2, which said none.
const VERSION: u64 = 2;

impl Store {
    pub(super) fn say_version(&self) -> Stored<()> {
        self.run(&format!("INSERT OR REPLACE INTO meta (name, value) VALUES ('version', {VERSION})"), &[])
    }

    pub(super) fn migrate(&self) -> Stored<()> {
        let rows = self.query("SELECT value FROM meta WHERE name = 'version'", &[])?;
        match rows.first().map_or(Some(1), |row| integer(row, 0)) {
            Some(VERSION) => Ok(()),
            Some(1) => self.transaction(|| {
                self.upgrade_1()?;
                self.say_version()
            }),
            other => {
                let found = other.map_or_else(|| "no number".to_owned(), |version| version.to_string());
                Err(StoreError::failed(format!(
                    "this object has storage version {found}, and this recorder knows {VERSION}: deploy the version \
                     that wrote it"
                )))
            }
        }
    }

    /// Version 1 did not know when a recording ended, and kept answers as recordings: `requests.answer` was the number
    /// of one. That column is still declared INTEGER then; SQLite keeps a BLOB in it as it is.
    fn upgrade_1(&self) -> Stored<()> {
        for column in [
            "ended_ms INTEGER",
            "restarted INTEGER NOT NULL DEFAULT 0",
            "volatile INTEGER NOT NULL DEFAULT 0",
            "age_ms INTEGER",
        ] {
            self.run(&format!("ALTER TABLE recordings ADD COLUMN {column}"), &[])?;
        }
        self.run(
            "UPDATE recordings SET ended_ms = used_ms WHERE state NOT IN ('connecting', 'streaming')",
            &[],
        )?;
        let kept =
            "SELECT requests.id, n, status, reason, headers FROM requests JOIN recordings ON n = answer";
        for row in self.query(kept, &[])? {
            self.keep(&row)?;
        }
        self.run("UPDATE requests SET answer = NULL WHERE typeof(answer) <> 'blob'", &[])?;
        self.run("DELETE FROM recordings WHERE kind = 1 AND ended_ms IS NOT NULL", &[])
    }

    /// Writes an answer down with the request id that it is kept for.
    fn keep(&self, row: &Array) -> Stored<()> {
        let (Some(n), Some(head)) = (integer(row, 1), read_head(row, 2)) else { return Ok(()) };
        let answer = self.packed(n, &head)?;
        self.run("UPDATE requests SET answer = ? WHERE id = ?", &[answer.into(), row.get(0)])
    }
}
