//! From a command line to a target: shared by all commands that lead to a database.

mod args;
mod ask;

use std::time::Duration;

use super::active;

use crate::cli::output::shell_word;
use crate::cli::{CliError, Cx, Kind};
use crate::db::ChoiceError;
use crate::flow::conn::ClusterConn;
use crate::flow::lookup::{self, Looked};
use crate::flow::session::Session;
use crate::flow::target::{self, Place, Target, TargetError};
use crate::profile::certs::KeptWish;

pub use args::{FilterArgs, TargetArgs};
use ask::{ask, ask_where, ask_which};

/// How long each other cluster is waited for when a database is not where it was looked for.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// A target, and how it was found.
#[derive(Debug)]
pub struct Found {
    /// To the cluster that owns it.
    pub conn: ClusterConn,
    /// The target.
    pub target: Target,
    /// The words that lead to it each time; `None` where a person chose, or a filter or the beginning of a name did.
    pub words: Option<KeptWish>,
}

/// Finds out what is meant, asking where that is open and somebody is there to answer. One round trip on the connection.
///
/// # Errors
/// Those of the cluster and of [`target()`]; with [`Kind::Ambiguous`] when nobody is there to choose.
pub async fn target(
    cx: &mut Cx,
    session: &Session,
    args: &TargetArgs,
    program: Program,
) -> Result<Found, CliError> {
    let chosen = active::meant(cx, session, args)?;
    let completed = active::completed(args, chosen.as_ref());
    let cluster = cx.cluster(session).to_owned();
    let mut found = find(cx, session, &completed, &cluster).await;
    if let (Some(chosen), Err(error)) = (&chosen, &mut found) {
        if error.kind == Kind::NotFound {
            active::forget(cx, chosen)?;
            if args.name.is_none() {
                found = find(cx, session, args, &cluster).await;
            }
        } else {
            *error = active::blamed(error.clone(), chosen);
        }
    }
    found.map_err(|error| fitting(error, program, cx.global.cluster.as_deref()))
}

/// Which command the target is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// `db connect`.
    Psql,
    /// `db proxy`.
    Tunnel,
    /// `db login`.
    Login,
    /// `db ps`.
    Ps,
    /// `db cancel`.
    Cancel,
    /// `db ping`.
    Ping,
}

impl Program {
    /// Its name behind `postern db`.
    const fn name(self) -> &'static str {
        match self {
            Self::Psql => "connect",
            Self::Tunnel => "proxy",
            Self::Login => "login",
            Self::Ps => "ps",
            Self::Cancel => "cancel",
            Self::Ping => "ping",
        }
    }
}

/// Makes the commands that hints propose those that are wanted here: for a tunnel, in this cluster.
fn fitting(mut error: CliError, program: Program, cluster: Option<&str>) -> CliError {
    for hint in &mut error.hints {
        for command in ["postern db connect", "postern db ls"] {
            let mut wanted = command.replace("connect", program.name());
            if let Some(cluster) = cluster.filter(|_| !hint.contains("--cluster")) {
                wanted = format!("{wanted} --cluster {}", shell_word(cluster));
            }
            *hint = hint.replace(command, &wanted);
        }
    }
    error
}

async fn find(
    cx: &mut Cx,
    session: &Session,
    args: &TargetArgs,
    cluster: &str,
) -> Result<Found, CliError> {
    let mut wish = args.wish()?;
    let typed = wish.clone();
    let filter = args.filter.filter(&args.labels)?;
    let conn = ClusterConn::connect(session, cluster).await?;
    let name = args.name.as_deref().filter(|name| !name.is_empty());
    let (looked, checker) = tokio::join!(
        lookup::look(session, &conn, &filter, name, PATIENCE),
        conn.checker()
    );
    let (
        Looked {
            databases,
            elsewhere,
        },
        checker,
    ) = (looked?, checker?);
    let place = Place {
        cluster: conn.cluster(),
        root_cluster: conn.root_cluster(),
        filtered: !filter.is_empty(),
    };
    let database = match target::select(&databases, &checker, name, &wish, place) {
        Ok(database) => database,
        Err(err) if err.is_not_found() => {
            let name = name.unwrap_or_default();
            let there = ask_where(cx, name, err, elsewhere).await?;
            return Box::pin(find(cx, session, args, &there)).await;
        }
        Err(err) => ask_which(cx, &databases, err).await?,
    };
    loop {
        match target::decide(database, &checker, &wish, place) {
            Ok(target) => {
                let words = args.words(cx, session)?;
                // What was chosen on the way, another cluster included, is asked for again the next time.
                let words = words.filter(|words| {
                    wish == typed
                        && words.database == target.database.name
                        && words.cluster == target.cluster
                });
                return Ok(Found {
                    conn,
                    target,
                    words,
                });
            }
            Err(TargetError::Choice(choice)) if cx.interactive && choice.is_open_question() => {
                let ChoiceError::Undecided { users, names, .. } = *choice else {
                    return Err(TargetError::Choice(choice).into());
                };
                if let Some(users) = users {
                    wish.user = Some(
                        ask(cx, &format!("Database user for {}", database.name), &users).await?,
                    );
                }
                if let Some(names) = names {
                    wish.name = Some(
                        ask(cx, &format!("Database name in {}", database.name), &names).await?,
                    );
                }
            }
            Err(err) => return Err(err.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_propose_the_command_that_is_wanted_in_the_cluster_that_is_meant() {
        let error = || {
            CliError::new(Kind::Ambiguous, "x")
                .hint("e.g. postern db connect app --db-user app")
                .hint("postern db ls -v shows more")
                .hint("cluster root has it: postern db connect --cluster root app")
        };
        assert_eq!(fitting(error(), Program::Psql, None), error());
        assert_eq!(
            fitting(error(), Program::Tunnel, Some("leaf")).hints,
            [
                "e.g. postern db proxy --cluster leaf app --db-user app",
                "postern db ls --cluster leaf -v shows more",
                "cluster root has it: postern db proxy --cluster root app",
            ]
        );
    }
}
