//! Where on the way to a database something failed.

use std::fmt;

/// One station between the user and the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hop {
    /// This computer: files, keychain, local listener, client program.
    Local,
    /// The HTTP proxy that the environment names, at `host:port`.
    HttpProxy(String),
    /// The cluster's proxy, at `host:port`.
    Proxy(String),
    /// The auth service of the named cluster.
    Auth(String),
    /// The service that owns the named database, or the database itself.
    Database(String),
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("this computer"),
            Self::HttpProxy(addr) => write!(f, "HTTP proxy {addr}"),
            Self::Proxy(addr) => write!(f, "proxy {addr}"),
            Self::Auth(cluster) => write!(f, "auth service of cluster {cluster}"),
            Self::Database(name) => write!(f, "database {name}"),
        }
    }
}
