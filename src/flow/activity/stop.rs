//! Stopping one session's statement, or the session, and waiting until that has happened.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Dialect, Whose, postgresql, redshift};
use crate::flow::ask::{AskError, Asker};
use crate::pg::sqlstate;

/// The pause between two looks at first, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(250));

/// What is done to the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// Its statement is cancelled; the session goes on.
    Cancel,
    /// The session is ended.
    Terminate,
}

impl Means {
    fn function(self) -> &'static str {
        match self {
            Self::Cancel => "pg_cancel_backend",
            Self::Terminate => "pg_terminate_backend",
        }
    }
}

/// What is to be stopped, and how.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// Process on the server.
    pub pid: i32,
    /// How.
    pub means: Means,
    /// Whose sessions may be touched.
    pub whose: Whose,
    /// The database user of this session.
    pub user: &'a str,
    /// How long to wait for the end.
    pub wait: Duration,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The statement, or the session, has stopped.
    Stopped(Stopped),
    /// There was no statement to cancel.
    NothingRan {
        /// Whose session it is.
        user: String,
    },
    /// It had not stopped when the time was over.
    StillRuns {
        /// The statement.
        query: String,
    },
    /// The signal is sent, and the server does not show this user whether it worked.
    Unseen {
        /// Whose session it is.
        user: String,
    },
    /// There is no such process, or the server does not show it.
    NoSuch,
    /// It is somebody else's, and those are not to be touched or may not be.
    NotYours {
        /// Whose session it is; empty for the server's own.
        user: String,
        /// The server refused it, in these words; `None` when it was not asked.
        refused: Option<String>,
    },
}

/// What has stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// Whose session it was.
    pub user: String,
    /// The statement that ran, or ran last.
    pub query: String,
    /// From the order until it was seen to have stopped.
    pub after: Duration,
}

/// How one process looks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// It is this user's.
    pub(super) own: bool,
    pub(super) user: String,
    /// Begin of the session, which tells it from a later one with the same number.
    pub(super) session: Option<String>,
    /// Whether a statement runs is not shown.
    pub(super) hidden: bool,
    /// Begin of the statement that runs.
    pub(super) running: Option<String>,
    pub(super) query: String,
}

/// Does it, and waits until it has happened or the time is over.
///
/// # Errors
/// [`AskError`].
pub async fn stop(asker: &mut Asker, order: Order<'_>) -> Result<Outcome, AskError> {
    let dialect = Dialect::of(asker);
    let Some(before) = look(asker, dialect, order).await? else {
        return Ok(Outcome::NoSuch);
    };
    let user = before.user.clone();
    if !before.own && order.whose == Whose::Own {
        let refused = None;
        return Ok(Outcome::NotYours { user, refused });
    }
    if order.means == Means::Cancel && before.running.is_none() && !before.hidden {
        return Ok(Outcome::NothingRan { user });
    }
    let begun = Instant::now();
    let sql = format!("SELECT {}({})", order.means.function(), order.pid);
    match asker.ask(&sql).await {
        Ok(_) => {}
        Err(AskError::Refused { error, .. })
            if error.sqlstate().as_deref() == Some(sqlstate::INSUFFICIENT_PRIVILEGE) =>
        {
            let refused = Some(error.message().into_owned());
            return Ok(Outcome::NotYours { user, refused });
        }
        Err(error) => return Err(error),
    }
    let mut pause = PAUSES.0;
    loop {
        let now = look(asker, dialect, order).await?;
        if has_stopped(order.means, &before, now.as_ref()) {
            return Ok(Outcome::Stopped(Stopped {
                user,
                query: before.query,
                after: begun.elapsed(),
            }));
        }
        if order.means == Means::Cancel && before.hidden {
            return Ok(Outcome::Unseen { user });
        }
        if begun.elapsed() >= order.wait {
            let query = before.query;
            return Ok(Outcome::StillRuns { query });
        }
        sleep(pause.min(order.wait.saturating_sub(begun.elapsed()))).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}

/// Whether what was seen before is over.
pub(super) fn has_stopped(means: Means, before: &Seen, now: Option<&Seen>) -> bool {
    let Some(now) = now else { return true };
    // Another session that was given the same number.
    if before.session.is_some() && now.session.is_some() && before.session != now.session {
        return true;
    }
    match means {
        Means::Cancel => !before.hidden && !now.hidden && now.running != before.running,
        Means::Terminate => false,
    }
}

async fn look(
    asker: &mut Asker,
    dialect: Dialect,
    order: Order<'_>,
) -> Result<Option<Seen>, AskError> {
    match dialect {
        Dialect::PostgreSql => {
            let rows = asker.ask(&postgresql::one(order.pid)).await?;
            Ok(rows.first().map(postgresql::seen))
        }
        Dialect::Redshift => {
            let session = asker.ask(&redshift::session(order.pid)).await?;
            let running = asker.ask(&redshift::one(order.pid)).await?;
            Ok(redshift::seen(session.first(), running.first(), order.user))
        }
    }
}
