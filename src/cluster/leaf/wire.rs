//! What goes over the wire between leaf and root beside the streams of clients: this project's own, for Teleport's clusters
//! speak SSH there.
//!
//! Joining is one message each way, a length of four bytes and JSON. Everything later is HTTP/2 whose client is the root,
//! over the connection that the leaf opened.

use std::io;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::authority::PublicAuthority;

/// Protocol that a cluster offers in TLS in order to join.
pub(in crate::cluster) const JOIN_PROTOCOL: &str = "postern-leaf-join/1";
/// Protocol that a cluster offers in TLS for its link.
pub(in crate::cluster) const LINK_PROTOCOL: &str = "postern-leaf-link/1";
/// Bytes of a message at most.
pub(super) const MESSAGE: usize = 256 * 1024;

/// Header of a stream: who the client is, `host:port`.
pub(super) const PEER: &str = "postern-peer";
/// Header of a stream to a database: the client's certificate, DER in base64.
pub(super) const CERTIFICATE: &str = "postern-certificate";
/// Header of an answer that refuses a stream: why.
pub(super) const REFUSAL: &str = "postern-refusal";
/// Target of a stream to the auth service: bytes of the client's own TLS connection.
pub(super) const AUTH: &str = "auth";
/// Target of a stream to a database: PostgreSQL's protocol in clear.
pub(super) const DATABASE: &str = "database";
/// Path of the heartbeat.
pub(super) const HEARTBEAT: &str = "/heartbeat";

/// A cluster asks to join.
#[derive(Serialize, Deserialize)]
pub(super) struct JoinRequest {
    /// The secret.
    pub(super) token: String,
    /// Name of the cluster that asks.
    pub(super) cluster: String,
    /// Its host authority.
    pub(super) host: PublicAuthority,
}

/// The answer.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum JoinAnswer {
    /// It has joined.
    Joined(Joined),
    /// It has not, and why.
    Refused(String),
}

/// What a cluster learns about the root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Joined {
    /// The root's name.
    pub(super) cluster: String,
    /// Its host authority.
    pub(super) host: PublicAuthority,
    /// Its user authority.
    pub(super) user: PublicAuthority,
}

/// The leaf's answer to a heartbeat, which itself is a [`Joined`].
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Alive {
    /// The leaf's host authority.
    pub(super) host: PublicAuthority,
}

/// Writes a message.
///
/// # Errors
/// When the stream fails.
pub(super) async fn write<T: Serialize>(
    stream: &mut (impl AsyncWrite + Unpin),
    message: &T,
) -> io::Result<()> {
    let body = zeroize::Zeroizing::new(serde_json::to_vec(message)?);
    let length = u32::try_from(body.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    stream.write_all(&length.to_be_bytes()).await?;
    stream.write_all(&body).await?;
    stream.flush().await
}

/// Reads a message.
///
/// # Errors
/// When the stream fails or ends, or the message is longer than [`MESSAGE`] or of another shape.
pub(super) async fn read<T: DeserializeOwned>(
    stream: &mut (impl AsyncRead + Unpin),
) -> io::Result<T> {
    let length = usize::try_from(stream.read_u32().await?).unwrap_or(usize::MAX);
    if length > MESSAGE {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "a message that is too long",
        ));
    }
    // Grows with what comes, not with what is announced.
    let mut body = zeroize::Zeroizing::new(Vec::new());
    let limit = u64::try_from(length).unwrap_or(u64::MAX);
    if stream.take(limit).read_to_end(&mut body).await? < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    serde_json::from_slice(&body).map_err(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn messages_come_as_they_were_sent_and_bad_ones_not() {
        let answer = JoinAnswer::Refused("no".to_owned());
        let mut bytes = Vec::new();
        write(&mut bytes, &answer).await.expect("a write");
        assert_eq!(
            read::<JoinAnswer>(&mut &bytes[..])
                .await
                .expect("a message"),
            answer
        );
        for cut in 0..bytes.len() {
            assert!(
                read::<JoinAnswer>(&mut &bytes[..cut]).await.is_err(),
                "{cut}"
            );
        }
        let long = u32::try_from(MESSAGE + 1).expect("a length").to_be_bytes();
        assert!(read::<JoinAnswer>(&mut &long[..]).await.is_err());
        assert!(read::<JoinAnswer>(&mut &b"\0\0\0\x02{}"[..]).await.is_err());
    }
}
