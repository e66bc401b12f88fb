//! How long to wait before the next attempt.

use std::time::Duration;

use crate::cluster::random;

/// The first wait, before the random part.
const FIRST: Duration = Duration::from_millis(500);
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(60);

/// Waits that double up to a minute, each shortened by a random part of up to a half, so that leaves which lost their root
/// at the same moment do not come back at the same moment.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait after one more failure.
    pub(super) fn next(&mut self) -> Duration {
        let full = FIRST
            .saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX))
            .min(LONGEST);
        self.failures = (self.failures + 1).min(31);
        // Without randomness the whole wait: no worse than others do.
        let part = random::bytes::<1>().map_or(0, |[byte]| u32::from(byte));
        full - full / 2 * part / 255
    }

    /// Begins anew after a success.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_minute_and_vary() {
        let mut backoff = Backoff::default();
        for full in [500, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000] {
            let wait = backoff.next().as_millis();
            assert!((full / 2..=full).contains(&wait), "{full}: {wait}");
        }
        for _ in 0..100 {
            assert!(backoff.next() <= LONGEST);
        }
        backoff.reset();
        let firsts: std::collections::BTreeSet<_> = (0..50)
            .map(|_| {
                backoff.reset();
                backoff.next()
            })
            .collect();
        assert!(firsts.len() > 5, "{firsts:?}");
        assert!(firsts.iter().all(|w| *w <= FIRST && *w >= FIRST / 2));
    }
}
