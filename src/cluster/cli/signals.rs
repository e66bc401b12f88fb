//! Signals of the programs that stay in the foreground.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// What ends the program.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// The number of SIGHUP.
    pub(super) const HANGUP: u8 = 1;

    /// The number of the next signal that ends a program to which hangup means something else.
    pub(super) async fn end(&mut self) -> u8 {
        loop {
            let signal = self.next().await;
            if signal != Self::HANGUP {
                return signal;
            }
        }
    }

    /// The number of the next signal.
    pub(super) async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => 2,
            _ = self.terminate.recv() => 15,
            _ = self.hangup.recv() => Self::HANGUP,
        }
    }
}
