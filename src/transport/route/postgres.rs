//! The port for PostgreSQL of clusters that have a port for each protocol.

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Connection, Limit, Route};
use crate::transport::dial::{DialError, handshake};
use crate::transport::tls_fault::TlsFault;
use crate::transport::watch::Step;

/// PostgreSQL's request for TLS.
const SSL_REQUEST: [u8; 8] = *b"\0\0\0\x08\x04\xd2\x16\x2f";

impl Route {
    /// TLS with the port for PostgreSQL, `addr`, as PostgreSQL's protocol begins it (transport.md 10.4), within `deadline`.
    /// No upgrade leads there, but an HTTP proxy may.
    ///
    /// # Errors
    /// See [`DialError`]; a port that refuses TLS is [`TlsFault::NotTls`].
    pub async fn connect_postgres(
        &self,
        addr: &str,
        config: ClientConfig,
        name: &str,
        deadline: Duration,
    ) -> Result<Connection, DialError> {
        let limit = Limit::new(addr, deadline);
        let mut carrier = self.reach(&limit, addr).await?;
        let asking = async {
            let mut answer = [0];
            let answered = async {
                carrier.write_all(&SSL_REQUEST).await?;
                carrier.flush().await?;
                carrier.read_exact(&mut answer).await
            };
            let addr = addr.to_owned();
            match answered.await {
                Ok(_) if answer == *b"S" => Ok(carrier),
                Ok(_) => Err(DialError::Tls {
                    addr,
                    fault: TlsFault::NotTls,
                }),
                Err(_) => Err(DialError::Closed { addr }),
            }
        };
        let tls = async {
            let carrier = limit.on("it was asked for TLS", asking).await?;
            let tls = handshake(addr, carrier, Arc::new(config), name);
            limit.on("the TLS handshake ran", tls).await
        };
        let tls = self.watch.on(Step::Tls, tls).await;
        self.with_clock(tls).await
    }
}
