//! The OS keychain with a deadline: a locked one asks on a screen nobody watches, a broken one never answers.
//!
//! On Linux the `keyring` crate adds a key to the kernel's *session* keyring and links it into the user's *persistent* one,
//! if the kernel has that. Two things need care. A process without a session keyring of its own (a fresh container, a daemon)
//! gets one while an entry is opened, which then goes on with the keyring that was there before; only a second entry sees the
//! new one. And a key that stays in the session keyring would seem to work where no other session finds it, so it is taken
//! out of there.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use keyring::{Entry, Error};
use zeroize::Zeroizing;

use super::{Backend, KEYCHAIN_PATIENCE, KeyError, KeyLocation};

/// The keychains of this platform, the preferred one first.
#[cfg(all(target_os = "linux", feature = "secret-service"))]
pub(super) const BACKENDS: &[Backend] = &[Backend::SecretService, Backend::Kernel];
/// The keychains of this platform, the preferred one first.
#[cfg(all(target_os = "linux", not(feature = "secret-service")))]
pub(super) const BACKENDS: &[Backend] = &[Backend::Kernel];
/// The keychains of this platform, the preferred one first.
#[cfg(not(target_os = "linux"))]
pub(super) const BACKENDS: &[Backend] = &[Backend::Native];

/// Writes an entry.
pub(super) fn set(location: &KeyLocation, key: &[u8], deadline: Instant) -> Result<(), KeyError> {
    let key = Zeroizing::new(key.to_vec());
    on_entry(location, deadline, move |name, entry| {
        entry.set_secret(&key)?;
        forget_in_session(name)
    })
    .map(drop)
}

/// Reads an entry; `None` when there is none.
pub(super) fn get(
    location: &KeyLocation,
    deadline: Instant,
) -> Result<Option<Zeroizing<Vec<u8>>>, KeyError> {
    on_entry(location, deadline, |_, entry| {
        entry.get_secret().map(Zeroizing::new)
    })
}

/// Removes an entry; one that is not there is fine.
pub(super) fn delete(location: &KeyLocation, deadline: Instant) -> Result<(), KeyError> {
    on_entry(location, deadline, |_, entry| entry.delete_credential()).map(drop)
}

/// Names an entry.
struct Name {
    backend: Backend,
    service: String,
    account: String,
}

/// Does something with an entry on a thread of its own. A thread that hangs is left behind: it holds nothing we need, and
/// it ends with the process. `None`: no such entry.
fn on_entry<T: Send + 'static>(
    location: &KeyLocation,
    deadline: Instant,
    work: impl FnOnce(&Name, &Entry) -> Result<T, Error> + Send + 'static,
) -> Result<Option<T>, KeyError> {
    let KeyLocation::Keychain {
        backend,
        service,
        account,
    } = location.clone()
    else {
        return Ok(None);
    };
    let name = Name {
        backend,
        service,
        account,
    };
    let (done, result) = mpsc::channel();
    std::thread::Builder::new()
        .name("keychain".to_owned())
        .spawn(move || {
            let answer = open(&name).and_then(|entry| work(&name, &entry));
            // Nobody listens any more when the deadline has passed.
            let _ = done.send(answer);
        })
        .map_err(|e| KeyError::Keychain(e.to_string()))?;
    let left = deadline
        .saturating_duration_since(Instant::now())
        .max(Duration::from_millis(50));
    match result.recv_timeout(left) {
        Ok(Ok(value)) => Ok(Some(value)),
        Ok(Err(Error::NoEntry)) => Ok(None),
        Ok(Err(error)) => Err(KeyError::Keychain(error.to_string())),
        Err(mpsc::RecvTimeoutError::Timeout) => Err(KeyError::Timeout(KEYCHAIN_PATIENCE)),
        Err(mpsc::RecvTimeoutError::Disconnected) => Err(KeyError::Keychain(
            "the keychain library gave up".to_owned(),
        )),
    }
}

fn open(name: &Name) -> Result<Entry, Error> {
    match name.backend {
        #[cfg(target_os = "linux")]
        Backend::Kernel => {
            let kernel = keyring::keyutils::default_credential_builder();
            // Makes the session keyring that the entry below will use.
            kernel.build(None, &name.service, &name.account)?;
            let credential = kernel.build(None, &name.service, &name.account)?;
            Ok(Entry::new_with_credential(credential))
        }
        #[cfg(all(target_os = "linux", feature = "secret-service"))]
        Backend::SecretService => {
            let service = keyring::secret_service::default_credential_builder();
            let credential = service.build(None, &name.service, &name.account)?;
            Ok(Entry::new_with_credential(credential))
        }
        #[cfg(not(target_os = "linux"))]
        Backend::Native => Entry::new(&name.service, &name.account),
        _ => Err(Error::PlatformFailure(
            "this build of postern has no such keychain".into(),
        )),
    }
}

/// Takes a key out of the kernel's session keyring of this thread, by the name that keyring gives its entries.
#[cfg(target_os = "linux")]
fn forget_in_session(name: &Name) -> Result<(), Error> {
    use linux_keyutils::{KeyRing, KeyRingIdentifier};
    if name.backend != Backend::Kernel {
        return Ok(());
    }
    let description = format!("keyring-rs:{}@{}", name.account, name.service);
    let session = KeyRing::from_special_id(KeyRingIdentifier::Session, false);
    session
        .and_then(|session| session.unlink_key(session.search(&description)?))
        .map_err(|e| Error::PlatformFailure(format!("{e:?}").into()))
}

#[cfg(not(target_os = "linux"))]
fn forget_in_session(_name: &Name) -> Result<(), Error> {
    Ok(())
}
