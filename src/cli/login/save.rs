//! Where the key of a login goes, and its profile.

use std::time::Instant;

use super::now;
use super::plan::Plan;
use crate::cli::status::key_place;
use crate::cli::{CliError, Cx, Kind};
use crate::flow::login::Fresh;
use crate::identity::Certificate;
use crate::profile::keys::{self, KeyError, KeyPair, proof};
use crate::profile::{KeyLocation, Profile};

/// `--key-store keychain` is an order: that it cannot be obeyed is said before a one-time code is used up.
pub(super) fn prove_keychain(cx: &Cx) -> Result<(), CliError> {
    let stored = keys::store(&cx.home, keys::KeyStore::Keychain, "test", b"test", &prove)
        .map_err(|e| no_keychain(&e))?;
    keys::remove(&cx.home, &stored.location).map_err(|e| no_keychain(&e))
}

fn no_keychain(error: &KeyError) -> CliError {
    CliError::new(Kind::Failed, error.to_string())
        .hint("keep the key in a file: postern login --key-store file")
}

fn prove(location: &KeyLocation, key: &[u8], deadline: Instant) -> Result<(), KeyError> {
    let program = std::env::current_exe().map_err(|e| KeyError::NotShared(e.to_string()))?;
    proof::by_own_program(&program, location, key, deadline)
}

/// Stores the key, then the profile that names it.
pub(super) fn save(
    cx: &mut Cx,
    plan: &Plan,
    fresh: Fresh,
    key: &KeyPair,
) -> Result<(Profile, Certificate), CliError> {
    let certificate = fresh.certificate().clone();
    // Where the key lies is known once it does.
    let nowhere = KeyLocation::File {
        name: String::new(),
    };
    let mut profile = fresh.profile(&plan.proxy, nowhere, now());
    save_profile(cx, plan.key_store, key.pkcs8(), &mut profile)?;
    Ok((profile, certificate))
}

/// Stores a key (PKCS#8 DER), then the profile, which is told where the key lies.
pub(super) fn save_profile(
    cx: &mut Cx,
    store: keys::KeyStore,
    key: &[u8],
    profile: &mut Profile,
) -> Result<(), CliError> {
    let stored =
        keys::store(&cx.home, store, &profile.proxy, key, &prove).map_err(|e| no_keychain(&e))?;
    profile.key = stored.location;
    if let Err(error) = cx.home.save(profile) {
        // Best effort: without the profile nobody finds the key.
        let _ = keys::remove(&cx.home, &profile.key);
        return Err(error.into());
    }
    if let Some(why) = stored.fallback {
        cx.ui.status(&format!(
            "The private key is in the file {}, not in the keychain: {why}.",
            key_place(&cx.home, profile)
        ));
    }
    Ok(())
}
