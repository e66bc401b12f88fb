//! Authorities and how far their rotation is.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, Transaction, params};

use super::{Store, StoreError};

/// Certificate and key (PEM) by the name of the authority.
pub type Pairs = BTreeMap<String, (String, String)>;

/// Everything about authorities, read at one moment. It holds private keys.
#[derive(Default)]
pub struct AuthorityRows {
    /// The authorities of which every kind has one.
    pub present: Pairs,
    /// Those that take their place, of kinds that are being rotated.
    pub next: Pairs,
    /// Phase and its begin (unix seconds) by kind; kinds that were never rotated have none.
    pub phases: BTreeMap<String, (String, i64)>,
}

impl std::fmt::Debug for AuthorityRows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthorityRows")
            .field("phases", &self.phases)
            .field("keys", &"****")
            .finish_non_exhaustive()
    }
}

/// One step of a rotation.
#[derive(Clone, Copy)]
pub struct Step<'a> {
    /// The kind.
    pub kind: &'a str,
    /// The phase it must be in; the first one has no row.
    pub from: &'a str,
    /// The phase it gets.
    pub to: &'a str,
    /// Unix seconds.
    pub now: i64,
    /// What becomes of the keys.
    pub keys: Keys<'a>,
}

/// What a step does with keys.
#[derive(Clone, Copy)]
pub enum Keys<'a> {
    /// They stay as they are.
    Stay,
    /// These are added beside the present ones.
    Add(&'a Pairs),
    /// Those added before take the place of the present ones, which are gone.
    Replace(&'a [&'a str]),
    /// Those added before are dropped.
    Drop(&'a [&'a str]),
}

impl Store {
    /// All authorities, with their private keys.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn authority_rows(&self) -> Result<AuthorityRows, StoreError> {
        self.transaction(|t| {
            let mut phases = BTreeMap::new();
            let mut statement = t.prepare("SELECT kind, phase, since FROM rotations")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                phases.insert(row.get(0)?, (row.get(1)?, row.get(2)?));
            }
            Ok(AuthorityRows {
                present: pairs(t, "SELECT kind, cert, key FROM authorities")?,
                next: pairs(t, "SELECT kind, cert, key FROM next_authorities")?,
                phases,
            })
        })
    }

    /// Takes a step of a rotation, as a whole or not at all. False when the kind is in another phase by now.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn rotate(&self, step: Step<'_>) -> Result<bool, StoreError> {
        self.transaction(|t| {
            let found: Option<String> = t
                .query_row(
                    "SELECT phase FROM rotations WHERE kind = ?1",
                    [step.kind],
                    |row| row.get(0),
                )
                .optional()?;
            let first = crate::cluster::ca::phase::Phase::Standby.as_str();
            if found.as_deref().unwrap_or(first) != step.from {
                return Ok(false);
            }
            match step.keys {
                Keys::Stay => {}
                Keys::Add(pairs) => {
                    for (name, (cert, key)) in pairs {
                        t.execute(
                            "INSERT INTO next_authorities VALUES (?1, ?2, ?3)",
                            [name, cert, key],
                        )?;
                    }
                }
                Keys::Replace(names) => {
                    for name in names {
                        t.execute(
                            "UPDATE authorities SET (cert, key) =
                                (SELECT cert, key FROM next_authorities WHERE kind = ?1) WHERE kind = ?1",
                            [name],
                        )?;
                    }
                    drop_next(t, names)?;
                }
                Keys::Drop(names) => drop_next(t, names)?,
            }
            t.execute(
                "INSERT OR REPLACE INTO rotations VALUES (?1, ?2, ?3)",
                params![step.kind, step.to, step.now],
            )?;
            Ok(true)
        })
    }
}

fn drop_next(t: &Transaction<'_>, names: &[&str]) -> rusqlite::Result<()> {
    for name in names {
        t.execute("DELETE FROM next_authorities WHERE kind = ?1", [name])?;
    }
    Ok(())
}

fn pairs(t: &Transaction<'_>, query: &str) -> rusqlite::Result<Pairs> {
    t.prepare(query)?
        .query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?
        .collect()
}
