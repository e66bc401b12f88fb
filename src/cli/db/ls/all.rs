//! `postern db ls --all`: the databases of every cluster that somebody is logged in to, and of the leaf clusters behind them.

use std::time::Duration;

use serde::Serialize;

use super::{MANY, table, tell_name};
use crate::auth::resources::ListFilter;
use crate::cli::error::JsonError;
use crate::cli::signals::interruptible;
use crate::cli::{CliError, Cx, Exit, Format};
use crate::db::json::Element;
use crate::db::{Row, rows};
use crate::flow::listing::{self, ListError, Part};
use crate::flow::session::{self, Session, SessionError};
use crate::profile::tsh::{self, TshProfile};

/// One element of the array, with tsh's keys (db-client.md 13.3); a cluster without an answer has `error` in place of
/// `database`.
#[derive(Debug, Serialize)]
struct Entry<'a> {
    proxy: &'a str,
    cluster: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<Element>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<JsonError<'a>>,
}

/// The part of one cluster, ready to print.
struct Shown {
    proxy: String,
    cluster: String,
    rows: Vec<Row>,
    error: Option<CliError>,
}

/// Lists them. Clusters that do not answer are named on standard error; the exit code is theirs only when none answered.
///
/// # Errors
/// The first failure, when no cluster answered.
pub(super) async fn run(
    cx: &mut Cx,
    filter: &ListFilter,
    patience: Duration,
    verbose: bool,
) -> Result<Exit, CliError> {
    let sessions = logins(cx).await?;
    let asking = async { Ok(listing::everywhere(&sessions, filter, patience).await) };
    let mut parts = interruptible(Box::pin(asking)).await?;
    if parts.iter().all(|part| part.result.is_err()) {
        let first = parts.swap_remove(0);
        return Err(failure(first.result.expect_err("all failed"), &first.proxy));
    }
    let text = matches!(cx.format, Format::Text | Format::Cmd);
    let shown: Vec<Shown> = parts
        .into_iter()
        .map(|part| show(cx, &sessions, part, text && verbose))
        .collect();
    for part in &shown {
        if let Some(error) = &part.error {
            cx.ui.warn(&format!(
                "cluster {} behind {} is left out: {}",
                part.cluster, part.proxy, error.message
            ));
        }
    }
    print(cx, &shown, verbose, filter.is_empty());
    Ok(Exit::Done)
}

/// The login in use and every other one that is valid: ours, then those of tsh at other proxies. An identity stands for itself.
/// One that is over is named and left out; it is asked for only when there is no other.
async fn logins(cx: &mut Cx) -> Result<Vec<Session>, CliError> {
    if cx.home.identity().is_some() {
        return Ok(vec![cx.session().await?]);
    }
    let mut sessions = Vec::new();
    if session::load(&cx.home, cx.now).is_ok() {
        sessions.push(cx.session().await?);
    }
    let mut proxies = Vec::new();
    for profile in cx.home.all()? {
        match profile {
            Ok(profile) => proxies.push(profile.proxy),
            Err(error) => cx.ui.warn(&format!("a login is left out: {error}")),
        }
    }
    let ours = proxies.len();
    if let Some(dir) = cx.home.tsh() {
        proxies.extend(tsh::all(dir).iter().map(TshProfile::proxy));
    }
    for (at, proxy) in proxies.iter().enumerate() {
        if proxies[..at].contains(proxy)
            || sessions.iter().any(|known| known.profile.proxy == *proxy)
        {
            continue;
        }
        let home = cx.home.clone().select(Some(proxy.clone()));
        match session::load(&home, cx.now) {
            Ok(mut session) => {
                session.profile.trust.insecure |= cx.global.insecure;
                sessions.push(session);
            }
            // tsh was logged out there.
            Err(SessionError::NotLoggedIn { .. }) if at >= ours => {}
            Err(error) => cx.ui.warn(&format!("{proxy} is left out: {error}")),
        }
    }
    if sessions.is_empty() {
        sessions.push(cx.session().await?);
    }
    Ok(sessions)
}

fn failure(error: ListError, proxy: &str) -> CliError {
    let hop = error.hop(proxy);
    let message = error.to_string();
    match error {
        ListError::Conn(error) => error.into(),
        ListError::Api(error) => error.into(),
        ListError::Late { .. } => CliError::new(crate::cli::Kind::Unreachable, message)
            .at(hop)
            .hint("wait longer: postern db ls --all --timeout 60"),
    }
}

fn show(cx: &mut Cx, sessions: &[Session], part: Part, tell: bool) -> Shown {
    let Part {
        proxy,
        cluster,
        result,
    } = part;
    match result {
        Ok(listed) => {
            if let Err(error) = &listed.checker {
                cx.ui.warn(&format!(
                    "what you may do in {cluster} is not known: {error}"
                ));
            }
            let session = sessions
                .iter()
                .find(|session| session.profile.proxy == proxy);
            if let Some(session) = session.filter(|_| tell) {
                tell_name(cx, session, &cluster, listed.checker.as_ref().ok());
            }
            let rows = rows(&listed.databases, listed.checker.as_ref().ok());
            Shown {
                proxy,
                cluster,
                rows,
                error: None,
            }
        }
        Err(error) => Shown {
            error: Some(failure(error, &proxy)),
            proxy,
            cluster,
            rows: Vec::new(),
        },
    }
}

fn print(cx: &mut Cx, shown: &[Shown], verbose: bool, unfiltered: bool) {
    match cx.format {
        Format::Json | Format::Yaml => {
            let entries: Vec<Entry<'_>> = shown.iter().flat_map(entries).collect();
            cx.ui.json(&entries);
        }
        Format::Names => {
            for row in shown.iter().flat_map(|part| &part.rows) {
                cx.ui.out(&row.database.name);
            }
        }
        Format::Text | Format::Cmd => {
            let mut cells = Vec::new();
            let mut heads = vec!["Proxy", "Cluster"];
            for part in shown {
                let (head, rows) = table(&part.rows, verbose);
                if heads.len() == 2 {
                    heads.extend(head);
                }
                cells.extend(rows.into_iter().map(|row| {
                    let mut cells = vec![part.proxy.clone(), part.cluster.clone()];
                    cells.extend(row);
                    cells
                }));
            }
            if cells.is_empty() {
                cx.ui.status("no cluster has a database that you may see");
                return;
            }
            cx.ui.table(&heads, &cells);
            if cells.len() >= MANY && unfiltered {
                cx.ui.hint(
                    "see fewer: postern db ls --all --search WORDS, postern db ls --all KEY=VALUE",
                );
            }
        }
    }
}

fn entries(part: &Shown) -> Vec<Entry<'_>> {
    let entry = |database, error| Entry {
        proxy: &part.proxy,
        cluster: &part.cluster,
        database,
        error,
    };
    let databases = part
        .rows
        .iter()
        .map(|row| entry(Some(Element::from(row)), None));
    let error = part
        .error
        .iter()
        .map(|error| entry(None, Some(error.json())));
    databases.chain(error).collect()
}
