//! How far the rotation of an authority is, and what that means for who signs.

use std::fmt;
use std::str::FromStr;

use super::CaKind;

/// How far a rotation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// No rotation: there is one authority.
    Standby,
    /// A new authority is made and trusted; the old one signs.
    Init,
    /// The new one signs clients.
    UpdateClients,
    /// The new one signs servers too.
    UpdateServers,
    /// The old one signs again; the new one is still trusted.
    Rollback,
}

/// A name that no phase has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown phase {0:?} of a rotation")]
pub struct UnknownPhase(String);

impl Phase {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Standby,
        Self::Init,
        Self::UpdateClients,
        Self::UpdateServers,
        Self::Rollback,
    ];

    /// Teleport's name: `standby`, `init`, `update_clients`, `update_servers`, `rollback`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standby => "standby",
            Self::Init => "init",
            Self::UpdateClients => "update_clients",
            Self::UpdateServers => "update_servers",
            Self::Rollback => "rollback",
        }
    }

    /// What may follow, the usual way first.
    #[must_use]
    pub fn following(self) -> &'static [Self] {
        match self {
            Self::Standby => &[Self::Init],
            Self::Init => &[Self::UpdateClients, Self::Rollback],
            Self::UpdateClients => &[Self::UpdateServers, Self::Rollback],
            Self::UpdateServers => &[Self::Standby, Self::Rollback],
            Self::Rollback => &[Self::Standby],
        }
    }

    /// Whether the new authority is the one that others are told of first.
    #[must_use]
    pub fn new_leads(self) -> bool {
        matches!(self, Self::UpdateClients | Self::UpdateServers)
    }

    /// Whether the new authority of a kind signs.
    #[must_use]
    pub fn new_signs(self, kind: CaKind) -> bool {
        match kind {
            CaKind::User | CaKind::DbClient => self.new_leads(),
            CaKind::Host | CaKind::Db => self == Self::UpdateServers,
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Phase {
    type Err = UnknownPhase;

    fn from_str(name: &str) -> Result<Self, UnknownPhase> {
        Self::ALL
            .into_iter()
            .find(|phase| phase.as_str() == name)
            .ok_or_else(|| UnknownPhase(name.to_owned()))
    }
}

/// The names under which a kind's certificate and its SSH key are kept.
#[must_use]
pub fn kept_as(kind: CaKind) -> &'static [&'static str] {
    match kind {
        CaKind::Host => &["host", "ssh_host"],
        CaKind::User => &["user", "ssh_user"],
        CaKind::Db => &["db"],
        CaKind::DbClient => &["db_client"],
    }
}
