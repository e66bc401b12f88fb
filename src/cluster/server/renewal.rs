//! The certificates of the port are renewed when a third of their life is left. A web certificate of one's own is read again
//! then; whoever renews that one sooner has the cluster reload.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::status::Watched;

/// The clock is looked at that often on the way to the deadline: a timer does not count while the machine sleeps, and does
/// not see that its clock is set.
const LOOK: Duration = Duration::from_secs(3600);

/// Renews them until the future is dropped.
pub(super) async fn run(watched: Arc<Watched>) {
    loop {
        let left = left(watched.front.validity(), watched.state.now());
        if !left.is_zero() {
            sleep(left.min(LOOK)).await;
            continue;
        }
        let renewing = Arc::clone(&watched);
        let renewed = tokio::task::spawn_blocking(move || renewing.renew()).await;
        match renewed.map_err(|e| e.to_string()).flatten() {
            Ok(()) => watched.state.report("the port's certificates are renewed"),
            Err(error) => watched.state.report(&format!(
                "error: the port's certificates are not renewed: {error}"
            )),
        }
        sleep(LOOK).await;
    }
}

/// How long the certificates serve from `now` on: until a third of their life is left, and not before it begins.
fn left((begin, end): (i64, i64), now: i64) -> Duration {
    if now < begin {
        return Duration::ZERO;
    }
    let due = end - (end - begin) / 3;
    Duration::from_secs(u64::try_from(due - now).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_third_of_the_life_is_kept_in_hand() {
        let seconds = |now| left((1000, 1900), now).as_secs();
        assert_eq!(seconds(1000), 600);
        assert_eq!(seconds(1599), 1);
        assert_eq!(seconds(1600), 0);
        assert_eq!(seconds(1_000_000), 0, "the machine slept");
        assert_eq!(seconds(999), 0, "the clock was set back");
    }
}
