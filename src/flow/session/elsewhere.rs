//! Logins that other programs keep: profiles of tsh, identity files, directories of tbot.

use std::path::Path;

use super::{Found, Origin, SessionError};
use crate::identity::Certificate;
use crate::profile::{Home, HostCas, KeyLocation, Profile, VERSION, identity_file, tsh};
use crate::transport::route::{Network, Upgrade};
use crate::transport::trust::Trust;

/// The web port of a proxy that is named without one.
const WEB_PORT: u16 = 443;

/// The login that tsh has, valid or not; `None` without one.
pub(super) fn tsh(home: &Home, now: i64) -> Result<Option<Found>, SessionError> {
    let Some(dir) = home.tsh() else {
        return Ok(None);
    };
    let chosen =
        tsh::choose(dir, home.selected(), home.tsh_cluster()).map_err(SessionError::Tsh)?;
    let Some(chosen) = chosen else {
        return Ok(None);
    };
    let login = match tsh::read(dir, &chosen, now) {
        // It was logged out: as if there were no profile.
        Err(tsh::TshError::NoKey { .. }) => return Ok(None),
        other => other.map_err(SessionError::Tsh)?,
    };
    let mut profile = profile(&chosen.proxy(), &login.certificate, login.host_cas);
    profile.key = KeyLocation::Elsewhere {
        path: login.key_path,
    };
    if chosen.tls_routing_conn_upgrade_required {
        profile.network.upgrade = Some(Upgrade::WebSocket);
    }
    profile.selected_cluster = Some(chosen.selected_cluster().to_owned())
        .filter(|name| *name != profile.cluster && !chosen.cluster.is_empty());
    Ok(Some(Found {
        profile,
        certificate: login.certificate,
        origin: Origin::Tsh {
            dir: dir.to_owned(),
        },
        key: Some(login.key.map_err(SessionError::Tsh)),
    }))
}

/// The login in an identity file or a directory of tbot, valid or not.
pub(super) fn identity(home: &Home, path: &Path) -> Result<Found, SessionError> {
    let found = identity_file::read(path).map_err(SessionError::Identity)?;
    let Some(proxy) = home.selected() else {
        return Err(SessionError::IdentityProxy {
            path: path.to_owned(),
        });
    };
    let mut profile = profile(&with_port(proxy), &found.certificate, found.host_cas);
    profile.key = KeyLocation::Elsewhere {
        path: found.key_path,
    };
    Ok(Found {
        profile,
        certificate: found.certificate,
        origin: if found.is_dir {
            Origin::Tbot {
                dir: path.to_owned(),
            }
        } else {
            Origin::Identity {
                file: path.to_owned(),
            }
        },
        key: Some(Ok(found.key)),
    })
}

/// What other programs do not keep is left to be asked: the version above all.
fn profile(proxy: &str, certificate: &Certificate, host_cas: Vec<HostCas>) -> Profile {
    Profile {
        version: VERSION,
        proxy: proxy.to_owned(),
        asked: Vec::new(),
        cluster: certificate.issuer_cluster.clone(),
        selected_cluster: None,
        user: certificate.identity.username.clone(),
        server_version: String::new(),
        tls_cert_pem: certificate.to_pem(),
        host_cas,
        trust: Trust::default(),
        network: Network::default(),
        key: KeyLocation::Elsewhere {
            path: std::path::PathBuf::new(),
        },
        created: certificate.issued_at(),
        auth: None,
    }
}

/// Completes `HOST` to `HOST:PORT`.
fn with_port(proxy: &str) -> String {
    let has_port = proxy.rsplit_once(':').is_some_and(|(host, port)| {
        port.parse::<u16>().is_ok() && (!host.contains(':') || host.ends_with(']'))
    });
    if has_port {
        proxy.to_owned()
    } else if proxy.contains(':') && !proxy.starts_with('[') {
        format!("[{proxy}]:{WEB_PORT}")
    } else {
        format!("{proxy}:{WEB_PORT}")
    }
}
