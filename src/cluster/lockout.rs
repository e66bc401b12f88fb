//! Limits against guessing: account locks and a rate limit per address (login.md 1.3, 3.4).

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::store::{Failures, Store, StoreError};

/// Failures that lock an account.
const ATTEMPTS: usize = 5;
/// Seconds for which failures are remembered, and for which a lock lasts.
const WINDOW: i64 = 30 * 60;
/// Addresses remembered before idle ones are dropped. When all are busy, further ones share a bucket.
const ADDRESSES: usize = 10_000;
/// Stands for the addresses that are not remembered one by one; nobody connects from it.
const REST: IpAddr = IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);

/// Counts failed logins of known users, of whom there are only so many. Kept in the state: a restart forgives nobody.
#[derive(Debug)]
pub struct Lockout {
    store: Arc<Store>,
    users: Mutex<HashMap<String, Account>>,
}

#[derive(Debug, Default)]
struct Account {
    failures: Vec<i64>,
    locked_until: i64,
}

impl Lockout {
    /// Reads the failures kept in `store`.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn open(store: Arc<Store>) -> Result<Self, StoreError> {
        let users = Mutex::new(Self::kept(&store)?);
        Ok(Self { store, users })
    }

    /// Reads them again, after somebody else changed them.
    ///
    /// # Errors
    /// When the state cannot be read; what is known stays.
    pub fn reload(&self) -> Result<(), StoreError> {
        // Held while reading: a failure of this moment is either read or written afterwards.
        let mut users = guard(&self.users);
        *users = Self::kept(&self.store)?;
        Ok(())
    }

    fn kept(store: &Store) -> Result<HashMap<String, Account>, StoreError> {
        let kept = store.failures()?.into_iter().map(|kept| {
            let account = Account {
                failures: kept.at,
                locked_until: kept.locked_until,
            };
            (kept.user, account)
        });
        Ok(kept.collect())
    }

    /// Whether `user` is locked at `now` (unix seconds).
    pub fn is_locked(&self, user: &str, now: i64) -> bool {
        guard(&self.users)
            .get(user)
            .is_some_and(|a| a.locked_until > now)
    }

    /// Records a failure and says whether the account is locked now.
    ///
    /// # Errors
    /// When the state cannot be written; the failure counts in this process all the same.
    pub fn fail(&self, user: &str, now: i64) -> Result<bool, StoreError> {
        let mut users = guard(&self.users);
        let account = users.entry(user.to_owned()).or_default();
        account.failures.retain(|at| *at > now - WINDOW);
        account.failures.push(now);
        if account.failures.len() >= ATTEMPTS {
            account.locked_until = now + WINDOW;
            account.failures.clear();
        }
        self.store.put_failures(&Failures {
            user: user.to_owned(),
            at: account.failures.clone(),
            locked_until: account.locked_until,
        })?;
        Ok(account.locked_until > now)
    }

    /// Forgets the failures of `user` after a success.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn succeed(&self, user: &str) -> Result<(), StoreError> {
        let mut users = guard(&self.users);
        // Mostly there are none, and nothing is written.
        if users.remove(user).is_some() {
            self.store.forget_failures(user)?;
        }
        Ok(())
    }
}

/// How many login requests one address may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests per minute in the long run.
    pub per_minute: u32,
    /// Requests at once.
    pub burst: u32,
}

impl Default for Rate {
    fn default() -> Self {
        Self {
            per_minute: 20,
            burst: 40,
        }
    }
}

/// A token bucket for each address.
#[derive(Debug)]
pub struct RateLimit {
    rate: Rate,
    buckets: Mutex<HashMap<IpAddr, Bucket>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    at_ms: i64,
}

impl RateLimit {
    /// Makes a limiter; a rate or burst of zero counts as one.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        let rate = Rate {
            per_minute: rate.per_minute.max(1),
            burst: rate.burst.max(1),
        };
        Self {
            rate,
            buckets: Mutex::new(HashMap::new()),
        }
    }

    /// Takes one request of `address` at `now_ms` (unix milliseconds).
    ///
    /// # Errors
    /// The whole seconds to wait, when the address has sent too much.
    pub fn take(&self, address: IpAddr, now_ms: i64) -> Result<(), u64> {
        let per_ms = f64::from(self.rate.per_minute) / 60_000.0;
        let burst = f64::from(self.rate.burst);
        let refill = |bucket: &Bucket| {
            #[expect(
                clippy::cast_precision_loss,
                reason = "a span of milliseconds fits a float"
            )]
            let span = now_ms.saturating_sub(bucket.at_ms).max(0) as f64;
            (bucket.tokens + span * per_ms).min(burst)
        };
        let mut buckets = guard(&self.buckets);
        let mut address = address;
        if buckets.len() >= ADDRESSES && !buckets.contains_key(&address) {
            buckets.retain(|_, bucket| refill(bucket) < burst);
            if buckets.len() >= ADDRESSES {
                address = REST;
            }
        }
        let bucket = buckets.entry(address).or_insert(Bucket {
            tokens: burst,
            at_ms: now_ms,
        });
        let tokens = refill(bucket);
        *bucket = Bucket {
            tokens,
            at_ms: now_ms,
        };
        if tokens < 1.0 {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "at most a minute"
            )]
            return Err(((1.0 - tokens) / per_ms / 1000.0).ceil() as u64);
        }
        bucket.tokens -= 1.0;
        Ok(())
    }
}

/// A poisoned lock only means that another request panicked; the counters stay usable.
fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lockout(dir: &tempfile::TempDir) -> Lockout {
        let store = Store::open(&dir.path().join("state.db")).expect("a store");
        Lockout::open(Arc::new(store)).expect("the failures")
    }

    #[test]
    fn the_fifth_failure_locks_for_half_an_hour() {
        let dir = tempfile::tempdir().expect("a directory");
        let now = 1_000_000;
        for i in 0..4 {
            // A restart between them changes nothing.
            let lockout = lockout(&dir);
            assert!(!lockout.fail("alice", now + i).expect("a write"));
        }
        assert!(!lockout(&dir).is_locked("alice", now + 4));
        assert!(lockout(&dir).fail("alice", now + 4).expect("a write"));
        let lockout = lockout(&dir);
        assert!(lockout.is_locked("alice", now + 4 + WINDOW - 1));
        assert!(!lockout.is_locked("alice", now + 4 + WINDOW));
        assert!(!lockout.is_locked("bob", now));
    }

    #[test]
    fn a_success_and_time_reset_the_count() {
        let dir = tempfile::tempdir().expect("a directory");
        let first = lockout(&dir);
        for i in 0..4 {
            first.fail("alice", i).expect("a write");
        }
        first.succeed("alice").expect("a write");
        first.succeed("nobody").expect("nothing to do");
        let next = lockout(&dir);
        for i in 0..4 {
            assert!(!next.fail("alice", i).expect("a write"));
        }
        assert!(!next.fail("alice", WINDOW + 100).expect("a write"));
    }

    #[test]
    fn a_crowd_of_addresses_takes_a_bounded_place_and_has_its_limit() {
        let limit = RateLimit::new(Rate::default());
        let address = |n: u32| IpAddr::from(n.wrapping_add(0x7f00_0001).to_be_bytes());
        let crowd = u32::try_from(ADDRESSES).expect("small");
        for n in 0..crowd {
            assert_eq!(limit.take(address(n), 0), Ok(()));
        }
        let burst = Rate::default().burst;
        let late: Vec<bool> = (crowd..crowd + 2 * burst)
            .map(|n| limit.take(address(n), 0).is_ok())
            .collect();
        assert_eq!(
            late.iter().filter(|passed| **passed).count(),
            burst as usize
        );
        assert_eq!(guard(&limit.buckets).len(), ADDRESSES + 1);
        assert_eq!(
            limit.take(address(7), 0),
            Ok(()),
            "who was known keeps its own"
        );
        // Idle ones make room again.
        assert_eq!(limit.take(address(crowd), 3_600_000), Ok(()));
        assert_eq!(guard(&limit.buckets).len(), 1);
    }

    /// errors/rate-limit.json: 41 requests in 3.8 s passed, the 42nd had to wait three seconds.
    #[test]
    fn the_rate_is_that_of_the_recording() {
        let limit = RateLimit::new(Rate::default());
        let ip = IpAddr::from([127, 0, 0, 1]);
        for i in 0..41 {
            assert_eq!(limit.take(ip, i * 90), Ok(()), "request {i}");
        }
        assert_eq!(limit.take(ip, 3_750), Err(3));
        assert_eq!(limit.take(IpAddr::from([127, 0, 0, 2]), 3_750), Ok(()));
        assert_eq!(limit.take(ip, 6_800), Ok(()));
    }
}
