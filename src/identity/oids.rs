//! The attribute types of a certificate's subject: standard ones and the private arc 1.3.9999 (credentials.md 1.2, 1.3).

/// Common name: the user, or `<uuid>.<cluster>` in host certificates.
pub const COMMON_NAME: &str = "2.5.4.3";
/// Serial number: tells the authorities of one cluster apart.
pub const SERIAL_NUMBER: &str = "2.5.4.5";
/// Locality: SSH principals.
pub const LOCALITY: &str = "2.5.4.7";
/// Street: cluster the certificate routes to.
pub const STREET: &str = "2.5.4.9";
/// Organization: roles.
pub const ORGANIZATION: &str = "2.5.4.10";
/// Organizational unit: usage restrictions.
pub const ORGANIZATIONAL_UNIT: &str = "2.5.4.11";
/// Postal code: traits as JSON.
pub const POSTAL_CODE: &str = "2.5.4.17";

/// What every private attribute's OID begins with.
pub const PRIVATE_ARC: &str = "1.3.9999.";

/// The cluster a certificate comes from.
pub const TELEPORT_CLUSTER: &str = "1.3.9999.1.7";
/// Device of the second factor this certificate was issued after.
pub const MFA_VERIFIED: &str = "1.3.9999.1.8";
/// Address of the login, without port.
pub const LOGIN_IP: &str = "1.3.9999.1.9";
/// Hardware key policy that the private key satisfies.
pub const PRIVATE_KEY_POLICY: &str = "1.3.9999.1.15";
/// `local` or `sso`.
pub const USER_TYPE: &str = "1.3.9999.1.20";
/// Cloud credentials of application access, a secret.
pub const AWS_CREDENTIALS: &str = "1.3.9999.1.22";
/// Database resource; its presence makes a database certificate.
pub const DATABASE_SERVICE: &str = "1.3.9999.2.1";
/// Database protocol.
pub const DATABASE_PROTOCOL: &str = "1.3.9999.2.2";
/// Database user.
pub const DATABASE_USER: &str = "1.3.9999.2.3";
/// Database name.
pub const DATABASE_NAME: &str = "1.3.9999.2.4";
/// Allowed database names, repeated.
pub const ALLOWED_NAMES: &str = "1.3.9999.2.5";
/// Allowed database users, repeated.
pub const ALLOWED_USERS: &str = "1.3.9999.2.6";
/// Who issued the certificate for this user.
pub const IMPERSONATOR: &str = "1.3.9999.2.7";
/// Access requests in force, repeated.
pub const ACTIVE_REQUESTS: &str = "1.3.9999.2.8";
/// `true` when nothing may be issued from this certificate.
pub const DISALLOW_REISSUE: &str = "1.3.9999.2.9";
/// Resources of a resource access request, JSON.
pub const ALLOWED_RESOURCES: &str = "1.3.9999.2.10";
/// End of the certificate this one was issued from, RFC 3339.
pub const PREVIOUS_IDENTITY_EXPIRES: &str = "1.3.9999.2.12";
/// Address the certificate may be used from.
pub const PINNED_IP: &str = "1.3.9999.2.15";
/// Requested database roles, repeated.
pub const DATABASE_ROLES: &str = "1.3.9999.2.19";
/// Scope of a scoped identity, which may have no role at all.
pub const SCOPE_PIN: &str = "1.3.9999.2.24";
