//! Test helper: the recorded bytes of `tests/data/transport-db`.

use std::path::Path;

/// Who wrote the bytes of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}

/// Returns a file below `tests/data`.
pub(crate) fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Returns each write of the client and each TLS record of the server, in order.
pub(crate) fn lines(case: &str) -> Vec<(Side, Vec<u8>)> {
    let text = file(&format!("transport-db/{case}.txt"));
    let parse = |line: &str| {
        let (side, rest) = match line.split_at_checked(2)? {
            ("C ", rest) => (Side::Client, rest),
            ("S ", rest) => (Side::Server, rest),
            _ => return None,
        };
        let hex = rest.split_whitespace().next()?;
        Some((side, bytes(hex)))
    };
    let lines: Vec<_> = text.lines().filter_map(parse).collect();
    assert!(!lines.is_empty(), "{case} holds no bytes");
    lines
}

/// Reads hexadecimal digits.
pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    assert!(hex.len().is_multiple_of(2), "{hex}");
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal digits");
    (0..hex.len()).step_by(2).map(digit).collect()
}

/// Returns everything one side wrote, as it stood inside TLS.
pub(crate) fn side(case: &str, side: Side) -> Vec<u8> {
    let of_side = lines(case).into_iter().filter(|(s, _)| *s == side);
    of_side.flat_map(|(_, bytes)| bytes).collect()
}

/// Returns what the server wrote without ping framing; which cases are framed stands in their TLS line.
pub(crate) fn plain_server_bytes(case: &str) -> Vec<u8> {
    plain(case, Side::Server)
}

/// Returns what one side wrote without ping framing.
pub(crate) fn plain(case: &str, who: Side) -> Vec<u8> {
    let raw = side(case, who);
    if !file(&format!("transport-db/{case}.txt")).contains("negotiated teleport-postgres-ping") {
        return raw;
    }
    let mut out = Vec::new();
    let mut rest = raw.as_slice();
    while !rest.is_empty() {
        let (len, tail) = rest.split_at(4);
        let len = u32::from_be_bytes(len.try_into().unwrap()) as usize;
        out.extend_from_slice(&tail[..len]);
        rest = &tail[len..];
    }
    out
}
