//! A login that still holds: read from disk, checked against the clock.

use std::path::PathBuf;

use crate::identity::{Certificate, Validity};
use crate::profile::keys::{self, KeyError};
use crate::profile::{Home, KeyLocation, Profile, ProfileError};
use crate::transport::ClientCert;

/// A valid login with everything needed to act on it.
#[derive(Clone, Debug)]
pub struct Session {
    /// What the login left on disk.
    pub profile: Profile,
    /// The user certificate, decoded: user, roles, traits, validity.
    pub certificate: Certificate,
    /// The same certificate with its key, to connect with.
    pub client_cert: ClientCert,
}

/// Why there is no session.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// No profile, or none for the proxy asked for.
    #[error("not logged in{}", proxy.as_ref().map_or_else(String::new, |p| format!(" to {p}")))]
    NotLoggedIn {
        /// The proxy asked for, when one was.
        proxy: Option<String>,
    },
    /// The certificate's time is over.
    #[error("the login of {user} to {proxy} has expired")]
    Expired {
        /// Whose.
        user: String,
        /// Where.
        proxy: String,
        /// End of validity, unix seconds.
        since: i64,
    },
    /// By this computer's clock the certificate's time has not begun.
    #[error(
        "the login of {user} to {proxy} is not valid for another {in_seconds} s: this computer's clock is behind"
    )]
    NotYet {
        /// Whose.
        user: String,
        /// Where.
        proxy: String,
        /// Seconds until it is.
        in_seconds: i64,
    },
    /// The certificate is there, its private key is not.
    #[error("the private key of the login to {proxy} is gone from {}{}", .location, gone_because(.location))]
    KeyGone {
        /// Where it was.
        location: KeyLocation,
        /// Whose profile.
        proxy: String,
    },
    /// The private key is there and cannot be used.
    #[error(transparent)]
    Key(KeyError),
    /// The certificate in the profile cannot be decoded.
    #[error("the profile {} is damaged: {what}", path.display())]
    Damaged {
        /// The file; it is left as it is.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The profile file is damaged, or cannot be read.
    #[error(transparent)]
    Profile(#[from] ProfileError),
}

fn gone_because(location: &KeyLocation) -> &'static str {
    match location {
        KeyLocation::Keychain { .. } if cfg!(target_os = "linux") => {
            " (it holds keys until the computer restarts, or until they were unused for some days)"
        }
        _ => "",
    }
}

/// Reads the profile that is meant and decodes its certificate, valid or not; needs no key. For `status`.
///
/// # Errors
/// [`SessionError::NotLoggedIn`], [`SessionError::Damaged`], [`SessionError::Profile`].
pub fn peek(home: &Home) -> Result<(Profile, Certificate), SessionError> {
    let Some(profile) = home.current()? else {
        return Err(SessionError::NotLoggedIn {
            proxy: home.selected().map(str::to_owned),
        });
    };
    let certificate = decode(home, &profile)?;
    Ok((profile, certificate))
}

/// Decodes the certificate of a profile.
///
/// # Errors
/// [`SessionError::Damaged`].
pub fn decode(home: &Home, profile: &Profile) -> Result<Certificate, SessionError> {
    Certificate::from_pem(profile.tls_cert_pem.as_bytes()).map_err(|e| SessionError::Damaged {
        path: home.profile_path(&profile.proxy),
        what: format!("tls_cert_pem: {e}"),
    })
}

/// Refuses a certificate whose time is not now.
///
/// # Errors
/// [`SessionError::Expired`], [`SessionError::NotYet`].
pub fn check_time(
    profile: &Profile,
    certificate: &Certificate,
    now: i64,
) -> Result<(), SessionError> {
    let (user, proxy) = (profile.user.clone(), profile.proxy.clone());
    match certificate.valid_at(now) {
        Validity::Valid => Ok(()),
        Validity::Expired { since } => Err(SessionError::Expired { user, proxy, since }),
        // A certificate's time begins a minute before its issue; a clock that is just a little behind that does no harm here.
        Validity::NotYet { in_seconds } => Err(SessionError::NotYet {
            user,
            proxy,
            in_seconds,
        }),
    }
}

/// Reads the private key of a profile.
///
/// # Errors
/// [`SessionError::KeyGone`], [`SessionError::Key`].
pub fn load_key(
    home: &Home,
    profile: &Profile,
) -> Result<zeroize::Zeroizing<Vec<u8>>, SessionError> {
    keys::load(home, &profile.key).map_err(|error| match error {
        KeyError::Gone(location) => SessionError::KeyGone {
            location,
            proxy: profile.proxy.clone(),
        },
        other => SessionError::Key(other),
    })
}

/// Loads the login that is meant, with its key.
///
/// # Errors
/// [`SessionError`]; all but a file system failure are cured by logging in again.
pub fn load(home: &Home, now: i64) -> Result<Session, SessionError> {
    let (profile, certificate) = peek(home)?;
    check_time(&profile, &certificate, now)?;
    let key_pkcs8 = load_key(home, &profile)?;
    let client_cert = ClientCert {
        cert_der: certificate.der.clone(),
        key_pkcs8,
    };
    Ok(Session {
        profile,
        certificate,
        client_cert,
    })
}
