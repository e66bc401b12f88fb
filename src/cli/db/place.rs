//! Where a tunnel listens, for whom, and how programs find it.

use std::net::SocketAddr;
#[cfg(unix)]
use std::path::{Path, PathBuf};

use clap::Args;
use tokio::net::TcpListener;

use crate::cli::{CliError, Kind};
#[cfg(unix)]
use crate::proxy::socket_file::{self, SocketFile};
use crate::proxy::{Listener, Options, Password};

/// Who may use a tunnel, and for what.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct DoorArgs {
    /// Serve other users of this computer too; without it, their connections are refused
    #[arg(long)]
    allow_other_users: bool,

    /// Ask every client for a random password, printed here; done without being told where the system cannot say whose a
    /// connection is
    #[arg(long)]
    require_password: bool,

    /// Let clients name another user or database than the tunnel's; the cluster then decides
    #[arg(long)]
    any_target: bool,

    /// With --listen: allow an address that other computers can reach; what they send goes over the network in clear
    #[arg(long, requires = "listen")]
    insecure_listen_anywhere: bool,
}

impl DoorArgs {
    /// Whether addresses beyond this computer's own are allowed.
    pub(super) fn anywhere(&self) -> bool {
        self.insecure_listen_anywhere
    }

    /// Puts this into the tunnel's settings; a password is made where one is wanted or nothing else keeps others out.
    ///
    /// # Errors
    /// [`Kind::Failed`]: the system has no random numbers.
    pub(super) fn apply(&self, options: &mut Options, bound: &Bound) -> Result<(), CliError> {
        options.other_users = self.allow_other_users;
        options.any_target = self.any_target;
        if self.require_password {
            options.password = Some(random()?);
        }
        guard(options, bound)
    }
}

/// Makes a password where nothing else keeps out whom the settings do not let in.
///
/// # Errors
/// [`Kind::Failed`]: the system has no random numbers.
pub(super) fn guard(options: &mut Options, bound: &Bound) -> Result<(), CliError> {
    let unguarded = !bound.listener.knows_peers() && !options.other_users;
    if options.password.is_none() && (unguarded || bound.at.is_reachable()) {
        options.password = Some(random()?);
    }
    Ok(())
}

fn random() -> Result<Password, CliError> {
    Password::random().map_err(|_| {
        CliError::new(
            Kind::Failed,
            "the system gives no random numbers for a password",
        )
    })
}

/// An address of a tunnel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// TCP.
    Tcp(SocketAddr),
    /// A socket in the file system.
    #[cfg(unix)]
    Unix(PathBuf),
}

impl At {
    /// Reads `--listen`.
    ///
    /// # Errors
    /// [`Kind::Usage`]: no address, or one that other computers can reach and `anywhere` is not set.
    pub(super) fn parse(listen: &str, anywhere: bool) -> Result<Self, CliError> {
        if let Some(path) = listen.strip_prefix("unix:") {
            return Self::socket(path);
        }
        let text = listen
            .strip_prefix("localhost")
            .map_or_else(|| listen.to_owned(), |port| format!("127.0.0.1{port}"));
        let address: SocketAddr = text.parse().map_err(|_| {
            CliError::new(Kind::Usage, format!("{listen:?} is no address to listen on"))
                .hint("it looks like this: --listen 127.0.0.1:5432, --listen [::1]:0, --listen localhost:5432, --listen unix:/run/user/1000/pg/")
        })?;
        if !address.ip().is_loopback() && !anywhere {
            return Err(CliError::new(Kind::Usage, format!("{listen} can be reached from other computers"))
                .hint("whoever reaches the port is one password away from the database, and all goes over the network in clear; use a loopback address, e.g. 127.0.0.1, or --insecure-listen-anywhere"));
        }
        Ok(Self::Tcp(address))
    }

    #[cfg(unix)]
    fn socket(path: &str) -> Result<Self, CliError> {
        let (text, path) = (path, Path::new(path));
        if !path.is_absolute() {
            return Err(CliError::new(
                Kind::Usage,
                format!("{text:?} is no absolute path for a socket"),
            )
            .hint("it looks like this: --listen unix:/run/user/1000/pg/.s.PGSQL.5432, or the directory alone"));
        }
        Ok(Self::Unix(if path.is_dir() || text.ends_with('/') {
            path.join(socket_file::NAME)
        } else {
            path.to_owned()
        }))
    }

    #[cfg(not(unix))]
    fn socket(_: &str) -> Result<Self, CliError> {
        Err(CliError::new(
            Kind::Usage,
            "sockets in the file system are for Unix only",
        ))
    }

    /// What libpq takes as host: the address, or the socket's directory.
    pub(super) fn host(&self) -> String {
        match self {
            Self::Tcp(at) => at.ip().to_string(),
            #[cfg(unix)]
            Self::Unix(path) => path
                .parent()
                .map_or_else(String::new, |dir| dir.display().to_string()),
        }
    }

    /// What libpq takes as port; `None`: it does not find a socket of this name.
    pub(super) fn port(&self) -> Option<u16> {
        match self {
            Self::Tcp(at) => Some(at.port()),
            #[cfg(unix)]
            Self::Unix(path) => path
                .file_name()?
                .to_str()?
                .strip_prefix(".s.PGSQL.")?
                .parse()
                .ok(),
        }
    }

    /// Whether other computers reach it.
    fn is_reachable(&self) -> bool {
        match self {
            Self::Tcp(at) => !at.ip().is_loopback(),
            #[cfg(unix)]
            Self::Unix(_) => false,
        }
    }
}

impl std::fmt::Display for At {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(at) => at.fmt(f),
            #[cfg(unix)]
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

/// A place that is taken. A socket's file goes with it.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) listener: Listener,
    pub(super) at: At,
    #[cfg(unix)]
    pub(super) _file: Option<SocketFile>,
}

impl Bound {
    /// Takes the place.
    ///
    /// # Errors
    /// [`Kind::Failed`], with the reason.
    pub(super) async fn new(at: At) -> Result<Self, CliError> {
        let failed = |err: std::io::Error| cannot_listen(&at, &err);
        match &at {
            At::Tcp(address) => {
                let listener = TcpListener::bind(address).await.map_err(failed)?;
                let address = listener.local_addr().map_err(failed)?;
                Ok(Self::of_tcp(listener, address))
            }
            #[cfg(unix)]
            At::Unix(path) => {
                let (listener, file) = socket_file::bind(path).map_err(failed)?;
                Ok(Self::of_socket(listener, file))
            }
        }
    }

    fn of_tcp(listener: TcpListener, address: SocketAddr) -> Self {
        Self {
            listener: listener.into(),
            at: At::Tcp(address),
            #[cfg(unix)]
            _file: None,
        }
    }

    #[cfg(unix)]
    fn of_socket(listener: tokio::net::UnixListener, file: SocketFile) -> Self {
        Self {
            listener: listener.into(),
            at: At::Unix(file.path().to_owned()),
            _file: Some(file),
        }
    }

    /// A place for one program that is started here: on Unix a socket in a private directory; elsewhere, where there is no
    /// such directory, or where it wants `tcp`, any free port of the loopback.
    ///
    /// # Errors
    /// [`Kind::Failed`], with the reason.
    pub(super) async fn for_a_child(tcp: bool) -> Result<Self, CliError> {
        #[cfg(unix)]
        if !tcp {
            let runtime = std::env::var_os(crate::cli::env::XDG_RUNTIME_DIR).map(PathBuf::from);
            let private = socket_file::bind_in_private(runtime.as_deref(), &std::env::temp_dir());
            if let Ok((listener, file)) = private {
                return Ok(Self::of_socket(listener, file));
            }
        }
        #[cfg(not(unix))]
        let _ = tcp;
        Self::new(At::Tcp(SocketAddr::from(([127, 0, 0, 1], 0)))).await
    }
}

fn cannot_listen(at: &At, err: &std::io::Error) -> CliError {
    let error = CliError::new(Kind::Failed, format!("cannot listen on {at}: {err}"));
    match (at, err.kind()) {
        (At::Tcp(_), std::io::ErrorKind::AddrInUse) => error.hint(
            "another program has the port; choose another one, or leave --port out for a free one",
        ),
        (At::Tcp(_), std::io::ErrorKind::PermissionDenied) => {
            error.hint("ports below 1024 are the administrator's; use a higher one")
        }
        #[cfg(unix)]
        (At::Unix(_), std::io::ErrorKind::AddrInUse) => {
            error.hint("somebody listens there, or it is no socket of yours; choose another path")
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_computers_own_addresses_unless_told_otherwise() {
        let at = |listen| At::parse(listen, false).map(|at| at.to_string());
        assert_eq!(at("127.0.0.1:5432").as_deref(), Ok("127.0.0.1:5432"));
        assert_eq!(at("[::1]:0").as_deref(), Ok("[::1]:0"));
        assert_eq!(at("localhost:1").as_deref(), Ok("127.0.0.1:1"));
        for wrong in ["5432", ":1", "host:1", "127.0.0.1:x"] {
            for anywhere in [false, true] {
                let kind = At::parse(wrong, anywhere).map_err(|err| err.kind);
                assert_eq!(kind, Err(Kind::Usage), "{wrong}");
            }
        }
        for beyond in ["0.0.0.0:5432", "[::]:1", "192.0.2.1:1"] {
            let refused = At::parse(beyond, false).expect_err(beyond);
            assert!(refused.hints[0].contains("--insecure-listen-anywhere"));
            assert!(At::parse(beyond, true).is_ok_and(|at| at.is_reachable()));
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_socket_is_named_or_its_directory_is() {
        let dir = tempfile::tempdir().expect("a directory");
        let dir = dir.path().display();
        let at = |text: String| At::parse(&text, false).expect("a path");
        for named in [
            format!("unix:{dir}"),
            format!("unix:{dir}/"),
            format!("unix:{dir}/.s.PGSQL.5432"),
        ] {
            let at = at(named);
            assert_eq!(at.to_string(), format!("{dir}/.s.PGSQL.5432"));
            assert_eq!((at.host(), at.port()), (dir.to_string(), Some(5432)));
        }
        assert_eq!(at(format!("unix:{dir}/.s.PGSQL.7")).port(), Some(7));
        assert_eq!(at(format!("unix:{dir}/other")).port(), None);
        assert!(At::parse("unix:relative", false).is_err());
    }

    #[tokio::test]
    async fn a_port_in_use_is_said() {
        let taken = Bound::new(At::Tcp(SocketAddr::from(([127, 0, 0, 1], 0))))
            .await
            .expect("a free port");
        let err = Bound::new(taken.at.clone()).await.expect_err("it is taken");
        assert_eq!(err.kind, Kind::Failed);
        assert!(
            err.hints[0].contains("another program has the port"),
            "{err:?}"
        );
    }

    #[tokio::test]
    async fn a_password_is_made_where_it_is_wanted_or_nothing_else_keeps_others_out() {
        let here = At::Tcp(SocketAddr::from(([127, 0, 0, 1], 0)));
        let everywhere = At::Tcp(SocketAddr::from(([0, 0, 0, 0], 0)));
        let door = |require_password, allow_other_users| DoorArgs {
            require_password,
            allow_other_users,
            ..DoorArgs::default()
        };
        let knows = cfg!(target_os = "linux");
        for (at, door, expected) in [
            (&here, door(false, false), !knows),
            (&here, door(true, false), true),
            (&here, door(false, true), false),
            (&here, door(true, true), true),
            (&everywhere, door(false, false), true),
            (&everywhere, door(false, true), true),
        ] {
            let bound = Bound::new(at.clone()).await.expect("a place");
            let mut options = Options::default();
            door.apply(&mut options, &bound).expect("random numbers");
            assert_eq!(options.password.is_some(), expected, "{at} {door:?}");
            assert_eq!(options.other_users, door.allow_other_users);
        }
    }
}
