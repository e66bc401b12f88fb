//! Database certificates that outlive the command they were issued for.
//!
//! [`recall`] answers from disk what a whole name meant the last time, without asking anybody; [`obtain`] takes a kept
//! certificate for a target that was just decided. Both are safe: whether a session may begin is the server's decision each
//! time, by the roles it knows then. What has become stale is refused there, dropped here, and decided again
//! ([`super::tunnel`]); what a person was asked, or a part of a name or a filter found, is never answered from disk.

use super::conn::ClusterConn;
use super::credential::{self, DbCredential, IssueError};
use super::session::Session;
use super::target::Target;
use crate::auth::key::PublicKey;
use crate::db::{Choice, Chosen};
use crate::identity::Certificate;
use crate::profile::certs::{Certs, KeptCert, KeptTarget, KeptWish};
use crate::rbac::Database;
use crate::transport::ClientCert;

const AS_BEFORE: &str = "as in your last session";

/// The certificates kept for a login.
pub fn certs(session: &Session) -> Certs {
    session
        .home
        .certs(&session.profile.proxy, &session.certificate.der)
}

/// A certificate for `target`: a kept one with time left, else a new one, which is kept. `wish`: the words that led to the
/// target and will do so again.
///
/// # Errors
/// [`IssueError`]; that a certificate cannot be kept is no failure.
pub async fn obtain(
    conn: &ClusterConn,
    session: &Session,
    target: &Target,
    wish: Option<&KeptWish>,
    now: i64,
) -> Result<DbCredential, IssueError> {
    let certs = certs(session);
    let known = certs.get(&kept_target(target), now);
    if let Some(kept) = &known
        && let Some(credential) = revive(session, kept, target.clone(), now)
    {
        if let Some(wish) = wish
            && !kept.wishes.contains(wish)
        {
            keep(&certs, &credential, known, Some(wish), now);
        }
        return Ok(credential);
    }
    let credential = credential::issue(conn, session, target, now).await?;
    // Without the login's key it could not be used again.
    if credential.cert.key_pkcs8 == session.client_cert.key_pkcs8 {
        keep(&certs, &credential, known, wish, now);
    }
    Ok(credential)
}

/// The certificate that these words led to the last time, when it has time left.
pub fn recall(session: &Session, wish: &KeptWish, now: i64) -> Option<DbCredential> {
    let kept = certs(session).for_wish(wish, now)?;
    let target = target_of(session, &kept);
    revive(session, &kept, target, now)
}

/// Drops what is kept for a target.
pub fn forget(certs: &Certs, target: &Target) {
    certs.remove(&kept_target(target));
}

fn keep(
    certs: &Certs,
    credential: &DbCredential,
    known: Option<KeptCert>,
    wish: Option<&KeptWish>,
    now: i64,
) {
    let target = &credential.target;
    let mut kept = KeptCert {
        target: kept_target(target),
        automatic: target.automatic,
        granted: target.granted().to_vec(),
        wishes: known.map(|known| known.wishes).unwrap_or_default(),
        cert_pem: credential.certificate.to_pem(),
        not_after: credential.certificate.not_after,
        ..KeptCert::default()
    };
    if let Some(wish) = wish {
        kept.add_wish(wish);
    }
    // Best effort: a directory that cannot be written to costs the next command two calls, not this one its session.
    let _ = certs.keep(&kept, now);
}

/// Takes a kept certificate into use, if it is what it should be.
fn revive(session: &Session, kept: &KeptCert, target: Target, now: i64) -> Option<DbCredential> {
    let certificate = Certificate::from_pem(kept.cert_pem.as_bytes()).ok()?;
    let login = &session.certificate;
    let same_login = certificate.identity.username == login.identity.username
        && certificate.issuer_cluster == login.issuer_cluster;
    let key = PublicKey::of_certificate(&login.der)?;
    let same_key = PublicKey::of_certificate(&certificate.der)? == key;
    credential::check(&certificate, &target.route(), now, &target.root_cluster).ok()?;
    let credential = DbCredential {
        cert: ClientCert {
            cert_der: certificate.der.clone(),
            key_pkcs8: session.client_cert.key_pkcs8.clone(),
        },
        certificate,
        target,
        kept: true,
    };
    (same_login && same_key && credential.is_fresh(now)).then_some(credential)
}

fn kept_target(target: &Target) -> KeptTarget {
    KeptTarget {
        cluster: target.cluster.clone(),
        database: target.database.name.clone(),
        protocol: target.database.protocol.clone(),
        user: target.user.clone(),
        name: target.name.clone(),
        roles: target.roles.clone(),
    }
}

/// The target of a kept certificate; of the database it holds what a session needs.
fn target_of(session: &Session, kept: &KeptCert) -> Target {
    let to = &kept.target;
    let as_before = |value: &str| Chosen {
        value: value.to_owned(),
        why: AS_BEFORE.to_owned(),
    };
    Target {
        cluster: to.cluster.clone(),
        root_cluster: session.profile.cluster.clone(),
        database: Database {
            name: to.database.clone(),
            protocol: to.protocol.clone(),
            ..Database::default()
        },
        user: to.user.clone(),
        automatic: kept.automatic,
        name: to.name.clone(),
        roles: to.roles.clone(),
        why: Choice {
            user: as_before(&to.user),
            name: as_before(&to.name),
            granted: Chosen {
                value: kept.granted.clone(),
                why: AS_BEFORE.to_owned(),
            },
            requested: to.roles.clone(),
            ..Choice::default()
        },
    }
}
