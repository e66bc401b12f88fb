//! Every environment variable the program looks at, in one place; the manual's list is made from it.

/// Directory of profiles and keys.
pub const POSTERN_HOME: &str = "POSTERN_HOME";
/// Proxy to use.
pub const POSTERN_PROXY: &str = "POSTERN_PROXY";
/// Teleport user to log in as.
pub const POSTERN_USER: &str = "POSTERN_USER";
/// No colours.
pub const NO_COLOR: &str = "NO_COLOR";
/// Kind of the terminal.
pub const TERM: &str = "TERM";
/// Trusted certificates instead of the system's.
pub const SSL_CERT_FILE: &str = "SSL_CERT_FILE";
/// Directory of trusted certificates instead of the system's.
pub const SSL_CERT_DIR: &str = "SSL_CERT_DIR";

/// The operating system's user name, on most systems.
pub const USER: &str = "USER";
/// The same, where [`USER`] is not set.
pub const LOGNAME: &str = "LOGNAME";
/// The same on Windows.
pub const USERNAME: &str = "USERNAME";

/// Name and meaning of each variable, for the manual.
pub const DOCUMENTED: [(&str, &str); 8] = [
    (
        POSTERN_HOME,
        "Directory for profiles and private keys. Default: \"postern\" in the platform's directory for application data, e.g. ~/.local/share/postern.",
    ),
    (
        POSTERN_PROXY,
        "HOST or HOST:PORT of the proxy: for \"login\" when --proxy is not given; for the other commands which login to use when there are several.",
    ),
    (
        POSTERN_USER,
        "Teleport user for \"login\" when --user is not given.",
    ),
    (
        USER,
        "User for \"login\" when neither --user nor a former login names one (also LOGNAME, USERNAME).",
    ),
    (
        NO_COLOR,
        "Set to anything but the empty string: no colours.",
    ),
    (TERM, "\"dumb\": no colours."),
    (
        SSL_CERT_FILE,
        "File with the certificates to trust on the proxy's web port, PEM, instead of the system's.",
    ),
    (SSL_CERT_DIR, "Directory with such files."),
];

/// What the environment says, read once at the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Env {
    /// [`POSTERN_HOME`].
    pub home: Option<String>,
    /// [`POSTERN_PROXY`].
    pub proxy: Option<String>,
    /// [`POSTERN_USER`].
    pub user: Option<String>,
    /// Name of the user at this computer.
    pub os_user: Option<String>,
    /// Colours are unwanted: [`NO_COLOR`], or [`TERM`] is `dumb`.
    pub no_color: bool,
}

impl Env {
    /// Reads the process environment. Empty variables count as unset.
    pub fn read() -> Self {
        let get = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            home: get(POSTERN_HOME),
            proxy: get(POSTERN_PROXY),
            user: get(POSTERN_USER),
            // Windows may put a domain before it.
            os_user: get(USER)
                .or_else(|| get(LOGNAME))
                .or_else(|| get(USERNAME))
                .map(|user| user.rsplit('\\').next().unwrap_or_default().to_owned()),
            no_color: get(NO_COLOR).is_some() || get(TERM).is_some_and(|term| term == "dumb"),
        }
    }
}
