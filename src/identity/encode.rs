//! Writes an [`Identity`] as a certificate's subject (credentials.md 1.2, 1.3).

use super::{Identity, der, oids, traits};

/// Encodes the DER Name of a user or host certificate.
///
/// Order of the RDNs and string types are those of real clusters; the values of one standard attribute share an RDN and
/// DER sorts them, so the order of roles, principals and usages is lost. Absent values are left out, except street and
/// postal code, which are always there. Entries of [`Identity::other`] whose type isn't a dotted OID are left out.
#[must_use]
pub fn encode_subject(identity: &Identity) -> Vec<u8> {
    let mut name = Vec::new();
    let mut standard = |oid: &str, values: &[&str]| {
        let members: Vec<_> = values
            .iter()
            .filter_map(|value| attribute(oid, value))
            .collect();
        if !members.is_empty() {
            name.extend(der::set_of(members));
        }
    };
    standard(oids::LOCALITY, &present(&identity.principals));
    standard(oids::STREET, &[&identity.route_to_cluster]);
    standard(oids::POSTAL_CODE, &[&traits::encode(&identity.traits)]);
    standard(oids::ORGANIZATION, &present(&identity.roles));
    standard(oids::ORGANIZATIONAL_UNIT, &present(&identity.usage));
    standard(
        oids::COMMON_NAME,
        &present(std::slice::from_ref(&identity.username)),
    );
    for (oid, value) in private(identity) {
        standard(oid, &[value]);
    }
    der::element(der::tag::SEQUENCE, &name)
}

/// The private attributes that have a value, in the order observed on 18.3.0.
fn private(identity: &Identity) -> Vec<(&str, &str)> {
    let mut list: Vec<(&str, &str)> = vec![
        (oids::TELEPORT_CLUSTER, &identity.teleport_cluster),
        (oids::MFA_VERIFIED, &identity.mfa_verified),
        (
            oids::PREVIOUS_IDENTITY_EXPIRES,
            &identity.previous_identity_expires,
        ),
        (oids::LOGIN_IP, &identity.login_ip),
    ];
    if let Some(route) = &identity.route_to_database {
        list.push((oids::DATABASE_SERVICE, &route.service_name));
        list.push((oids::DATABASE_PROTOCOL, &route.protocol));
        list.push((oids::DATABASE_USER, &route.username));
        list.push((oids::DATABASE_NAME, &route.database));
        list.extend(
            route
                .roles
                .iter()
                .map(|role| (oids::DATABASE_ROLES, role.as_str())),
        );
    }
    list.extend(
        identity
            .database_names
            .iter()
            .map(|name| (oids::ALLOWED_NAMES, name.as_str())),
    );
    list.extend(
        identity
            .database_users
            .iter()
            .map(|user| (oids::ALLOWED_USERS, user.as_str())),
    );
    list.extend(
        identity
            .active_requests
            .iter()
            .map(|request| (oids::ACTIVE_REQUESTS, request.as_str())),
    );
    list.push((oids::ALLOWED_RESOURCES, &identity.allowed_resource_ids));
    list.push((oids::PINNED_IP, &identity.pinned_ip));
    list.extend(
        identity
            .other
            .iter()
            .map(|(oid, value)| (oid.as_str(), value.as_str())),
    );
    list.push((oids::PRIVATE_KEY_POLICY, &identity.private_key_policy));
    list.retain(|(_, value)| !value.is_empty());
    list
}

fn present(values: &[String]) -> Vec<&str> {
    values
        .iter()
        .map(String::as_str)
        .filter(|value| !value.is_empty())
        .collect()
}

fn attribute(oid: &str, value: &str) -> Option<Vec<u8>> {
    Some(der::sequence(&[&der::oid(oid)?, &der::text(value)]))
}
