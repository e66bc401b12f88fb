//! Logins that are on their way: begun by a client, not yet brought back by its browser.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::redirect::ClientRedirect;
use crate::cluster::ca::SubjectPublicKey;
use crate::cluster::ca::ssh_user::SshPublicKey;
use crate::cluster::random::{self, NoRandomness};

/// Seconds for which a login may be on its way (login.md 6.3).
pub(super) const LIFE: i64 = 600;
/// Logins that are kept; some KiB each.
const MAX: usize = 2_000;
/// Logins that are kept of one address.
const MAX_OF_ONE: usize = 200;

/// A login that was begun. `Debug` hides what is secret.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    /// Name of the connector.
    pub(super) connector: String,
    /// Where the answer goes.
    pub(super) redirect: ClientRedirect,
    /// The address of the cluster that the provider sends the browser to.
    pub(super) callback: String,
    /// Keys that certificates are wanted for.
    pub(super) ssh_key: Option<SshPublicKey>,
    /// The same for X.509.
    pub(super) tls_key: Option<SubjectPublicKey>,
    /// Nanoseconds wished for; 0 for as long as may be.
    pub(super) ttl: i64,
    /// Cluster the certificate shall lead to; empty for this one.
    pub(super) route: String,
    /// What the ID token must repeat.
    pub(super) nonce: String,
    /// What proves to the provider that who comes back is who began; `None` without PKCE.
    pub(super) verifier: Option<Secret>,
    /// Where the client is.
    pub(super) address: IpAddr,
    /// Unix seconds.
    pub(super) begun: i64,
}

/// A text that prints as `****`.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret(pub(super) String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("****")
    }
}

/// The logins by their `state`.
#[derive(Debug, Default)]
pub(super) struct Requests(Mutex<HashMap<String, Pending>>);

impl Requests {
    /// Keeps a login and names it. When there are too many the oldest goes: of the same address, then of all.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub(super) fn put(&self, pending: Pending) -> Result<String, NoRandomness> {
        let state = random::hex(&random::bytes::<16>()?);
        let mut kept = self.lock();
        kept.retain(|_, other| other.begun + LIFE > pending.begun);
        let own = kept
            .values()
            .filter(|other| other.address == pending.address)
            .count();
        if own >= MAX_OF_ONE {
            drop_oldest(&mut kept, |other| other.address == pending.address);
        } else if kept.len() >= MAX {
            drop_oldest(&mut kept, |_| true);
        }
        kept.insert(state.clone(), pending);
        Ok(state)
    }

    /// Takes a login out: it is given once. `None` for one that is not known, was taken, or is too old at `now`.
    pub(super) fn take(&self, state: &str, now: i64) -> Option<Pending> {
        self.lock()
            .remove(state)
            .filter(|pending| pending.begun + LIFE > now)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Pending>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn drop_oldest(kept: &mut HashMap<String, Pending>, of: impl Fn(&Pending) -> bool) {
    let oldest = kept
        .iter()
        .filter(|(_, pending)| of(pending))
        .min_by_key(|(_, pending)| pending.begun)
        .map(|(state, _)| state.clone());
    if let Some(state) = oldest {
        kept.remove(&state);
    }
}

#[cfg(test)]
mod tests {
    use super::super::redirect::Allowed;
    use super::*;

    fn pending(address: u32, begun: i64) -> Pending {
        let redirect = "http://127.0.0.1:1/callback?secret_key=00";
        Pending {
            connector: "c".to_owned(),
            redirect: ClientRedirect::new(redirect, &Allowed::default()).expect("an address"),
            callback: String::new(),
            ssh_key: None,
            tls_key: None,
            ttl: 0,
            route: String::new(),
            nonce: "n".to_owned(),
            verifier: Some(Secret("hidden".to_owned())),
            address: IpAddr::from(address.to_be_bytes()),
            begun,
        }
    }

    #[test]
    fn a_login_is_given_once_and_for_ten_minutes() {
        let requests = Requests::default();
        let state = requests.put(pending(1, 1000)).expect("random numbers");
        assert_eq!(state.len(), 32);
        assert!(requests.take("", 1000).is_none());
        assert!(requests.take(&state, 1000 + LIFE - 1).is_some());
        assert!(requests.take(&state, 1000).is_none(), "taken");
        let state = requests.put(pending(1, 1000)).expect("random numbers");
        assert!(requests.take(&state, 1000 + LIFE).is_none(), "too old");
        assert!(!format!("{requests:?} {:?}", pending(1, 0)).contains("hidden"));
    }

    #[test]
    fn their_number_is_bounded_and_nobody_crowds_others_out() {
        let requests = Requests::default();
        let put = |address, begun| {
            requests
                .put(pending(address, begun))
                .expect("random numbers")
        };
        let first = put(1, 0);
        for _ in 0..MAX_OF_ONE * 3 {
            put(2, 1);
        }
        assert_eq!(requests.lock().len(), MAX_OF_ONE + 1);
        let many = u32::try_from(MAX).expect("small");
        for address in 0..many - 1 {
            put(1000 + address, 2);
        }
        assert_eq!(requests.lock().len(), MAX);
        assert!(requests.take(&first, 2).is_none(), "the oldest went");
        put(3, LIFE + 2);
        assert_eq!(requests.lock().len(), 1, "old ones go by themselves");
    }
}
