//! `postern db login`: chooses a database once, for `db connect`, tunnels and other programs.
//!
//! Everything is checked before anything is remembered, so that a refused user or role never sticks (db-client.md 18, no
//! 3). What is printed leads to a tunnel, never straight to the cluster: most programs send a cancel request without a
//! certificate, which the cluster cannot place (db-client.md 6, 18 no 2).

use clap::Args;
use serde::Serialize;

use super::choose::{self, Program, TargetArgs};
use crate::cli::output::{rfc3339, shell_word};
use crate::cli::signals::interruptible;
use crate::cli::{CliError, Cx, Exit};
use crate::flow::kept;
use crate::profile::Active;
use crate::profile::active::service_name;

/// Arguments of `db login`.
#[derive(Args, Debug)]
pub struct LoginArgs {
    #[command(flatten)]
    target: TargetArgs,

    /// Port on 127.0.0.1 for the tunnel to this database; without it the former one, else a free one
    #[arg(short = 'p', long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
}

/// What is printed for programs.
#[derive(Debug, Serialize)]
struct Report<'a> {
    database: &'a str,
    cluster: &'a str,
    db_user: &'a str,
    db_name: &'a str,
    /// What an automatic user gets; empty for shared accounts.
    db_roles: &'a [String],
    /// Where the tunnel will be.
    host: &'static str,
    port: u16,
    service_file: String,
    service: Option<String>,
    expires: String,
}

/// Chooses, proves that a certificate can be had, and remembers.
///
/// # Errors
/// Those of finding the target and of issuing the certificate; nothing is remembered then.
pub async fn run(cx: &mut Cx, args: LoginArgs) -> Result<Exit, CliError> {
    let session = cx.session().await?;
    let prepare = async {
        let found = choose::target(cx, &session, &args.target, Program::Login).await?;
        let (conn, words) = (&found.conn, found.words.as_ref());
        let credential = kept::obtain(conn, &session, &found.target, words, cx.now).await?;
        Ok((credential, found.target))
    };
    let (credential, target) = interruptible(Box::pin(prepare)).await?;
    let chosen = Active {
        proxy: session.profile.proxy.clone(),
        login: session.certificate.identity.username.clone(),
        cluster: target.cluster.clone(),
        database: target.database.name.clone(),
        user: target.user.clone(),
        name: target.name.clone(),
        roles: target.roles.clone(),
        port: 0,
    };
    let chosen = cx.home.activate(chosen, args.port)?;
    let all = cx.home.active()?;
    let report = Report {
        database: &chosen.database,
        cluster: &chosen.cluster,
        db_user: &chosen.user,
        db_name: &chosen.name,
        db_roles: target.granted(),
        host: "127.0.0.1",
        port: chosen.port,
        service_file: cx.home.service_file().display().to_string(),
        service: service_name(&all, &chosen),
        expires: rfc3339(credential.certificate.not_after),
    };
    if cx.format.is_structured() {
        cx.ui.json_line(&report);
        return Ok(Exit::Done);
    }
    let text = text(cx, &session.profile.cluster, &report, &target.explain());
    cx.ui.out(&text);
    Ok(Exit::Done)
}

/// The commands that work now.
fn text(cx: &Cx, root: &str, report: &Report<'_>, explained: &str) -> String {
    // Without the flag the commands would look in the cluster of the login, or in that of the environment.
    let elsewhere = cx.global.typed.cluster && report.cluster != root;
    let cluster = if elsewhere {
        format!("--cluster {} ", shell_word(report.cluster))
    } else {
        String::new()
    };
    let name = format!("{cluster}{}", shell_word(report.database));
    let mut lines = vec![
        format!("Logged in to {explained}"),
        String::new(),
        "  with psql:".to_owned(),
        format!("    postern db connect {name}"),
        format!(
            "  with any other program, while this runs (127.0.0.1:{}):",
            report.port
        ),
        format!("    postern proxy db {name}"),
        "  then, in a shell:".to_owned(),
        format!("    eval \"$(postern db env {name})\""),
    ];
    if let Some(service) = &report.service {
        lines.push("  or by libpq's service file:".to_owned());
        lines.push(format!(
            "    PGSERVICEFILE={} psql service={}",
            shell_word(&report.service_file),
            shell_word(service)
        ));
    }
    lines.join("\n")
}
