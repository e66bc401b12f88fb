//! One socket of the kernel's table, over netlink (Linux's `sock_diag(7)`).

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with,
};

use super::Entry;

const REQUEST: u16 = 1;
const BY_FAMILY: u16 = 20;
const ERROR: u16 = 2;
const TCP: u8 = 6;
const HEADER: usize = 16;
/// `struct inet_diag_msg`.
const ANSWER: usize = HEADER + 72;
const NO_ENTRY: i32 = -2;

/// What the table says of the socket at `from` that is connected to `to`; `None` when there is none.
///
/// # Errors
/// The kernel does not answer such questions.
pub(super) fn find(from: SocketAddr, to: SocketAddr) -> io::Result<Option<Entry>> {
    let socket = open()?;
    send(&socket, &request(from, to), SendFlags::empty())?;
    let mut answer = [0; 512];
    // The kernel answers within the call above.
    let (length, _) = recv(&socket, &mut answer[..], RecvFlags::DONTWAIT)?;
    read(&answer[..length], from, to)
}

/// Whether the kernel answers: the question is for a socket that cannot be.
pub(super) fn works() -> bool {
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
    find(nowhere, nowhere).is_ok()
}

fn open() -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC;
    let protocol = Some(netlink::SOCK_DIAG);
    Ok(socket_with(
        AddressFamily::NETLINK,
        SocketType::DGRAM,
        flags,
        protocol,
    )?)
}

/// `struct nlmsghdr` and `struct inet_diag_req_v2`: sizes and numbers in the order of this machine, ports and addresses in
/// that of the network.
fn request(from: SocketAddr, to: SocketAddr) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER + 56);
    out.extend_from_slice(&72_u32.to_ne_bytes());
    out.extend_from_slice(&BY_FAMILY.to_ne_bytes());
    out.extend_from_slice(&REQUEST.to_ne_bytes());
    out.extend_from_slice(&[0; 8]);
    let family = match from {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let family = u8::try_from(family.as_raw()).expect("2 and 10 are small");
    out.extend_from_slice(&[family, TCP, 0, 0]);
    // Any state.
    out.extend_from_slice(&u32::MAX.to_ne_bytes());
    out.extend_from_slice(&ends(from, to));
    // Any interface, no cookie.
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&[0xff; 8]);
    out
}

/// The first part of `struct inet_diag_sockid`.
fn ends(from: SocketAddr, to: SocketAddr) -> Vec<u8> {
    let mut out = Vec::with_capacity(36);
    for end in [from, to] {
        out.extend_from_slice(&end.port().to_be_bytes());
    }
    for end in [from, to] {
        let mut address = [0; 16];
        match end.ip() {
            IpAddr::V4(ip) => address[..4].copy_from_slice(&ip.octets()),
            IpAddr::V6(ip) => address = ip.octets(),
        }
        out.extend_from_slice(&address);
    }
    out
}

fn mapped(end: SocketAddr) -> SocketAddr {
    match end.ip() {
        IpAddr::V4(ip) => SocketAddr::new(ip.to_ipv6_mapped().into(), end.port()),
        IpAddr::V6(_) => end,
    }
}

fn read(answer: &[u8], from: SocketAddr, to: SocketAddr) -> io::Result<Option<Entry>> {
    let bad = || io::Error::from(io::ErrorKind::InvalidData);
    let number = |at: usize| {
        let bytes = answer.get(at..at + 4).ok_or_else(bad)?;
        Ok::<_, io::Error>(<[u8; 4]>::try_from(bytes).expect("four bytes"))
    };
    let kind = answer.get(4..6).ok_or_else(bad)?;
    match u16::from_ne_bytes([kind[0], kind[1]]) {
        ERROR => match i32::from_ne_bytes(number(HEADER)?) {
            NO_ENTRY => Ok(None),
            code => Err(io::Error::from_raw_os_error(code.saturating_neg())),
        },
        // The kernel takes a listener for want of a connection: only what was asked for counts.
        BY_FAMILY if answer.len() >= ANSWER => {
            let there = &answer[HEADER + 4..HEADER + 40];
            // A client may use a socket of IPv6 for an address of IPv4; it is written as such.
            let same = there == ends(from, to) || there == ends(mapped(from), mapped(to));
            Ok(same.then_some(Entry {
                state: answer[HEADER + 1],
                uid: u32::from_ne_bytes(number(HEADER + 64)?),
                inode: u64::from(u32::from_ne_bytes(number(HEADER + 68)?)),
            }))
        }
        _ => Err(bad()),
    }
}
