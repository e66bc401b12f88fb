//! Looking on while a connection is made: which step began, which was done and how long it took.
//!
//! Nobody looks on by default; a connection then costs one comparison for each step more.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A step of a connection to the proxy, in the order in which they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The addresses of a name.
    Resolve,
    /// TCP, to the first address that answers.
    Connect,
    /// An HTTP proxy on the way was asked to go on (CONNECT), its own TLS included.
    HttpProxy,
    /// TLS with the web port, or with the port for PostgreSQL.
    Tls,
    /// The upgrade of the connection.
    Upgrade,
    /// TLS with the service inside the upgraded connection.
    Inside,
}

/// What is told of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It begins.
    Begun(Step),
    /// It succeeded; one that began and does not end has failed.
    Done(Step, Duration),
}

/// Somebody who looks on, or nobody. Clones tell the same one.
#[derive(Clone, Default)]
pub struct Watch(Option<Arc<dyn Fn(Event) + Send + Sync>>);

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() {
            "Watch(somebody)"
        } else {
            "Watch(nobody)"
        })
    }
}

impl Watch {
    /// Tells `told` of every step. It is called from within connections and must not block.
    pub fn new(told: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(told)))
    }

    /// Runs a step, and tells of it.
    pub(super) async fn on<T, E>(
        &self,
        step: Step,
        doing: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let Some(told) = &self.0 else {
            return doing.await;
        };
        told(Event::Begun(step));
        let begun = Instant::now();
        let result = doing.await;
        if result.is_ok() {
            told(Event::Done(step, begun.elapsed()));
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[tokio::test]
    async fn a_step_that_fails_is_begun_and_never_done() {
        let seen: Arc<Mutex<Vec<Event>>> = Arc::default();
        let log = Arc::clone(&seen);
        let watch = Watch::new(move |event| log.lock().expect("the log").push(event));
        let good = watch.on(Step::Connect, async { Ok::<_, ()>(7) }).await;
        assert_eq!(good, Ok(7));
        let bad = watch.on(Step::Tls, async { Err::<(), _>("no") }).await;
        assert_eq!(bad, Err("no"));
        let seen = seen.lock().expect("the log");
        assert!(
            matches!(
                seen[..],
                [
                    Event::Begun(Step::Connect),
                    Event::Done(Step::Connect, _),
                    Event::Begun(Step::Tls)
                ]
            ),
            "{seen:?}"
        );
    }
}
