//! Reads a certificate's subject into an [`Identity`] (credentials.md 1.2-1.4).

use x509_parser::asn1_rs::{Any, Class, FromDer as _, Tag};
use x509_parser::x509::X509Name;

use super::{CertificateError, Identity, RouteToDatabase, oids, traits};

/// Reads a DER-encoded subject, however its attributes are ordered and grouped.
///
/// Attributes outside the known types and the private arc are ignored, of a repeated single-valued attribute the first
/// value counts. Nothing is required to be there: [`super::Certificate`] is the one to say what a valid identity needs.
///
/// # Errors
/// [`CertificateError::Malformed`] when the bytes aren't a DER name, [`CertificateError::Text`] when a known attribute
/// isn't text, [`CertificateError::Traits`] when the traits aren't a JSON object of lists.
pub fn decode_subject(name: &[u8]) -> Result<Identity, CertificateError> {
    let (rest, name) =
        X509Name::from_der(name).map_err(|error| CertificateError::Malformed(error.to_string()))?;
    if !rest.is_empty() {
        return Err(CertificateError::TrailingData(rest.len()));
    }
    read(&name)
}

pub(super) fn read(name: &X509Name<'_>) -> Result<Identity, CertificateError> {
    let mut identity = Identity::default();
    let mut route = RouteToDatabase::default();
    let mut traits_json = String::new();
    for attribute in name.iter_attributes() {
        let oid = attribute.attr_type().to_id_string();
        if !is_known(&oid) {
            continue;
        }
        let Some(value) = text(attribute.attr_value()) else {
            return Err(CertificateError::Text { oid });
        };
        match oid.as_str() {
            oids::LOCALITY => identity.principals.push(value),
            oids::STREET => first(&mut identity.route_to_cluster, value),
            oids::POSTAL_CODE => first(&mut traits_json, value),
            oids::ORGANIZATION => identity.roles.push(value),
            oids::ORGANIZATIONAL_UNIT => identity.usage.push(value),
            oids::COMMON_NAME => first(&mut identity.username, value),
            oids::TELEPORT_CLUSTER => first(&mut identity.teleport_cluster, value),
            oids::MFA_VERIFIED => first(&mut identity.mfa_verified, value),
            oids::LOGIN_IP => first(&mut identity.login_ip, value),
            oids::PRIVATE_KEY_POLICY => first(&mut identity.private_key_policy, value),
            oids::DATABASE_SERVICE => first(&mut route.service_name, value),
            oids::DATABASE_PROTOCOL => first(&mut route.protocol, value),
            oids::DATABASE_USER => first(&mut route.username, value),
            oids::DATABASE_NAME => first(&mut route.database, value),
            oids::DATABASE_ROLES => route.roles.push(value),
            oids::ALLOWED_NAMES => identity.database_names.push(value),
            oids::ALLOWED_USERS => identity.database_users.push(value),
            oids::ACTIVE_REQUESTS => identity.active_requests.push(value),
            oids::ALLOWED_RESOURCES => first(&mut identity.allowed_resource_ids, value),
            oids::PREVIOUS_IDENTITY_EXPIRES => {
                first(&mut identity.previous_identity_expires, value);
            }
            oids::PINNED_IP => first(&mut identity.pinned_ip, value),
            _ => identity.other.push((oid, value)),
        }
    }
    identity.traits = traits::decode(&traits_json)
        .map_err(|error| CertificateError::Traits(error.to_string()))?;
    // Without a service the rest of a route leads nowhere: only the service makes a database certificate.
    identity.route_to_database = (!route.service_name.is_empty()).then_some(route);
    Ok(identity)
}

/// The first common name of a name, `None` without one or when it isn't text.
pub(super) fn common_name(name: &X509Name<'_>) -> Option<String> {
    text(name.iter_common_name().next()?.attr_value())
}

fn is_known(oid: &str) -> bool {
    // Cloud credentials are a secret of application access that nothing here needs.
    (oid.starts_with(oids::PRIVATE_ARC) && oid != oids::AWS_CREDENTIALS)
        || matches!(
            oid,
            oids::LOCALITY
                | oids::STREET
                | oids::POSTAL_CODE
                | oids::ORGANIZATION
                | oids::ORGANIZATIONAL_UNIT
                | oids::COMMON_NAME
        )
}

fn first(slot: &mut String, value: String) {
    if slot.is_empty() {
        *slot = value;
    }
}

/// The text of a string value, whichever ASN.1 string type it has; the alphabets of the narrow types aren't enforced.
fn text(value: &Any<'_>) -> Option<String> {
    if value.header.class() != Class::Universal {
        return None;
    }
    let bytes = value.data;
    match value.header.tag() {
        Tag::Utf8String
        | Tag::PrintableString
        | Tag::Ia5String
        | Tag::NumericString
        | Tag::VisibleString => String::from_utf8(bytes.to_vec()).ok(),
        // Read as Latin-1, as everyone does.
        Tag::T61String => Some(bytes.iter().copied().map(char::from).collect()),
        Tag::BmpString => {
            let (pairs, []) = bytes.as_chunks::<2>() else {
                return None;
            };
            let units: Vec<u16> = pairs.iter().copied().map(u16::from_be_bytes).collect();
            String::from_utf16(&units).ok()
        }
        Tag::UniversalString => {
            let (quads, []) = bytes.as_chunks::<4>() else {
                return None;
            };
            quads
                .iter()
                .copied()
                .map(u32::from_be_bytes)
                .map(char::from_u32)
                .collect()
        }
        _ => None,
    }
}
