//! Byte streams to a named service of the cluster: HTTP proxies, TLS, connection upgrades, ALPN, ping framing.
//!
//! [`route::Route`] puts these on top of each other, outermost first:
//!
//! ```text
//! TCP → [CONNECT of an HTTP proxy] → [TLS, upgrade of the connection, WebSocket] → TLS with a protocol name → [ping framing]
//! ```
//!
//! Everything here is told whom to trust and which certificate to show; nothing reads the environment or the disk, except
//! for the system's own roots. TLS session resumption is off everywhere: a resumed session keeps the identity of the
//! certificate that was used first (transport.md 1).

pub mod alpn;
mod carrier;
pub mod clock;
pub mod dial;
mod dial_error;
pub mod exchange;
pub mod extra_headers;
pub mod grpc;
pub mod http_proxy;
pub mod network_env;
pub mod ping;
mod probe;
pub mod route;
pub mod tls_fault;
pub mod trust;
pub mod upgrade;
pub mod watch;
pub mod websocket;

use std::fmt;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use zeroize::Zeroizing;

pub use ping::PingStream;

/// A stream of bytes in both directions, whatever carries it.
pub trait IoStream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> IoStream for T {}

/// An owned [`IoStream`] whose carrier is not known at compile time.
pub type BoxStream = Box<dyn IoStream>;

/// A certificate to authenticate with, and its key. Always one certificate: chains are refused (transport.md 1).
#[derive(Clone)]
pub struct ClientCert {
    /// The certificate, DER.
    pub cert_der: Vec<u8>,
    /// The private key, PKCS#8 DER. Wiped when dropped, printed as `****`.
    pub key_pkcs8: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for ClientCert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCert")
            .field("cert_der", &format!("{} bytes", self.cert_der.len()))
            .field("key_pkcs8", &"****")
            .finish()
    }
}

impl ClientCert {
    fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![CertificateDer::from(self.cert_der.clone())]
    }

    fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key_pkcs8.to_vec()))
    }
}

#[cfg(all(test, feature = "cluster-core"))]
mod handshake_tests;
#[cfg(all(test, feature = "cluster-core"))]
mod resumption_tests;
#[cfg(all(test, feature = "cluster-core"))]
mod upgrade_recorded_tests;
