//! What ends a session from outside: a stop of the cluster, a lock, the end of the certificate, idleness, an order.
//!
//! Nothing is polled: locks are looked at when they or the documents change, certificate and idleness have timers. The
//! idle timer is not touched by the data path, which only notes when the client was heard last; when the timer fires too
//! early for that, it is set again for the rest. Source: db-service.md 1.8, texts included.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::errors::Refusal;
use super::{Catalog, DbService};
use crate::identity::Identity;
use crate::quote::duration;

/// Longest sleep before a certificate's end is compared with the clock again: clocks are set, machines sleep.
const RECHECK: Duration = Duration::from_secs(600);

/// Why a session was cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The cluster stops.
    Stopping,
    /// Anything else, in the words that the client and the audit log get.
    Said(String),
}

impl Reason {
    /// The text for audit log and client; a stop is worded as PostgreSQL words its own.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Stopping => "terminating connection due to administrator command",
            Self::Said(text) => text,
        }
    }

    /// The last message of the session.
    pub(super) fn refusal(&self) -> Refusal {
        Refusal::new(super::errors::ENDED, self.text())
    }
}

/// What limits a session in time; nothing unless configured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// How long the client may send nothing; a statement that runs long counts as that too.
    pub idle: Option<Duration>,
    /// Whether the session ends with its certificate.
    pub ends_with_certificate: bool,
}

impl Limits {
    /// Both together: the smaller idle time, the end with the certificate if either says so.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let idle = [self.idle, other.idle].into_iter().flatten().min();
        Self {
            idle,
            ends_with_certificate: self.ends_with_certificate || other.ends_with_certificate,
        }
    }

    /// As documents have it: nanoseconds, 0 for never.
    #[must_use]
    pub fn new(idle_nanoseconds: i64, ends_with_certificate: bool) -> Self {
        let idle = u64::try_from(idle_nanoseconds).ok().filter(|n| *n > 0);
        Self {
            idle: idle.map(Duration::from_nanos),
            ends_with_certificate,
        }
    }
}

/// When the client was heard last. Noting it costs a clock and a store.
#[derive(Debug)]
pub(super) struct Activity {
    begun: Instant,
    /// Microseconds after the beginning; 0 for never.
    last: AtomicU64,
}

impl Activity {
    pub(super) fn begin() -> Self {
        Self {
            begun: Instant::now(),
            last: AtomicU64::new(0),
        }
    }

    /// Bytes came from the client.
    pub(super) fn note(&self) {
        let since = u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.last.store(since.max(1), Relaxed);
    }

    /// When bytes came last.
    fn last(&self) -> Option<Instant> {
        let last = self.last.load(Relaxed);
        (last > 0).then(|| self.begun + Duration::from_micros(last))
    }
}

/// Watches one session.
pub(super) struct Monitor {
    service: Arc<DbService>,
    identity: Identity,
    limits: Limits,
    /// End of the certificate, unix seconds.
    not_after: i64,
    /// Documents and locks as of the last look.
    changes: watch::Receiver<u64>,
    /// Orders to end this session.
    orders: watch::Receiver<Option<Reason>>,
}

impl Monitor {
    /// Made before anything about the session is decided, so that no change is missed.
    pub(super) fn new(
        service: &Arc<DbService>,
        identity: &Identity,
        not_after: i64,
        limits: Limits,
        orders: watch::Receiver<Option<Reason>>,
    ) -> Self {
        Self {
            service: Arc::clone(service),
            identity: identity.clone(),
            limits,
            not_after: certificate_end(identity, not_after),
            changes: service.catalog.changes(),
            orders,
        }
    }

    /// Resolves when the session is to end.
    pub(super) async fn cut(&self, activity: &Activity) -> Reason {
        tokio::select! {
            biased;
            reason = self.order() => reason,
            reason = self.idle(activity) => reason,
        }
    }

    /// The same without regard to what the client does: it has gone, and its backend ends.
    pub(super) async fn order(&self) -> Reason {
        tokio::select! {
            biased;
            () = self.service.stopping() => Reason::Stopping,
            reason = self.ordered() => reason,
            reason = self.lock() => reason,
            reason = self.expiry() => reason,
        }
    }

    async fn ordered(&self) -> Reason {
        let mut orders = self.orders.clone();
        let order = orders.wait_for(Option::is_some).await.map(|o| o.clone());
        match order {
            Ok(Some(reason)) => reason,
            // Nobody can give orders any more.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }

    async fn lock(&self) -> Reason {
        let mut changes = self.changes.clone();
        loop {
            if let Some(lock) = self.service.catalog.lock_on(&self.identity) {
                return Reason::Said(lock.reason());
            }
            if changes.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    async fn expiry(&self) -> Reason {
        if !self.limits.ends_with_certificate {
            return std::future::pending().await;
        }
        loop {
            let now = self.service.catalog.now();
            let Ok(left @ 1..) = u64::try_from(self.not_after - now) else {
                return Reason::Said(format!("client certificate expired at {}", utc(now)));
            };
            sleep(Duration::from_secs(left).min(RECHECK)).await;
        }
    }

    async fn idle(&self, activity: &Activity) -> Reason {
        let Some(limit) = self.limits.idle else {
            return std::future::pending().await;
        };
        loop {
            let heard = activity.last();
            let deadline = heard.unwrap_or(activity.begun) + limit;
            if deadline <= Instant::now() {
                return Reason::Said(match heard {
                    Some(_) => format!("Client exceeded idle timeout of {}", duration(limit)),
                    None => "Client reported no activity".to_owned(),
                });
            }
            sleep_until(deadline).await;
        }
    }
}

/// The moment a session ends with its certificate: for one issued after a second factor, the end of the login behind it.
fn certificate_end(identity: &Identity, not_after: i64) -> i64 {
    use time::format_description::well_known::Rfc3339;
    OffsetDateTime::parse(&identity.previous_identity_expires, &Rfc3339)
        .map_or(not_after, OffsetDateTime::unix_timestamp)
}

/// A moment as Go prints it: `2026-11-23 07:44:55 +0000 UTC`.
fn utc(seconds: i64) -> String {
    let format = time::macros::format_description!(
        "[year]-[month]-[day] [hour]:[minute]:[second] +0000 UTC"
    );
    OffsetDateTime::from_unix_timestamp(seconds)
        .ok()
        .and_then(|moment| moment.format(&format).ok())
        .unwrap_or_default()
}

/// Says which limits count for `checker`'s roles in the cluster of `catalog`.
pub(super) fn limits(catalog: &dyn Catalog, checker: &crate::rbac::AccessChecker) -> Limits {
    catalog.limits().and(Limits::new(
        checker.client_idle_timeout(),
        checker.disconnect_expired_cert(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_add_up_to_the_strictest() {
        let none = Limits::default();
        assert_eq!(Limits::new(0, false), none);
        assert_eq!(Limits::new(-1, false), none);
        let five = Limits::new(5_000_000_000, false);
        let three = Limits::new(3_000_000_000, true);
        assert_eq!(five.and(three), three);
        assert_eq!(three.and(none).and(five).idle, Some(Duration::from_secs(3)));
        assert_eq!(none.and(none), none);
    }

    #[test]
    fn moments_as_go_prints_them() {
        assert_eq!(utc(1_795_419_895), "2026-11-23 07:44:55 +0000 UTC");
    }

    #[test]
    fn a_certificate_after_a_second_factor_counts_as_the_login_behind_it() {
        let mut identity = Identity::default();
        assert_eq!(certificate_end(&identity, 60), 60);
        identity.previous_identity_expires = "2026-11-23T07:44:55Z".into();
        assert_eq!(certificate_end(&identity, 60), 1_795_419_895);
    }
}
