//! Brings the tables of an older state file up to date.
//!
//! Each step has a number and a file of its own; the number of the last one applied is `PRAGMA user_version`. A step that
//! was released is never changed: a new one follows it.

use rusqlite::{Connection, TransactionBehavior};

/// The steps, ascending.
const STEPS: &[(i64, &str)] = &[
    (1, include_str!("001_base.sql")),
    (2, include_str!("002_leaf.sql")),
    (3, include_str!("003_sessions.sql")),
    (4, include_str!("004_users.sql")),
    (6, include_str!("006_rotation.sql")),
    (7, include_str!("007_sso.sql")),
];

/// What became of the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Applied {
    /// It has every step.
    UpToDate,
    /// A newer program wrote it; nothing was changed.
    Newer {
        /// Version of the file.
        found: i64,
        /// The newest version known here.
        known: i64,
    },
}

/// Applies the steps that are missing: all of them or none.
///
/// # Errors
/// When SQLite refuses.
pub(super) fn apply(connection: &mut Connection) -> rusqlite::Result<Applied> {
    run(connection, STEPS)
}

fn run(connection: &mut Connection, steps: &[(i64, &str)]) -> rusqlite::Result<Applied> {
    let known = steps.last().map_or(0, |(number, _)| *number);
    // The common case takes no lock for writing.
    if version(connection)? == known {
        return Ok(Applied::UpToDate);
    }
    // Of two processes that open a file at once, the second finds it done.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = version(&transaction)?;
    if found > known {
        return Ok(Applied::Newer { found, known });
    }
    for (_, sql) in steps.iter().filter(|(number, _)| *number > found) {
        transaction.execute_batch(sql)?;
    }
    transaction.pragma_update(None, "user_version", known)?;
    transaction.commit()?;
    Ok(Applied::UpToDate)
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &[(i64, &str)] = &[(1, "CREATE TABLE a (x INTEGER) STRICT;")];
    const NEW: &[(i64, &str)] = &[
        (1, "CREATE TABLE a (x INTEGER) STRICT;"),
        (3, "ALTER TABLE a ADD COLUMN y INTEGER NOT NULL DEFAULT 7;"),
        (4, "CREATE TABLE b (z INTEGER) STRICT;"),
    ];

    fn open() -> Connection {
        Connection::open_in_memory().expect("a database")
    }

    #[test]
    fn an_older_file_gets_what_it_lacks_and_keeps_what_it_has() {
        let mut connection = open();
        assert_eq!(run(&mut connection, OLD), Ok(Applied::UpToDate));
        connection
            .execute_batch("INSERT INTO a VALUES (1)")
            .expect("a row");
        assert_eq!(run(&mut connection, NEW), Ok(Applied::UpToDate));
        assert_eq!(version(&connection), Ok(4));
        let row: (i64, i64) = connection
            .query_row("SELECT x, y FROM a", [], |r| Ok((r.get(0)?, r.get(1)?)))
            .expect("the row");
        assert_eq!(row, (1, 7));
        assert_eq!(run(&mut connection, NEW), Ok(Applied::UpToDate));
        assert_eq!(
            run(&mut connection, OLD),
            Ok(Applied::Newer { found: 4, known: 1 })
        );
    }

    #[test]
    fn a_step_that_fails_leaves_the_file_as_it_was() {
        let mut connection = open();
        run(&mut connection, OLD).expect("the old tables");
        let broken: &[(i64, &str)] = &[
            (2, "CREATE TABLE c (x INTEGER) STRICT;"),
            (3, "CREATE TABLE a (x INTEGER) STRICT;"),
        ];
        assert!(run(&mut connection, broken).is_err());
        assert_eq!(version(&connection), Ok(1));
        assert!(
            connection.prepare("SELECT * FROM c").is_err(),
            "the step before it is undone too"
        );
    }

    #[test]
    fn the_steps_are_ascending() {
        assert!(STEPS.is_sorted_by(|a, b| a.0 < b.0));
    }
}
