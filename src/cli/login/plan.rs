//! What a login is to do, before anything is sent.

use std::time::Duration;

use super::args::{LoginArgs, Store};
use crate::cli::{CliError, Cx, Kind};
use crate::client::browser::Wish;
use crate::flow::login::{self, Listen};
use crate::profile::keys::KeyStore;
use crate::profile::{KeyLocation, Profile, ProfileError};
use crate::transport::trust::Trust;

/// What was typed, completed from environment, profile and prompts.
#[derive(Debug)]
pub(super) struct Plan {
    /// As the user wrote it, or as the last profile has it.
    pub(super) proxy: String,
    /// `host:port`, to be tried side by side.
    pub(super) addresses: Vec<String>,
    /// The profile of an earlier login there.
    pub(super) former: Option<Profile>,
    /// `None`: a local user is to be asked, once it is known that the cluster can be logged in to.
    pub(super) user: Option<String>,
    pub(super) trust: Trust,
    /// The user as typed for this very login.
    pub(super) named: Option<String>,
    /// The way in that is asked for by name; the cluster's default without.
    pub(super) connector: Option<String>,
    /// Which browser shall open.
    pub(super) browser: Wish,
    /// Where the browser comes back to.
    pub(super) listen: Listen,
    /// How long it shall hold; the cluster's default without.
    pub(super) ttl: Option<Duration>,
    /// Where the private key goes.
    pub(super) key_store: KeyStore,
    /// Password and code come in lines of standard input.
    pub(super) password_stdin: bool,
    /// A profile for tsh is written too.
    pub(super) save_tsh_profile: bool,
}

/// Completes what was typed.
///
/// # Errors
/// [`Kind::Usage`] when a script leaves something open; an address, a file or a profile that is of no use.
pub(super) async fn of_args(cx: &mut Cx, args: &LoginArgs) -> Result<Plan, CliError> {
    let proxy = match cx.global.proxy.clone() {
        Some(typed) => typed,
        None => match cx.home.current()? {
            Some(last) => last.proxy,
            None if cx.interactive => cx
                .ui
                .input("Proxy of the cluster (HOST or HOST:PORT)")
                .await?
                .trim()
                .to_owned(),
            None => {
                return Err(CliError::new(
                    Kind::Usage,
                    "which proxy? None was given, and there is no earlier login",
                )
                .hint("for example: postern login --proxy=teleport.example.com"));
            }
        },
    };
    let mut addresses = login::candidates(&proxy).map_err(|e| CliError::new(Kind::Usage, e))?;
    let former = match cx.home.find(
        addresses
            .first()
            .filter(|_| addresses.len() == 1)
            .unwrap_or(&proxy),
    ) {
        Ok(former) => former,
        Err(error @ (ProfileError::Damaged { .. } | ProfileError::Newer { .. })) => {
            cx.ui.warn(&format!(
                "{error}; it is kept as *.damaged, and you can log in again"
            ));
            None
        }
        Err(other) => return Err(other.into()),
    };
    if let Some(former) = &former {
        // A host without a port is the cluster that was found there before.
        addresses = vec![former.proxy.clone()];
    }
    let user = user(cx, args, former.as_ref());
    let trust = trust(cx, args, former.as_ref())?;
    let connector = cx
        .global
        .auth
        .clone()
        .or_else(|| former.as_ref().and_then(asked_for));
    Ok(Plan {
        proxy,
        addresses,
        former,
        user,
        trust,
        named: cx.global.user.clone().filter(|_| cx.global.typed.user),
        connector,
        browser: wish(args.browser.as_ref().or(cx.env.login_browser.as_ref())),
        listen: Listen {
            bind: args.bind_addr.clone().or_else(|| cx.env.bind_addr.clone()),
            public: args.callback.clone(),
        },
        ttl: cx.global.ttl,
        key_store: match args.key_store {
            None => KeyStore::Best,
            Some(Store::File) => KeyStore::File,
            Some(Store::Keychain) => KeyStore::Keychain,
        },
        password_stdin: args.password_stdin,
        save_tsh_profile: args.save_tsh_profile,
    })
}

/// The same login again: same proxy, same user, the key in the same kind of place. A proxy that was not verified is now,
/// unless somebody says `--insecure` this time too.
pub(super) fn again(cx: &Cx, former: Profile) -> Plan {
    Plan {
        proxy: former.proxy.clone(),
        addresses: vec![former.proxy.clone()],
        user: Some(former.user.clone()),
        trust: Trust {
            insecure: cx.global.insecure,
            ..former.trust.clone()
        },
        named: None,
        connector: cx.global.auth.clone().or_else(|| asked_for(&former)),
        browser: wish(cx.env.login_browser.as_ref()),
        listen: Listen {
            bind: cx.env.bind_addr.clone(),
            public: None,
        },
        ttl: None,
        key_store: match former.key {
            KeyLocation::File { .. } | KeyLocation::Elsewhere { .. } => KeyStore::File,
            KeyLocation::Keychain { .. } => KeyStore::Best,
        },
        password_stdin: false,
        save_tsh_profile: false,
        former: Some(former),
    }
}

/// A first login at a proxy that only its name is known of.
///
/// # Errors
/// [`Kind::Usage`] when the name is no address.
pub(super) fn first(cx: &Cx, proxy: &str) -> Result<Plan, CliError> {
    Ok(Plan {
        proxy: proxy.to_owned(),
        addresses: login::candidates(proxy).map_err(|e| CliError::new(Kind::Usage, e))?,
        former: None,
        user: None,
        trust: Trust::default(),
        named: None,
        connector: cx.global.auth.clone(),
        browser: wish(cx.env.login_browser.as_ref()),
        listen: Listen {
            bind: cx.env.bind_addr.clone(),
            public: None,
        },
        ttl: None,
        key_store: KeyStore::Best,
        password_stdin: false,
        save_tsh_profile: false,
    })
}

/// The user as named or as at the last login, else, in a script, the user at this computer; a person is asked.
fn user(cx: &Cx, args: &LoginArgs, former: Option<&Profile>) -> Option<String> {
    let named = cx
        .global
        .user
        .clone()
        .or_else(|| former.map(|f| f.user.clone()))
        .filter(|user| !user.is_empty());
    if named.is_some() || (cx.interactive && !args.password_stdin) {
        return named;
    }
    here(cx)
}

/// The way in that the former login asked for by name; one that followed the cluster's default follows it again.
fn asked_for(former: &Profile) -> Option<String> {
    let auth = former.auth.as_ref()?;
    auth.by_name.then(|| auth.connector.clone())
}

fn wish(browser: Option<&String>) -> Wish {
    match browser.map(String::as_str) {
        None | Some("") => Wish::Any,
        Some("none") => Wish::Nothing,
        Some(command) => Wish::Command(command.to_owned()),
    }
}

/// The user at this computer.
pub(super) fn here(cx: &Cx) -> Option<String> {
    cx.env.os_user.clone().filter(|user| !user.is_empty())
}

/// CA files are remembered until others are given; `--insecure` is for this login and the commands under it only.
fn trust(cx: &Cx, args: &LoginArgs, former: Option<&Profile>) -> Result<Trust, CliError> {
    let mut trust = Trust {
        insecure: cx.global.insecure,
        ..Trust::default()
    };
    if let Some(path) = &args.ca_file {
        let bad = |e: &dyn std::fmt::Display| {
            CliError::new(Kind::Usage, format!("--ca-file {}: {e}", path.display()))
        };
        let pem = std::fs::read_to_string(path).map_err(|e| bad(&e))?;
        trust.add_pem(&pem).map_err(|e| bad(&e))?;
    } else if let Some(former) = former {
        trust.ca_pem.clone_from(&former.trust.ca_pem);
    }
    Ok(trust)
}
