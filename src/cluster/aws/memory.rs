//! Logins kept until shortly before they expire. In memory only.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::Mutex as AsyncMutex;

use crate::cluster::dbservice::{Credential, PasswordError};

/// How long before its end a login is not used any more, seconds: time for the login itself.
const SPARE: i64 = 60;
/// How many are kept.
const LIMIT: usize = 1024;

/// A login and its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) credential: Credential,
    /// Unix seconds.
    pub(super) expires: i64,
}

type Slot = Arc<AsyncMutex<Option<Kept>>>;

/// Logins by what they are for.
#[derive(Default)]
pub(super) struct Memory(Mutex<HashMap<String, Slot>>);

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Memory(****)")
    }
}

/// The system's clock, unix seconds.
pub(super) fn now() -> i64 {
    time::OffsetDateTime::now_utc().unix_timestamp()
}

impl Memory {
    /// The login kept under `key`, or what `fetch` gives. Who asks for the same one meanwhile waits for it.
    pub(super) async fn get(
        &self,
        key: String,
        now: impl Fn() -> i64,
        fetch: impl Future<Output = Result<Kept, PasswordError>>,
    ) -> Result<Credential, PasswordError> {
        let slot = self.slot(key, now());
        let mut slot = slot.lock().await;
        if let Some(kept) = slot.as_ref().filter(|kept| is_good(kept, now())) {
            return Ok(kept.credential.clone());
        }
        let fresh = fetch.await?;
        let credential = fresh.credential.clone();
        *slot = Some(fresh);
        Ok(credential)
    }

    pub(super) fn forget(&self, key: &str) {
        self.slots().remove(key);
    }

    fn slot(&self, key: String, now: i64) -> Slot {
        let mut slots = self.slots();
        if !slots.contains_key(&key) && slots.len() >= LIMIT {
            // One that is locked is being fetched.
            let is_needed = |slot: &Slot| match slot.try_lock() {
                Ok(kept) => kept.as_ref().is_some_and(|kept| is_good(kept, now)),
                Err(_) => true,
            };
            slots.retain(|_, slot| is_needed(slot));
            if slots.len() >= LIMIT {
                slots.clear();
            }
        }
        Arc::clone(slots.entry(key).or_default())
    }

    fn slots(&self) -> std::sync::MutexGuard<'_, HashMap<String, Slot>> {
        self.0
            .lock()
            .expect("nobody panics while holding the logins")
    }
}

fn is_good(kept: &Kept, now: i64) -> bool {
    kept.expires - SPARE > now
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn kept(password: u32, expires: i64) -> Kept {
        let credential = Credential {
            login: "IAM:alice".into(),
            password: Some(password.to_string().into()),
        };
        Kept {
            credential,
            expires,
        }
    }

    async fn ask(memory: &Memory, key: &str, now: i64, fetched: &AtomicU32) -> String {
        let fetch = async {
            tokio::task::yield_now().await;
            Ok(kept(fetched.fetch_add(1, Ordering::Relaxed), now + 900))
        };
        let login = memory
            .get(key.into(), || now, fetch)
            .await
            .expect("a login");
        login.password.expect("a password").to_string()
    }

    #[tokio::test]
    async fn is_asked_for_once_until_shortly_before_its_end() {
        let (memory, fetched) = (Memory::default(), AtomicU32::new(0));
        let (one, two) = tokio::join!(
            ask(&memory, "alice", 0, &fetched),
            ask(&memory, "alice", 0, &fetched)
        );
        assert_eq!((one.as_str(), two.as_str()), ("0", "0"));
        assert_eq!(ask(&memory, "alice", 839, &fetched).await, "0");
        assert_eq!(ask(&memory, "bob", 839, &fetched).await, "1");
        assert_eq!(ask(&memory, "alice", 840, &fetched).await, "2");
        memory.forget("alice");
        assert_eq!(ask(&memory, "alice", 840, &fetched).await, "3");
    }

    #[tokio::test]
    async fn a_failure_is_not_kept_and_the_number_is_bounded() {
        let (memory, fetched) = (Memory::default(), AtomicU32::new(0));
        let error = PasswordError {
            message: "no".into(),
            hint: None,
        };
        let failed = async { Err(error.clone()) };
        assert_eq!(memory.get("x".into(), || 0, failed).await, Err(error));
        for n in 0..2 * LIMIT {
            ask(&memory, &n.to_string(), 0, &fetched).await;
        }
        assert!(memory.slots().len() <= LIMIT);
        // The expired go first.
        ask(&memory, "late", 10_000, &fetched).await;
        assert!(format!("{memory:?}").contains("****"));
    }
}
