//! Turns, limits and ages, without a database.

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
    async fn take(&self, login: &'static str, freshness: Freshness) -> Lease<&'static str, Fake> {
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
