//! TLS of the port: which certificate is shown and whose certificates are accepted (transport.md 1, 3.3, 14).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig,
    SignatureScheme,
};

use super::leaf_tls::{LeafVerifier, RootVerifier};
use super::route::Route;
use crate::cluster::ca::{CaError, CaKind, HostRequest, KeyedCert};
use crate::cluster::leaf::Trusts;
use crate::cluster::state::{ClusterState, WebCertificate};
use crate::identity::{self, BACKDATING_SECONDS, Certificate, GENERIC_CLUSTER_NAME};

/// Seconds for which the certificates of one start are valid: a year is what browsers still accept.
const LIFETIME: i64 = 365 * 24 * 3600;

/// Why the port cannot speak TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A certificate cannot be issued.
    #[error(transparent)]
    Authority(#[from] CaError),
    /// The TLS library refuses a certificate, key or setting.
    #[error("TLS set-up: {0}")]
    Library(String),
}

impl From<rustls::Error> for TlsError {
    fn from(error: rustls::Error) -> Self {
        Self::Library(error.to_string())
    }
}

/// Whose client certificates a connection accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Pool {
    /// Host and user authority of this cluster.
    Local,
    /// Those of a cluster that is not known here: nobody's.
    Unknown,
}

/// The configurations of the port, made once at the start.
pub(super) struct Configs {
    /// By route, by whose certificates are accepted, and by whether the connection came in an upgraded one.
    by_route: BTreeMap<(Route, Pool, bool), Arc<ServerConfig>>,
    inner: Arc<ServerConfig>,
    users: Arc<Verifier>,
    cluster: String,
    provider: Arc<CryptoProvider>,
    /// For clusters that join and know the host authority by its pin.
    join_pinned: Arc<ServerConfig>,
    auth: Arc<CertifiedKey>,
    local: Arc<Verifier>,
    trusts: Arc<Trusts>,
    validity: (i64, i64),
}

impl Configs {
    /// Issues the certificates of this start and builds all configurations.
    pub(super) fn new(state: &ClusterState) -> Result<Self, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let certificates = Certificates::issue(state, &provider)?;
        let local = roots(state, &[CaKind::Host, CaKind::User])?;
        let users = roots(state, &[CaKind::User])?;
        let mut by_route = BTreeMap::new();
        for route in Route::ALL {
            for pool in [Pool::Local, Pool::Unknown] {
                let verifier: Option<Arc<dyn ClientCertVerifier>> = match route {
                    Route::ReverseTunnel | Route::Ssh | Route::LeafJoin => None,
                    Route::LeafLink => Some(Arc::new(LeafVerifier::new(state.leaves(), &provider))),
                    _ => Some(Verifier::new(
                        &provider,
                        &local,
                        pool,
                        route == Route::Transport,
                    )?),
                };
                for upgraded in [false, true] {
                    let key = certificates.of(route, upgraded);
                    let verifier = verifier.clone();
                    let config = config(&provider, key, &[], verifier, route.protocols())?;
                    by_route.insert((route, pool, upgraded), Arc::new(config));
                }
            }
        }
        let verifier = Verifier::new(&provider, &users, Pool::Local, true)?;
        let inner = Arc::new(config(
            &provider,
            &certificates.proxy,
            &[],
            Some(Arc::clone(&verifier) as Arc<dyn ClientCertVerifier>),
            &[],
        )?);
        let join_pinned = Arc::new(config(
            &provider,
            &certificates.proxy,
            state.authority(CaKind::Host).cert_der(),
            None,
            Route::LeafJoin.protocols(),
        )?);
        Ok(Self {
            by_route,
            inner,
            users: verifier,
            cluster: state.name().to_owned(),
            join_pinned,
            auth: certificates.auth,
            local: Verifier::new(&provider, &local, Pool::Local, false)?,
            trusts: Arc::clone(state.trusts()),
            validity: certificates.validity,
            provider,
        })
    }

    /// Begin and end of the certificates issued here, unix seconds.
    pub(super) fn validity(&self) -> (i64, i64) {
        self.validity
    }

    /// The configuration of a route, with the pool that the server name chooses: this cluster's encoded name and every
    /// name that encodes no cluster mean this cluster.
    pub(super) fn get(
        &self,
        route: Route,
        server_name: Option<&str>,
        upgraded: bool,
    ) -> Arc<ServerConfig> {
        let named = server_name.and_then(identity::decode_cluster);
        let pool = match &named {
            Some(name) if *name != self.cluster => Pool::Unknown,
            _ => Pool::Local,
        };
        let config = match route {
            Route::Auth if named.as_ref() != Some(&self.cluster) => {
                self.auth_of_others(named.as_deref())
            }
            Route::LeafJoin if server_name == Some(GENERIC_CLUSTER_NAME) => {
                Some(&self.join_pinned).cloned()
            }
            _ => None,
        };
        config.unwrap_or_else(|| Arc::clone(&self.by_route[&(route, pool, upgraded)]))
    }

    /// The auth service for users of the clusters in front of this one: of the one that the server name encodes, or of all
    /// of them and of this one (transport.md 3.3). `None` when there is none.
    fn auth_of_others(&self, named: Option<&str>) -> Option<Arc<ServerConfig>> {
        let trusts = match named {
            Some(name) => vec![self.trusts.get(name)?],
            None => self.trusts.all(),
        };
        if trusts.is_empty() {
            return None;
        }
        let local = named
            .is_none()
            .then(|| Arc::clone(&self.local) as Arc<dyn ClientCertVerifier>);
        let verifier = Arc::new(RootVerifier::new(trusts, local, &self.provider));
        // Made of what is checked already; nothing of it can fail here.
        config(
            &self.provider,
            &self.auth,
            &[],
            Some(verifier),
            Route::Auth.protocols(),
        )
        .ok()
        .map(Arc::new)
    }

    /// The configuration of the handshake inside a database connection without a client certificate (transport.md 10.2).
    pub(super) fn inner(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.inner)
    }
}

impl Configs {
    /// Whether the user authority of the cluster that the certificate names signed it: this one's, or, on the auth route,
    /// that of a cluster in front of this one. All authorities of a cluster have the same name, so that only the signature
    /// tells.
    pub(super) fn vouches(&self, certificate: &Certificate, der: &CertificateDer<'_>) -> bool {
        let issuer = &certificate.issuer_cluster;
        if certificate.identity.teleport_cluster != *issuer {
            return false;
        }
        if *issuer == self.cluster {
            return self.is_users(der);
        }
        let trust = self.trusts.get(issuer);
        trust.is_some_and(|trust| trust.signed(der, UnixTime::now()))
    }

    /// Whether this cluster's user authority signed the certificate.
    fn is_users(&self, certificate: &CertificateDer<'_>) -> bool {
        self.users
            .verify_client_cert(certificate, &[], UnixTime::now())
            .is_ok()
    }
}

struct Certificates {
    web: Arc<CertifiedKey>,
    auth: Arc<CertifiedKey>,
    proxy: Arc<CertifiedKey>,
    validity: (i64, i64),
}

impl Certificates {
    fn issue(state: &ClusterState, provider: &CryptoProvider) -> Result<Self, TlsError> {
        let (not_before, not_after) = (state.now() - BACKDATING_SECONDS, state.now() + LIFETIME);
        let public = host(state.public_addr());
        let mut names = vec!["localhost", "127.0.0.1", "::1"];
        if !names.contains(&public) {
            names.insert(0, public);
        }
        let node = format!("{}-node", state.name());
        let host_certificate = |organization: &str, dns: Vec<String>, ips: Vec<IpAddr>| {
            state.authority(CaKind::Host).issue_host(&HostRequest {
                common_name: format!("{}.{}", state.host_id(), state.name()),
                organization: organization.to_owned(),
                dns,
                ips,
                not_before,
                not_after,
            })
        };
        let mut proxy_names = vec![
            node.clone(),
            "remote.kube.proxy.teleport.cluster.local".to_owned(),
        ];
        proxy_names.extend(names.iter().map(|n| (*n).to_owned()));
        let web = match state.web_certificate() {
            Some(WebCertificate { chain, key }) => CertifiedKey::from_der(
                chain.into_iter().map(CertificateDer::from).collect(),
                key.clone_key(),
                provider,
            )?,
            None => certified(
                &state
                    .authorities()
                    .web()
                    .issue_web(&names, not_before, not_after)?,
                provider,
            )?,
        };
        let auth = host_certificate(
            "Admin",
            vec![node.clone(), format!("{node}.{}", state.name())],
            Vec::new(),
        )?;
        let proxy = host_certificate("Proxy", proxy_names, Vec::new())?;
        Ok(Self {
            web: Arc::new(web),
            auth: Arc::new(certified(&auth, provider)?),
            proxy: Arc::new(certified(&proxy, provider)?),
            validity: (not_before, not_after),
        })
    }

    fn of(&self, route: Route, upgraded: bool) -> &Arc<CertifiedKey> {
        match route {
            Route::Database | Route::Web | Route::ReverseTunnel | Route::LeafJoin if upgraded => {
                &self.proxy
            }
            Route::Auth | Route::AuthLegacy => &self.auth,
            Route::Transport | Route::Ssh | Route::LeafLink => &self.proxy,
            Route::Database | Route::Web | Route::ReverseTunnel | Route::LeafJoin => &self.web,
        }
    }
}

/// The host part of `host:port`, without the brackets of an IPv6 address.
pub(super) fn host(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.strip_prefix('[')
        .and_then(|h| h.strip_suffix(']'))
        .unwrap_or(host)
}

fn roots(state: &ClusterState, kinds: &[CaKind]) -> Result<Arc<RootCertStore>, TlsError> {
    let mut roots = RootCertStore::empty();
    let authorities = state.authorities();
    for authority in kinds.iter().flat_map(|kind| authorities.trusted(*kind)) {
        roots.add(CertificateDer::from(authority.cert_der().to_vec()))?;
    }
    Ok(Arc::new(roots))
}

fn certified(issued: &KeyedCert, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(issued.key_pkcs8_der.to_vec()));
    let chain = vec![CertificateDer::from(issued.cert_der.clone())];
    Ok(CertifiedKey::from_der(chain, private, provider)?)
}

/// `issuer` is sent along when it is not empty.
fn config(
    provider: &Arc<CryptoProvider>,
    key: &Arc<CertifiedKey>,
    issuer: &[u8],
    verifier: Option<Arc<dyn ClientCertVerifier>>,
    protocols: &[&str],
) -> Result<ServerConfig, TlsError> {
    let builder = ServerConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()?;
    let builder = match verifier {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let key = if issuer.is_empty() {
        Arc::clone(key)
    } else {
        let mut key = CertifiedKey::clone(key);
        key.cert.push(CertificateDer::from(issuer.to_vec()));
        Arc::new(key)
    };
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(key)));
    config.alpn_protocols = protocols.iter().map(|p| p.as_bytes().to_vec()).collect();
    // A resumed session would keep the identity of the first certificate; 18 sends no tickets either (transport.md 1).
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

/// Checks client certificates as the real server does, also in the alerts it sends: expired is 45, all else 48. More than
/// one certificate passes here and is refused after the handshake.
#[derive(Debug)]
struct Verifier {
    inner: Arc<dyn ClientCertVerifier>,
    pool: Pool,
    mandatory: bool,
}

impl Verifier {
    fn new(
        provider: &Arc<CryptoProvider>,
        roots: &Arc<RootCertStore>,
        pool: Pool,
        mandatory: bool,
    ) -> Result<Arc<Self>, TlsError> {
        let inner =
            WebPkiClientVerifier::builder_with_provider(Arc::clone(roots), Arc::clone(provider))
                .build()
                .map_err(|e| TlsError::Library(e.to_string()))?;
        Ok(Arc::new(Self {
            inner,
            pool,
            mandatory,
        }))
    }
}

impl ClientCertVerifier for Verifier {
    fn offer_client_auth(&self) -> bool {
        true
    }

    fn client_auth_mandatory(&self) -> bool {
        self.mandatory
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        match self.pool {
            Pool::Local => self.inner.root_hint_subjects(),
            Pool::Unknown => &[],
        }
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        if self.pool == Pool::Unknown {
            return Err(CertificateError::UnknownIssuer.into());
        }
        self.inner
            .verify_client_cert(end_entity, &[], now)
            .map_err(|e| match e {
                rustls::Error::InvalidCertificate(
                    CertificateError::Expired
                    | CertificateError::ExpiredContext { .. }
                    | CertificateError::NotValidYet
                    | CertificateError::NotValidYetContext { .. },
                ) => CertificateError::Expired.into(),
                _ => CertificateError::UnknownIssuer.into(),
            })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_host_of_an_address() {
        assert_eq!(super::host("localhost:3080"), "localhost");
        assert_eq!(super::host("[::1]:3080"), "::1");
        assert_eq!(super::host("proxy.example.com"), "proxy.example.com");
    }
}
