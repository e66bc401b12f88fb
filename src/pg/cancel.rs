//! CancelRequest: stops the statement of another connection, proven by that connection's key.

use std::fmt;

use zeroize::Zeroizing;

/// Request code of CancelRequest, 1234.5678.
pub const CANCEL_CODE: u32 = 80_877_102;

/// Longest key that protocol 3.2 allows, bytes.
pub const MAX_KEY_LEN: usize = 256;

/// The secret of BackendKeyData: four bytes in protocol 3.0, up to 256 in 3.2. Prints as `****`; wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct CancelKey(Zeroizing<Vec<u8>>);

impl CancelKey {
    /// Takes the secret as it stands in BackendKeyData, without the process id.
    pub fn new(secret: &[u8]) -> Self {
        Self(Zeroizing::new(secret.to_vec()))
    }

    /// Returns the secret itself.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for CancelKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("****")
    }
}

/// A CancelRequest: process id and key, whatever the length of the key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CancelRequest {
    /// Backend process id, as the session's BackendKeyData told it.
    pub pid: u32,
    /// Proof that the sender knows the session.
    pub key: CancelKey,
}

impl CancelRequest {
    /// Reads the part behind the request code: process id and key. The caller has checked that four bytes are there.
    pub(super) fn from_body(body: &[u8]) -> Option<Self> {
        let (pid, key) = body.split_first_chunk::<4>()?;
        (!key.is_empty() && key.len() <= MAX_KEY_LEN).then(|| Self {
            pid: u32::from_be_bytes(*pid),
            key: CancelKey::new(key),
        })
    }

    /// Returns the whole packet, length included: equal to the bytes it was read from.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let key = self.key.expose();
        let len = 12 + u32::try_from(key.len()).expect("keys are at most 256 bytes");
        let mut out = Zeroizing::new(Vec::with_capacity(len as usize));
        out.extend_from_slice(&len.to_be_bytes());
        out.extend_from_slice(&CANCEL_CODE.to_be_bytes());
        out.extend_from_slice(&self.pid.to_be_bytes());
        out.extend_from_slice(key);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_never_printed() {
        let request = CancelRequest {
            pid: 7,
            key: CancelKey::new(&[0xAB, 0xCD, 0xEF, 0x01]),
        };
        assert_eq!(
            format!("{request:?}"),
            "CancelRequest { pid: 7, key: **** }"
        );
    }
}
