//! From a command line to a target: shared by `db connect` and `db proxy`.

use std::time::Duration;

use clap::Args;

use super::active;

use crate::auth::resources::ListFilter;
use crate::cli::output::shell_word;
use crate::cli::{CliError, Cx, Kind};
use crate::db::defaults::Options;
use crate::db::{ChoiceError, SelectError, Wish};
use crate::flow::conn::ClusterConn;
use crate::flow::lookup::{self, Elsewhere, Looked};
use crate::flow::session::Session;
use crate::flow::target::{self, Place, Target, TargetError};
use crate::profile::certs::KeptWish;
use crate::rbac::Database;
use crate::rbac::filter::{parse_keywords, parse_labels};

/// How long each other cluster is waited for when a database is not where it was looked for.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// Which databases are meant.
#[derive(Args, Clone, Debug, Default)]
pub struct FilterArgs {
    /// Only databases in which every word occurs: in the name, description, labels, protocol or type
    #[arg(long, value_name = "WORDS")]
    pub search: Vec<String>,

    /// Only databases for which this expression holds, e.g. 'labels["env"] == "dev"'
    #[arg(long, value_name = "EXPRESSION")]
    pub query: Option<String>,
}

impl FilterArgs {
    /// What to ask the cluster for; `labels` are of the form `env=dev,team=a`.
    ///
    /// # Errors
    /// [`Kind::Usage`] for labels that are none.
    pub fn filter(&self, labels: &[String]) -> Result<ListFilter, CliError> {
        let mut filter = ListFilter {
            search: self
                .search
                .iter()
                .flat_map(|words| parse_keywords(words))
                .collect(),
            query: self.query.clone().unwrap_or_default(),
            ..ListFilter::default()
        };
        for text in labels {
            let labels = parse_labels(text).map_err(|err| {
                CliError::new(Kind::Usage, err.to_string())
                    .hint("labels look like this: env=dev,team=payments")
            })?;
            filter.labels.extend(labels);
        }
        Ok(filter)
    }
}

/// What to connect to.
#[derive(Args, Clone, Debug, Default)]
pub struct TargetArgs {
    /// Name of the database, or how it begins; without it, the only one you may use, else a choice
    #[arg(value_name = "NAME")]
    pub name: Option<String>,

    /// Database user; not needed where users are provisioned automatically
    #[arg(short = 'u', long, value_name = "USER")]
    pub db_user: Option<String>,

    /// Database name
    #[arg(short = 'n', long, value_name = "NAME")]
    pub db_name: Option<String>,

    /// Database roles for an automatically provisioned user, separated by commas; without it, all you may have
    #[arg(short = 'r', long, value_name = "ROLE,ROLE")]
    pub db_roles: Vec<String>,

    /// Only databases with these labels, e.g. env=dev,team=a
    #[arg(long, value_name = "KEY=VALUE")]
    pub labels: Vec<String>,

    /// There is always a tunnel; tsh has it
    #[arg(long, hide = true)]
    pub tunnel: bool,

    /// Access is never requested by itself; tsh has it
    #[arg(long, hide = true)]
    pub disable_access_request: bool,

    /// There are no requests that could have a reason; tsh has it
    #[arg(long, hide = true, value_name = "TEXT")]
    pub request_reason: Option<String>,

    /// Which databases come into question.
    #[command(flatten)]
    pub filter: FilterArgs,
}

impl TargetArgs {
    /// What is wished of user, name and roles.
    ///
    /// # Errors
    /// [`Kind::Usage`] for roles that are none.
    pub(super) fn wish(&self) -> Result<Wish, CliError> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let roles = target::roles(&self.db_roles);
        if roles.is_empty() && !self.db_roles.is_empty() {
            return Err(CliError::new(Kind::Usage, "--db-roles names no role").hint(
                "leave it out for all your database roles, or name some: --db-roles reader,writer",
            ));
        }
        Ok(Wish {
            user: given(&self.db_user),
            name: given(&self.db_name),
            roles,
        })
    }

    /// What was typed, when the name may be a whole one and nothing narrows the choice: then the same words lead to the same
    /// target, and may be answered without a list.
    ///
    /// # Errors
    /// [`Kind::Usage`].
    pub fn words(&self, cx: &Cx, session: &Session) -> Result<Option<KeptWish>, CliError> {
        let Some(name) = self.name.as_ref().filter(|name| !name.is_empty()) else {
            return Ok(None);
        };
        if !self.filter.filter(&self.labels)?.is_empty() {
            return Ok(None);
        }
        let wish = self.wish()?;
        Ok(Some(KeptWish {
            cluster: cx.cluster(session).to_owned(),
            database: name.clone(),
            user: wish.user,
            name: wish.name,
            roles: wish.roles,
        }))
    }
}

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
}

/// Makes the commands that hints propose those that are wanted here: for a tunnel, in this cluster.
fn fitting(mut error: CliError, program: Program, cluster: Option<&str>) -> CliError {
    for hint in &mut error.hints {
        for command in ["postern db connect", "postern db ls"] {
            let mut wanted = command.to_owned();
            match program {
                Program::Psql => {}
                Program::Tunnel => wanted = wanted.replace("connect", "proxy"),
                Program::Login => wanted = wanted.replace("connect", "login"),
            }
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

/// Asks which of several is meant; every other failure stays one.
async fn ask_which<'d>(
    cx: &mut Cx,
    databases: &'d [Database],
    err: TargetError,
) -> Result<&'d Database, CliError> {
    let candidates = match &err {
        TargetError::Select {
            error: SelectError::Ambiguous { candidates, .. },
            ..
        } if cx.interactive => candidates,
        _ => return Err(err.into()),
    };
    let candidates: Vec<&Database> = databases
        .iter()
        .filter(|db| candidates.contains(&db.name))
        .collect();
    let lines: Vec<String> = candidates
        .iter()
        .map(|db| {
            if db.description.is_empty() {
                db.name.clone()
            } else {
                format!("{}  ({})", db.name, db.description)
            }
        })
        .collect();
    let chosen = cx.ui.choice("Database", &lines).await?;
    Ok(candidates[chosen])
}

/// Asks whether the database of this name in another cluster is meant; with nobody there to say so it is proposed.
async fn ask_where(
    cx: &mut Cx,
    name: &str,
    err: TargetError,
    found: Elsewhere,
) -> Result<String, CliError> {
    if cx.interactive && !found.holders.is_empty() {
        cx.ui.status(&err.to_string());
        let mut lines: Vec<String> = found
            .holders
            .iter()
            .map(|cluster| format!("{name} in cluster {cluster}"))
            .collect();
        lines.push("none of them".to_owned());
        let chosen = cx.ui.choice("Database", &lines).await?;
        if let Some(cluster) = found.holders.get(chosen) {
            return Ok(cluster.clone());
        }
    }
    Err(proposed(err.into(), name, &found))
}

/// Adds to a failure what the search in other clusters brought.
fn proposed(mut error: CliError, name: &str, found: &Elsewhere) -> CliError {
    if !found.holders.is_empty() {
        // It is found, so how to look for it is no use.
        error.hints.clear();
    }
    for cluster in &found.holders {
        error = error.hint(format!(
            "cluster {cluster} has it: postern db connect --cluster {} {}",
            shell_word(cluster),
            shell_word(name)
        ));
    }
    for (cluster, why) in &found.unasked {
        error = error.hint(format!("{cluster} could not be asked: {why}"));
    }
    error
}

/// Asks for one of the allowed ones, or for any text where any is allowed.
async fn ask(cx: &mut Cx, what: &str, choices: &Options) -> Result<String, CliError> {
    if choices.any || choices.allowed.is_empty() {
        return cx.ui.input(&format!("{what} ({choices})")).await;
    }
    let chosen = cx.ui.choice(what, &choices.allowed).await?;
    Ok(choices.allowed[chosen].clone())
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
