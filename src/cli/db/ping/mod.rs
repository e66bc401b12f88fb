//! `postern db ping`: how long each step to a database's first row takes, and at which one it ends.
//!
//! | file | holds |
//! |---|---|
//! | `parts` | the steps, and the clock that runs through them |
//! | `round` | one round: the whole way, measured |
//! | `report` | what is printed |

mod parts;
mod report;
mod round;

use clap::Args;

use self::report::Report;
use self::round::{Aim, Failed};
use super::choose::TargetArgs;
use crate::cli::signals::interruptible;
use crate::cli::{CliError, Cx, Exit, Kind};

/// Arguments of `db ping`.
#[derive(Args, Debug)]
pub struct PingArgs {
    #[command(flatten)]
    target: TargetArgs,

    /// How many times the whole way is gone
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1000))]
    count: u16,

    /// With the certificate that is kept, as a second "db connect" has it, instead of a new one in every round
    #[arg(long)]
    kept: bool,
}

/// Measures, and prints what came of it; with a failure too, up to the step that failed.
///
/// # Errors
/// Those of `db connect`, and what the database says.
pub async fn run(cx: &mut Cx, args: PingArgs) -> Result<Exit, CliError> {
    let session = cx.session().await?;
    // A question would be measured too.
    cx.interactive = false;
    let mut report = Report::new(&session.profile.proxy, cx.cluster(&session), &args.target);
    let mut aim = Aim::new(session, &args.target, args.kept);
    for number in 1..=args.count {
        let gone = interruptible(async { Ok(Box::pin(aim.go(cx)).await) }).await;
        report.aimed(&aim);
        match gone {
            Ok(Ok(times)) => {
                if args.count > 1 {
                    let total = report::milliseconds(times.total());
                    cx.ui
                        .status(&format!("round {number} of {}: {total}", args.count));
                }
                report.add(times);
            }
            Ok(Err(Failed { times, part, error })) => {
                report.fail(number, times, part, &error);
                report.print(cx);
                return Err(error);
            }
            Err(ended) => {
                if ended.kind == Kind::Interrupted {
                    report.print(cx);
                }
                return Err(ended);
            }
        }
    }
    report.print(cx);
    Ok(Exit::Done)
}
