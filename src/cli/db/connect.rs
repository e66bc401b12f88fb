//! `postern db connect`: psql on a database, through a tunnel of its own.

use std::ffi::OsString;
use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;
use tokio::sync::oneshot;

use super::choose::{self, Program, TargetArgs};
use super::client::client;
use super::place::{self, Bound};
use super::{active, routed};
use crate::cli::signals::interruptible;
use crate::cli::{CliError, Cx, Exit, Kind};
use crate::client::child::{self, Ended};
use crate::client::program::Client;
use crate::client::psql::{self, Connection};
use crate::flow::credential::DbCredential;
use crate::flow::kept;
use crate::flow::session::Session;
use crate::flow::target::Target;
use crate::flow::tunnel::Tunnel;
use crate::proxy::{self, Options, Report};

/// Arguments of `db connect`.
#[derive(Args, Debug)]
pub struct ConnectArgs {
    #[command(flatten)]
    target: TargetArgs,

    /// Program to start instead of psql: pgcli, usql, a path, or a name from the configuration file
    #[arg(long, value_name = "PROGRAM")]
    client: Option<String>,

    /// Arguments for the program, e.g. -- -c 'select 1'
    #[arg(last = true, value_name = "PROGRAM ARGUMENTS")]
    arguments: Vec<OsString>,
}

/// Connects; ends with psql's own exit code.
///
/// # Errors
/// Everything that can be found out before psql starts.
pub async fn run(cx: &mut Cx, args: ConnectArgs) -> Result<Exit, CliError> {
    // Looked for first: nobody should be asked anything, and nothing be issued, for a program that is not there.
    let client = client(cx, args.client.as_deref().filter(|name| !name.is_empty()))?;
    let (tunnel, target) =
        interruptible(Box::pin(prepare(cx, &args.target, Program::Psql))).await?;
    if cx.interactive {
        cx.ui.status(&target.explain());
    }
    // Nobody else can come as far as its door, where it is a socket; elsewhere the system tells who comes, or a password
    // that only psql is told keeps others out.
    let bound = Bound::for_a_child(client.wants_tcp()).await?;
    let notes = Notes::default();
    let mut options = notes.options();
    // What is typed into psql, such as \c, is meant: the cluster decides.
    options.any_target = true;
    place::guard(&mut options, &bound)?;
    let to = Connection {
        host: bound.at.host(),
        port: bound.at.port().unwrap_or_default(),
        user: target.user.clone(),
        dbname: target.name.clone(),
        password: options.password.clone(),
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let served = tokio::spawn(proxy::serve(
        bound.listener,
        Arc::new(tunnel),
        options,
        async {
            // A sender that is gone means the same.
            let _ = stopped.await;
        },
    ));
    let ended = child::run(client.command(&to, &args.arguments)).await;
    drop(stop);
    let report = served.await.unwrap_or_default();
    let ended = ended.map_err(|err| {
        CliError::new(
            Kind::ProgramMissing,
            format!("cannot start {}: {err}", client.path().display()),
        )
    })?;
    finish(cx, ended, report, &client, &notes).await
}

/// Everything up to the certificate.
pub(super) async fn prepare(
    cx: &mut Cx,
    args: &TargetArgs,
    program: Program,
) -> Result<(Tunnel, Target), CliError> {
    let session = cx.session().await?;
    let credential = match routed::credential(cx, &session, args)? {
        Some(credential) => credential,
        None => obtain(cx, &session, args, program).await?,
    };
    let target = credential.target.clone();
    Ok((
        Tunnel::new(cx.home.clone(), super::proxy::clock(), &session, credential),
        target,
    ))
}

/// What the same words led to in an earlier session, without asking anybody; else what the cluster says.
pub(super) async fn obtain(
    cx: &mut Cx,
    session: &Session,
    args: &TargetArgs,
    program: Program,
) -> Result<DbCredential, CliError> {
    let chosen = active::meant(cx, session, args)?;
    let words = active::completed(args, chosen.as_ref()).words(cx, session)?;
    if let Some(known) = words.and_then(|words| kept::recall(session, &words, cx.now)) {
        return Ok(known);
    }
    let found = choose::target(cx, session, args, program).await?;
    let (conn, words) = (&found.conn, found.words.as_ref());
    Ok(kept::obtain(conn, session, &found.target, words, cx.now).await?)
}

async fn finish(
    cx: &mut Cx,
    ended: Ended,
    report: Report,
    client: &Client,
    notes: &Notes,
) -> Result<Exit, CliError> {
    // While psql ran the terminal was its own.
    for note in notes.take() {
        cx.ui.warn(&note);
    }
    match ended {
        Ended::Told(_) => Ok(Exit::Terminated),
        Ended::Itself(code) => {
            if code != 0 && !report.startup_seen {
                let version = psql::version(client.path()).await;
                cx.ui.warn(&never_connected(client, version.as_deref()));
            }
            Ok(if code == 0 {
                Exit::Done
            } else {
                Exit::Program(code)
            })
        }
    }
}

/// What to say of a program that ended before it spoke PostgreSQL's protocol.
fn never_connected(client: &Client, version: Option<&str>) -> String {
    let version = version.map_or_else(
        || "which does not tell its version".to_owned(),
        |version| format!("which is {version}"),
    );
    let what = format!(
        "{} ended before it connected: {}, {version}; if its arguments are right, ",
        client.name(),
        client.path().display()
    );
    if client.is_psql() {
        let install = psql::PsqlMissing.how_to_install();
        let install = install.trim_start_matches("install it: ");
        format!(
            "{what}the program or its OpenSSL may be broken or too old: install a newer one ({install})"
        )
    } else {
        format!(
            "{what}it may need to be told where to connect: it finds that in PGHOST, PGPORT, PGUSER, PGDATABASE"
        )
    }
}

/// Notes of the tunnel, kept until psql has ended.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    /// More than this many say nothing new.
    const MOST: usize = 20;

    fn options(&self) -> Options {
        let kept = Arc::clone(&self.0);
        let note = move |text: &str| {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() < Self::MOST && kept.last().is_none_or(|last| last != text) {
                kept.push(text.to_owned());
            }
        };
        Options {
            note: Arc::new(note),
            ..Options::default()
        }
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_psql_that_never_connected_is_named_with_its_version() {
        let dir = tempfile::tempdir().expect("a directory");
        let found = |name: &str| {
            use std::os::unix::fs::PermissionsExt;
            let path = dir.path().join(name);
            std::fs::write(&path, "").expect("a program");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))
                .expect("a mode");
            Client::find(name, Some(dir.path().as_os_str())).expect("it is there")
        };
        let psql = found("psql");
        let text = never_connected(&psql, Some("psql (PostgreSQL) 9.6.24"));
        assert!(
            text.contains("/psql, which is psql (PostgreSQL) 9.6.24;"),
            "{text}"
        );
        assert!(text.contains("install"), "{text}");
        assert!(never_connected(&psql, None).contains("does not tell its version"));
        let other = never_connected(&found("pgcli"), None);
        assert!(
            other.contains("pgcli ended") && other.contains("PGHOST"),
            "{other}"
        );
    }

    #[test]
    fn notes_are_kept_and_do_not_grow_for_ever() {
        let notes = Notes::default();
        let options = notes.options();
        for i in 0..100 {
            (options.note)(&format!("note {}", i / 2));
        }
        assert_eq!(notes.take().len(), Notes::MOST);
        assert!(notes.take().is_empty());
    }
}
