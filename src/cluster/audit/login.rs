//! The event of a login: `user.login`.

use serde::ser::{Serialize, Serializer};
use serde_json::{Value, json};

use super::event::{Fields, instant};
use crate::cluster::random;

/// A login that was tried.
#[derive(Clone, Debug, Default)]
pub struct Login {
    /// The user; empty where that was not found out.
    pub user: String,
    /// Whether somebody else vouched for the person, and the claims: texts and lists of texts. `None` for users of the cluster.
    pub attributes: Option<Value>,
    /// Why it was refused.
    pub error: Option<String>,
    /// What the client calls itself; empty when it says nothing.
    pub user_agent: String,
    /// Where the client's connection comes from.
    pub peer: String,
}

/// A login and when it was.
#[derive(Debug)]
pub(super) struct LoginEvent {
    pub(super) login: Login,
    pub(super) cluster: String,
    /// Unix milliseconds.
    pub(super) time: i64,
}

impl LoginEvent {
    /// Bytes it takes while it waits, roughly.
    pub(super) fn weight(&self) -> usize {
        let Login {
            user,
            attributes,
            error,
            user_agent,
            peer,
        } = &self.login;
        let claims = attributes
            .as_ref()
            .map_or(0, |claims| claims.to_string().len());
        let texts = user.len() + user_agent.len() + peer.len() + self.cluster.len();
        size_of::<Self>() + texts + claims + error.as_ref().map_or(0, String::len)
    }
}

impl Serialize for LoginEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let login = &self.login;
        let mut fields = Fields::default();
        fields.put("ei", 0);
        fields.put("event", "user.login");
        fields.put("uid", random::uuid().unwrap_or_default());
        let sso = login.attributes.is_some();
        let code = match (sso, login.error.is_none()) {
            (false, true) => "T1000I",
            (false, false) => "T1000W",
            (true, true) => "T1001I",
            (true, false) => "T1001W",
        };
        fields.put("code", code);
        fields.put("time", instant(self.time));
        fields.put("cluster_name", self.cluster.as_str());
        fields.put_text("user", &login.user);
        if login.error.is_none() {
            fields.put("required_private_key_policy", "none");
            if !sso {
                fields.put("user_origin", 1);
            }
        }
        fields.status(login.error.as_deref());
        fields.put("method", if sso { "oidc" } else { "local" });
        if let Some(claims) = login
            .attributes
            .as_ref()
            .filter(|claims| **claims != json!({}))
        {
            fields.put("attributes", claims.clone());
        }
        fields.put_text("user_agent", &login.user_agent);
        fields.put_text("addr.remote", &login.peer);
        fields.serialize(serializer)
    }
}
