//! Role options (rbac.md 1.2, 1.4).

/// Options of a role. Durations are nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleOptions {
    /// Longest session.
    pub max_session_ttl: i64,
    /// Idle time after which a session ends; 0 for never.
    pub client_idle_timeout: i64,
    /// Whether sessions end with their certificate.
    pub disconnect_expired_cert: bool,
    /// Whether the certificate is bound to an address.
    pub pin_source_ip: bool,
    /// Second factor in each session.
    pub require_mfa: RequireMfa,
    /// `""`, `off`, `optional`, `required`, `required-for-humans` or anything else.
    pub device_trust_mode: String,
    /// Legacy switch of automatic users; `None` when absent.
    pub create_db_user: Option<bool>,
    /// Mode of automatic users as written.
    pub create_db_user_mode: CreateUserMode,
    /// Lifetime of a verified second factor; 0 for none.
    pub mfa_verification_interval: i64,
    /// `""`, `optional`, `reason`, `always`.
    pub request_access: String,
    /// Prompt for access requests.
    pub request_prompt: String,
    /// Locking mode.
    pub lock: String,
    /// SSH agent forwarding.
    pub forward_agent: bool,
    /// Format of SSH certificates.
    pub certificate_format: String,
}

impl RoleOptions {
    /// The mode of automatic users that this role asks for (rbac.md 1.4).
    #[must_use]
    pub fn create_user_mode(&self) -> CreateUserMode {
        match (self.create_db_user_mode, self.create_db_user) {
            (CreateUserMode::Unspecified, Some(true)) => CreateUserMode::Keep,
            (CreateUserMode::Unspecified, _) => CreateUserMode::Off,
            (mode, _) => mode,
        }
    }

    /// Whether this role demands a trusted device of a person.
    #[must_use]
    pub fn requires_device(&self) -> bool {
        matches!(
            self.device_trust_mode.as_str(),
            "required" | "required-for-humans"
        )
    }
}

/// Mode of automatic users, in the order of their numbers on the wire: the greatest wins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum CreateUserMode {
    /// Says nothing.
    #[default]
    Unspecified,
    /// No automatic users.
    Off,
    /// Automatic users stay, locked, after the last session.
    Keep,
    /// Automatic users are dropped after the last session, or else locked.
    BestEffortDrop,
    /// A number that this version does not know: counts as enabled, nothing is torn down (rbac.md 16).
    Unknown(i32),
}

impl CreateUserMode {
    /// Whether users are created.
    #[must_use]
    pub fn is_enabled(self) -> bool {
        self > Self::Off
    }

    /// The mode with a number of the wire.
    #[must_use]
    pub fn from_number(number: i32) -> Self {
        match number {
            0 => Self::Unspecified,
            1 => Self::Off,
            2 => Self::Keep,
            3 => Self::BestEffortDrop,
            n if n < 0 => Self::Unspecified,
            n => Self::Unknown(n),
        }
    }

    /// The number on the wire.
    #[must_use]
    pub fn number(self) -> i32 {
        match self {
            Self::Unspecified => 0,
            Self::Off => 1,
            Self::Keep => 2,
            Self::BestEffortDrop => 3,
            Self::Unknown(n) => n,
        }
    }

    /// The word in role documents; empty when unspecified.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unspecified | Self::Unknown(_) => "",
            Self::Off => "off",
            Self::Keep => "keep",
            Self::BestEffortDrop => "best_effort_drop",
        }
    }
}

/// What `require_session_mfa` asks for, by its number on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequireMfa(pub i32);

impl RequireMfa {
    /// No second factor in sessions.
    pub const OFF: Self = Self(0);
    /// A second factor in each session.
    pub const SESSION: Self = Self(1);

    /// Whether a session needs a second factor.
    #[must_use]
    pub fn is_required(self) -> bool {
        self != Self::OFF
    }
}
