//! `postern db why`: which role, label, trait or deny rule decides about a database, and what would be allowed.

mod json;
mod text;
mod words;

use clap::Args;

use super::choose::{self, TargetArgs};
use crate::cli::{CliError, Cx, Exit};
use crate::db::SelectError;
use crate::flow::conn::ClusterConn;
use crate::flow::lookup::{self, Elsewhere, Looked};
use crate::flow::session::Session;
use crate::flow::target::{self, Place, TargetError};
use crate::flow::why::{self, Verdict, Why};
use crate::rbac::explain::{Ask, Explanation};
use crate::rbac::{AccessChecker, Database};

/// Arguments of `db why`.
#[derive(Args, Debug)]
pub struct WhyArgs {
    #[command(flatten)]
    target: TargetArgs,
}

/// What can be said of a database that the cluster does not list.
struct Unseen<'a> {
    name: &'a str,
    cluster: &'a str,
    root_cluster: &'a str,
    nearest: Vec<String>,
    /// Where else it was looked for.
    elsewhere: Elsewhere,
    explanation: Explanation,
}

/// Explains. Nothing is asked of anybody but the lists that `db ls` needs, and no certificate is made.
///
/// # Errors
/// Those of the login and of the cluster, and several databases that may be meant. A refusal is an answer, not an error; its
/// exit code is that of `db connect`.
pub async fn run(cx: &mut Cx, args: WhyArgs) -> Result<Exit, CliError> {
    let session = cx.session().await?;
    let wish = args.target.wish()?;
    let filter = args.target.filter.filter(&args.target.labels)?;
    let cluster = cx.cluster(&session).to_owned();
    let conn = ClusterConn::connect(&session, &cluster).await?;
    let name = args.target.name.as_deref().filter(|name| !name.is_empty());
    let (looked, checker) = tokio::join!(
        lookup::look(&session, &conn, &filter, name, choose::PATIENCE),
        conn.checker()
    );
    let checker = checker?;
    let Looked {
        databases,
        elsewhere,
    } = looked.map_err(|error| broken_roles(error.into(), &checker))?;
    let place = Place {
        cluster: conn.cluster(),
        root_cluster: conn.root_cluster(),
        filtered: !filter.is_empty(),
    };
    let nearest = match target::select(&databases, &checker, name, &wish, place) {
        Ok(database) => {
            let why = why::explain(database, &checker, &wish, place);
            return Ok(answer(cx, &session, &why));
        }
        Err(TargetError::Select {
            error: SelectError::NotFound { nearest, .. },
            ..
        }) => nearest,
        Err(error) => return Err(error.into()),
    };
    let name = name.unwrap_or_default();
    let unseen = Unseen {
        name,
        cluster: conn.cluster(),
        root_cluster: conn.root_cluster(),
        nearest,
        elsewhere,
        explanation: unlabelled(&checker, name),
    };
    if cx.format.is_structured() {
        cx.ui.json(&json::unseen(&unseen));
    } else {
        text::unseen(&mut cx.ui, &unseen);
    }
    Ok(Exit::NotFound)
}

fn answer(cx: &mut Cx, session: &Session, why: &Why) -> Exit {
    let advice = (why.verdict.error()).map(|error| CliError::from(error.clone()));
    let hints = advice.as_ref().map_or(&[][..], |error| &error.hints);
    if cx.format.is_structured() {
        cx.ui.json(&json::answer(why, hints));
    } else {
        text::answer(&mut cx.ui, why, &session.certificate.identity.roles);
        for hint in hints {
            cx.ui.hint(hint);
        }
    }
    match &why.verdict {
        Verdict::Allowed(_) | Verdict::Open(_) => Exit::Done,
        Verdict::Person(_) => Exit::SecondFactor,
        Verdict::Denied(_) => advice.map_or(Exit::Denied, |error| error.kind.exit()),
    }
}

/// What roles say of a database whose labels nobody knows.
fn unlabelled(checker: &AccessChecker, name: &str) -> Explanation {
    let database = Database {
        name: name.to_owned(),
        ..Database::default()
    };
    checker.explain(&database, Ask::default())
}

/// One broken matcher makes a cluster refuse the whole list: its role is named.
fn broken_roles(mut error: CliError, checker: &AccessChecker) -> CliError {
    for role in unlabelled(checker, "").roles {
        let sides = [role.denial.err(), role.admission.err()];
        for broken in sides.into_iter().flatten() {
            error = error.hint(format!(
                "the matcher of role {} is broken, and only an administrator can mend it: {broken}",
                role.name
            ));
        }
    }
    error
}
