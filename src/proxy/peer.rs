//! Who is at the other end of a local connection.
//!
//! A socket in the file system carries the peer's user. For TCP the system's table of sockets is asked for the one socket
//! whose ends are those of the connection, turned round, and to whom it belongs. On Linux `sock_diag` finds it by hash in
//! one exchange with the kernel, at 10,000 sockets as at ten; where it is not to be had (a sandbox, a kernel without the
//! module) the text in `/proc/net/tcp` is read. macOS and Windows have no such table for programs without privileges.

use std::net::SocketAddr;

#[cfg(target_os = "linux")]
mod sock_diag;
#[cfg(target_os = "linux")]
mod table;

/// Who a client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
pub(super) enum Peer {
    /// A process of this user of the system, by number.
    User(u32),
    /// Nobody any more: the client's socket is closed. The system then knows no owner, and says 0 for want of one.
    Gone,
    /// The system does not tell.
    Unknown,
}

/// What a table says of one socket.
#[cfg(target_os = "linux")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    state: u8,
    uid: u32,
    inode: u64,
}

#[cfg(target_os = "linux")]
impl Entry {
    /// An owner is only believed of a socket that a process still holds: one without an inode belongs to nobody.
    fn peer(self) -> Peer {
        const ESTABLISHED: u8 = 1;
        const FIN_WAIT_1: u8 = 4;
        const FIN_WAIT_2: u8 = 5;
        const CLOSE_WAIT: u8 = 8;
        let connected = [ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2, CLOSE_WAIT].contains(&self.state);
        if connected && self.inode != 0 {
            Peer::User(self.uid)
        } else {
            Peer::Gone
        }
    }
}

/// The user whose process has connected from `from` to our socket at `to`.
pub(super) fn of_tcp(from: SocketAddr, to: SocketAddr) -> Peer {
    #[cfg(target_os = "linux")]
    {
        let (from, to) = (unmapped(from), unmapped(to));
        // Somebody on another computer may have a socket with the same ends.
        if !from.ip().is_loopback() {
            return Peer::Unknown;
        }
        let found = sock_diag::find(from, to).or_else(|_| table::find(from, to));
        match found {
            Ok(Some(entry)) => entry.peer(),
            Ok(None) => Peer::Gone,
            Err(_) => Peer::Unknown,
        }
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (from, to);
        Peer::Unknown
    }
}

/// Whether [`of_tcp`] can tell anything on this system.
pub(super) fn tcp_is_known() -> bool {
    #[cfg(target_os = "linux")]
    {
        sock_diag::works() || table::works()
    }
    #[cfg(not(target_os = "linux"))]
    false
}

/// IPv4 in IPv6's clothes is IPv4.
#[cfg(target_os = "linux")]
fn unmapped(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Whether this user runs this program.
#[cfg(unix)]
pub(super) fn is_own(uid: u32) -> bool {
    rustix::process::geteuid().as_raw() == uid
}

/// Whether this user runs this program.
#[cfg(not(unix))]
pub(super) fn is_own(_: u32) -> bool {
    false
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
