//! Who does what on a database server, and stopping it.
//!
//! | file | holds |
//! |---|---|
//! | `postgresql` | the statements for PostgreSQL, `pg_stat_activity` |
//! | `redshift` | the statements for Redshift, `stv_recents` and `stv_sessions` |
//! | `stop` | [`stop`]: cancelling or ending, and waiting until it has happened |
//!
//! Sessions are the server's; what a person may see and stop there is for the database user's rights to say.

mod postgresql;
mod redshift;
mod stop;
#[cfg(test)]
mod tests;

use super::ask::{AskError, Asker, Row};

pub use stop::{Means, Order, Outcome, Stopped, stop};

/// Whose sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Those of the database user of this session.
    Own,
    /// Those that the server shows.
    All,
}

/// One session on the server; on Redshift one running statement.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Activity {
    /// Process on the server.
    pub pid: i32,
    /// Since when it does what it does: the begin of a running statement, else of the state. RFC 3339 in UTC; `None` where the
    /// server does not show it.
    pub since: Option<String>,
    /// How long that is, seconds by the server's clock.
    pub seconds: Option<f64>,
    /// Database user, without the prefix of logins by IAM.
    pub user: String,
    /// Database name; `None` on Redshift.
    pub database: Option<String>,
    /// Name that the program gave itself; of a session through Teleport 18 only what it SET there (db-service.md 2.3).
    pub application: Option<String>,
    /// Address the server sees; that of Teleport's service.
    pub client: Option<String>,
    /// `active`, `idle`, `idle in transaction` and so on; on Redshift `running`. `None` where the server does not show it.
    pub state: Option<String>,
    /// What it waits for, e.g. `Lock: transactionid`.
    pub wait: Option<String>,
    /// The statement that runs, or ran last.
    pub query: String,
}

/// What kind of server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    PostgreSql,
    Redshift,
}

impl Dialect {
    /// Redshift calls itself 8.0.2, for ever; no PostgreSQL of that age can be reached through Teleport.
    fn of(asker: &Asker) -> Self {
        if asker.server_version().starts_with("8.0.") {
            Self::Redshift
        } else {
            Self::PostgreSql
        }
    }
}

/// Lists sessions, running statements first, the longest first; never this one.
///
/// # Errors
/// [`AskError`].
pub async fn list(asker: &mut Asker, user: &str, whose: Whose) -> Result<Vec<Activity>, AskError> {
    let own = asker.pid();
    let mut all = match Dialect::of(asker) {
        Dialect::PostgreSql => {
            let rows = asker.ask(&postgresql::list(whose)).await?;
            rows.iter().filter_map(postgresql::activity).collect()
        }
        Dialect::Redshift => {
            let rows = asker.ask(redshift::RUNNING).await?;
            let mut all: Vec<_> = rows.iter().filter_map(redshift::activity).collect();
            all.retain(|one| whose == Whose::All || redshift::same_user(&one.user, user));
            all
        }
    };
    all.retain(|one| Some(one.pid) != own);
    Ok(all)
}

/// A column's text; NULL and what is empty are `None`.
fn text(row: &Row, column: usize) -> Option<String> {
    row.get(column)?
        .as_ref()
        .filter(|text| !text.is_empty())
        .cloned()
}
