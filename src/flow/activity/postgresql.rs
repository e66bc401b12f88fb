//! PostgreSQL's statements, from version 10 on.

use super::stop::Seen;
use super::{Activity, Whose, text};
use crate::flow::ask::Row;

/// The begin of what is going on now: of the statement while one runs, else of the state.
const SINCE: &str = "CASE WHEN a.state = 'active' THEN a.query_start ELSE a.state_change END";

/// The statement that lists sessions of programs. Of what it may not see a user sees names and processes, but neither state nor
/// kind; that the server's own workers have no user, or a kind, tells them apart.
pub(super) fn list(whose: Whose) -> String {
    let own = match whose {
        Whose::Own => " AND a.usename = session_user",
        Whose::All => "",
    };
    format!(
        "SELECT a.pid, to_char({SINCE} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), \
         extract(epoch FROM clock_timestamp() - {SINCE}), a.usename, a.datname, a.application_name, host(a.client_addr), \
         a.state, a.wait_event_type || ': ' || a.wait_event, a.query FROM pg_catalog.pg_stat_activity a \
         WHERE a.usename IS NOT NULL AND coalesce(a.backend_type, 'client backend') = 'client backend' AND a.pid <> pg_backend_pid(){own} \
         ORDER BY a.state = 'active' DESC NULLS LAST, {SINCE}, a.pid"
    )
}

/// A row of [`list`].
pub(super) fn activity(row: &Row) -> Option<Activity> {
    let state = text(row, 7);
    Some(Activity {
        pid: text(row, 0)?.parse().ok()?,
        since: text(row, 1),
        seconds: text(row, 2).and_then(|seconds| seconds.parse().ok()),
        user: text(row, 3).unwrap_or_default(),
        database: text(row, 4),
        application: text(row, 5),
        client: text(row, 6),
        // An idle session waits for its client, which its state says.
        wait: text(row, 8).filter(|_| state.as_deref() == Some("active")),
        state,
        query: text(row, 9).unwrap_or_default(),
    })
}

/// The statement that looks at one process.
pub(super) fn one(pid: i32) -> String {
    format!(
        "SELECT a.usename, coalesce(a.usename = session_user, false), a.state, a.backend_start, a.query_start, a.query \
         FROM pg_catalog.pg_stat_activity a WHERE a.pid = {pid}"
    )
}

/// A row of [`one`].
pub(super) fn seen(row: &Row) -> Seen {
    let (state, begun) = (text(row, 2), text(row, 4));
    Seen {
        own: text(row, 1).as_deref() == Some("t"),
        user: text(row, 0).unwrap_or_default(),
        session: text(row, 3),
        // Without a state the server hides from us whether a statement runs.
        hidden: state.is_none(),
        running: begun.filter(|_| state.is_some_and(|state| state == "active")),
        query: text(row, 5).unwrap_or_default(),
    }
}
