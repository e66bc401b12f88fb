//! Connections kept for the next one who needs them: a few for each server, handed out in the order of asking.
//!
//! A connection that was kept may have died unnoticed. Nobody asks it first: who finds out takes another one, with
//! [`Freshness::New`]. Beyond Teleport, which opens one for each change (db-service.md 3.3).

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// Connections to one server, those in use and those kept together.
pub(super) const LIMIT: usize = 4;
/// How long a connection is kept without use.
pub(super) const IDLE: Duration = Duration::from_secs(60);
/// How old a connection may get: what a server decides at login (memberships, settings, who may log in) counts anew then.
const AGE: Duration = Duration::from_secs(300);

/// What is kept: it knows whether it is broken.
pub(super) trait Connection: Send + 'static {
    /// Whether it is known to be of no use any more.
    fn is_closed(&self) -> bool;
}

impl Connection for tokio_postgres::Client {
    fn is_closed(&self) -> bool {
        Self::is_closed(self)
    }
}

/// Whether a kept connection will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Freshness {
    /// A kept one is welcome.
    Any,
    /// Kept ones were found broken: all alike are closed, a new one is opened.
    New,
}

/// The connections to every server. `S` names a server, `L` how to log in there.
pub(super) struct Pools<S, L, C>(Arc<Mutex<ByServer<S, L, C>>>);

type ByServer<S, L, C> = HashMap<S, Arc<Pool<L, C>>>;

impl<S, L, C> Clone for Pools<S, L, C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S, L, C> Default for Pools<S, L, C> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<S: Eq + Hash, L: Clone + PartialEq + Send + 'static, C: Connection> Pools<S, L, C> {
    /// The pool of one server. Those of servers that are not used any more are forgotten.
    pub(super) fn of(&self, server: S) -> Arc<Pool<L, C>> {
        let mut pools = locked(&self.0);
        pools.retain(|_, pool| Arc::strong_count(pool) > 1);
        Arc::clone(pools.entry(server).or_default())
    }

    /// Closes every connection that is not in use.
    pub(super) fn close(&self) {
        for pool in locked(&self.0).values() {
            locked(&pool.shelf).kept.clear();
        }
    }
}

/// The connections to one server.
pub(super) struct Pool<L, C> {
    permits: Arc<Semaphore>,
    shelf: Mutex<Shelf<L, C>>,
}

struct Shelf<L, C> {
    /// The longest kept first. Together with those in use never more than [`LIMIT`].
    kept: VecDeque<Kept<L, C>>,
    /// Somebody sees to it that unused ones are closed; that task keeps the pool.
    watched: bool,
}

struct Kept<L, C> {
    login: L,
    connection: C,
    opened: Instant,
    since: Instant,
}

impl<L, C> Default for Pool<L, C> {
    fn default() -> Self {
        Self {
            permits: Arc::new(Semaphore::new(LIMIT)),
            shelf: Mutex::new(Shelf {
                kept: VecDeque::new(),
                watched: false,
            }),
        }
    }
}

impl<L: Clone + PartialEq + Send + 'static, C: Connection> Pool<L, C> {
    /// Waits its turn, then takes a kept connection of this login or opens one with `open`.
    ///
    /// # Errors
    /// Those of `open`.
    pub(super) async fn take<E>(
        self: &Arc<Self>,
        login: &L,
        freshness: Freshness,
        open: impl Future<Output = Result<C, E>>,
    ) -> Result<Lease<L, C>, E> {
        // The semaphore is never closed.
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok();
        let lease = |connection, opened, kept| Lease {
            pool: Arc::clone(self),
            login: login.clone(),
            connection: Some(connection),
            opened,
            kept,
            _permit: permit,
        };
        if let Some(kept) = self.pick(login, freshness) {
            return Ok(lease(kept.connection, kept.opened, true));
        }
        Ok(lease(open.await?, Instant::now(), false))
    }

    /// A kept connection; when there is none, a place for a new one.
    fn pick(&self, login: &L, freshness: Freshness) -> Option<Kept<L, C>> {
        let kept = &mut locked(&self.shelf).kept;
        kept.retain(|one| {
            !one.connection.is_closed()
                && one.opened.elapsed() < AGE
                && (freshness == Freshness::Any || one.login != *login)
        });
        if let Some(latest) = kept.iter().rposition(|one| one.login == *login) {
            return kept.remove(latest);
        }
        // This one holds a permit already, so those in use and those kept may be one too many.
        if kept.len() > self.permits.available_permits() {
            kept.pop_front();
        }
        None
    }

    fn keep(self: &Arc<Self>, one: Kept<L, C>) {
        let mut shelf = locked(&self.shelf);
        shelf.kept.push_back(one);
        if !std::mem::replace(&mut shelf.watched, true) {
            tokio::spawn(Arc::clone(self).close_unused());
        }
    }

    /// Closes connections when their time is up, until none is kept.
    async fn close_unused(self: Arc<Self>) {
        loop {
            let next = {
                let mut shelf = locked(&self.shelf);
                let useful =
                    |one: &Kept<L, C>| one.since.elapsed() < IDLE && !one.connection.is_closed();
                shelf.kept.retain(useful);
                match shelf.kept.front() {
                    Some(oldest) => oldest.since + IDLE,
                    None => {
                        shelf.watched = false;
                        return;
                    }
                }
            };
            tokio::time::sleep_until(next).await;
        }
    }
}

/// A connection in use. Dropped, it is closed; see [`Lease::keep`].
pub(super) struct Lease<L: Clone + PartialEq + Send + 'static, C: Connection> {
    pool: Arc<Pool<L, C>>,
    login: L,
    connection: Option<C>,
    opened: Instant,
    kept: bool,
    _permit: Option<OwnedSemaphorePermit>,
}

impl<L: Clone + PartialEq + Send + 'static, C: Connection> Lease<L, C> {
    /// Whether somebody used the connection before.
    pub(super) fn was_kept(&self) -> bool {
        self.kept
    }

    /// Gives the connection back. It must be as it was taken: no open transaction, nothing set.
    pub(super) fn keep(mut self) {
        if let Some(connection) = self.connection.take().filter(|one| !one.is_closed()) {
            self.pool.keep(Kept {
                login: self.login.clone(),
                connection,
                opened: self.opened,
                since: Instant::now(),
            });
        }
    }
}

impl<L: Clone + PartialEq + Send + 'static, C: Connection> std::ops::Deref for Lease<L, C> {
    type Target = C;

    fn deref(&self) -> &C {
        self.connection
            .as_ref()
            .expect("only `keep` takes it, and consumes the lease")
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change is one call: a panic elsewhere leaves nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use super::*;

    /// Counts those that exist.
    struct Fake {
        closed: Arc<AtomicBool>,
        alive: Arc<AtomicUsize>,
    }

    impl Connection for Fake {
        fn is_closed(&self) -> bool {
            self.closed.load(Ordering::SeqCst)
        }
    }

    impl Drop for Fake {
        fn drop(&mut self) {
            self.alive.fetch_sub(1, Ordering::SeqCst);
        }
    }

    #[derive(Default)]
    struct World {
        pool: Arc<Pool<&'static str, Fake>>,
        alive: Arc<AtomicUsize>,
        most: AtomicUsize,
        opened: AtomicUsize,
    }

    impl World {
        async fn take(
            &self,
            login: &'static str,
            freshness: Freshness,
        ) -> Lease<&'static str, Fake> {
            let open = async {
                self.opened.fetch_add(1, Ordering::SeqCst);
                let alive = self.alive.fetch_add(1, Ordering::SeqCst) + 1;
                self.most.fetch_max(alive, Ordering::SeqCst);
                tokio::task::yield_now().await;
                Ok::<_, Infallible>(Fake {
                    closed: Arc::default(),
                    alive: Arc::clone(&self.alive),
                })
            };
            let Ok(lease) = self.pool.take(&login, freshness, open).await;
            lease
        }

        fn opened(&self) -> usize {
            self.opened.load(Ordering::SeqCst)
        }

        fn alive(&self) -> usize {
            self.alive.load(Ordering::SeqCst)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_used_again_by_the_same_login_only() {
        let world = World::default();
        let first = world.take("a", Freshness::Any).await;
        assert!(!first.was_kept());
        first.keep();
        assert!(world.take("a", Freshness::Any).await.was_kept());
        assert_eq!((world.opened(), world.alive()), (1, 0), "dropped, not kept");
        world.take("a", Freshness::Any).await.keep();
        assert!(!world.take("b", Freshness::Any).await.was_kept());
        assert!(!world.take("a", Freshness::New).await.was_kept());
        assert_eq!(world.alive(), 0, "the kept one was closed");
    }

    #[tokio::test(start_paused = true)]
    async fn there_are_never_more_than_the_limit_and_the_first_to_ask_is_the_first_served() {
        let world = World::default();
        let order = Mutex::new(Vec::new());
        let each = (0..50).map(|n| {
            let (world, order) = (&world, &order);
            async move {
                let lease = world.take(["a", "b", "c"][n % 3], Freshness::Any).await;
                locked(order).push(n);
                tokio::time::sleep(Duration::from_millis(10)).await;
                lease.keep();
            }
        });
        let begun = Instant::now();
        futures_util::future::join_all(each).await;
        assert_eq!(
            begun.elapsed(),
            Duration::from_millis(10 * 13),
            "no pause between turns"
        );
        assert_eq!(world.most.load(Ordering::SeqCst), LIMIT);
        // Opening takes its time, so neighbours may overtake each other, but nobody by more than that.
        for (place, n) in locked(&order).iter().enumerate() {
            assert!(place.abs_diff(*n) < LIMIT, "{n} came at {place}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn unused_connections_are_closed_after_a_minute_and_used_ones_by_age() {
        let world = World::default();
        let (one, two) = (
            world.take("a", Freshness::Any).await,
            world.take("a", Freshness::Any).await,
        );
        one.keep();
        tokio::time::sleep(IDLE / 2).await;
        two.keep();
        assert_eq!(world.alive(), 2);
        tokio::time::sleep(IDLE / 2 + Duration::from_millis(5)).await;
        assert_eq!(world.alive(), 1);
        tokio::time::sleep(IDLE / 2).await;
        assert_eq!(world.alive(), 0);
        let begun = Instant::now();
        while begun.elapsed() < AGE + IDLE {
            world.take("a", Freshness::Any).await.keep();
            tokio::time::sleep(IDLE / 2).await;
        }
        assert_eq!(world.opened(), 4, "the third became too old");
    }

    #[tokio::test(start_paused = true)]
    async fn a_broken_connection_is_not_handed_out() {
        let world = World::default();
        let lease = world.take("a", Freshness::Any).await;
        let closed = Arc::clone(&lease.closed);
        lease.keep();
        closed.store(true, Ordering::SeqCst);
        assert!(!world.take("a", Freshness::Any).await.was_kept());
        let lease = world.take("a", Freshness::Any).await;
        lease.closed.store(true, Ordering::SeqCst);
        lease.keep();
        assert_eq!(world.alive(), 0, "a broken one is not kept");
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_opening_frees_the_place() {
        let pool: Arc<Pool<&str, Fake>> = Arc::default();
        for _ in 0..3 * LIMIT {
            let refused = pool
                .take(&"a", Freshness::Any, async { Err("refused") })
                .await;
            assert!(matches!(refused, Err("refused")));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn pools_of_unused_servers_are_forgotten_and_all_can_be_closed() {
        let pools: Pools<u16, &str, Fake> = Pools::default();
        let alive: Arc<AtomicUsize> = Arc::new(AtomicUsize::new(1));
        let fake = Fake {
            closed: Arc::default(),
            alive: Arc::clone(&alive),
        };
        let pool = pools.of(1);
        let Ok(lease) = pool
            .take(&"a", Freshness::Any, async { Ok::<_, Infallible>(fake) })
            .await;
        lease.keep();
        for server in 2..100 {
            drop(pools.of(server));
        }
        assert_eq!(locked(&pools.0).len(), 2, "the first and the last");
        assert_eq!(alive.load(Ordering::SeqCst), 1);
        pools.close();
        assert_eq!(alive.load(Ordering::SeqCst), 0);
    }
}
