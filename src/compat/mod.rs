//! What differs between the versions of Teleport that this client meets: 14.1.3 to 18, and what lies around them.
//!
//! Everything that depends on a version number is asked of a [`Server`]; nothing else reads one. Most differences need no
//! number: a method that a cluster lacks is answered with `UNIMPLEMENTED`, for each cluster on its own, a field that it does
//! not know is missing in what it answers. A number decides only where trying costs something (a one-time code is used up),
//! and what people are told. [`table::DIFFERENCES`] lists all of them with their sources; docs/versions.md shows it.

pub mod table;
pub mod version;
mod warning;

pub use version::Version;
pub use warning::warning;

/// The version of Teleport whose client this one equals on the wire.
pub const MADE_FOR: Version = Version::new(18, 3, 0);
/// The oldest version that is supported. It is the first that provisions users on Amazon Redshift.
pub const OLDEST: Version = Version::new(14, 1, 3);

/// A server, by the version that it announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    text: String,
    version: Option<Version>,
}

/// The fields in which a server takes the public key to certify (login.md 7.3, auth-api.md 2.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFields {
    /// One field for SSH and TLS with a line of `authorized_keys`: 16 and earlier.
    Single,
    /// A field for each, PEM: 17 and later.
    Split,
    /// The version is not known. `GenerateUserCerts` takes both forms side by side: what does not know a field skips it.
    Unknown,
}

/// How a server's version stands to what this client is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// Older than [`OLDEST`].
    TooOld,
    /// An older major version, supported.
    Older,
    /// The major version that this client is made for.
    Same,
    /// A newer major version.
    Newer,
    /// It announced none that can be read.
    Unknown,
}

impl Server {
    /// Takes what a server announced: `server_version` of the ping, or a database service's own version. Empty: not known.
    pub fn of(server_version: &str) -> Self {
        Self {
            text: server_version.trim().to_owned(),
            version: Version::parse(server_version),
        }
    }

    /// The version as announced.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The version, when it can be read.
    pub fn version(&self) -> Option<Version> {
        self.version
    }

    /// How it stands to this client. Pre-releases of a supported version count as supported.
    pub fn age(&self) -> Age {
        match self.version {
            None => Age::Unknown,
            Some(version) if version < OLDEST => Age::TooOld,
            Some(version) => match version.major.cmp(&MADE_FOR.major) {
                std::cmp::Ordering::Less => Age::Older,
                std::cmp::Ordering::Equal => Age::Same,
                std::cmp::Ordering::Greater => Age::Newer,
            },
        }
    }

    /// Where the public key goes. It never is tried out: a wrong field uses up the one-time code (login.md 7.3).
    pub fn key_fields(&self) -> KeyFields {
        match self.version {
            None => KeyFields::Unknown,
            Some(version) if version.major < 17 => KeyFields::Single,
            Some(_) => KeyFields::Split,
        }
    }

    /// Whether one public key serves SSH and TLS: [`KeyFields::Single`].
    pub fn single_key_field(&self) -> bool {
        self.key_fields() == KeyFields::Single
    }

    /// Whether a session can be limited to some database roles (`--db-roles`): 14.3.1. Unknown versions count as new.
    ///
    /// Source: db-client.md 17.1; release notes of Teleport 14.3.1.
    pub fn knows_db_roles(&self) -> bool {
        self.since(Version::new(14, 3, 1))
    }

    /// Whether a one-time code is taken where every session needs a second factor: by 14, no longer by 18. Where between the
    /// two that ended is not established.
    ///
    /// Source: auth-api.md 2.8; recorded of both.
    pub fn takes_codes_in_sessions(&self) -> Option<bool> {
        match self.version?.major {
            ..=14 => Some(true),
            18.. => Some(false),
            _ => None,
        }
    }

    /// Whether users are provisioned on Amazon Redshift: 14.1.3. Unknown versions count as new.
    ///
    /// Source: db-service.md 3.15; Teleport's guide to Redshift provisioning.
    pub fn provisions_redshift(&self) -> bool {
        self.since(Version::new(14, 1, 3))
    }

    /// Whether a refusal of a leaf's user speaks of the mapped user name: 14.3.4. Unknown versions count as new.
    ///
    /// Source: db-service.md 1.10; release notes of Teleport 14.3.4.
    pub fn names_mapped_user(&self) -> bool {
        self.since(Version::new(14, 3, 4))
    }

    /// Whether connections are upgraded to WebSockets: 15.1. Unknown versions count as new; which it is shows in the answer.
    ///
    /// Source: transport.md 5.2, 5.3.
    pub fn upgrades_to_websockets(&self) -> bool {
        self.since(Version::new(15, 1, 0))
    }

    fn since(&self, first: Version) -> bool {
        self.version.is_none_or(|version| version >= first)
    }
}

/// Whether a refusal of a login means that the public key stood in a field that the server does not know: `Some(true)` when it
/// is the older one that it wants. Such a login is not repeated: its one-time code is used up.
///
/// Source: login.md 7.3 (a 500 of 14, a 400 of 18).
pub fn wants_other_key_field(refusal: &str) -> Option<bool> {
    match refusal {
        "ssh: no key found" => Some(true),
        "'ssh_pub_key' or 'tls_pub_key' must be set" => Some(false),
        _ => None,
    }
}

#[cfg(all(test, feature = "cluster-core"))]
mod fourteen_tests;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_for_the_key_follows_the_major_version() {
        for (version, fields) in [
            ("14.0.0-dev", KeyFields::Single),
            ("14.1.3", KeyFields::Single),
            ("15.4.10", KeyFields::Single),
            ("16.4.7", KeyFields::Single),
            ("17.0.0-alpha.1", KeyFields::Split),
            ("17.0.0", KeyFields::Split),
            ("18.3.0", KeyFields::Split),
            ("19.0.0", KeyFields::Split),
            ("", KeyFields::Unknown),
            ("garbage", KeyFields::Unknown),
        ] {
            let server = Server::of(version);
            assert_eq!(server.key_fields(), fields, "{version}");
            assert_eq!(
                server.single_key_field(),
                fields == KeyFields::Single,
                "{version}"
            );
        }
    }

    #[test]
    fn abilities_begin_with_their_release() {
        let knows = |version: &str| {
            let server = Server::of(version);
            (
                server.provisions_redshift(),
                server.knows_db_roles(),
                server.names_mapped_user(),
            )
        };
        assert_eq!(knows("14.0.0-dev"), (false, false, false));
        assert_eq!(knows("14.1.2"), (false, false, false));
        assert_eq!(knows("14.1.3"), (true, false, false));
        assert_eq!(knows("14.3.0"), (true, false, false));
        assert_eq!(knows("14.3.1"), (true, true, false));
        assert_eq!(knows("14.3.4"), (true, true, true));
        assert_eq!(knows("15.0.0"), (true, true, true));
        assert_eq!(knows("18.3.0"), (true, true, true));
        assert_eq!(knows(""), (true, true, true));
    }

    #[test]
    fn one_time_codes_in_sessions_are_known_at_both_ends() {
        let takes = |version: &str| Server::of(version).takes_codes_in_sessions();
        assert_eq!(
            (takes("14.0.0-dev"), takes("18.3.0")),
            (Some(true), Some(false))
        );
        assert_eq!((takes("16.4.7"), takes("")), (None, None));
    }

    #[test]
    fn ages() {
        for (version, age) in [
            ("13.4.17", Age::TooOld),
            ("14.0.0-dev", Age::TooOld),
            ("14.1.2", Age::TooOld),
            ("14.1.3", Age::Older),
            ("17.7.0", Age::Older),
            ("18.0.0-rc.1", Age::Same),
            ("18.9.9", Age::Same),
            ("19.0.0-alpha", Age::Newer),
            ("x", Age::Unknown),
        ] {
            assert_eq!(Server::of(version).age(), age, "{version}");
        }
    }
}
