//! Every statement that runs while the recorder serves. They are in one list, so that a test can look at how SQLite
//! carries each out: none may look through a whole table.

/// The columns of a recording, in the order in which [`rows`](super::rows) reads them.
macro_rules! columns {
    () => {
        "id, state, cause, status, reason, headers, fingerprint, len, chunks, started_ms, used_ms, retired_ms, \
         ended_ms, restarted, volatile, age_ms"
    };
}

/// The columns of what an operator is shown, in the order in which [`list`](super::list) reads them.
macro_rules! listed {
    () => {
        "id, scope, url, state, cause, status, headers, len, chunks, started_ms, used_ms, ended_ms, retired_ms"
    };
}

macro_rules! statements {
    ($( $(#[$doc:meta])* $name:ident = $sql:expr; )*) => {
        $( $(#[$doc])* pub(super) const $name: &str = $sql; )*

        #[cfg(test)]
        const ALL: &[(&str, &str)] = &[$( (stringify!($name), $name), )*];
    };
}

statements! {
    RECORDINGS_OF_KEY = concat!("SELECT ", columns!(), " FROM recordings WHERE scope = ?1 AND url = ?2");
    REQUESTS_OF_KEY = "SELECT id, outcome, at_ms FROM requests WHERE scope = ?1 AND url = ?2";
    INSERT_RECORDING =
        "INSERT INTO recordings (id, scope, url, state, fingerprint, restarted, started_ms, used_ms, age_ms, scope_bytes) \
         VALUES (?1, ?2, ?3, 'connecting', ?4, ?5, ?6, ?6, ?7, ?8)";
    SET_HEAD =
        "UPDATE recordings SET state = 'streaming', status = ?2, reason = ?3, headers = ?4, volatile = ?5 \
         WHERE id = ?1";
    SET_END =
        "UPDATE recordings SET state = ?2, cause = ?3, len = ?4, chunks = ?5, ended_ms = ?6, \
         used_ms = MAX(used_ms, ?6) WHERE id = ?1";
    FIRST_RECORDING = "SELECT started_ms FROM recordings WHERE id > '' ORDER BY id LIMIT 1";
    SET_RETIRED = "UPDATE recordings SET retired_ms = ?2 WHERE id = ?1";
    SET_USED = "UPDATE recordings SET used_ms = ?2 WHERE id = ?1";
    DELETE_RECORDING = "DELETE FROM recordings WHERE id = ?1 RETURNING length(reason) + length(headers)";
    PUT_REQUEST =
        "INSERT OR REPLACE INTO requests (scope, url, id, outcome, at_ms, answer) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    DELETE_REQUEST =
        "DELETE FROM requests WHERE scope = ?1 AND url = ?2 AND id = ?3 RETURNING length(answer)";
    /// How long the answer is that is kept for a request id; no row where the id is unknown.
    KEPT_LENGTH = "SELECT length(answer) FROM requests WHERE scope = ?1 AND url = ?2 AND id = ?3";
    ANSWER = "SELECT answer FROM requests WHERE scope = ?1 AND url = ?2 AND id = ?3";
    /// Finished recordings that were unused since then, the next few.
    UNUSED =
        "SELECT used_ms, id, scope, url FROM recordings INDEXED BY used WHERE used_ms <= ?1 \
         AND (used_ms, id) > (?2, ?3) AND ended_ms IS NOT NULL ORDER BY used_ms, id LIMIT ?4";
    /// Recordings that ended before then, the next few. None of them has started later, which its id tells.
    OLD =
        "SELECT ended_ms, id, scope, url FROM recordings WHERE id <= ?2 AND id > ?3 AND ended_ms <= ?1 \
         ORDER BY id LIMIT ?4";
    /// Recordings that were of the age that their token said by then, the next few.
    AGED =
        "SELECT ended_ms + age_ms, id, scope, url FROM recordings INDEXED BY aged WHERE age_ms IS NOT NULL \
         AND ended_ms + age_ms <= ?1 AND (ended_ms + age_ms, id) > (?2, ?3) ORDER BY ended_ms + age_ms, id LIMIT ?4";
    /// Recordings that were retired before then, the next few.
    RETIRED =
        "SELECT retired_ms, id, scope, url FROM recordings WHERE retired_ms <= ?1 \
         AND (retired_ms, id) > (?2, ?3) ORDER BY retired_ms, id LIMIT ?4";
    /// Keys with a request id of before then, the next few.
    OLD_REQUESTS =
        "SELECT at_ms, id, scope, url FROM requests WHERE at_ms <= ?1 \
         AND (at_ms, scope, url, id) > (?2, ?5, ?6, ?3) ORDER BY at_ms, scope, url, id LIMIT ?4";
    /// Recordings before this one, the latest first.
    NEWEST = concat!("SELECT ", listed!(), " FROM recordings WHERE id < ?1 ORDER BY id DESC LIMIT ?2");
    NEWEST_OF_SCOPE =
        concat!("SELECT ", listed!(), " FROM recordings WHERE scope = ?3 AND id < ?1 ORDER BY id DESC LIMIT ?2");
    ONE = concat!("SELECT ", listed!(), " FROM recordings WHERE id = ?1");
    URLS_OF_SCOPE = "SELECT DISTINCT url FROM recordings WHERE scope = ?1 LIMIT ?2";
    /// The finished recordings of a scope that were unused for longest.
    OLDEST_OF_SCOPE =
        "SELECT scope, url, id FROM recordings INDEXED BY finished WHERE scope = ?1 AND ended_ms IS NOT NULL \
         ORDER BY used_ms LIMIT ?2";
    /// The oldest answers of a scope that are kept for their request ids.
    KEPT_OF_SCOPE =
        "SELECT scope, url, id, length(answer) FROM requests INDEXED BY kept WHERE scope = ?1 AND answer IS NOT NULL \
         ORDER BY at_ms LIMIT ?2";
    /// The process that serves.
    SERVING = "SELECT value FROM meta WHERE name = 'serving'";
    NOT_SERVING = "DELETE FROM meta WHERE name = 'serving' AND value = ?1";
    /// The process that has a key, where that is not the one that serves.
    PLACE = "SELECT owner, epoch FROM places WHERE scope = ?1 AND url = ?2";
    RELEASE = "DELETE FROM places WHERE scope = ?1 AND url = ?2 AND owner = ?3 AND epoch = ?4";
    FORGET_ANSWER = "UPDATE requests SET answer = NULL WHERE scope = ?1 AND url = ?2 AND id = ?3";
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::storage::schema;

    #[test]
    fn no_statement_looks_through_a_table_or_sorts() {
        let mut db = Connection::open_in_memory().unwrap();
        schema::migrate(&mut db).unwrap().unwrap();
        for (name, sql) in ALL {
            let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let parameters = vec![1; statement.parameter_count()];
            let plan: Vec<String> = statement
                .query_map(rusqlite::params_from_iter(parameters), |row| row.get("detail"))
                .unwrap()
                .map(Result::unwrap)
                .collect();
            for step in &plan {
                assert!(!step.starts_with("SCAN") && !step.contains("TEMP B-TREE"), "{name}: {plan:?}");
            }
        }
    }

    #[test]
    fn every_statement_is_in_the_list() {
        let rows = concat!(include_str!("rows.rs"), include_str!("list.rs"));
        for word in ["SELECT", "INSERT", "UPDATE", "DELETE"] {
            assert!(!rows.contains(&format!("\"{word} ")), "there is a statement outside the list: {word}");
        }
    }
}
