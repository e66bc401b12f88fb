//! `kind: user` (db-service.md 4.3).

use serde_json::Value;

use super::strings;
use crate::identity::Traits;

/// A user as a document describes it; secrets are kept elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// The name, also of the automatically provisioned database user.
    pub name: String,
    /// Names of roles, as written.
    pub roles: Vec<String>,
    /// Values for templates in roles.
    pub traits: Traits,
}

impl User {
    /// Reads the `spec` of a document.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_spec(name: &str, spec: &Value) -> Result<Self, String> {
        check_name(name)?;
        let roles = strings(&spec["roles"]).ok_or("spec.roles must be a list of names")?;
        if roles.is_empty() {
            return Err("a user needs at least one role".to_owned());
        }
        let mut traits = Traits::new();
        match &spec["traits"] {
            Value::Null => {}
            Value::Object(map) => {
                for (key, value) in map {
                    let values = strings(value)
                        .ok_or_else(|| format!("trait {key:?} must be a list of texts"))?;
                    traits.insert(key.clone(), values);
                }
            }
            _ => return Err("spec.traits must be an object of lists".to_owned()),
        }
        Ok(Self {
            name: name.to_owned(),
            roles,
            traits,
        })
    }
}

/// Letters, digits and a few signs; e-mail addresses are the normal case (login.md).
///
/// # Errors
/// A text that says so.
pub fn check_name(name: &str) -> Result<(), String> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "@_:.-+".contains(c);
    if name.is_empty() || !name.chars().all(legal) {
        return Err("a user name has letters, digits and @ _ : . - + only".to_owned());
    }
    Ok(())
}
