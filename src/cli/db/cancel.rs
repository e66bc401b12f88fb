//! `postern db cancel`: stops a statement, or ends a session, and tells whether that worked.

use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::asking;
use super::choose::{Program, TargetArgs};
use super::ps::one_line;
use crate::cli::output::shell_word;
use crate::cli::{CliError, Cx, Exit, Kind};
use crate::flow::activity::{Means, Order, Outcome, Stopped, Whose, stop};
use crate::flow::target::Target;
use crate::hop::Hop;

/// Arguments of `db cancel`.
#[derive(Args, Debug)]
pub struct CancelArgs {
    #[command(flatten)]
    target: TargetArgs,

    /// Process whose statement is to be stopped, as "postern db ps" shows it
    #[arg(value_name = "PID")]
    pid: Option<String>,

    /// End the whole session (pg_terminate_backend) instead of its statement (pg_cancel_backend)
    #[arg(long)]
    force: bool,

    /// Also what is not your database user's, where its rights allow it
    #[arg(short = 'a', long)]
    all: bool,

    /// How many seconds to wait for the end
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    wait: u32,
}

impl CancelArgs {
    /// The number of the process; it may stand alone where "db login" has chosen the database.
    fn pid(&mut self) -> Result<i32, CliError> {
        let typed = match self.pid.take() {
            Some(pid) => pid,
            None => self.target.name.take().unwrap_or_default(),
        };
        typed.parse().ok().filter(|pid| *pid > 0).ok_or_else(|| {
            let what = if typed.is_empty() {
                "which process is to be stopped?".to_owned()
            } else {
                format!("{typed:?} is no number of a process")
            };
            CliError::new(Kind::Usage, what)
                .hint("postern db ps NAME shows the processes; then: postern db cancel NAME PID")
        })
    }
}

/// What `--format json` prints.
#[derive(Debug, Serialize)]
struct Done<'a> {
    pid: i32,
    outcome: &'static str,
    forced: bool,
    user: &'a str,
    query: Option<&'a str>,
    milliseconds: Option<u64>,
}

/// Stops it, and waits.
///
/// # Errors
/// Those of connecting; [`Kind::NotFound`] without such a process, [`Kind::Denied`] for somebody else's,
/// [`Kind::StillRunning`] when it has not stopped.
pub async fn run(cx: &mut Cx, mut args: CancelArgs) -> Result<Exit, CliError> {
    let pid = args.pid()?;
    let (mut asker, target) = Box::pin(asking::open(cx, &args.target, Program::Cancel)).await?;
    let order = Order {
        pid,
        means: if args.force {
            Means::Terminate
        } else {
            Means::Cancel
        },
        whose: if args.all { Whose::All } else { Whose::Own },
        user: &target.user,
        wait: Duration::from_secs(args.wait.into()),
    };
    let outcome = stop(&mut asker, order).await;
    asker.close().await;
    tell(cx, &outcome?, order, &target)
}

fn tell(
    cx: &mut Cx,
    outcome: &Outcome,
    order: Order<'_>,
    target: &Target,
) -> Result<Exit, CliError> {
    let pid = order.pid;
    let forced = order.means == Means::Terminate;
    let at = |kind, message: String| {
        CliError::new(kind, message).at(Hop::Database(target.database.name.clone()))
    };
    let name = shell_word(&target.database.name);
    let by_force = format!("postern db cancel {name} {pid} --force ends the whole session");
    match outcome {
        Outcome::Stopped(Stopped { user, query, after }) => {
            if cx.ui.is_json() {
                cx.ui.json_line(&Done {
                    pid,
                    outcome: "stopped",
                    forced,
                    user,
                    query: Some(query),
                    milliseconds: Some(u64::try_from(after.as_millis()).unwrap_or(u64::MAX)),
                });
            } else {
                let what = if forced { "The session" } else { "The statement" };
                cx.ui.out(&format!(
                    "{what} of {user} in process {pid} has stopped, after {} ms: {}",
                    after.as_millis(),
                    one_line(query)
                ));
            }
            Ok(Exit::Done)
        }
        Outcome::NothingRan { user } => {
            if cx.ui.is_json() {
                cx.ui.json_line(&Done {
                    pid,
                    outcome: "nothing_ran",
                    forced,
                    user,
                    query: None,
                    milliseconds: None,
                });
            } else {
                cx.ui.out(&format!(
                    "Process {pid} of {user} runs no statement: nothing to cancel."
                ));
                cx.ui.hint(&by_force);
            }
            Ok(Exit::Done)
        }
        Outcome::StillRuns { query } => {
            let error = at(
                Kind::StillRunning,
                format!(
                    "process {pid} has not stopped within {} s: {}",
                    order.wait.as_secs(),
                    one_line(query)
                ),
            );
            Err(if forced {
                error.hint("it was told to end and may still do so; --wait waits longer")
            } else {
                error
                    .hint("it was told to stop and may still do so; --wait waits longer")
                    .hint(by_force)
            })
        }
        Outcome::Unseen { user } => Err(at(
            Kind::StillRunning,
            format!("process {pid} of {user} was told to stop; whether it has, your database user may not see"),
        )
        .hint("pg_read_all_stats, or pg_monitor, lets a user see it")),
        Outcome::NoSuch => Err(at(
            Kind::NotFound,
            format!("no process {pid} on the server of {}", target.database.name),
        )
        .hint(format!("postern db ps {name} shows the processes"))),
        Outcome::NotYours { user, refused } => {
            let whose = if user.is_empty() {
                "the server's own".to_owned()
            } else {
                format!("a session of {user}")
            };
            let error = at(Kind::Denied, format!("process {pid} is {whose}"));
            Err(match refused {
                None => error.hint(format!(
                    "with --all it is tried: postern db cancel {name} {pid} --all"
                )),
                Some(refused) => error.hint(format!("the database says: {refused}")),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(name: Option<&str>, pid: Option<&str>) -> CancelArgs {
        CancelArgs {
            target: TargetArgs {
                name: name.map(Into::into),
                ..TargetArgs::default()
            },
            pid: pid.map(Into::into),
            force: false,
            all: false,
            wait: 10,
        }
    }

    #[test]
    fn the_database_may_be_left_out_and_the_process_not() {
        let mut both = args(Some("orders"), Some("4711"));
        assert_eq!(both.pid(), Ok(4711));
        assert_eq!(both.target.name.as_deref(), Some("orders"));
        let mut alone = args(Some("4711"), None);
        assert_eq!(alone.pid(), Ok(4711));
        assert_eq!(alone.target.name, None);
        for (name, pid) in [
            (None, None),
            (Some("orders"), None),
            (Some("orders"), Some("x")),
            (Some("orders"), Some("0")),
            (Some("orders"), Some("2147483648")),
        ] {
            let error = args(name, pid).pid().expect_err("no process");
            assert_eq!(error.kind, Kind::Usage, "{name:?} {pid:?}");
        }
    }
}
