//! A database connection whose outer TLS has no client certificate: PostgreSQL's own TLS inside it (transport.md 10.3, the
//! column "no tunnel"), as programs speak that give the certificate to their SQL client.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::{Front, HANDSHAKE};

const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
const GSSENC_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x30];
/// Time for the client to ask for encryption.
const PATIENCE: Duration = Duration::from_secs(30);

impl Front {
    pub(super) async fn inner_tls<S>(&self, mut stream: S, peer: SocketAddr)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        if !matches!(
            timeout(PATIENCE, encryption(&mut stream)).await,
            Ok(Ok(true))
        ) {
            let _ = stream.shutdown().await;
            return;
        }
        let handshake = TlsAcceptor::from(self.configs.inner()).accept(stream);
        let Ok(Ok(mut stream)) = timeout(HANDSHAKE, handshake).await else {
            return;
        };
        match self.client_certificate(stream.get_ref().1.peer_certificates()) {
            Ok(Some(certificate)) if certificate.is_database() => {
                self.tunnel(stream, certificate, peer).await;
            }
            _ => {
                let _ = timeout(HANDSHAKE, stream.shutdown()).await;
            }
        }
    }
}

/// Answers the requests before the TLS handshake; false for anything but an encryption request.
async fn encryption<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> std::io::Result<bool> {
    let mut gss_seen = false;
    loop {
        let mut request = [0; 8];
        stream.read_exact(&mut request).await?;
        match request {
            SSL_REQUEST => {
                stream.write_all(b"S").await?;
                stream.flush().await?;
                return Ok(true);
            }
            GSSENC_REQUEST if !gss_seen => {
                gss_seen = true;
                stream.write_all(b"N").await?;
                stream.flush().await?;
            }
            _ => return Ok(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_encryption_requests_are_answered() {
        for (sent, answer, on) in [
            (SSL_REQUEST.to_vec(), &b"S"[..], true),
            ([GSSENC_REQUEST, SSL_REQUEST].concat(), b"NS", true),
            ([GSSENC_REQUEST, GSSENC_REQUEST].concat(), b"N", false),
            (vec![0, 0, 0, 9, 0, 3, 0, 0], b"", false),
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
