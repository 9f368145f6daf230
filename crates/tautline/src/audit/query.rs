//! Which rows are asked for.

use rusqlite::{Rows, Statement, params};

/// Which rows are asked for; what is not said does not matter.
#[derive(Debug, Clone)]
pub(super) struct Query {
    /// Rows from this one on. Signed, as the database counts: a forged row may be below the first.
    pub(super) from: i64,
    pub(super) since: Option<u64>,
    pub(super) until: Option<u64>,
    pub(super) kind: Option<String>,
    pub(super) connection: Option<String>,
    pub(super) user: Option<String>,
    pub(super) address: Option<String>,
    pub(super) room: Option<String>,
}

impl Query {
    /// The columns that a row is read from. A column is bare in `ORDER BY`, so that the primary key serves it.
    pub(super) const SQL: &str = "
        SELECT sequence, time, kind, connection, user, address, room, detail, hash FROM rows
        WHERE sequence >= ?1 AND (?2 IS NULL OR time >= ?2) AND (?3 IS NULL OR time < ?3)
          AND (?4 IS NULL OR kind = ?4) AND (?5 IS NULL OR connection = ?5)
          AND (?6 IS NULL OR user = ?6) AND (?7 IS NULL OR address = ?7)
          AND (?8 IS NULL OR room = ?8)
        ORDER BY sequence";

    /// Every row from this one on.
    pub(super) fn from(from: i64) -> Self {
        Self {
            from,
            since: None,
            until: None,
            kind: None,
            connection: None,
            user: None,
            address: None,
            room: None,
        }
    }

    /// Runs a statement that was made of [`Query::SQL`].
    pub(super) fn run<'a>(&self, statement: &'a mut Statement<'_>) -> rusqlite::Result<Rows<'a>> {
        statement.query(params![
            self.from,
            self.since,
            self.until,
            self.kind,
            self.connection,
            self.user,
            self.address,
            self.room
        ])
    }
}
