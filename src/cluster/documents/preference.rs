//! The settings of a whole cluster: `cluster_auth_preference` and `cluster_networking_config` (db-service.md 4.4, 4.5).

use serde_json::Value;

/// Seconds of a login session when neither user nor cluster says otherwise.
pub const DEFAULT_SESSION_SECONDS: i64 = 12 * 3600;

/// What holds for every user and session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preference {
    /// How people log in who say nothing else.
    pub way: Way,
    /// Whether users of the cluster itself may log in.
    pub local_auth: bool,
    /// Whether a one-time code is asked for.
    pub second_factor: bool,
    /// Seconds of a login session when the user names no other.
    pub session_seconds: i64,
    /// Whether sessions end with the certificate they began with.
    pub disconnect_expired_cert: bool,
    /// Seconds without a byte from the client after which a session ends; 0 for never. Roles may ask for less.
    pub client_idle_seconds: i64,
}

/// A way to log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// With the password of a user of this cluster.
    Local,
    /// Through an OIDC connector; the first one by name when it is empty.
    Oidc(String),
}

impl Default for Preference {
    fn default() -> Self {
        Self {
            way: Way::Local,
            local_auth: true,
            second_factor: true,
            session_seconds: DEFAULT_SESSION_SECONDS,
            disconnect_expired_cert: false,
            client_idle_seconds: 0,
        }
    }
}

impl Preference {
    /// Takes over what a `cluster_auth_preference` says.
    pub(in crate::cluster) fn authentication(&mut self, spec: &Value) -> Result<(), String> {
        match (&spec["second_factors"], &spec["second_factor"]) {
            (Value::Array(factors), _) => {
                self.second_factor = factors.iter().any(|f| f.as_str() == Some("otp"));
            }
            (_, Value::Null) => {}
            (_, Value::Bool(on)) => self.second_factor = *on,
            (_, Value::String(word)) => {
                self.second_factor = match word.as_str() {
                    "off" => false,
                    "otp" | "on" | "" => true,
                    other => {
                        return Err(format!(
                            "second_factor {other:?} is not supported; use otp or off"
                        ));
                    }
                };
            }
            _ => return Err("second_factor is otp or off".to_owned()),
        }
        if let Some(seconds) = duration("default_session_ttl", &spec["default_session_ttl"])? {
            if seconds == 0 {
                return Err("default_session_ttl must be longer than nothing".to_owned());
            }
            self.session_seconds = seconds;
        }
        match &spec["disconnect_expired_cert"] {
            Value::Null => {}
            Value::Bool(on) => self.disconnect_expired_cert = *on,
            _ => return Err("disconnect_expired_cert is true or false".to_owned()),
        }
        match &spec["allow_local_auth"] {
            Value::Null => {}
            Value::Bool(on) => self.local_auth = *on,
            _ => return Err("allow_local_auth is true or false".to_owned()),
        }
        match spec["type"].as_str() {
            None | Some("") => {}
            Some("local") => self.way = Way::Local,
            Some("oidc") => {
                let name = spec["connector_name"].as_str().unwrap_or_default();
                self.way = Way::Oidc(name.to_owned());
            }
            Some(other) => {
                return Err(format!(
                    "type {other:?} is not supported; use local or oidc"
                ));
            }
        }
        Ok(())
    }

    /// Takes over what a `cluster_networking_config` says.
    pub(in crate::cluster) fn networking(&mut self, spec: &Value) -> Result<(), String> {
        if let Some(seconds) = duration("client_idle_timeout", &spec["client_idle_timeout"])? {
            self.client_idle_seconds = seconds;
        }
        Ok(())
    }
}

/// Seconds of a duration such as `8h`, `1h30m` or `never`; `None` where nothing is said.
pub(crate) fn duration(what: &str, value: &Value) -> Result<Option<i64>, String> {
    match value.as_str() {
        None if value.is_null() => Ok(None),
        Some("") => Ok(None),
        Some("never" | "0") => Ok(Some(0)),
        Some(text) => seconds(text)
            .map(Some)
            .ok_or_else(|| format!("{what} {text:?} is no duration such as 12h or 1h30m")),
        None => Err(format!(
            "{what} {value} is no duration such as 12h or 1h30m"
        )),
    }
}

/// Whole seconds of a duration such as `8h`, `1h30m` or `90s`.
fn seconds(text: &str) -> Option<i64> {
    let mut total = 0_i64;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .filter(|n| *n > 0)?;
        let number: i64 = rest[..digits].parse().ok()?;
        let factor = match rest.as_bytes()[digits] {
            b'h' => 3600,
            b'm' => 60,
            b's' => 1,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(factor)?)?;
        rest = &rest[digits + 1..];
    }
    Some(total)
}
