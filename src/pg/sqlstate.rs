//! SQLSTATE codes that are sent or compared. Teleport sends none of its own; the choice for its texts is ours
//! (db-service.md 1.6).

/// The connection broke, or the proxy closed it before the first byte.
pub const CONNECTION_FAILURE: &str = "08006";
/// The database could not be reached.
pub const UNABLE_TO_CONNECT: &str = "08001";
/// The other side refused the connection, no better code is known.
pub const CONNECTION_REJECTED: &str = "08004";
/// What came back is not PostgreSQL's protocol.
pub const PROTOCOL_VIOLATION: &str = "08P01";
/// The protocol version or feature is not supported.
pub const FEATURE_NOT_SUPPORTED: &str = "0A000";
/// Login refused: wrong user, denied, locked, second factor missing.
pub const INVALID_AUTHORIZATION: &str = "28000";
/// No password, or a wrong one.
pub const INVALID_PASSWORD: &str = "28P01";
/// The database resource is unknown.
pub const INVALID_CATALOG_NAME: &str = "3D000";
/// A database role or another privilege is not allowed.
pub const INSUFFICIENT_PRIVILEGE: &str = "42501";
/// The database user exists and is not managed by Teleport.
pub const DUPLICATE_OBJECT: &str = "42710";
/// A limit on connections was reached.
pub const TOO_MANY_CONNECTIONS: &str = "53300";
/// Other sessions of the same user stand in the way.
pub const OBJECT_IN_USE: &str = "55006";
/// A statement was cancelled on request.
pub const QUERY_CANCELED: &str = "57014";
/// The server is being stopped.
pub const ADMIN_SHUTDOWN: &str = "57P01";
/// Provisioning failed outside PostgreSQL.
pub const SYSTEM_ERROR: &str = "58000";
