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
mod tests;
