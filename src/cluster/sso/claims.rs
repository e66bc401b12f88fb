//! Claims as a cluster reads them: traits, roles, and the name of the user (rbac.md 4, 8.2).

use serde_json::{Map, Value};

use crate::identity::Traits;
use crate::rbac::pattern::Pattern;

/// One line of `claims_to_roles`: who has this value in that claim has these roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Name of the claim.
    pub claim: String,
    /// A value, a glob, or a Go regular expression written `^…$`.
    pub value: String,
    /// Roles, in which `$1` and the like stand for groups of the value.
    pub roles: Vec<String>,
}

/// Claims as traits: texts and lists of texts; others are no traits.
#[must_use]
pub fn traits(claims: &Map<String, Value>) -> Traits {
    let values = |value: &Value| match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(items) => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned))
            .collect(),
        _ => None,
    };
    claims
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), values(value)?)))
        .collect()
}

/// The roles that somebody with these traits has, each once, in the order of the lines. A line whose pattern does not compile
/// gives none; documents with such lines are refused.
#[must_use]
pub fn roles(mappings: &[Mapping], traits: &Traits) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for mapping in mappings {
        let (Ok(pattern), Some(values)) =
            (Pattern::regex(&mapping.value), traits.get(&mapping.claim))
        else {
            continue;
        };
        let roles = values.iter().flat_map(|value| {
            mapping
                .roles
                .iter()
                .filter_map(|role| pattern.replace_all(value, role))
        });
        for role in roles {
            if !role.is_empty() && !found.contains(&role) {
                found.push(role);
            }
        }
    }
    found
}

/// Why claims name nobody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NobodyError {
    /// The claim with the name is missing, or no text.
    #[error("the provider sends no claim {0:?}, which is to be the user name")]
    NoName(String),
    /// The provider itself does not believe the address.
    #[error("email not verified by provider")]
    Unverified,
    /// The name is none that a user can have.
    #[error("the claim {claim:?} is {name:?}: {why}")]
    BadName {
        /// The claim.
        claim: String,
        /// Its value.
        name: String,
        /// What is wrong with it.
        why: String,
    },
}

/// The name of the user: the claim `name_claim`, or `email` when that is empty. An address that the provider says nobody has
/// shown to be theirs is refused unless `unverified` is right too.
///
/// # Errors
/// [`NobodyError`].
pub fn user_name(
    claims: &Map<String, Value>,
    name_claim: &str,
    unverified: bool,
) -> Result<String, NobodyError> {
    let claim = if name_claim.is_empty() {
        "email"
    } else {
        name_claim
    };
    let refuted = match claims.get("email_verified") {
        Some(Value::Bool(verified)) => !verified,
        // As some providers write it.
        Some(Value::String(verified)) => verified != "true",
        _ => false,
    };
    if refuted && !unverified {
        return Err(NobodyError::Unverified);
    }
    let name = claims
        .get(claim)
        .and_then(Value::as_str)
        .filter(|name| !name.is_empty())
        .ok_or_else(|| NobodyError::NoName(claim.to_owned()))?;
    crate::cluster::documents::user::check_name(name).map_err(|why| NobodyError::BadName {
        claim: claim.to_owned(),
        name: name.chars().take(100).collect(),
        why,
    })?;
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }

    fn mapping(claim: &str, value: &str, roles: &[&str]) -> Mapping {
        Mapping {
            claim: claim.to_owned(),
            value: value.to_owned(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        }
    }

    #[test]
    fn texts_and_lists_of_texts_are_traits() {
        let claims = map(json!({
            "sub": "1", "groups": ["dba", "dev"], "none": [], "email_verified": true, "exp": 5, "mixed": ["a", 1],
            "address": {"country": "x"}, "nothing": null,
        }));
        let expected: Traits = [
            ("sub".to_owned(), vec!["1".to_owned()]),
            (
                "groups".to_owned(),
                vec!["dba".to_owned(), "dev".to_owned()],
            ),
            ("none".to_owned(), vec![]),
        ]
        .into();
        assert_eq!(traits(&claims), expected);
    }

    #[test]
    fn values_globs_and_expressions_give_roles() {
        let traits: Traits = [
            (
                "groups".to_owned(),
                ["pg-admin", "pg-read", "staff", "a.b"]
                    .map(str::to_owned)
                    .into(),
            ),
            ("email".to_owned(), vec!["kim@corp.test".to_owned()]),
        ]
        .into();
        for (lines, expected) in [
            (
                vec![mapping("groups", "staff", &["dev", "dev", "ops"])],
                &["dev", "ops"][..],
            ),
            // rbac.md 14.3, C12 to C14, and 14.5, G4 and G5: the same rules as for role maps.
            (
                vec![mapping("groups", "^pg-(.*)$", &["db-$1"])],
                &["db-admin", "db-read"],
            ),
            (
                vec![mapping("groups", "pg-*", &["db-$1"])],
                &["db-admin", "db-read"],
            ),
            (vec![mapping("groups", "^pg-(.*)$", &["$1_x", "$2"])], &[]),
            (
                vec![mapping("groups", "^pg-(.*)$", &["${1}_x"])],
                &["admin_x", "read_x"],
            ),
            (
                vec![
                    mapping("groups", "aXb", &["x"]),
                    mapping("groups", "pg", &["y"]),
                ],
                &[],
            ),
            (vec![mapping("groups", "a.b", &["x"])], &["x"]),
            (
                vec![
                    mapping("email", "*@corp.test", &["access"]),
                    mapping("nosuch", "*", &["x"]),
                ],
                &["access"],
            ),
            (vec![mapping("groups", "^($", &["x"])], &[]),
            (
                vec![
                    mapping("email", "*", &["b"]),
                    mapping("groups", "staff", &["a", "b"]),
                ],
                &["b", "a"],
            ),
        ] {
            assert_eq!(roles(&lines, &traits), expected, "{lines:?}");
        }
    }

    #[test]
    fn who_somebody_is() {
        let claims =
            map(json!({"email": "kim@corp.test", "nick": "kim", "number": 7, "bad": "kim kim"}));
        assert_eq!(
            user_name(&claims, "", false).as_deref(),
            Ok("kim@corp.test")
        );
        assert_eq!(user_name(&claims, "nick", false).as_deref(), Ok("kim"));
        for missing in ["nosuch", "number"] {
            assert_eq!(
                user_name(&claims, missing, false),
                Err(NobodyError::NoName(missing.to_owned()))
            );
        }
        assert!(matches!(
            user_name(&claims, "bad", false),
            Err(NobodyError::BadName { .. })
        ));
        for (verified, ok) in [
            (json!(false), false),
            (json!("false"), false),
            (json!(true), true),
            (json!("true"), true),
        ] {
            let mut claims = claims.clone();
            claims.insert("email_verified".to_owned(), verified);
            assert_eq!(user_name(&claims, "", false).is_ok(), ok, "{claims:?}");
            assert!(user_name(&claims, "", true).is_ok());
        }
    }
}
