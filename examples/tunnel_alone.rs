//! The tunnel alone: its dialer replaced by one that speaks TLS straight to PostgreSQL. `benches/tunnel` measures with it what
//! the data path costs, beside other programs that do the same.
//!
//! usage: `tunnel_alone PORT SERVER CA`: listens on 127.0.0.1:PORT, connects to SERVER (`host:port`), whose certificate the
//! authority in the file CA signed. Says `ready` when it listens and serves until it is ended.

use std::error::Error;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use postern::hop::Hop;
use postern::identity::pem;
use postern::pg::sqlstate;
use postern::proxy::{self, BoxFuture, Expected, Options, Purpose, Upstream, UpstreamError};
use postern::transport::BoxStream;
use postern::transport::route::{Network, Route};
use postern::transport::trust::{Trust, host_config};
use rustls::ClientConfig;
use tokio::net::TcpListener;

/// Longest time for TCP and TLS.
const DEADLINE: Duration = Duration::from_secs(15);

struct Direct {
    route: Route,
    server: String,
    config: ClientConfig,
}

impl Upstream for Direct {
    fn open(&self, _: Purpose) -> BoxFuture<'_, Result<BoxStream, UpstreamError>> {
        Box::pin(async {
            let name = self.server.rsplit_once(':').map_or("", |(host, _)| host);
            let dialling =
                self.route
                    .connect_postgres(&self.server, self.config.clone(), name, DEADLINE);
            match Box::pin(dialling).await {
                Ok(stream) => Ok(Box::new(stream) as BoxStream),
                Err(error) => Err(UpstreamError {
                    hop: Hop::Proxy(self.server.clone()),
                    sqlstate: sqlstate::UNABLE_TO_CONNECT,
                    message: error.to_string(),
                    hint: None,
                }),
            }
        })
    }

    fn expected(&self) -> Expected {
        Expected::default()
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [port, server, ca] = arguments.as_slice() else {
        return Err("usage: tunnel_alone PORT SERVER CA".into());
    };
    let authorities = pem::blocks(&std::fs::read(ca)?)?;
    let authorities: Vec<Vec<u8>> = authorities
        .into_iter()
        .map(|block| block.contents)
        .collect();
    let upstream = Direct {
        route: Route::new(
            server,
            &Trust::default(),
            &Network::default(),
            &Arc::default(),
        ),
        server: server.clone(),
        config: host_config(&authorities, &[], None)?,
    };
    let options = Options {
        max_sessions: 2000,
        // Whatever the load names.
        any_target: true,
        ..Options::default()
    };
    let listener = TcpListener::bind(("127.0.0.1", port.parse()?)).await?;
    writeln!(std::io::stdout(), "ready")?;
    proxy::serve(
        listener,
        Arc::new(upstream),
        options,
        std::future::pending(),
    )
    .await;
    Ok(())
}
