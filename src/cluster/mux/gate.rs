//! Connections of people who have not shown who they are: how many there may be, from one address and in all.
//!
//! When there are too many, the oldest goes: who has just come and goes on swiftly is served however many others sit and
//! wait, and what all of them together take is bounded. A connection leaves the gate when its certificate is checked;
//! web connections, which show none, stay in it as long as they last.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// How many connections may wait at the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    /// In all.
    pub(super) total: usize,
    /// From one address; IPv6 addresses of one /64 count as one.
    pub(super) each: usize,
}

/// The room of a cluster: at some 30 KiB for a connection in its handshake, 30 MiB in all.
pub(super) const ROOM: Room = Room {
    total: 1024,
    each: 256,
};

/// The room of connections that are passed on to leaves, who see certificates that this cluster does not: a small part of
/// the streams of a link, so that databases are reached whatever waits there.
pub(super) const PASSING: Room = Room {
    total: 128,
    each: 64,
};

/// Who waits.
#[derive(Debug)]
pub(super) struct Gate {
    room: Room,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    by_age: BTreeMap<u64, (IpAddr, oneshot::Sender<()>)>,
    by_address: HashMap<IpAddr, BTreeSet<u64>>,
}

impl Waiting {
    fn remove(&mut self, id: u64) -> Option<oneshot::Sender<()>> {
        let (address, sender) = self.by_age.remove(&id)?;
        if let Some(ids) = self.by_address.get_mut(&address) {
            ids.remove(&id);
            if ids.is_empty() {
                self.by_address.remove(&address);
            }
        }
        Some(sender)
    }

    fn oldest_of(&self, address: &IpAddr, room: Room) -> Option<u64> {
        let ids = self.by_address.get(address)?;
        ids.first().copied().filter(|_| ids.len() >= room.each)
    }
}

impl Gate {
    pub(super) fn new(room: Room) -> Arc<Self> {
        Arc::new(Self {
            room,
            waiting: Mutex::default(),
        })
    }

    /// Lets a connection in, and sends the oldest away when there is no room: of the same address, else of all.
    pub(super) fn enter(self: &Arc<Self>, address: IpAddr) -> (Ticket, Eviction) {
        let address = network(address);
        let (sender, receiver) = oneshot::channel();
        let mut waiting = self.waiting();
        let oldest = waiting.oldest_of(&address, self.room).or_else(|| {
            let full = waiting.by_age.len() >= self.room.total;
            let oldest = waiting.by_age.first_key_value();
            oldest.map(|(id, _)| *id).filter(|_| full)
        });
        if let Some(evicted) = oldest.and_then(|id| waiting.remove(id)) {
            // One that ends by itself just now does not listen any more.
            let _ = evicted.send(());
        }
        let id = waiting.next;
        waiting.next += 1;
        waiting.by_age.insert(id, (address, sender));
        waiting.by_address.entry(address).or_default().insert(id);
        let gate = Arc::clone(self);
        (Ticket { gate, id }, Eviction(receiver))
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // A panic elsewhere cannot leave the table half changed: every change is one call.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place at the gate; dropped, it is free, and its holder stays.
#[derive(Debug)]
pub(super) struct Ticket {
    gate: Arc<Gate>,
    id: u64,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.gate.waiting().remove(self.id);
    }
}

/// Hears when the place is needed for somebody else.
#[derive(Debug)]
pub(super) struct Eviction(oneshot::Receiver<()>);

impl Eviction {
    /// Resolves when the connection must go; never once its ticket is dropped.
    pub(super) async fn evicted(self) {
        if self.0.await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// The smallest network somebody gets as a whole.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(six) => match six.to_ipv4_mapped() {
            Some(four) => four.into(),
            None => {
                let [a, b, c, d, ..] = six.segments();
                IpAddr::from([a, b, c, d, 0, 0, 0, 0])
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn address(n: u8) -> IpAddr {
        [10, 0, 0, n].into()
    }

    fn is_evicted(eviction: Eviction) -> bool {
        eviction.evicted().now_or_never().is_some()
    }

    #[test]
    fn the_oldest_of_the_same_address_goes_first() {
        let gate = Gate::new(Room { total: 10, each: 2 });
        let (_a, other) = gate.enter(address(1));
        let (_b, first) = gate.enter(address(2));
        let (_c, second) = gate.enter(address(2));
        let (_d, third) = gate.enter(address(2));
        assert!(is_evicted(first));
        assert!(!is_evicted(second));
        assert!(!is_evicted(third));
        assert!(!is_evicted(other));
    }

    #[test]
    fn the_oldest_of_all_goes_when_the_house_is_full() {
        let gate = Gate::new(Room { total: 3, each: 2 });
        let mut entered: Vec<_> = (1..=5).map(|n| gate.enter(address(n))).collect();
        let evicted: Vec<bool> = entered.drain(..).map(|(_, e)| is_evicted(e)).collect();
        assert_eq!(evicted, [true, true, false, false, false]);
    }

    #[test]
    fn who_has_passed_is_not_sent_away_and_makes_room() {
        let gate = Gate::new(Room { total: 10, each: 1 });
        let (ticket, passed) = gate.enter(address(1));
        drop(ticket);
        let (_b, second) = gate.enter(address(1));
        assert!(!is_evicted(passed));
        assert!(!is_evicted(second));
        let waiting = gate.waiting();
        assert_eq!((waiting.by_age.len(), waiting.by_address.len()), (1, 1));
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_address() {
        let parse = |text: &str| text.parse::<IpAddr>().expect("an address");
        assert_eq!(
            network(parse("2001:db8:1:2:3:4:5:6")),
            network(parse("2001:db8:1:2:ffff::1"))
        );
        assert_ne!(
            network(parse("2001:db8:1:2::1")),
            network(parse("2001:db8:1:3::1"))
        );
        assert_eq!(network(parse("::ffff:10.0.0.1")), address(1));
    }
}
