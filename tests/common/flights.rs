//! Round trips, counted by cause and effect instead of by time.
//!
//! A relay stands in front of a cluster. Whatever the client sends may depend on everything it has received so far, on any
//! connection; whatever the server answers depends on what it was sent on that connection, and reaches the client one round
//! trip later. Opening a connection is one round trip too. The longest chain of such steps is what a command costs on a
//! slow line. Answers are held back, so that what a client sends side by side is sent before any of its answers comes;
//! on a machine too busy even for that, the count is too high, never too low.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    /// Length of the longest chain.
    pub(crate) round_trips: u32,
    /// Connections opened.
    pub(crate) connections: u32,
}

/// A relay on a port of its own.
pub(crate) struct Flights {
    /// Where it listens.
    pub(crate) port: u16,
    target: Arc<OnceLock<SocketAddr>>,
    count: Arc<Mutex<Counter>>,
}

/// The count of one run; what is left of connections of an earlier one does not belong to it.
#[derive(Debug, Default)]
struct Counter {
    run: u32,
    count: Count,
}

fn lock(count: &Mutex<Counter>) -> MutexGuard<'_, Counter> {
    count.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Flights {
    /// A relay that knows its port, and its target once [`Self::lead_to`] has told it.
    ///
    /// Answers are held back for `held`: longer than the cluster takes for any of them.
    pub(crate) fn new(held: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let target = Arc::new(OnceLock::new());
        let count = Arc::<Mutex<Counter>>::default();
        let (to, counted) = (Arc::clone(&target), Arc::clone(&count));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Some(server) = to.get().and_then(|to| TcpStream::connect(to).ok()) else {
                    continue;
                };
                let (run, opened) = {
                    let mut counter = lock(&counted);
                    counter.count.connections += 1;
                    (counter.run, counter.count.round_trips + 1)
                };
                let known = Known {
                    counter: Arc::clone(&counted),
                    run,
                };
                relay(client, server, opened, held, known);
            }
        });
        Self {
            port,
            target,
            count,
        }
    }

    /// Leads to this port of this computer.
    pub(crate) fn lead_to(&self, port: u16) {
        self.target
            .set(([127, 0, 0, 1], port).into())
            .expect("it leads to one port");
    }

    /// Runs a command and counts it. A count above `most` is taken again, at most twice: on a busy machine it may be too high.
    pub(crate) fn count(&self, most: u32, mut command: impl FnMut()) -> Count {
        let mut last = Count::default();
        for _ in 0..3 {
            {
                let mut counter = lock(&self.count);
                counter.run += 1;
                counter.count = Count::default();
            }
            command();
            last = lock(&self.count).count;
            if last.round_trips <= most {
                break;
            }
        }
        last
    }
}

/// What the client has received so far, as a connection of one run sees it.
#[derive(Clone)]
struct Known {
    counter: Arc<Mutex<Counter>>,
    run: u32,
}

impl Known {
    fn get(&self) -> u32 {
        lock(&self.counter).count.round_trips
    }

    fn received(&self, at: u32) {
        let mut counter = lock(&self.counter);
        if counter.run == self.run {
            counter.count.round_trips = counter.count.round_trips.max(at);
        }
    }
}

/// Starts the two directions of one connection that was opened `opened` round trips after the start.
fn relay(client: TcpStream, server: TcpStream, opened: u32, held: Duration, known: Known) {
    for stream in [&client, &server] {
        stream.set_nodelay(true).expect("an open socket");
    }
    let sent = Arc::new(Mutex::new(opened));
    let (mut from, mut to) = (clone(&client), clone(&server));
    let (at, up) = (known.clone(), Arc::clone(&sent));
    std::thread::spawn(move || {
        let mut bytes = vec![0; 1 << 16];
        while let Ok(n @ 1..) = from.read(&mut bytes) {
            {
                let mut up = up.lock().unwrap_or_else(PoisonError::into_inner);
                *up = at.get().max(*up);
            }
            if to.write_all(&bytes[..n]).is_err() {
                return;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
    let (give, take) = mpsc::channel::<(Instant, u32, Vec<u8>)>();
    let (mut from, mut to) = (server, client);
    std::thread::spawn(move || {
        let mut bytes = vec![0; 1 << 16];
        loop {
            let n = from.read(&mut bytes).unwrap_or(0);
            let at = *sent.lock().unwrap_or_else(PoisonError::into_inner) + 1;
            if give
                .send((Instant::now() + held, at, bytes[..n].to_vec()))
                .is_err()
                || n == 0
            {
                return;
            }
        }
    });
    std::thread::spawn(move || {
        while let Ok((due, at, bytes)) = take.recv() {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if bytes.is_empty() {
                let _ = to.shutdown(Shutdown::Write);
                return;
            }
            known.received(at);
            if to.write_all(&bytes).is_err() {
                return;
            }
        }
    });
}

fn clone(stream: &TcpStream) -> TcpStream {
    stream.try_clone().expect("one more handle")
}
