//! Logins shared with tsh: `--from-tsh` copies one that tsh made, `--save-tsh-profile` writes one that tsh takes for its own.

use super::save;
use super::{LoginArgs, report};
use crate::cli::{CliError, Cx, Exit, Kind};
use crate::flow::conn::ClusterConn;
use crate::flow::login::Ssh;
use crate::flow::session::{self, SessionError};
use crate::profile::keys::{KeyPair, KeyStore};
use crate::profile::tsh::{NewProfile, write};
use crate::profile::{HostCas, Profile};

/// Copies certificate, key and authorities. No network.
///
/// # Errors
/// [`Kind::NotLoggedIn`] when tsh is not logged in, or not there; else those of writing.
pub(super) fn copy(cx: &mut Cx, args: &LoginArgs) -> Result<Exit, CliError> {
    let session = session::load_tsh(&cx.home, cx.now).map_err(|error| {
        let place = cx.home.tsh().map(|dir| dir.display().to_string());
        match error {
            SessionError::NotLoggedIn { proxy } => CliError::new(
                Kind::NotLoggedIn,
                format!(
                    "tsh is not logged in{}",
                    proxy.map_or_else(String::new, |proxy| format!(" to {proxy}"))
                ),
            )
            .hint(format!(
                "its directory is {} (TELEPORT_HOME); tsh login, or log in here: postern login --proxy HOST",
                place.as_deref().unwrap_or("not known")
            )),
            error => error.into(),
        }
    })?;
    cx.check_user(&session)?;
    let store = match args.key_store {
        None => KeyStore::Best,
        Some(store) => store.into(),
    };
    let mut profile = session.profile;
    save::save_profile(cx, store, &session.client_cert.key_pkcs8, &mut profile)?;
    report::print(cx, &profile, &session.certificate, false);
    Ok(Exit::Done)
}

/// Writes a login that was just made as a profile of tsh, with the authorities of the leafs, which tsh does not fetch later.
///
/// # Errors
/// Those of writing; the login itself stands.
pub(super) async fn save(
    cx: &mut Cx,
    profile: &Profile,
    key: &KeyPair,
    ssh: Option<&Ssh>,
    tls_routing: bool,
) -> Result<(), CliError> {
    let Some(dir) = cx.home.tsh().map(std::path::Path::to_owned) else {
        return Err(
            CliError::new(Kind::Failed, "no home directory is known for tsh's profile")
                .hint("set TELEPORT_HOME"),
        );
    };
    let Some(ssh) = ssh else {
        return Err(CliError::new(
            Kind::Failed,
            "logged in, but the cluster issued no SSH certificate, without which tsh takes no profile",
        ));
    };
    let host_cas = match authorities(cx, profile).await {
        Ok(all) => all,
        Err(error) => {
            cx.ui.warn(&format!(
                "the authorities of leaf clusters are not known ({}): tsh will fetch them at its next login",
                error.message
            ));
            profile.host_cas.clone()
        }
    };
    let (ssh_key, ssh_public) = key.ssh_files(profile.server().single_key_field());
    let new = NewProfile {
        proxy: &profile.proxy,
        user: &profile.user,
        cluster: &profile.cluster,
        tls_routing,
        upgrade: false,
        connector: cx.global.auth.as_deref(),
        key_pem: &key.pem(),
        certificate_pem: &profile.tls_cert_pem,
        ssh_key_pem: &ssh_key,
        ssh_public: &ssh_public,
        ssh_certificate: &ssh.certificate,
        host_cas: &host_cas,
        ssh_authorities: &ssh.authorities,
    };
    write(&dir, &new).map_err(|error| {
        CliError::new(Kind::Failed, error.to_string())
            .hint("the login of postern stands; TELEPORT_HOME names another directory for tsh's")
    })?;
    cx.ui.status(&format!(
        "tsh is logged in too: its profile is in {}.",
        dir.display()
    ));
    Ok(())
}

/// Host CAs of the root and of every leaf.
async fn authorities(cx: &Cx, profile: &Profile) -> Result<Vec<HostCas>, CliError> {
    let home = cx.home.clone().select(Some(profile.proxy.clone()));
    let session = session::load(&home, super::now())?;
    let conn = ClusterConn::connect(&session, &profile.cluster).await?;
    let known = conn.host_cas().await?;
    Ok(known
        .into_iter()
        .map(|of| HostCas {
            cluster: of.cluster,
            certs_pem: of.certs_pem,
        })
        .collect())
}
