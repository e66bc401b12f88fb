//! `GenerateUserCerts`: certificates for databases and for the user again (auth-api.md 2.8).

use tonic::Status;

use super::caller::Caller;
use crate::cluster::ca::ssh_user::SshPublicKey;
use crate::cluster::ca::{CaKind, SubjectPublicKey};
use crate::cluster::issue::{self, Reissue};
use crate::cluster::state::ClusterState;
use crate::identity::{RouteToDatabase, oids, pem};
use crate::proto::auth as pb;
use crate::proto::auth::user_certs_request::{CertPurpose, CertUsage, Requester};

/// Answers the call.
pub(super) fn generate(
    state: &ClusterState,
    caller: &Caller,
    request: &pb::UserCertsRequest,
) -> Result<pb::Certs, Status> {
    let impersonation = || Status::permission_denied("access denied: impersonation is not allowed");
    let known = caller.known(state, impersonation)?;
    let single_use = request.purpose() == CertPurpose::SingleUseCerts;
    let database = usage(request, single_use)?;
    // A leaf issues nothing to the users of its root (auth-api.md 2.8).
    if known.remote || request.username != known.name() {
        return Err(impersonation());
    }
    let presented = &*known.certificate;
    if presented
        .identity
        .other
        .iter()
        .any(|(oid, _)| oid == oids::DISALLOW_REISSUE)
    {
        return Err(Status::permission_denied(
            "access denied: identity is not allowed to reissue certificates",
        ));
    }
    let expires = request.expires.as_ref().map_or(i64::MIN, |t| t.seconds);
    if expires <= state.now() || presented.not_after <= state.now() {
        return Err(Status::permission_denied(
            "access denied: client credentials have expired, please relogin.",
        ));
    }
    if request
        .mfa_response
        .as_ref()
        .is_some_and(|r| r.response.is_some())
    {
        return Err(Status::invalid_argument(
            "per-session MFA is not satisfied by OTP devices",
        ));
    }
    if !request.route_to_cluster.is_empty()
        && request.route_to_cluster != state.name()
        && !state.leaves().knows(&request.route_to_cluster)
    {
        return Err(Status::not_found(format!(
            "remote cluster {:?} is not found",
            request.route_to_cluster
        )));
    }
    if let Some(id) = request.access_requests.first() {
        return Err(Status::not_found(format!(
            "access request {id:?} not found"
        )));
    }
    if let Some(route) = &database
        && let Some(listed) = state.database(&route.service_name)
        && listed.protocol != "postgres"
        && (request.route_to_cluster.is_empty() || request.route_to_cluster == state.name())
    {
        // Real clusters issue one for anything; here it would lead to a closed connection, so the reason comes at once.
        return Err(Status::invalid_argument(format!(
            "database {:?} speaks {}: postern-cluster lists such databases, but it serves PostgreSQL only",
            listed.name, listed.protocol
        )));
    }
    let keys = Keys::of(request)?;
    let wish = Reissue {
        expires,
        route_to_cluster: request.route_to_cluster.clone(),
        database,
        single_use,
        tunnel: request.requester_name() == Requester::TshDbLocalProxyTunnel,
    };
    let checker = known.checker()?;
    let address = known.peer.ip().to_string();
    let internal = |e: issue::IssueError| Status::internal(e.to_string());
    let unrestricted = wish.database.is_none();
    let granted = issue::reissue(state, presented, &checker, &wish, &address).map_err(internal)?;
    let mut certs = pb::Certs::default();
    if let Some(key) = keys.tls {
        let der = granted.x509(state, &key).map_err(internal)?;
        certs.tls = pem::encode("CERTIFICATE", &der).into_bytes();
    }
    // Other clients keep their session in the SSH certificate, so one with new roles or another cluster needs it anew.
    if let Some(key) = keys.ssh.filter(|_| unrestricted) {
        certs.ssh = granted.ssh(state, &key).map_err(internal)?.into_bytes();
    }
    if !single_use {
        let authorities = state.authorities();
        let hosts = authorities.trusted(CaKind::Host);
        certs.tlsca_certs = hosts
            .iter()
            .map(|authority| authority.cert_pem().as_bytes().to_vec())
            .collect();
        let ssh = authorities.ssh_keys(CaKind::Host);
        certs.sshca_certs = ssh.into_iter().map(String::into_bytes).collect();
    }
    Ok(certs)
}

/// The keys that certificates are wanted for; at least one.
struct Keys {
    tls: Option<SubjectPublicKey>,
    ssh: Option<SshPublicKey>,
}

impl Keys {
    fn of(request: &pb::UserCertsRequest) -> Result<Self, Status> {
        let (tls, ssh) = (&request.tls_public_key, &request.ssh_public_key);
        // A database is reached with TLS alone.
        if tls.is_empty() && (ssh.is_empty() || request.usage() == CertUsage::Database) {
            return Err(Status::invalid_argument("must provide a public key"));
        }
        let tls = (!tls.is_empty()).then(|| SubjectPublicKey::from_pem(tls));
        let ssh = (!ssh.is_empty()).then(|| SshPublicKey::parse(ssh));
        Ok(Self {
            tls: tls
                .transpose()
                .map_err(|e| Status::invalid_argument(e.to_string()))?,
            ssh: ssh
                .map(|key| key.ok_or_else(|| Status::unknown("ssh: no key found")))
                .transpose()?,
        })
    }
}

/// The database the certificate shall be for; `None` for an unrestricted certificate.
fn usage(
    request: &pb::UserCertsRequest,
    single_use: bool,
) -> Result<Option<RouteToDatabase>, Status> {
    let refused = |text: &str| Err(Status::invalid_argument(text));
    let exec = request.requester_name() == Requester::TshDbExec;
    match request.usage() {
        CertUsage::All if exec => {
            refused("requester \"TSH_DB_EXEC\" can only request database certificates")
        }
        CertUsage::All if single_use => {
            refused("single-use certificates cannot be issued for all purposes")
        }
        CertUsage::All => Ok(None),
        CertUsage::Database if exec && request.mfa_response.is_some() && !single_use => {
            refused("requester \"TSH_DB_EXEC\" can only request single use certificates")
        }
        CertUsage::Database => match &request.route_to_database {
            Some(route) if !route.service_name.is_empty() => Ok(Some(RouteToDatabase {
                service_name: route.service_name.clone(),
                protocol: route.protocol.clone(),
                username: route.username.clone(),
                database: route.database.clone(),
                roles: route.roles.clone(),
            })),
            _ => refused("missing ServiceName field in a database-only UserCertsRequest"),
        },
        _ => refused("only certificates for users and databases are issued here"),
    }
}
