//! What systemd is told, when it has started the program.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// Clients are served.
pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// Documents are read again; [`ready`] follows.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(_) => tell(&[NotifyState::Reloading]),
    }
}

/// The end has begun.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// The program goes on.
pub(super) fn alive() {
    tell(&[NotifyState::Watchdog]);
}

fn tell(state: &[NotifyState<'_>]) {
    // Nobody listens when something else has started the program.
    let _ = sd_notify::notify(state);
}

/// Says when systemd wants to hear that the program goes on.
pub(super) struct Watchdog(Option<Interval>);

impl Watchdog {
    pub(super) fn new() -> Self {
        let wanted = sd_notify::watchdog_enabled().filter(|limit| *limit > Duration::ZERO);
        Self(wanted.map(|limit| {
            // Half of it, as systemd advises.
            let mut ticks = interval(limit / 2);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        }))
    }

    /// Resolves at the next time; never when nobody wants to hear.
    pub(super) async fn due(&mut self) {
        match &mut self.0 {
            Some(ticks) => {
                ticks.tick().await;
            }
            None => std::future::pending().await,
        }
    }
}
