//! `postern status`: what the files say; no network.

use clap::Args;
use serde::Serialize;

use super::output::{date, remaining, rfc3339};
use super::{CliError, Cx, Exit};
use crate::flow::session::{self, Origin, SessionError};
use crate::identity::{Certificate, Traits};
use crate::profile::{Home, KeyLocation, Profile};

/// Arguments of `status`.
#[derive(Args, Debug)]
pub struct StatusArgs {
    /// Nothing more than without it; tsh has it
    #[arg(short, long, hide = true)]
    verbose: bool,
}

/// A login as `--format json` prints it; also the result of `login`.
#[derive(Debug, Serialize)]
pub(super) struct Report<'a> {
    proxy: &'a str,
    profile_url: String,
    cluster: &'a str,
    user: &'a str,
    roles: Vec<&'a str>,
    traits: &'a Traits,
    valid_until: String,
    expired: bool,
    insecure: bool,
    server_version: &'a str,
    key: Key,
    origin: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin_path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    already_logged_in: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    databases: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    other_logins: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Key {
    /// `file` or `keychain`.
    store: &'static str,
    /// The path, or the name of the keychain.
    location: String,
}

impl<'a> Report<'a> {
    pub(super) fn new(
        home: &Home,
        profile: &'a Profile,
        certificate: &'a Certificate,
        now: i64,
    ) -> Self {
        let mut roles: Vec<&str> = certificate
            .identity
            .roles
            .iter()
            .map(String::as_str)
            .collect();
        roles.sort_unstable();
        Self {
            proxy: &profile.proxy,
            profile_url: format!("https://{}", profile.proxy),
            cluster: &profile.cluster,
            user: &certificate.identity.username,
            roles,
            traits: &certificate.identity.traits,
            valid_until: rfc3339(certificate.not_after),
            expired: now >= certificate.not_after,
            insecure: profile.trust.insecure,
            server_version: &profile.server_version,
            key: Key {
                store: match profile.key {
                    KeyLocation::File { .. } | KeyLocation::Elsewhere { .. } => "file",
                    KeyLocation::Keychain { .. } => "keychain",
                },
                location: key_place(home, profile),
            },
            origin: Origin::Own.name(),
            origin_path: None,
            database: certificate
                .identity
                .route_to_database
                .as_ref()
                .map(|route| route.service_name.as_str()),
            already_logged_in: None,
            databases: Vec::new(),
            other_logins: Vec::new(),
        }
    }

    pub(super) fn already(mut self, already: bool) -> Self {
        self.already_logged_in = Some(already);
        self
    }

    fn from(mut self, origin: &Origin) -> Self {
        self.origin = origin.name();
        self.origin_path = origin.path().map(|path| path.display().to_string());
        self
    }

    /// Prints it for people.
    fn text(&self, cx: &mut Cx, not_after: i64) {
        let left = not_after - cx.now;
        let bracket = if left <= 0 {
            "EXPIRED".to_owned()
        } else {
            format!("valid for {}", remaining(left))
        };
        let mut line = |label: &str, value: &str| cx.ui.out(&format!("{label:<13} {value}"));
        line("Proxy:", self.proxy);
        line("Cluster:", self.cluster);
        line("User:", self.user);
        line("Roles:", &self.roles.join(", "));
        for (name, values) in self.traits {
            if !values.is_empty() {
                line("Trait:", &format!("{name} = {}", values.join(", ")));
            }
        }
        line("Valid until:", &format!("{} [{bracket}]", date(not_after)));
        if let Some(database) = self.database {
            line("Only for:", &format!("database {database}"));
        }
        if let Some(path) = &self.origin_path {
            let whose = match self.origin {
                "tsh" => "tsh's profile",
                "tbot" => "the directory",
                _ => "the identity file",
            };
            line("Read from:", &format!("{whose} {path}"));
        }
        line("Private key:", &self.key.location);
        if self.insecure {
            line("Certificate:", "of the proxy is not verified (--insecure)");
        }
        if !self.databases.is_empty() {
            line("Databases:", &self.databases.join(", "));
        }
        for other in &self.other_logins {
            line("Also:", other);
        }
    }
}

/// Where the key is, for people and scripts.
pub(super) fn key_place(home: &Home, profile: &Profile) -> String {
    home.key_path(&profile.key).map_or_else(
        || profile.key.to_string(),
        |path| path.display().to_string(),
    )
}

/// Shows the login.
///
/// # Errors
/// [`super::Kind::NotLoggedIn`], also when the login has expired or its key is gone; it is shown before.
pub fn run(cx: &mut Cx, _args: &StatusArgs) -> Result<Exit, CliError> {
    let home = cx.home.clone();
    // What commands would use comes first; what they could not use is shown too.
    let (found, problem) = match session::load(&home, cx.now) {
        Ok(it) => ((it.profile, it.certificate, it.origin), None),
        Err(SessionError::NotLoggedIn { proxy: None }) => return Err(nobody(&home)),
        Err(error) => match session::look(&home, cx.now) {
            Ok(found) => (found, Some(error)),
            Err(_) => return Err(error.into()),
        },
    };
    let (profile, certificate, origin) = found;
    let mut report = Report::new(&home, &profile, &certificate, cx.now).from(&origin);
    report.other_logins = others(&home, &profile);
    report.databases = databases(&home, &profile)?;
    if cx.format.is_structured() {
        cx.ui.json(&report);
    } else {
        report.text(cx, certificate.not_after);
    }
    problem.map_or(Ok(Exit::Done), |error| Err(error.into()))
}

/// Nobody is the last one, but there may be logins.
fn nobody(home: &Home) -> CliError {
    let error = CliError::from(SessionError::NotLoggedIn { proxy: None });
    match home
        .all()
        .unwrap_or_default()
        .into_iter()
        .find_map(Result::ok)
    {
        Some(other) => error.hint(format!(
            "there is a login to {}: export POSTERN_PROXY={}",
            other.proxy, other.proxy
        )),
        None => error,
    }
}

/// What `db login` chose, of all clusters behind the proxy.
fn databases(home: &Home, profile: &Profile) -> Result<Vec<String>, CliError> {
    let mut all = home.active()?;
    all.retain(|one| one.proxy == profile.proxy && one.login == profile.user);
    Ok(all.into_iter().map(|one| one.database).collect())
}

fn others(home: &Home, shown: &Profile) -> Vec<String> {
    let all = home.all().unwrap_or_default();
    all.into_iter()
        .filter_map(Result::ok)
        .filter(|p| p.proxy != shown.proxy)
        .map(|p| format!("{} at {}", p.user, p.proxy))
        .collect()
}
