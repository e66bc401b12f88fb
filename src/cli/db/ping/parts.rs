//! The steps to a first row, and the clock that runs through them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::transport::watch::{Event, Step, Watch};

/// A step, in the order in which they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Dns,
    Tcp,
    HttpProxy,
    Tls,
    Upgrade,
    Authentication,
    Certificate,
    Connection,
    Handshake,
    FirstRow,
}

impl Part {
    /// The key in JSON.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Tcp => "tcp",
            Self::HttpProxy => "http_proxy",
            Self::Tls => "tls",
            Self::Upgrade => "upgrade",
            Self::Authentication => "authentication",
            Self::Certificate => "certificate",
            Self::Connection => "connection",
            Self::Handshake => "handshake",
            Self::FirstRow => "first_row",
        }
    }

    /// The name for people, and what happens in it.
    pub(super) const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Dns => ("DNS", "addresses of the proxy's name"),
            Self::Tcp => ("TCP", "connection to the proxy"),
            Self::HttpProxy => ("HTTP proxy", "CONNECT to the cluster's proxy"),
            Self::Tls => ("TLS", "handshake with the proxy"),
            Self::Upgrade => ("Upgrade", "of the connection, to pass a load balancer"),
            Self::Authentication => ("Authentication", "login, roles and the database looked up"),
            Self::Certificate => ("Certificate", "for the database, a new one"),
            Self::Connection => ("Connection", "a second one, to the database service"),
            Self::Handshake => (
                "Database",
                "start of the session, user made where automatic",
            ),
            Self::FirstRow => ("First row", "of select 1"),
        }
    }

    const fn of(step: Step) -> Self {
        match step {
            Step::Resolve => Self::Dns,
            Step::Connect => Self::Tcp,
            Step::HttpProxy => Self::HttpProxy,
            Step::Tls => Self::Tls,
            Step::Upgrade | Step::Inside => Self::Upgrade,
        }
    }
}

/// How long the steps of one round took; one that was not gone is missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Times(BTreeMap<Part, Duration>);

impl Times {
    pub(super) fn set(&mut self, part: Part, took: Duration) {
        self.0.insert(part, took);
    }

    pub(super) fn get(&self, part: Part) -> Option<Duration> {
        self.0.get(&part).copied()
    }

    pub(super) fn parts(&self) -> impl Iterator<Item = (Part, Duration)> {
        self.0.iter().map(|(part, took)| (*part, *took))
    }

    /// All of them together.
    pub(super) fn total(&self) -> Duration {
        self.0.values().sum()
    }
}

/// Listens to the connections of one round. To a leaf there are two, side by side: the slower one counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Recorder(Arc<Mutex<Vec<Heard>>>);

/// A step that began, and how long it took if it is done.
type Heard = (Step, Option<Duration>);

impl Recorder {
    pub(super) fn watch(&self) -> Watch {
        let recorder = self.clone();
        Watch::new(move |event| recorder.hear(event))
    }

    fn hear(&self, event: Event) {
        let mut steps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Begun(step) => steps.push((step, None)),
            Event::Done(step, took) => {
                let begun = steps
                    .iter_mut()
                    .find(|(of, done)| *of == step && done.is_none());
                if let Some((_, done)) = begun {
                    *done = Some(took);
                }
            }
        }
    }

    /// The times so far, and the step that began last and has not ended.
    pub(super) fn heard(&self) -> (Times, Option<Part>) {
        let steps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut slowest: BTreeMap<Step, Duration> = BTreeMap::new();
        for (step, took) in steps.iter() {
            if let Some(took) = took {
                let most = slowest.entry(*step).or_default();
                *most = (*most).max(*took);
            }
        }
        let mut times = Times::default();
        for (step, took) in slowest {
            let part = Part::of(step);
            times.set(part, times.get(part).unwrap_or_default() + took);
        }
        let open = steps.iter().rev().find(|(_, took)| took.is_none());
        (times, open.map(|(step, _)| Part::of(*step)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_connections_the_slower_one_counts_and_an_upgrade_has_two_halves() {
        let recorder = Recorder::default();
        let ms = Duration::from_millis;
        for event in [
            Event::Begun(Step::Connect),
            Event::Begun(Step::Connect),
            Event::Done(Step::Connect, ms(2)),
            Event::Done(Step::Connect, ms(5)),
            Event::Begun(Step::Upgrade),
            Event::Done(Step::Upgrade, ms(3)),
            Event::Begun(Step::Inside),
        ] {
            recorder.hear(event);
        }
        let (times, open) = recorder.heard();
        assert_eq!(
            (times.get(Part::Tcp), open),
            (Some(ms(5)), Some(Part::Upgrade))
        );
        recorder.hear(Event::Done(Step::Inside, ms(4)));
        let (times, open) = recorder.heard();
        assert_eq!((times.get(Part::Upgrade), open), (Some(ms(7)), None));
        assert_eq!(times.total(), ms(12));
    }
}
