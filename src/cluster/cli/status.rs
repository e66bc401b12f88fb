//! `postern-cluster status`.

use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use super::Format;
use super::exit::{Exit, failed};
use super::place::{Place, ask};
use crate::cluster::server::control::Request;
use crate::cluster::server::status::{Session, Status};
use crate::cluster::ui;

/// Arguments of `status`.
#[derive(Args, Debug)]
pub(super) struct StatusArgs {
    #[command(flatten)]
    place: Place,
    /// Chooses how the facts are printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Asks the running cluster.
pub(super) fn run(args: &StatusArgs) -> ExitCode {
    let asked = args.place.directory().and_then(|directory| {
        let status = ask(&directory, Request::Status)?;
        let sessions = ask(&directory, Request::Sessions)?;
        Ok((status, sessions))
    });
    let (mut status, sessions) = match asked {
        Ok(answers) => answers,
        Err(exit) => return exit,
    };
    if args.format == Format::Json {
        status["open_sessions"] = sessions;
        ui::data(&status.to_string());
        return Exit::Done.into();
    }
    match describe(status, sessions) {
        Ok(lines) => {
            for line in lines {
                ui::data(&line);
            }
            Exit::Done.into()
        }
        Err(error) => failed(
            Exit::Failed,
            &format_args!(
                "the answer is not understood: {error}; is the cluster of another version?"
            ),
        ),
    }
}

fn describe(status: Value, sessions: Value) -> Result<Vec<String>, serde_json::Error> {
    let status: Status = serde_json::from_value(status)?;
    let sessions: Vec<Session> = serde_json::from_value(sessions)?;
    let mut lines = vec![
        format!(
            "Cluster      {}, version {}",
            status.cluster, status.version
        ),
        format!(
            "Running      since {}, process {}",
            status.started, status.pid
        ),
        format!(
            "Address      {}, listening on {}",
            status.public_addr, status.listen
        ),
        format!(
            "Documents    {} roles, {} users, {} databases, read {}",
            status.roles, status.users, status.databases, status.documents_read
        ),
    ];
    if let Some(error) = &status.documents_error {
        lines.push("             newer ones are wrong, so that these stay in force:".to_owned());
        lines.extend(error.lines().map(|line| format!("             {line}")));
    }
    lines.extend(
        status
            .warnings
            .iter()
            .map(|warning| format!("             warning: {warning}")),
    );
    lines.push(format!("Locks        {} in force", status.locks));
    if status.audit_missing > 0 {
        lines.push(format!(
            "Audit log    {} events are missing",
            status.audit_missing
        ));
    }
    lines.push(format!("Sessions     {}", status.sessions));
    for session in sessions {
        let roles = if session.db_roles.is_empty() {
            String::new()
        } else {
            format!(" with {}", session.db_roles.join(", "))
        };
        lines.push(format!(
            "             {} in {} as {}{roles}, from {} since {}",
            session.user, session.database, session.db_user, session.client, session.since
        ));
    }
    Ok(lines)
}
