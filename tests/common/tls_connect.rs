//! An HTTP proxy that speaks TLS itself, as some companies have: CONNECT inside TLS.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

use super::middle::Authority;

/// A running one; ends with the test.
pub(crate) struct TlsConnect {
    /// Where it listens.
    pub(crate) port: u16,
    /// Who vouches for it, PEM.
    pub(crate) ca_pem: String,
    /// The heads of all requests.
    heads: Arc<Mutex<Vec<String>>>,
    _runtime: Runtime,
}

impl TlsConnect {
    /// Starts one that calls itself `localhost`, knows these hosts, and wants this header.
    pub(crate) fn start(hosts: &[(&str, &str)], wanted: &'static str) -> Self {
        let authority = Authority::new();
        let (cert, key) = authority.certificate(&["localhost".to_owned()]);
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(
            rustls::crypto::ring::default_provider(),
        ))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(cert.as_bytes()).expect("a certificate")],
            PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key"),
        )
        .expect("a configuration");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime
            .block_on(TcpListener::bind("127.0.0.1:0"))
            .expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let hosts: HashMap<String, String> = hosts
            .iter()
            .map(|(ip, name)| ((*name).to_owned(), (*ip).to_owned()))
            .collect();
        let (hosts, acceptor) = (Arc::new(hosts), TlsAcceptor::from(Arc::new(config)));
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&heads);
        runtime.spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let (acceptor, hosts, seen) = (acceptor.clone(), hosts.clone(), seen.clone());
                tokio::spawn(async move { serve(acceptor, tcp, &hosts, wanted, &seen).await });
            }
        });
        Self {
            port,
            ca_pem: authority.pem,
            heads,
            _runtime: runtime,
        }
    }

    /// The heads of all requests so far.
    pub(crate) fn heads(&self) -> Vec<String> {
        let heads = self.heads.lock();
        heads.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Serves one connection; whatever goes wrong ends it.
async fn serve(
    acceptor: TlsAcceptor,
    tcp: TcpStream,
    hosts: &HashMap<String, String>,
    wanted: &str,
    seen: &Mutex<Vec<String>>,
) -> Option<()> {
    let mut client = acceptor.accept(tcp).await.ok()?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    seen.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(head.clone());
    let target = head.strip_prefix("CONNECT ")?.split(' ').next()?;
    let (host, port) = target.rsplit_once(':')?;
    if !head.contains(wanted) {
        let refusal = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
        client.write_all(refusal.as_bytes()).await.ok()?;
        client.shutdown().await.ok()?;
        return None;
    }
    let host = hosts.get(host).map_or(host, String::as_str);
    let mut server = TcpStream::connect(format!("{host}:{port}")).await.ok()?;
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.ok()?;
    let _ = copy_bidirectional(&mut client, &mut server).await;
    Some(())
}
