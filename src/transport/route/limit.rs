//! One deadline over all steps of a connection.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::transport::dial::DialError;

/// A deadline over several steps to one address.
pub(super) struct Limit<'a> {
    addr: &'a str,
    until: Instant,
    after: Duration,
}

impl<'a> Limit<'a> {
    pub(super) fn new(addr: &'a str, after: Duration) -> Self {
        Self {
            addr,
            until: Instant::now() + after,
            after,
        }
    }

    /// The same deadline, with somebody else to blame.
    pub(super) fn at<'b>(&self, addr: &'b str) -> Limit<'b> {
        Limit {
            addr,
            until: self.until,
            after: self.after,
        }
    }

    /// Takes one step; when it is not over in time, `doing` is what the peer was silent at.
    pub(super) async fn on<T>(
        &self,
        doing: &'static str,
        step: impl Future<Output = Result<T, DialError>>,
    ) -> Result<T, DialError> {
        // On the heap: handshakes are large, and every step around them would carry them.
        timeout_at(self.until, Box::pin(step))
            .await
            .map_err(|_| DialError::Timeout {
                addr: self.addr.to_owned(),
                after: self.after,
                doing,
            })?
    }
}
