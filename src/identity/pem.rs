//! PEM blocks, read strictly: matching labels, base64 only, no headers; text around blocks is ignored.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// One decoded PEM block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What stands after `BEGIN `.
    pub label: String,
    /// The decoded content.
    pub contents: Vec<u8>,
}

/// Why text isn't PEM.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PemError {
    /// A block begins and doesn't end.
    #[error("PEM block {0:?} has no end")]
    Unfinished(String),
    /// A block ends with another label than it began with.
    #[error("PEM block {0:?} ends with another label")]
    Label(String),
    /// A block's content isn't base64.
    #[error("PEM block {0:?} isn't base64")]
    Base64(String),
}

/// Reads all blocks of a text, in order.
///
/// # Errors
/// [`PemError`] for the first damaged block. A text without any block is an empty list.
pub fn blocks(text: &[u8]) -> Result<Vec<Block>, PemError> {
    let mut found = Vec::new();
    let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    while let Some(line) = lines.next() {
        let Some(label) = marker(line, b"-----BEGIN ") else {
            continue;
        };
        let mut body = Vec::new();
        loop {
            let Some(line) = lines.next() else {
                return Err(PemError::Unfinished(label));
            };
            match marker(line, b"-----END ") {
                Some(end) if end == label => break,
                Some(_) => return Err(PemError::Label(label)),
                None => body.extend_from_slice(line),
            }
        }
        match STANDARD.decode(&body) {
            Ok(contents) => found.push(Block { label, contents }),
            Err(_) => return Err(PemError::Base64(label)),
        }
    }
    Ok(found)
}

/// Writes one block, 64 characters a line.
#[must_use]
pub fn encode(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, tail) = rest.split_at(rest.len().min(64));
        out.push_str(line);
        out.push('\n');
        rest = tail;
    }
    out.push_str("-----END ");
    out.push_str(label);
    out.push_str("-----\n");
    out
}

fn marker(line: &[u8], prefix: &[u8]) -> Option<String> {
    let label = line.strip_prefix(prefix)?.strip_suffix(b"-----")?;
    String::from_utf8(label.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn damaged_blocks_are_named() {
        let whole = "note\n-----BEGIN A B-----\r\n aGk=\r\n-----END A B-----\nmore";
        assert_eq!(
            blocks(whole.as_bytes()),
            Ok(vec![Block {
                label: "A B".into(),
                contents: b"hi".to_vec()
            }])
        );
        assert_eq!(blocks(b"no block"), Ok(Vec::new()));
        assert_eq!(
            blocks(b"-----BEGIN A-----\naGk="),
            Err(PemError::Unfinished("A".into()))
        );
        assert_eq!(
            blocks(b"-----BEGIN A-----\naGk=\n-----END B-----"),
            Err(PemError::Label("A".into()))
        );
        assert_eq!(
            blocks(b"-----BEGIN A-----\nK: v\naGk=\n-----END A-----"),
            Err(PemError::Base64("A".into()))
        );
        assert_eq!(
            blocks(b"-----BEGIN A-----\n\xff\n-----END A-----"),
            Err(PemError::Base64("A".into()))
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = blocks(&bytes);
        }

        #[test]
        fn what_was_written_is_read(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let text = encode("CERTIFICATE", &bytes);
            prop_assert!(text.lines().all(|line| line.len() <= 64));
            prop_assert_eq!(blocks(text.as_bytes()), Ok(vec![Block { label: "CERTIFICATE".into(), contents: bytes }]));
        }
    }
}
