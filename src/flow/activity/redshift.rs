//! Redshift's statements. What runs stands in `stv_recents`, as Teleport's guide to Redshift has it looked up; sessions stand in
//! `stv_sessions`. Everybody sees their own, superusers see all.

use super::stop::Seen;
use super::{Activity, text};
use crate::flow::ask::Row;

/// The statement of Teleport's guide for what runs.
pub(super) const RUNNING: &str = "SELECT pid,starttime,duration,trim(user_name) AS user,trim(query) AS query \
                                  FROM stv_recents WHERE status = 'Running'";

/// A row of [`RUNNING`].
pub(super) fn activity(row: &Row) -> Option<Activity> {
    Some(Activity {
        pid: text(row, 0)?.parse().ok()?,
        // Without a zone; the server's times are UTC.
        since: text(row, 1).map(|since| format!("{}Z", since.replace(' ', "T"))),
        seconds: text(row, 2)
            .and_then(|micros| micros.parse::<f64>().ok())
            .map(|micros| micros / 1e6),
        user: plain(&text(row, 3).unwrap_or_default()).to_owned(),
        state: Some("running".to_owned()),
        query: statement(text(row, 4)),
        ..Activity::default()
    })
}

/// The statement that looks at a process' session.
pub(super) fn session(pid: i32) -> String {
    format!(
        "SELECT process,trim(user_name) AS user,starttime FROM stv_sessions WHERE process = {pid}"
    )
}

/// The statement that looks at what a process runs.
pub(super) fn one(pid: i32) -> String {
    format!(
        "SELECT starttime,trim(user_name) AS user,trim(query) AS query FROM stv_recents WHERE status = 'Running' AND pid = {pid}"
    )
}

/// What the rows of [`session`] and [`one`] say; `None` without a session or a statement.
pub(super) fn seen(session: Option<&Row>, running: Option<&Row>, user: &str) -> Option<Seen> {
    let name = session
        .and_then(|row| text(row, 1))
        .or_else(|| running.and_then(|row| text(row, 1)))?;
    let name = plain(name.trim());
    Some(Seen {
        own: same_user(name, user),
        user: name.to_owned(),
        session: session.and_then(|row| text(row, 2)),
        hidden: false,
        running: running.and_then(|row| text(row, 0)),
        query: statement(running.and_then(|row| text(row, 2))),
    })
}

/// Whether both names are of one user: names fold, and `stv_recents` cuts them at 50 bytes with their prefix.
pub(super) fn same_user(seen: &str, user: &str) -> bool {
    let seen = plain(seen);
    seen.eq_ignore_ascii_case(user)
        || (seen.len() >= 45
            && user
                .get(..seen.len())
                .is_some_and(|user| user.eq_ignore_ascii_case(seen)))
}

/// A user's name without the prefix of logins by IAM.
fn plain(name: &str) -> &str {
    ["IAM:", "IAMA:", "IAMR:"]
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix))
        .unwrap_or(name)
}

/// Line ends stand as `\n` there.
fn statement(text: Option<String>) -> String {
    text.unwrap_or_default().replace("\\n", "\n")
}
