//! A relay in front of the server that counts round trips and can hold back what the service sends.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Counts for each connection how often something was sent after something had been received: one round trip each.
pub(in crate::cluster::dbservice) struct Relay {
    pub(in crate::cluster::dbservice) port: u16,
    connections: Arc<Mutex<Vec<Seen>>>,
    changed: watch::Sender<()>,
    held: watch::Sender<Option<usize>>,
}

/// One connection.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    trips: usize,
    asked: bool,
}

impl Relay {
    /// Listens in front of `port`.
    pub(in crate::cluster::dbservice) async fn before(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let relay = Self {
            port: listener.local_addr().expect("an address").port(),
            connections: Arc::default(),
            changed: watch::Sender::new(()),
            held: watch::Sender::new(None),
        };
        let (connections, changed, held) = (
            Arc::clone(&relay.connections),
            relay.changed.clone(),
            relay.held.clone(),
        );
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(("127.0.0.1", port)).await;
                let server = server.expect("the server");
                let number = {
                    let mut connections = connections.lock().expect("not poisoned");
                    connections.push(Seen::default());
                    connections.len() - 1
                };
                let note = {
                    let (connections, changed) = (Arc::clone(&connections), changed.clone());
                    move |asks: bool| {
                        let mut connections = connections.lock().expect("not poisoned");
                        let seen = &mut connections[number];
                        seen.trips += usize::from(asks && !seen.asked);
                        seen.asked = asks;
                        drop(connections);
                        changed.send_replace(());
                    }
                };
                let mut held = held.subscribe();
                let free = async move || held.wait_for(|held| *held != Some(number)).await.is_ok();
                tokio::spawn(carry(client, server, note, free));
            }
        });
        relay
    }

    /// Round trips of each connection, in the order they were opened.
    pub(in crate::cluster::dbservice) fn trips(&self) -> Vec<usize> {
        let connections = self.connections.lock().expect("not poisoned");
        connections.iter().map(|seen| seen.trips).collect()
    }

    /// From now on nothing of this connection reaches the server.
    pub(in crate::cluster::dbservice) fn hold(&self, connection: usize) {
        self.held.send_replace(Some(connection));
    }

    /// Lets everything through again.
    pub(in crate::cluster::dbservice) fn release(&self) {
        self.held.send_replace(None);
    }

    /// Waits until the counts are as wanted.
    pub(in crate::cluster::dbservice) async fn until(&self, wanted: impl Fn(&[usize]) -> bool) {
        let mut changed = self.changed.subscribe();
        let reached = async { while !wanted(&self.trips()) && changed.changed().await.is_ok() {} };
        let in_time = tokio::time::timeout(super::PATIENCE, reached).await;
        assert!(in_time.is_ok(), "still {:?}", self.trips());
    }
}

async fn carry(
    client: TcpStream,
    server: TcpStream,
    note: impl Fn(bool),
    mut free: impl AsyncFnMut() -> bool,
) {
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    let up = async {
        let mut bytes = vec![0; 1 << 16];
        while let Ok(length @ 1..) = from_client.read(&mut bytes).await {
            note(true);
            if !free().await || to_server.write_all(&bytes[..length]).await.is_err() {
                break;
            }
        }
        let _ = to_server.shutdown().await;
    };
    let down = async {
        let mut bytes = vec![0; 1 << 16];
        while let Ok(length @ 1..) = from_server.read(&mut bytes).await {
            note(false);
            if to_client.write_all(&bytes[..length]).await.is_err() {
                break;
            }
        }
        let _ = to_client.shutdown().await;
    };
    tokio::join!(up, down);
}
