//! A relay in front of a cluster that treats connections by what they are for, as a firewall does that knows protocols.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// What becomes of new connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// They are passed on.
    Pass,
    /// Those whose ClientHello names a protocol that begins so are closed, as a proxy does when the service is not there.
    Close(&'static str),
    /// They are taken, and nothing ever comes back.
    Swallow,
}

/// A relay on a port of its own.
pub(crate) struct Front {
    /// Where it listens.
    pub(crate) port: u16,
    manner: Arc<Mutex<Manner>>,
    target: Arc<OnceLock<SocketAddr>>,
}

fn lock(manner: &Mutex<Manner>) -> MutexGuard<'_, Manner> {
    manner.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Front {
    /// A relay that knows its port, and passes everything on once [`Self::lead_to`] has told it where to.
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let front = Self {
            port: listener.local_addr().expect("its address").port(),
            manner: Arc::new(Mutex::new(Manner::Pass)),
            target: Arc::default(),
        };
        let (manner, target) = (Arc::clone(&front.manner), Arc::clone(&front.target));
        std::thread::spawn(move || {
            let mut swallowed = Vec::new();
            for client in listener.incoming().flatten() {
                let manner = *lock(&manner);
                match (manner, target.get()) {
                    (Manner::Swallow, _) => swallowed.push(client),
                    (_, None) => drop(client),
                    (manner, Some(target)) => {
                        let target = *target;
                        std::thread::spawn(move || serve(client, manner, target));
                    }
                }
            }
        });
        front
    }

    /// Leads to this address.
    pub(crate) fn lead_to(&self, addr: &str) {
        let addr = addr.parse().expect("an address");
        self.target.set(addr).expect("it leads to one place");
    }

    /// Treats new connections so from now on.
    pub(crate) fn treat(&self, manner: Manner) {
        *lock(&self.manner) = manner;
    }
}

fn serve(mut client: TcpStream, manner: Manner, target: SocketAddr) {
    let Some(hello) = first_record(&mut client) else {
        return;
    };
    if let Manner::Close(protocol) = manner
        && hello
            .windows(protocol.len())
            .any(|bytes| bytes == protocol.as_bytes())
    {
        return;
    }
    let Ok(mut server) = TcpStream::connect(target) else {
        return;
    };
    if server.write_all(&hello).is_err() {
        return;
    }
    let (Ok(mut from), Ok(mut to)) = (client.try_clone(), server.try_clone()) else {
        return;
    };
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Write);
    });
    let _ = std::io::copy(&mut server, &mut client);
    let _ = client.shutdown(std::net::Shutdown::Write);
}

/// The first TLS record: the ClientHello, in which protocols stand in clear.
fn first_record(client: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = vec![0; 5];
    client.read_exact(&mut bytes).ok()?;
    let length = usize::from(u16::from_be_bytes([bytes[3], bytes[4]]));
    bytes.resize(5 + length, 0);
    client.read_exact(&mut bytes[5..]).ok()?;
    Some(bytes)
}
