//! A database connection without a client certificate on an outer TLS connection, or without any outer one: PostgreSQL's
//! own TLS inside it (db-service.md 1.1, paths A and R; transport.md 10.3, the column "no tunnel"), as programs speak that
//! give the certificate to their SQL client.
//!
//! Beyond Teleport, a cancel request without TLS is carried out when it names a session that is open here: psql sends it
//! that way on Ctrl+C even where its session is encrypted, and the key in it is the proof, as it is for PostgreSQL.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::first::{CANCEL_REQUEST, GSSENC_REQUEST, SSL_REQUEST};
use super::{Front, Guest, HANDSHAKE};
use crate::pg::{CancelKey, CancelRequest};

/// Time for the client to ask for encryption.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a client asks for before anything else.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    /// TLS, and `S` was answered.
    Tls,
    /// The end of a running statement.
    Cancel(CancelRequest),
    /// Something that is not answered.
    Other,
}

impl Front {
    pub(super) async fn inner_tls<S>(&self, mut stream: S, guest: Guest)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        match timeout(PATIENCE, encryption(&mut stream)).await {
            Ok(Ok(Asked::Tls)) => {}
            Ok(Ok(Asked::Cancel(request))) => {
                self.databases.cancel_open(&request).await;
                let _ = stream.shutdown().await;
                return;
            }
            Ok(Ok(Asked::Other) | Err(_)) | Err(_) => {
                let _ = stream.shutdown().await;
                return;
            }
        }
        let handshake = TlsAcceptor::from(self.configs().inner()).accept(stream);
        let Ok(Ok(mut stream)) = timeout(HANDSHAKE, handshake).await else {
            return;
        };
        match self.client_certificate(stream.get_ref().1.peer_certificates()) {
            Ok(Some(certificate)) if certificate.is_database() => {
                self.tunnel(stream, certificate, guest).await;
            }
            _ => {
                let _ = timeout(HANDSHAKE, stream.shutdown()).await;
            }
        }
    }
}

/// Answers the requests before the TLS handshake.
async fn encryption<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> std::io::Result<Asked> {
    let mut gss_seen = false;
    loop {
        let mut request = [0; 8];
        stream.read_exact(&mut request).await?;
        match request {
            SSL_REQUEST => {
                stream.write_all(b"S").await?;
                stream.flush().await?;
                return Ok(Asked::Tls);
            }
            GSSENC_REQUEST if !gss_seen => {
                gss_seen = true;
                stream.write_all(b"N").await?;
                stream.flush().await?;
            }
            CANCEL_REQUEST => {
                let pid = stream.read_u32().await?;
                let mut key = [0; 4];
                stream.read_exact(&mut key).await?;
                let key = CancelKey::new(&key);
                return Ok(Asked::Cancel(CancelRequest { pid, key }));
            }
            _ => return Ok(Asked::Other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_encryption_requests_are_answered() {
        for (sent, answer, on) in [
            (SSL_REQUEST.to_vec(), &b"S"[..], Asked::Tls),
            ([GSSENC_REQUEST, SSL_REQUEST].concat(), b"NS", Asked::Tls),
            (
                [GSSENC_REQUEST, GSSENC_REQUEST].concat(),
                b"N",
                Asked::Other,
            ),
            (vec![0, 0, 0, 9, 0, 3, 0, 0], b"", Asked::Other),
            (
                [&CANCEL_REQUEST[..], b"\0\0\0\x2a\x01\x02\x03\x04"].concat(),
                b"",
                Asked::Cancel(CancelRequest {
                    pid: 42,
                    key: CancelKey::new(&[1, 2, 3, 4]),
                }),
            ),
        ] {
            let (mut client, mut server) = tokio::io::duplex(64);
            client.write_all(&sent).await.expect("a write");
            assert_eq!(encryption(&mut server).await.expect("a decision"), on);
            drop(server);
            let mut got = Vec::new();
            client.read_to_end(&mut got).await.expect("the answer");
            assert_eq!(got, answer);
        }
    }
}
