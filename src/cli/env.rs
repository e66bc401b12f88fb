//! Every environment variable the program looks at, in one place; the manual's list is made from it.
//!
//! Settings that tsh has too are taken from `POSTERN_NAME` first, then from `TELEPORT_NAME` (db-client.md 1.4).

use crate::client::browser::Surroundings;
use crate::transport::network_env::NetworkEnv;

/// Directory of profiles and keys.
pub const POSTERN_HOME: &str = "POSTERN_HOME";
/// The configuration file.
pub const POSTERN_CONFIG: &str = "POSTERN_CONFIG";
/// Proxy to use.
pub const POSTERN_PROXY: &str = "POSTERN_PROXY";
/// Teleport user to log in as.
pub const POSTERN_USER: &str = "POSTERN_USER";
/// Directory of tsh's profiles and of its configuration.
pub const TELEPORT_HOME: &str = "TELEPORT_HOME";
/// File to use instead of `/etc/tsh.yaml`.
pub const TELEPORT_GLOBAL_TSH_CONFIG: &str = "TELEPORT_GLOBAL_TSH_CONFIG";
/// The former name of `TELEPORT_CLUSTER`.
pub const TELEPORT_SITE: &str = "TELEPORT_SITE";
/// No colours.
pub const NO_COLOR: &str = "NO_COLOR";
/// Kind of the terminal.
pub const TERM: &str = "TERM";
/// Trusted certificates instead of the system's.
pub const SSL_CERT_FILE: &str = "SSL_CERT_FILE";
/// Directory of trusted certificates instead of the system's.
pub const SSL_CERT_DIR: &str = "SSL_CERT_DIR";

/// HTTP proxy on the way to the cluster's.
pub const HTTPS_PROXY: &str = "HTTPS_PROXY";
/// The same, where [`HTTPS_PROXY`] is not set.
pub const HTTP_PROXY: &str = "HTTP_PROXY";
/// Hosts that need no HTTP proxy.
pub const NO_PROXY: &str = "NO_PROXY";
/// Whether connections have to be upgraded.
pub const CONN_UPGRADE: &str = "TELEPORT_TLS_ROUTING_CONN_UPGRADE";

/// Directory of this session's own, for sockets.
pub const XDG_RUNTIME_DIR: &str = "XDG_RUNTIME_DIR";
/// The user's own directory.
pub const HOME: &str = "HOME";
/// The operating system's user name, on most systems.
pub const USER: &str = "USER";
/// The same, where [`USER`] is not set.
pub const LOGNAME: &str = "LOGNAME";
/// The same on Windows.
pub const USERNAME: &str = "USERNAME";

/// Commands that open a browser.
pub const BROWSER: &str = "BROWSER";

/// Name and meaning of each variable, for the manual.
pub const DOCUMENTED: &[(&str, &str)] = &[
    (
        POSTERN_HOME,
        "Directory for profiles and private keys. Default: \"postern\" in the platform's directory for application data, e.g. ~/.local/share/postern.",
    ),
    (
        POSTERN_CONFIG,
        "Configuration file, TOML. Default: \"postern/config.toml\" in the platform's directory for configuration, e.g. ~/.config/postern/config.toml; it need not exist.",
    ),
    (
        POSTERN_PROXY,
        "HOST or HOST:PORT of the proxy when --proxy is not given: to log in to, and which login to use when there are several.",
    ),
    (
        "TELEPORT_PROXY",
        "The same, when POSTERN_PROXY is not set. So with each pair here.",
    ),
    (
        POSTERN_USER,
        "Teleport user when --user is not given (also TELEPORT_USER).",
    ),
    (
        "POSTERN_CLUSTER",
        "Cluster that owns the databases when --cluster is not given (also TELEPORT_CLUSTER, TELEPORT_SITE).",
    ),
    (
        "POSTERN_AUTH",
        "How to log in when --auth is not given (also TELEPORT_AUTH).",
    ),
    (
        "POSTERN_IDENTITY_FILE",
        "Identity file when --identity is not given (also TELEPORT_IDENTITY_FILE).",
    ),
    (
        "POSTERN_MFA_MODE",
        "Second factor when --mfa-mode is not given; a mode that this program cannot do counts as not set (also TELEPORT_MFA_MODE).",
    ),
    (
        "POSTERN_DEBUG",
        "1 or true: as --debug (also TELEPORT_DEBUG).",
    ),
    (
        "TELEPORT_HEADLESS",
        "1 or true: as --auth headless, when nothing else names a way to log in.",
    ),
    (
        TELEPORT_HOME,
        "Directory of tsh, read and never written. Default: ~/.tsh.",
    ),
    (
        TELEPORT_GLOBAL_TSH_CONFIG,
        "Configuration of tsh for the whole computer. Default: /etc/tsh.yaml. From it, and before it from config/config.yaml in TELEPORT_HOME, add_headers are taken.",
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
    (
        HTTPS_PROXY,
        "HTTP proxy for every connection to the cluster: http://HOST:PORT, https://USER:PASSWORD@HOST:PORT or HOST:PORT (also https_proxy, and HTTP_PROXY, http_proxy where that is unset). Never used for localhost and loopback addresses.",
    ),
    (
        NO_PROXY,
        "Hosts that are reached without it, separated by commas: example.com (and all under it), .example.com (only those under it), addresses, networks like 10.0.0.0/8, each with or without :PORT; * for all (also no_proxy).",
    ),
    (
        CONN_UPGRADE,
        "Whether connections are upgraded to pass a load balancer that ends TLS, instead of what was tested at login: yes, no, or HOST:PORT=yes,... as in tsh.",
    ),
    (
        "POSTERN_LOGIN_BROWSER",
        "For \"login\" when --browser is not given (also TELEPORT_LOGIN_BROWSER).",
    ),
    (
        "POSTERN_LOGIN_BIND_ADDR",
        "For \"login\" when --bind-addr is not given (also TELEPORT_LOGIN_BIND_ADDR).",
    ),
    (
        "POSTERN_LOGIN_SKIP_REMOTE_HOST_WARNING",
        "1 or true: \"login --callback\" with another host asks nothing (also TELEPORT_LOGIN_SKIP_REMOTE_HOST_WARNING).",
    ),
    (
        BROWSER,
        "Commands that open an address in a browser, separated by colons, instead of the system's own (single sign-on, on a terminal).",
    ),
];

/// What the environment says, read once at the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Env {
    /// [`POSTERN_HOME`].
    pub home: Option<String>,
    /// [`POSTERN_CONFIG`].
    pub config: Option<String>,
    /// [`POSTERN_PROXY`], else Teleport's.
    pub proxy: Option<String>,
    /// [`POSTERN_USER`], else Teleport's.
    pub user: Option<String>,
    /// The cluster that owns the databases.
    pub cluster: Option<String>,
    /// How to log in.
    pub auth: Option<String>,
    /// An identity file.
    pub identity: Option<String>,
    /// The second factor that is wanted.
    pub mfa_mode: Option<String>,
    /// Say more.
    pub debug: bool,
    /// Log in by another device.
    pub headless: bool,
    /// [`TELEPORT_HOME`], else `.tsh` in the user's own directory.
    pub tsh_home: Option<String>,
    /// [`TELEPORT_GLOBAL_TSH_CONFIG`].
    pub tsh_global_config: Option<String>,
    /// Name of the user at this computer.
    pub os_user: Option<String>,
    /// Colours are unwanted: [`NO_COLOR`], or [`TERM`] is `dumb`.
    pub no_color: bool,
    /// HTTP proxies and upgrades of connections.
    pub network: NetworkEnv,
    /// The browser for a single sign-on, as `--browser`.
    pub login_browser: Option<String>,
    /// Where the browser comes back to, as `--bind-addr`.
    pub bind_addr: Option<String>,
    /// `--callback` may name another host without a question.
    pub remote_callback: bool,
    /// What decides whether a browser would be seen; the terminal is for others to find out.
    pub surroundings: Surroundings,
}

impl Env {
    /// Reads the process environment. Empty variables count as unset.
    pub fn read() -> Self {
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self::from(|name| std::env::var(name).ok(), &kernel)
    }

    /// `kernel`: its release, e.g. `5.15.153.1-microsoft-standard-WSL2`; empty where that is not known.
    fn from(get: impl Fn(&str) -> Option<String>, kernel: &str) -> Self {
        let get = |name: &str| get(name).filter(|value| !value.is_empty());
        let ours = |name: &str| {
            get(&format!("POSTERN_{name}")).or_else(|| get(&format!("TELEPORT_{name}")))
        };
        // Teleport's own spellings of yes; anything else is no (db-client.md 1.2).
        let yes = |name: &str| {
            ours(name)
                .is_some_and(|v| matches!(v.as_str(), "1" | "t" | "T" | "true" | "TRUE" | "True"))
        };
        // Upper case first, as Go does.
        let either = |name: &str| get(name).or_else(|| get(&name.to_ascii_lowercase()));
        Self {
            home: get(POSTERN_HOME),
            config: get(POSTERN_CONFIG),
            proxy: ours("PROXY"),
            user: ours("USER"),
            cluster: ours("CLUSTER").or_else(|| get(TELEPORT_SITE)),
            auth: ours("AUTH"),
            identity: ours("IDENTITY_FILE"),
            mfa_mode: ours("MFA_MODE"),
            debug: yes("DEBUG"),
            headless: yes("HEADLESS"),
            tsh_home: get(TELEPORT_HOME)
                .or_else(|| get(HOME).map(|home| format!("{}/.tsh", home.trim_end_matches('/')))),
            tsh_global_config: get(TELEPORT_GLOBAL_TSH_CONFIG),
            // Windows may put a domain before it.
            os_user: get(USER)
                .or_else(|| get(LOGNAME))
                .or_else(|| get(USERNAME))
                .map(|user| user.rsplit('\\').next().unwrap_or_default().to_owned()),
            network: NetworkEnv {
                https_proxy: either(HTTPS_PROXY),
                http_proxy: either(HTTP_PROXY),
                no_proxy: either(NO_PROXY),
                conn_upgrade: get(CONN_UPGRADE),
                ..NetworkEnv::default()
            },
            login_browser: ours("LOGIN_BROWSER"),
            bind_addr: ours("LOGIN_BIND_ADDR"),
            remote_callback: yes("LOGIN_SKIP_REMOTE_HOST_WARNING"),
            surroundings: Surroundings {
                terminal: false,
                ssh: ["SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"]
                    .into_iter()
                    .any(|name| get(name).is_some()),
                screen: cfg!(any(windows, target_os = "macos"))
                    || get("DISPLAY").is_some()
                    || get("WAYLAND_DISPLAY").is_some(),
                // The variables get lost on the way through sudo, su and services.
                wsl: cfg!(target_os = "linux")
                    && (get("WSL_DISTRO_NAME").is_some()
                        || get("WSL_INTEROP").is_some()
                        || kernel.to_ascii_lowercase().contains("microsoft")),
                browser: get(BROWSER),
            },
            no_color: get(NO_COLOR).is_some() || get(TERM).is_some_and(|term| term == "dumb"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Env {
        on("6.1.0-44-amd64\n", variables)
    }

    fn on(kernel: &str, variables: &[(&str, &str)]) -> Env {
        let get = |name: &str| {
            variables
                .iter()
                .find(|(n, _)| *n == name)
                .map(|(_, value)| (*value).to_owned())
        };
        Env::from(get, kernel)
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn linux_inside_windows_is_known_by_its_variables_or_its_kernel() {
        assert!(!read(&[("TERM", "xterm")]).surroundings.wsl);
        assert!(read(&[("WSL_DISTRO_NAME", "Debian")]).surroundings.wsl);
        assert!(
            read(&[("WSL_INTEROP", "/run/WSL/8_interop")])
                .surroundings
                .wsl
        );
        for kernel in [
            "5.15.153.1-microsoft-standard-WSL2\n",
            "4.4.0-19041-Microsoft\n",
        ] {
            assert!(on(kernel, &[]).surroundings.wsl, "{kernel}");
        }
        assert!(!on("", &[]).surroundings.wsl);
    }

    #[test]
    fn our_own_variables_come_before_teleports() {
        let env = read(&[
            ("POSTERN_PROXY", "ours"),
            ("TELEPORT_PROXY", "theirs"),
            ("POSTERN_USER", ""),
            ("TELEPORT_USER", "alice"),
            ("TELEPORT_SITE", "leaf"),
            ("TELEPORT_AUTH", "okta"),
            ("TELEPORT_IDENTITY_FILE", "/id"),
            ("TELEPORT_DEBUG", "nonsense"),
            ("HOME", "/home/a"),
        ]);
        assert_eq!(env.proxy.as_deref(), Some("ours"));
        assert_eq!(env.user.as_deref(), Some("alice"));
        assert_eq!(env.cluster.as_deref(), Some("leaf"));
        assert_eq!(env.auth.as_deref(), Some("okta"));
        assert_eq!(env.identity.as_deref(), Some("/id"));
        assert_eq!(env.tsh_home.as_deref(), Some("/home/a/.tsh"));
        assert!(!env.debug);
        let env = read(&[
            ("TELEPORT_SITE", "a"),
            ("TELEPORT_CLUSTER", "b"),
            ("POSTERN_DEBUG", "1"),
        ]);
        assert_eq!(env.cluster.as_deref(), Some("b"));
        assert!(env.debug);
    }
}
