//! Certificates for databases.
//!
//! Source: auth-api.md 2.8. The server issues one for anything asked, so everything is checked before.

use super::key::PublicKey;
use super::{ApiError, Caller};
use crate::compat::{KeyFields, Server};
use crate::identity::RouteToDatabase;
use crate::proto::auth as pb;
use crate::proto::auth::user_certs_request::{CertUsage, Requester};

/// What a database certificate is to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseCertificate<'a> {
    /// The caller's own name at the root.
    pub username: &'a str,
    /// End of validity asked for, in unix seconds; the server may shorten it.
    pub expires: i64,
    /// The cluster that owns the database.
    pub cluster: &'a str,
    /// The database, user, name and roles.
    pub route: &'a RouteToDatabase,
    /// Access requests that the login uses.
    pub access_requests: &'a [String],
}

/// Asks the root's auth service for a certificate for `key`; gives the PEM text.
///
/// `server`, the root's, chooses the form of the key; it never is tried out.
///
/// # Errors
/// As any call.
pub async fn issue(
    root: &Caller,
    wanted: &DatabaseCertificate<'_>,
    key: &PublicKey,
    server: &Server,
) -> Result<Vec<u8>, ApiError> {
    let request = wanted.request(key, server);
    let certs = root
        .auth()
        .generate_user_certs(request)
        .await
        .map_err(|status| root.error(&status))?
        .into_inner();
    if certs.tls.is_empty() {
        return Err(ApiError::bad_answer(
            root.cluster(),
            "the certificate is missing",
        ));
    }
    Ok(certs.tls)
}

impl DatabaseCertificate<'_> {
    pub(crate) fn request(&self, key: &PublicKey, server: &Server) -> pb::UserCertsRequest {
        let (line, pem) = match server.key_fields() {
            KeyFields::Single => (Some(key.ssh_line()), None),
            KeyFields::Split => (None, Some(key.pem())),
            KeyFields::Unknown => (Some(key.ssh_line()), Some(key.pem())),
        };
        pb::UserCertsRequest {
            public_key: line.unwrap_or_default().into_bytes(),
            tls_public_key: pem.unwrap_or_default().into_bytes(),
            username: self.username.to_owned(),
            expires: Some(prost_types::Timestamp {
                seconds: self.expires,
                nanos: 0,
            }),
            route_to_cluster: self.cluster.to_owned(),
            access_requests: self.access_requests.to_vec(),
            route_to_database: Some(route(self.route)),
            usage: CertUsage::Database.into(),
            requester_name: Requester::TshDbLocalProxyTunnel.into(),
            ..Default::default()
        }
    }
}

/// A route in its wire form.
pub(super) fn route(route: &RouteToDatabase) -> pb::RouteToDatabase {
    pb::RouteToDatabase {
        service_name: route.service_name.clone(),
        protocol: route.protocol.clone(),
        username: route.username.clone(),
        database: route.database.clone(),
        roles: route.roles.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::key::SessionKey;
    use crate::auth::recorded::recorded;

    fn route_to(service: &str, user: &str, roles: &[&str]) -> RouteToDatabase {
        RouteToDatabase {
            service_name: service.to_owned(),
            protocol: "postgres".to_owned(),
            username: user.to_owned(),
            database: "postgres".to_owned(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        }
    }

    /// Builds what was recorded and compares everything but the key, which is ours.
    fn same_as(name: &str, cluster: &str, route: &RouteToDatabase, requester: Requester) {
        let want: pb::UserCertsRequest = recorded(name);
        let wanted = DatabaseCertificate {
            username: "alice",
            expires: want.expires.as_ref().expect("an end").seconds,
            cluster,
            route,
            access_requests: &[],
        };
        let key = SessionKey::generate().expect("a key");
        let mut got = wanted.request(key.public(), &Server::of("18.3.0"));
        assert!(
            got.tls_public_key
                .starts_with(b"-----BEGIN PUBLIC KEY-----\n")
        );
        got.tls_public_key.clone_from(&want.tls_public_key);
        // The recordings without a tunnel differ in who asks; ours always is a tunnel.
        assert_eq!(
            got.requester_name,
            i32::from(Requester::TshDbLocalProxyTunnel)
        );
        got.requester_name = requester.into();
        assert_eq!(got, want, "{name}");
    }

    #[test]
    fn requests_equal_the_recorded_ones() {
        let app = route_to("app", "app", &[]);
        same_as(
            "certs-db-tunnel.request.binpb",
            "root",
            &app,
            Requester::TshDbLocalProxyTunnel,
        );
        same_as(
            "certs-db-ec-key.request.binpb",
            "root",
            &app,
            Requester::Unspecified,
        );
        let roles = route_to("orders", "alice", &["reader"]);
        same_as(
            "certs-db-roles.request.binpb",
            "root",
            &roles,
            Requester::TshDbLocalProxyTunnel,
        );
    }

    #[test]
    fn the_form_of_the_key_follows_the_version() {
        let route = route_to("app", "app", &[]);
        let wanted = DatabaseCertificate {
            username: "alice",
            expires: 1,
            cluster: "root",
            route: &route,
            access_requests: &[],
        };
        let key = SessionKey::generate().expect("a key");
        let forms = |version: &str| {
            let request = wanted.request(key.public(), &Server::of(version));
            (
                !request.public_key.is_empty(),
                !request.tls_public_key.is_empty(),
            )
        };
        assert_eq!(forms("14.0.0-dev"), (true, false));
        assert_eq!(forms("16.4.2"), (true, false));
        assert_eq!(forms("17.0.0"), (false, true));
        assert_eq!(forms("18.3.0"), (false, true));
        assert_eq!(forms(""), (true, true));
    }

    #[test]
    fn recorded_certificates_are_read() {
        let certs: pb::Certs = recorded("certs-db-roles.response.binpb");
        assert!(certs.tls.starts_with(b"-----BEGIN CERTIFICATE-----\n"));
        assert!(certs.ssh.is_empty());
    }
}
