//! `postern db proxy` and `postern proxy db`: a tunnel in the foreground, for any program.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

use super::active;
use super::choose::{self, Program, TargetArgs};
use super::place::{At, Bound, DoorArgs};
use super::probe;
use super::routed;
use super::stdio;
use crate::cli::output::{date, rfc3339};
use crate::cli::signals::interruptible;
use crate::cli::{CliError, Cx, Exit, Kind};
use crate::flow::kept;
use crate::flow::session::Session;
use crate::flow::target::Target;
use crate::flow::tunnel::{Clock, Tunnel};
use crate::proxy::{self, Options, Password};

/// Arguments of `db proxy`.
#[derive(Args, Debug)]
pub struct ProxyArgs {
    #[command(flatten)]
    target: TargetArgs,

    /// Port on 127.0.0.1; without it, any free one
    #[arg(short = 'p', long, value_name = "PORT", conflicts_with = "listen")]
    port: Option<u16>,

    /// Address of this computer's own to listen on, e.g. 127.0.0.1:5432 or [::1]:0; or a socket, unix:PATH, where PATH is its
    /// directory or ends in .s.PGSQL.PORT
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,

    /// Connect to the database once before saying that the tunnel is ready, and fail when that fails
    #[arg(long)]
    check: bool,

    /// Serve one connection over standard input and output, for a program that starts this command itself; nothing but
    /// PostgreSQL's bytes is written there
    #[arg(long, conflicts_with_all = ["port", "listen", "check", "allow_other_users", "require_password"])]
    stdio: bool,

    #[command(flatten)]
    door: DoorArgs,
}

/// Serves until told to stop.
///
/// # Errors
/// Everything that can be found out before the first client comes.
pub async fn run(cx: &mut Cx, args: ProxyArgs) -> Result<Exit, CliError> {
    if args.stdio {
        return stdio::run(cx, &args.target).await;
    }
    let session = cx.session().await?;
    // Bound first: nothing is issued for a port that cannot be had.
    let bound = listen(cx, &session, &args).await?;
    // From here on, so that none is missed between the steps.
    let mut signals = Signals::new()?;
    let prepare = async {
        if let Some(credential) = routed::credential(cx, &session, &args.target)? {
            let target = credential.target.clone();
            return Ok((credential, target));
        }
        // Decided anew each time: what is printed holds for long.
        let found = choose::target(cx, &session, &args.target, Program::Tunnel).await?;
        let (conn, words) = (&found.conn, found.words.as_ref());
        let credential = kept::obtain(conn, &session, &found.target, words, cx.now).await?;
        Ok((credential, found.target))
    };
    let (credential, target) = interruptible(Box::pin(prepare)).await?;
    let not_after = credential.certificate.not_after;
    let tunnel = Tunnel::new(cx.home.clone(), clock(), &session, credential);
    let (note, mut notes) = mpsc::unbounded_channel();
    let mut options = Options {
        // Nobody listens any more only when we end.
        note: Arc::new(move |text: &str| drop(note.send(text.to_owned()))),
        ..Options::default()
    };
    args.door.apply(&mut options, &bound)?;
    let password = options.password.clone();
    let ready = Ready::new(&bound.at, &target, not_after, password.as_ref());
    let (stop, stopped) = oneshot::channel::<()>();
    let served = tokio::spawn(proxy::serve(
        bound.listener,
        Arc::new(tunnel),
        options,
        async {
            let _ = stopped.await;
        },
    ));
    if args.check {
        let (user, name, database) = (&target.user, &target.name, &target.database.name);
        let probed = probe::probe(&bound.at, user, name, database, password.as_ref());
        interruptible(probed).await?;
    }
    if cx.ui.is_json() {
        cx.ui.json_line(&ready);
    } else {
        cx.ui.out(&ready.text(&target));
    }
    let exit = loop {
        tokio::select! {
            exit = signals.next() => break exit,
            Some(text) = notes.recv() => cx.ui.warn(&text),
        }
    };
    drop(stop);
    // Its report has nothing to tell here.
    let _ = served.await;
    Ok(exit)
}

/// The time of day for a tunnel that lives longer than the command's start.
pub(super) fn clock() -> Clock {
    Arc::new(|| {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs().cast_signed())
    })
}

fn address(args: &ProxyArgs) -> Result<At, CliError> {
    match &args.listen {
        Some(listen) => At::parse(listen, args.door.anywhere()),
        None => Ok(here(args.port.unwrap_or(0))),
    }
}

fn here(port: u16) -> At {
    At::Tcp(SocketAddr::from(([127, 0, 0, 1], port)))
}

/// Listens where it was said, else on the port that `db login` promised, else on any.
async fn listen(cx: &mut Cx, session: &Session, args: &ProxyArgs) -> Result<Bound, CliError> {
    let promised = if args.port.is_none() && args.listen.is_none() {
        active::port(cx, session, &args.target)?
    } else {
        None
    };
    let Some(port) = promised else {
        return Bound::new(address(args)?).await;
    };
    match Bound::new(here(port)).await {
        Ok(bound) => Ok(bound),
        Err(error) => {
            cx.ui.warn(&format!(
                "{}: what \"db login\" and \"db env\" say does not lead to this tunnel",
                error.message
            ));
            Bound::new(address(args)?).await
        }
    }
}

/// The one line that says where the tunnel is.
#[derive(Debug, Serialize)]
struct Ready {
    /// As libpq takes it: the directory of a socket.
    host: String,
    /// As libpq takes it; null when it does not find a socket of this name.
    port: Option<u16>,
    /// Path of a socket; null for an address.
    socket: Option<String>,
    /// Asked of every client; null where none is.
    password: Option<String>,
    database: String,
    db_user: String,
    db_name: String,
    /// What an automatic user gets; empty for shared accounts.
    db_roles: Vec<String>,
    cluster: String,
    /// End of the certificate; a client that comes later gets a renewed one while the login lasts.
    expires: String,
    #[serde(skip)]
    not_after: i64,
}

impl Ready {
    fn new(at: &At, target: &Target, not_after: i64, password: Option<&Password>) -> Self {
        Self {
            host: at.host(),
            port: at.port(),
            socket: match at {
                At::Tcp(_) => None,
                #[cfg(unix)]
                At::Unix(path) => Some(path.display().to_string()),
            },
            password: password.map(|password| password.reveal().to_owned()),
            database: target.database.name.clone(),
            db_user: target.user.clone(),
            db_name: target.name.clone(),
            db_roles: target.granted().to_vec(),
            cluster: target.cluster.clone(),
            expires: rfc3339(not_after),
            not_after,
        }
    }

    /// Without the password: a connection string ends up in argument lists, which everybody can read.
    fn uri(&self) -> Option<String> {
        let port = self.port?;
        if self.socket.is_none() {
            return Some(uri(&self.host, port, &self.db_user, &self.db_name));
        }
        Some(format!(
            "postgresql://{}@/{}?host={}&port={port}",
            percent(&self.db_user),
            percent(&self.db_name),
            percent(&self.host)
        ))
    }

    fn text(&self, target: &Target) -> String {
        let mut lines = vec![format!("Tunnel to {}", target.explain()), String::new()];
        let mut say = |label: &str, value: &str| lines.push(format!("  {label:<9} {value}"));
        if let Some(port) = self.port {
            say("host", &self.host);
            say("port", &port.to_string());
        } else if let Some(socket) = &self.socket {
            say("socket", socket);
        }
        say("user", &self.db_user);
        if let Some(password) = &self.password {
            say("password", password);
        }
        say("database", &self.db_name);
        if !self.db_roles.is_empty() {
            say("roles", &self.db_roles.join(", "));
        }
        match self.uri() {
            Some(uri) => say("URI", &uri),
            None => say(
                "note",
                "programs with libpq find a socket only when its name is .s.PGSQL.PORT",
            ),
        }
        let password = if self.password.is_some() {
            "this password, which is the tunnel's own"
        } else {
            "no password"
        };
        lines.extend([
            String::new(),
            format!(
                "In a program with a form enter user {}, {password}, and no SSL: what leaves this computer is encrypted.",
                self.db_user
            ),
            format!("Certificate until {}, renewed while your login lasts. Ctrl+C ends the tunnel.", date(self.not_after)),
        ]);
        lines.join("\n")
    }
}

/// A connection string for libpq and most others.
pub(super) fn uri(host: &str, port: u16, user: &str, name: &str) -> String {
    let host = if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    };
    format!(
        "postgresql://{}@{host}:{port}/{}?sslmode=disable",
        percent(user),
        percent(name)
    )
}

/// Escapes a part of a URI: everything but unreserved characters (RFC 3986, 2.3).
fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// What ends a tunnel.
#[cfg(unix)]
pub(super) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    pub(super) fn new() -> Result<Self, CliError> {
        use tokio::signal::unix::{SignalKind, signal};
        let on = |kind| {
            signal(kind).map_err(|err| {
                CliError::new(Kind::Failed, format!("cannot wait for signals: {err}"))
            })
        };
        Ok(Self {
            interrupt: on(SignalKind::interrupt())?,
            terminate: on(SignalKind::terminate())?,
            hangup: on(SignalKind::hangup())?,
        })
    }

    pub(super) async fn next(&mut self) -> Exit {
        tokio::select! {
            _ = self.interrupt.recv() => Exit::Interrupted,
            _ = self.terminate.recv() => Exit::Terminated,
            _ = self.hangup.recv() => Exit::Terminated,
        }
    }
}

/// What ends a tunnel.
#[cfg(not(unix))]
pub(super) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(super) fn new() -> Result<Self, CliError> {
        Ok(Self)
    }

    pub(super) async fn next(&mut self) -> Exit {
        // Without a console there is nothing to wait for.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Exit::Interrupted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_are_escaped() {
        assert_eq!(percent("kim@corp.test"), "kim%40corp.test");
        assert_eq!(percent("a b%?/ü"), "a%20b%25%3F%2F%C3%BC");
    }
}
