//! Arguments that every command takes, with tsh's spellings, and the forms of single values.

mod elsewhere;
mod ignored;
mod negation;
mod ttl;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

pub use elsewhere::{Elsewhere, elsewhere};
pub use ignored::Ignored;
pub use negation::{command_name, negated};
pub use ttl::ttl;

use super::Env;

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs; errors are then one JSON object on stderr.
    Json,
    /// The same as YAML; errors are JSON, which is YAML too.
    Yaml,
    /// Only the names, one a line ("db ls").
    Names,
    /// The command to run, for a shell ("db config").
    Cmd,
}

impl Format {
    /// Whether a program reads the results.
    pub const fn is_structured(self) -> bool {
        matches!(self, Self::Json | Self::Yaml)
    }
}

/// Values of `--mfa-mode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum MfaMode {
    /// Whatever the cluster offers and this program can do
    #[default]
    Auto,
    /// One-time codes
    Otp,
    /// Security keys
    #[value(hide = true)]
    CrossPlatform,
    /// The computer's own authenticator
    #[value(hide = true)]
    Platform,
    /// Single sign-on
    #[value(hide = true)]
    Sso,
}

impl MfaMode {
    /// Whether this program can do it.
    pub const fn is_supported(self) -> bool {
        matches!(self, Self::Auto | Self::Otp)
    }
}

/// Options of every command, before or after its name (db-client.md 1.2). In [`super::Cx`] they are completed by the
/// environment: what was typed comes first, then `POSTERN_*`, then `TELEPORT_*`.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Proxy of the cluster. Default: $POSTERN_PROXY, $TELEPORT_PROXY, else that of the last login
    #[arg(long, global = true, value_name = "HOST[:PORT]", value_parser = proxy, display_order = 890)]
    pub proxy: Option<String>,

    /// Teleport user. Default: $POSTERN_USER, $TELEPORT_USER, else as at the last login
    #[arg(long, global = true, value_name = "NAME", display_order = 891)]
    pub user: Option<String>,

    /// The cluster that owns the databases: a leaf of the one you are logged in to. Default: $POSTERN_CLUSTER, $TELEPORT_CLUSTER
    #[arg(
        short = 'c',
        long,
        global = true,
        value_name = "CLUSTER",
        display_order = 892
    )]
    pub cluster: Option<String>,

    /// Identity file to use instead of a login. Default: $POSTERN_IDENTITY_FILE, $TELEPORT_IDENTITY_FILE
    #[arg(
        short = 'i',
        long,
        global = true,
        value_name = "FILE",
        display_order = 893
    )]
    pub identity: Option<PathBuf>,

    /// How to log in: "local", or the name of a connector. Default: $POSTERN_AUTH, $TELEPORT_AUTH, else the cluster's own
    #[arg(long, global = true, value_name = "CONNECTOR", display_order = 894)]
    pub auth: Option<String>,

    /// Which second factor to use; this program can do one-time codes
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "MODE",
        display_order = 895
    )]
    pub mfa_mode: Option<MfaMode>,

    /// How long a login shall hold: 8h, 90m, 1h30m; a bare number is minutes. The cluster may shorten it
    #[arg(long, global = true, value_name = "TIME", value_parser = ttl, display_order = 896)]
    pub ttl: Option<Duration>,

    /// Do not verify the proxy's certificate; for tests only
    #[arg(long, global = true, display_order = 897)]
    pub insecure: bool,

    /// Do not warn of a cluster whose version may not fit
    #[arg(long, global = true, display_order = 898)]
    pub skip_version_check: bool,

    /// Say on stderr which settings hold and where they come from, and where something failed
    #[arg(short = 'd', long, global = true, display_order = 899)]
    pub debug: bool,

    /// How to print results; with json and yaml, errors are one JSON object on stderr
    #[arg(
        short = 'f',
        long,
        global = true,
        value_enum,
        value_name = "FORMAT",
        default_value_t,
        hide_default_value = true,
        display_order = 900
    )]
    pub format: Format,

    /// Never prompt and never open a browser (implied without a terminal)
    #[arg(long, global = true, display_order = 901)]
    pub non_interactive: bool,

    /// Log in by another device, as tsh can for ssh
    #[arg(long, global = true, hide = true)]
    pub headless: bool,

    /// What tsh has and databases do not need.
    #[command(flatten)]
    pub ignored: Ignored,

    /// What was typed, and not taken from the environment.
    #[arg(skip)]
    pub typed: Typed,
}

/// Which of the options were typed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Typed {
    /// `--proxy`.
    pub proxy: bool,
    /// `--user`.
    pub user: bool,
    /// `--cluster`.
    pub cluster: bool,
    /// `--auth`.
    pub auth: bool,
    /// `--mfa-mode`.
    pub mfa_mode: bool,
}

impl Global {
    /// Which settings hold and where they come from; nothing without `--debug`.
    pub fn told(&self, env: &Env) -> Vec<String> {
        let from = |typed: bool| if typed { "typed" } else { "environment" };
        [
            ("proxy", &self.proxy, from(self.typed.proxy)),
            ("user", &self.user, from(self.typed.user)),
            ("cluster", &self.cluster, from(self.typed.cluster)),
            (
                "auth",
                &self.auth,
                from(self.auth != env.auth || env.auth.is_none()),
            ),
            (
                "identity",
                &self
                    .identity
                    .as_ref()
                    .map(|path| path.display().to_string()),
                from(self.identity != env.identity.as_ref().map(PathBuf::from)),
            ),
        ]
        .into_iter()
        .filter_map(|(name, value, from)| Some(format!("{name} = {} ({from})", value.as_ref()?)))
        .collect()
    }

    /// Completes what was typed by the environment. A typed empty text counts as not given, as in tsh.
    #[must_use]
    pub fn merged(mut self, env: &Env) -> Self {
        for text in [
            &mut self.proxy,
            &mut self.user,
            &mut self.cluster,
            &mut self.auth,
        ] {
            if text.as_deref() == Some("") {
                *text = None;
            }
        }
        self.typed = Typed {
            proxy: self.proxy.is_some(),
            user: self.user.is_some(),
            cluster: self.cluster.is_some(),
            auth: self.auth.is_some(),
            mfa_mode: self.mfa_mode.is_some(),
        };
        let or = |typed: &mut Option<String>, env: &Option<String>| {
            if typed.is_none() {
                typed.clone_from(env);
            }
        };
        or(&mut self.proxy, &env.proxy);
        or(&mut self.user, &env.user);
        or(&mut self.cluster, &env.cluster);
        or(&mut self.auth, &env.auth);
        self.identity = self
            .identity
            .filter(|path| !path.as_os_str().is_empty())
            .or_else(|| env.identity.clone().map(PathBuf::from));
        self.debug |= env.debug;
        if self.headless || (env.headless && self.auth.is_none()) {
            self.auth = Some("headless".to_owned());
        }
        // A mode from the environment is a wish: tsh on this computer may be able to do more.
        if self.mfa_mode.is_none() {
            self.mfa_mode = env
                .mfa_mode
                .as_deref()
                .and_then(|mode| MfaMode::from_str(mode, true).ok())
                .filter(|mode| mode.is_supported());
        }
        self
    }
}

/// Reads a proxy as tsh does: `https://` before it and the port of the SSH proxy behind it are left away
/// (db-client.md 1.1).
fn proxy(text: &str) -> Result<String, String> {
    let bare = text
        .get(..8)
        .filter(|scheme| scheme.eq_ignore_ascii_case("https://"))
        .map_or(text, |_| text[8..].trim_end_matches('/'));
    let mut parts = bare.split(',');
    let web = parts.next().unwrap_or_default().trim_end_matches(':');
    match (parts.next().map(str::parse::<u16>), parts.next()) {
        (None | Some(Ok(_)), None) => Ok(web.to_owned()),
        _ => Err(format!(
            "{text:?} is no proxy; examples: teleport.example.com, teleport.example.com:443"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_may_be_written_as_for_tsh() {
        for (text, read) in [
            ("h", "h"),
            ("h:443", "h:443"),
            ("https://h:443", "h:443"),
            ("HTTPS://h/", "h"),
            ("h:443,3023", "h:443"),
            ("h:,23", "h"),
            ("[::1]:3080", "[::1]:3080"),
            ("", ""),
        ] {
            assert_eq!(proxy(text).as_deref(), Ok(read), "{text}");
        }
        for text in ["h:1,2,3", "h,x"] {
            assert!(proxy(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_typed_wins_and_teleports_variables_come_last() {
        let env = Env {
            proxy: Some("p".into()),
            user: Some("u".into()),
            mfa_mode: Some("platform".into()),
            headless: true,
            ..Env::default()
        };
        let typed = Global {
            proxy: Some("typed".into()),
            user: Some(String::new()),
            ..Global::default()
        };
        let merged = typed.merged(&env);
        assert_eq!(merged.proxy.as_deref(), Some("typed"));
        assert_eq!(merged.user.as_deref(), Some("u"));
        assert_eq!(
            merged.typed,
            Typed {
                proxy: true,
                ..Typed::default()
            }
        );
        assert_eq!(merged.auth.as_deref(), Some("headless"));
        assert_eq!(merged.mfa_mode, None);
        let named = Global {
            auth: Some("local".into()),
            ..Global::default()
        };
        assert_eq!(named.merged(&env).auth.as_deref(), Some("local"));
    }
}
