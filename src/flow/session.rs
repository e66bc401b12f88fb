//! A login that still holds: read from disk, checked against the clock.
//!
//! It comes from an identity file when one is named, and from nowhere else then; else from a profile of ours; else from a
//! profile of tsh, which is read and never written. A login of ours that has expired, or whose key is gone, stands aside
//! for a valid one of tsh by the same user at the same proxy.

mod elsewhere;
mod error;

pub use error::SessionError;

use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::identity::{Certificate, RouteToDatabase, Validity};
use crate::profile::keys::{self, KeyError};
use crate::profile::{Home, Profile};
use crate::transport::ClientCert;
use crate::transport::route::{Learned, Route};
use crate::transport::watch::Watch;

/// A valid login with everything needed to act on it.
#[derive(Clone, Debug)]
pub struct Session {
    /// What the login left on disk.
    pub profile: Profile,
    /// The user certificate, decoded: user, roles, traits, validity.
    pub certificate: Certificate,
    /// The same certificate with its key, to connect with.
    pub client_cert: ClientCert,
    /// What connections of this session found out about the way to the proxy.
    pub learned: Learned,
    /// Who looks on while connections are made.
    pub watch: Watch,
    /// Where what is found out under this login is kept.
    pub home: Home,
    /// Where it was found.
    pub origin: Origin,
}

impl Session {
    /// The way to the proxy.
    pub fn way(&self) -> Route {
        let Profile {
            proxy,
            trust,
            network,
            ..
        } = &self.profile;
        Route::new(proxy, trust, network, self.home.network_env())
            .learning(&self.learned)
            .watched(&self.watch)
    }

    /// The database that the certificate is for, when it is for one only: such a login can connect there without asking the
    /// cluster for anything, and can do nothing else.
    pub fn route_to_database(&self) -> Option<&RouteToDatabase> {
        let identity = &self.certificate.identity;
        identity
            .route_to_database
            .as_ref()
            .filter(|_| self.certificate.is_database())
    }
}

/// Whose files a login was read from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// A profile of ours.
    #[default]
    Own,
    /// A profile of tsh.
    Tsh {
        /// Its directory.
        dir: PathBuf,
    },
    /// An identity file.
    Identity {
        /// The file.
        file: PathBuf,
    },
    /// A directory that tbot writes.
    Tbot {
        /// The directory.
        dir: PathBuf,
    },
}

impl Origin {
    /// `postern`, `tsh`, `identity` or `tbot`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Own => "postern",
            Self::Tsh { .. } => "tsh",
            Self::Identity { .. } => "identity",
            Self::Tbot { .. } => "tbot",
        }
    }

    /// The file or directory; `None` for our own.
    pub fn path(&self) -> Option<&std::path::Path> {
        match self {
            Self::Own => None,
            Self::Tsh { dir } | Self::Tbot { dir } => Some(dir),
            Self::Identity { file } => Some(file),
        }
    }
}

/// A login found on disk, valid or not.
struct Found {
    profile: Profile,
    certificate: Certificate,
    origin: Origin,
    /// The key, where it lies beside the certificate; or why it cannot be used.
    key: Option<Result<Zeroizing<Vec<u8>>, SessionError>>,
}

impl Found {
    fn session(self, home: &Home, now: i64) -> Result<Session, SessionError> {
        let Self {
            profile,
            certificate,
            origin,
            key,
        } = self;
        check_origin(&profile, &certificate, &origin, now)?;
        let key_pkcs8 = match key {
            Some(key) => key?,
            None => load_key(home, &profile)?,
        };
        let client_cert = ClientCert {
            cert_der: certificate.der.clone(),
            key_pkcs8,
        };
        Ok(Session {
            profile,
            certificate,
            client_cert,
            learned: Learned::default(),
            watch: Watch::default(),
            origin,
            home: home.clone(),
        })
    }
}

/// Reads the profile of ours that is meant and decodes its certificate, valid or not; needs no key.
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

/// Reads the login that commands would use, valid or not, wherever it lies; needs no key. For `status`.
///
/// # Errors
/// As [`load`], but for the time and the key.
pub fn look(home: &Home, now: i64) -> Result<(Profile, Certificate, Origin), SessionError> {
    let found = match home.identity() {
        Some(path) => elsewhere::identity(home, path)?,
        None => match own(home) {
            Err(SessionError::NotLoggedIn { proxy }) => {
                elsewhere::tsh(home, now)?.ok_or(SessionError::NotLoggedIn { proxy })?
            }
            own => own?,
        },
    };
    Ok((found.profile, found.certificate, found.origin))
}

fn own(home: &Home) -> Result<Found, SessionError> {
    let (profile, certificate) = peek(home)?;
    Ok(Found {
        profile,
        certificate,
        origin: Origin::Own,
        key: None,
    })
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
    check_origin(profile, certificate, &Origin::Own, now)
}

/// As [`check_time`], for a login found anywhere.
///
/// # Errors
/// [`SessionError::Expired`], [`SessionError::IdentityExpired`], [`SessionError::NotYet`].
pub fn check_origin(
    profile: &Profile,
    certificate: &Certificate,
    origin: &Origin,
    now: i64,
) -> Result<(), SessionError> {
    let (user, proxy) = (profile.user.clone(), profile.proxy.clone());
    match certificate.valid_at(now) {
        Validity::Valid => Ok(()),
        Validity::Expired { since } => Err(match origin {
            Origin::Identity { file: path } | Origin::Tbot { dir: path } => {
                SessionError::IdentityExpired {
                    path: path.clone(),
                    user,
                }
            }
            Origin::Own | Origin::Tsh { .. } => SessionError::Expired {
                user,
                proxy,
                since,
                origin: origin.clone(),
            },
        }),
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
pub fn load_key(home: &Home, profile: &Profile) -> Result<Zeroizing<Vec<u8>>, SessionError> {
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
    if let Some(path) = home.identity() {
        return elsewhere::identity(home, path)?.session(home, now);
    }
    match load_own(home, now) {
        Err(SessionError::NotLoggedIn { proxy }) => elsewhere::tsh(home, now)?
            .ok_or(SessionError::NotLoggedIn { proxy })?
            .session(home, now),
        Err(error @ (SessionError::Expired { .. } | SessionError::KeyGone { .. })) => {
            stand_in(home, now).ok_or(error)
        }
        other => other,
    }
}

/// Loads the login that tsh has, with its key, whatever there is of ours.
///
/// # Errors
/// [`SessionError::NotLoggedIn`] when tsh is not logged in; else as [`load`].
pub fn load_tsh(home: &Home, now: i64) -> Result<Session, SessionError> {
    let found = elsewhere::tsh(home, now)?.ok_or_else(|| SessionError::NotLoggedIn {
        proxy: home.selected().map(str::to_owned),
    })?;
    found.session(home, now)
}

/// How often a key is looked for again whose login was replaced meanwhile.
const TRIES: u32 = 10;

/// Loads a login of ours. Between the profile and the key another process may have replaced both: then they are read again.
fn load_own(home: &Home, now: i64) -> Result<Session, SessionError> {
    let mut before = None;
    for _ in 0..TRIES {
        let found = own(home)?;
        let location = found.profile.key.clone();
        match found.session(home, now) {
            Err(error @ SessionError::KeyGone { .. }) => {
                if before.as_ref() == Some(&location) {
                    return Err(error);
                }
                before = Some(location);
            }
            other => return other,
        }
    }
    own(home)?.session(home, now)
}

/// A valid login of tsh by the same user at the same proxy.
fn stand_in(home: &Home, now: i64) -> Option<Session> {
    let (profile, _) = peek(home).ok()?;
    let home = home.clone().select(Some(profile.proxy.clone()));
    let found = elsewhere::tsh(&home, now).ok()??;
    let same = found.profile.user == profile.user && found.profile.cluster == profile.cluster;
    found.session(&home, now).ok().filter(|_| same)
}
