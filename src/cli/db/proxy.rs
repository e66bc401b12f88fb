//! `postern db proxy` and `postern proxy db`: a tunnel in the foreground, for any program.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use super::active;
use super::choose::{self, Program, TargetArgs};
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
use crate::proxy::{self, Options};

/// Arguments of `db proxy`.
#[derive(Args, Debug)]
pub struct ProxyArgs {
    #[command(flatten)]
    target: TargetArgs,

    /// Port on 127.0.0.1; without it, any free one
    #[arg(short = 'p', long, value_name = "PORT", conflicts_with = "listen")]
    port: Option<u16>,

    /// Address of this computer's own to listen on, e.g. 127.0.0.1:5432 or [::1]:0
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,

    /// Connect to the database once before saying that the tunnel is ready, and fail when that fails
    #[arg(long)]
    check: bool,

    /// Serve one connection over standard input and output, for a program that starts this command itself; nothing but
    /// PostgreSQL's bytes is written there
    #[arg(long, conflicts_with_all = ["port", "listen", "check"])]
    stdio: bool,
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
    let listener = listen(cx, &session, &args).await?;
    let at = listener
        .local_addr()
        .map_err(|err| CliError::new(Kind::Failed, format!("cannot listen: {err}")))?;
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
    let ready = Ready::new(at, &target, credential.certificate.not_after);
    let tunnel = Tunnel::new(cx.home.clone(), clock(), &session, credential);
    let (note, mut notes) = mpsc::unbounded_channel();
    let options = Options {
        // Nobody listens any more only when we end.
        note: Arc::new(move |text: &str| drop(note.send(text.to_owned()))),
        ..Options::default()
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let served = tokio::spawn(proxy::serve(listener, Arc::new(tunnel), options, async {
        let _ = stopped.await;
    }));
    if args.check {
        let probed = probe::probe(at, &target.user, &target.name, &target.database.name);
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

fn address(args: &ProxyArgs) -> Result<SocketAddr, CliError> {
    let Some(listen) = &args.listen else {
        return Ok(SocketAddr::from(([127, 0, 0, 1], args.port.unwrap_or(0))));
    };
    let text = listen
        .strip_prefix("localhost")
        .map_or_else(|| listen.clone(), |port| format!("127.0.0.1{port}"));
    let address: SocketAddr = text.parse().map_err(|_| {
        CliError::new(Kind::Usage, format!("{listen:?} is no address to listen on"))
            .hint("it looks like this: --listen 127.0.0.1:5432, --listen [::1]:0, --listen localhost:5432")
    })?;
    if !address.ip().is_loopback() {
        return Err(CliError::new(Kind::Usage, format!("{listen} can be reached from other computers"))
            .hint("whoever reaches the port is let into the database; use a loopback address, e.g. 127.0.0.1"));
    }
    Ok(address)
}

/// Listens where it was said, else on the port that `db login` promised, else on any.
async fn listen(cx: &mut Cx, session: &Session, args: &ProxyArgs) -> Result<TcpListener, CliError> {
    let promised = if args.port.is_none() && args.listen.is_none() {
        active::port(cx, session, &args.target)?
    } else {
        None
    };
    let Some(port) = promised else {
        return bind(address(args)?).await;
    };
    match bind(SocketAddr::from(([127, 0, 0, 1], port))).await {
        Ok(listener) => Ok(listener),
        Err(error) => {
            cx.ui.warn(&format!(
                "{}: what \"db login\" and \"db env\" say does not lead to this tunnel",
                error.message
            ));
            bind(address(args)?).await
        }
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, CliError> {
    TcpListener::bind(address).await.map_err(|err| {
        let error = CliError::new(Kind::Failed, format!("cannot listen on {address}: {err}"));
        match err.kind() {
            std::io::ErrorKind::AddrInUse => {
                error.hint("another program has the port; choose another one, or leave --port out for a free one")
            }
            std::io::ErrorKind::PermissionDenied => error.hint("ports below 1024 are the administrator's; use a higher one"),
            _ => error,
        }
    })
}

/// The one line that says where the tunnel is.
#[derive(Debug, Serialize)]
struct Ready {
    host: String,
    port: u16,
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
    fn new(at: SocketAddr, target: &Target, not_after: i64) -> Self {
        Self {
            host: at.ip().to_string(),
            port: at.port(),
            database: target.database.name.clone(),
            db_user: target.user.clone(),
            db_name: target.name.clone(),
            db_roles: target.granted().to_vec(),
            cluster: target.cluster.clone(),
            expires: rfc3339(not_after),
            not_after,
        }
    }

    fn uri(&self) -> String {
        uri(&self.host, self.port, &self.db_user, &self.db_name)
    }

    fn text(&self, target: &Target) -> String {
        let mut lines = vec![
            format!("Tunnel to {}", target.explain()),
            String::new(),
            format!("  host      {}", self.host),
            format!("  port      {}", self.port),
            format!("  user      {}", self.db_user),
            format!("  database  {}", self.db_name),
        ];
        if !self.db_roles.is_empty() {
            lines.push(format!("  roles     {}", self.db_roles.join(", ")));
        }
        lines.extend([
            format!("  URI       {}", self.uri()),
            String::new(),
            format!(
                "In a program with a form enter user {}, no password, and no SSL: what leaves this computer is encrypted.",
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

    fn args(port: Option<u16>, listen: Option<&str>) -> ProxyArgs {
        ProxyArgs {
            target: TargetArgs::default(),
            port,
            listen: listen.map(str::to_owned),
            check: false,
            stdio: false,
        }
    }

    #[test]
    fn only_this_computers_own_addresses() {
        let at = |listen| address(&args(None, Some(listen))).map(|address| address.to_string());
        assert_eq!(at("127.0.0.1:5432").as_deref(), Ok("127.0.0.1:5432"));
        assert_eq!(at("[::1]:0").as_deref(), Ok("[::1]:0"));
        assert_eq!(at("localhost:1").as_deref(), Ok("127.0.0.1:1"));
        for wrong in [
            "0.0.0.0:5432",
            "[::]:1",
            "192.0.2.1:1",
            "5432",
            ":1",
            "host:1",
            "127.0.0.1:x",
        ] {
            assert_eq!(
                at(wrong).map_err(|err| err.kind),
                Err(Kind::Usage),
                "{wrong}"
            );
        }
        assert_eq!(
            address(&args(Some(5432), None))
                .map(|a| a.to_string())
                .as_deref(),
            Ok("127.0.0.1:5432")
        );
    }

    #[tokio::test]
    async fn a_port_in_use_is_said() {
        let taken = bind(SocketAddr::from(([127, 0, 0, 1], 0)))
            .await
            .expect("a free port");
        let err = bind(taken.local_addr().expect("its address"))
            .await
            .expect_err("it is taken");
        assert_eq!(err.kind, Kind::Failed);
        assert!(
            err.hints[0].contains("another program has the port"),
            "{err:?}"
        );
    }

    #[test]
    fn uris_are_escaped() {
        assert_eq!(percent("kim@corp.test"), "kim%40corp.test");
        assert_eq!(percent("a b%?/ü"), "a%20b%25%3F%2F%C3%BC");
    }
}
