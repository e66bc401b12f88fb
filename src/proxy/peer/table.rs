//! The same from the text that the kernel offers in `/proc`.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::Entry;

const V4: &str = "/proc/net/tcp";
const V6: &str = "/proc/net/tcp6";

/// What the tables say of the socket at `from` that is connected to `to`; `None` when there is none.
///
/// # Errors
/// There are no tables.
pub(super) fn find(from: SocketAddr, to: SocketAddr) -> io::Result<Option<Entry>> {
    let written = |end: SocketAddr| hex(end.ip(), end.port());
    if from.is_ipv4() {
        let found = search(fs::File::open(V4)?, &written(from), &written(to))?;
        if found.is_some() {
            return Ok(found);
        }
    }
    // A client may use a socket of IPv6 for an address of IPv4.
    let mapped = |end: SocketAddr| match end.ip() {
        IpAddr::V4(ip) => hex(ip.to_ipv6_mapped().into(), end.port()),
        IpAddr::V6(_) => written(end),
    };
    match fs::File::open(V6) {
        Ok(file) => search(file, &mapped(from), &mapped(to)),
        Err(error) if from.is_ipv6() => Err(error),
        Err(_) => Ok(None),
    }
}

/// Whether there are tables.
pub(super) fn works() -> bool {
    fs::File::open(V4).is_ok()
}

fn search(table: impl io::Read, from: &str, to: &str) -> io::Result<Option<Entry>> {
    for line in BufReader::new(table).lines().skip(1) {
        let line = line?;
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let &[_, local, remote, state, _, _, _, uid, _, inode, ..] = fields.as_slice() else {
            continue;
        };
        if local == from && remote == to {
            let entry = (|| {
                Some(Entry {
                    state: u8::from_str_radix(state, 16).ok()?,
                    uid: uid.parse().ok()?,
                    inode: inode.parse().ok()?,
                })
            })();
            return Ok(entry);
        }
    }
    Ok(None)
}

/// An address as it stands there: words of four bytes, each as a number of this machine.
fn hex(ip: IpAddr, port: u16) -> String {
    let words = |octets: &[u8]| -> String {
        octets
            .chunks_exact(4)
            .map(|word| {
                let word = <[u8; 4]>::try_from(word).expect("four bytes");
                format!("{:08X}", u32::from_ne_bytes(word))
            })
            .collect()
    };
    let address = match ip {
        IpAddr::V4(ip) => words(&ip.octets()),
        IpAddr::V6(ip) => words(&Ipv6Addr::octets(&ip)),
    };
    format!("{address}:{port:04X}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_as_the_kernel_writes_them() {
        // 127.0.0.1:5432 and [::1]:5432 on a little-endian machine.
        if cfg!(target_endian = "little") {
            assert_eq!(hex([127, 0, 0, 1].into(), 5432), "0100007F:1538");
            assert_eq!(
                hex(Ipv6Addr::LOCALHOST.into(), 5432),
                "00000000000000000000000001000000:1538"
            );
        }
    }

    #[test]
    fn the_line_of_the_connection_is_found_among_others() {
        // Lines of a Linux 6.1: a listener, a connection's two ends, one that has no owner any more.
        let text = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 51042 1 0000000000000000 100 0 0 10 0
   1: 0100007F:1538 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 51043 1 0000000000000000 20 4 30 10 -1
   2: 0100007F:C350 0100007F:1538 01 00000000:00000000 00:00000000 00000000  1001        0 51044 1 0000000000000000 20 4 30 10 -1
   3: 0100007F:C351 0100007F:1538 05 00000000:00000000 00:00000000 00000000     0        0 0 1 0000000000000000 20 4 30 10 -1
";
        let to = "0100007F:1538";
        let of = |from| search(text.as_bytes(), from, to).expect("readable");
        let entry = of("0100007F:C350").expect("a line");
        assert_eq!((entry.uid, entry.inode, entry.state), (1001, 51044, 1));
        assert_eq!(entry.peer(), super::super::Peer::User(1001));
        let orphan = of("0100007F:C351").expect("a line");
        assert_eq!(orphan.peer(), super::super::Peer::Gone);
        assert_eq!(of("0100007F:C352"), None);
    }
}
