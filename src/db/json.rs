//! `db ls --format json`: one element for each database, with keys where tsh puts them (db-client.md 13.3, 13.7).

use serde::Serialize;

use super::listing::{AllowedUsers, Row};
use crate::rbac::database::Document;

/// One element of the array.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Element {
    /// The database resource.
    #[serde(flatten)]
    pub resource: Document,
    /// Allowed and denied users; absent when the roles are not known or none is assigned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<Users>,
    /// Database roles of the automatic user; absent when there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub database_roles: Vec<String>,
}

/// Allowed and denied users; each list is absent when empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Users {
    /// Allowed ones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<String>,
    /// Denied ones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub denied: Vec<String>,
}

impl From<&Row> for Element {
    fn from(row: &Row) -> Self {
        let users = match &row.users {
            AllowedUsers::Unknown | AllowedUsers::NoRoles => None,
            AllowedUsers::Known {
                allowed, denied, ..
            } => Some(Users {
                allowed: allowed.clone(),
                denied: denied.clone(),
            }),
        };
        Self {
            resource: row.database.to_document(),
            users,
            database_roles: row.roles.clone(),
        }
    }
}

/// All elements of a listing; each is made when it is written.
#[must_use]
pub fn elements(rows: &[Row]) -> Elements<'_> {
    Elements(rows)
}

/// See [`elements`].
#[derive(Clone, Copy, Debug)]
pub struct Elements<'r>(&'r [Row]);

impl Serialize for Elements<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Element::from))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::rbac::{AccessChecker, Database, Role, Traits};

    /// What tsh printed, below the line that starts its standard output.
    fn recorded(text: &str) -> Vec<Value> {
        let start = text
            .find("--- stdout")
            .expect("a recording of standard output");
        let body = &text[text[start..].find('\n').expect("a line end") + start..];
        let end = body.find("\n--- ").unwrap_or(body.len());
        serde_json::from_str(&body[..end]).expect("the JSON that tsh printed")
    }

    fn role(spec: &Value) -> Role {
        let document =
            json!({"kind": "role", "version": "v7", "metadata": {"name": "r"}, "spec": spec});
        Role::from_document(&document).unwrap()
    }

    /// Prints the recorded databases again, as seen by a user for whom the roles yield what was recorded.
    fn compare(text: &str, user: &str) {
        let recorded = recorded(text);
        assert!(!recorded.is_empty());
        for expected in recorded {
            let database = Database::from_document(&expected).unwrap();
            let strings = |v: &Value| {
                v.as_array()
                    .map(|a| {
                        a.iter()
                            .map(|s| s.as_str().unwrap().to_owned())
                            .collect::<Vec<_>>()
                    })
                    .unwrap_or_default()
            };
            let (allowed, roles) = (
                strings(&expected["users"]["allowed"]),
                strings(&expected["database_roles"]),
            );
            let denied = strings(&expected["users"]["denied"]);
            let auto = allowed == [user];
            let spec = json!({
                "options": {"create_db_user_mode": if auto { "keep" } else { "off" }},
                "allow": {"db_labels": {"*": "*"}, "db_roles": roles, "db_users": if auto { vec![] } else { allowed }},
                "deny": {"db_users": denied},
            });
            let checker = AccessChecker::new(
                user,
                user.starts_with("remote-"),
                vec![role(&spec)],
                &Traits::new(),
            )
            .unwrap();
            let printed =
                serde_json::to_value(Element::from(&Row::new(&database, Some(&checker)))).unwrap();
            assert_eq!(printed, expected, "{}", database.name);
        }
    }

    #[test]
    fn as_tsh_prints_it() {
        compare(
            include_str!("../../tests/data/tsh-cli/db-ls-json.txt"),
            "dbc-dana",
        );
        compare(
            include_str!("../../tests/data/tsh-cli/db-ls-leaf-json.txt"),
            "remote-dbc-dana-root",
        );
        compare(
            include_str!("../../tests/data/tsh-cli/db-ls-wildcard-user-json.txt"),
            "wildcard",
        );
    }

    #[test]
    fn keys_in_the_order_of_tsh() {
        let text =
            serde_json::to_string(&Element::from(&Row::new(&Database::default(), None))).unwrap();
        let places: Vec<_> = [
            "\"kind\"",
            "\"version\"",
            "\"metadata\"",
            "\"spec\"",
            "\"status\"",
        ]
        .iter()
        .map(|k| text.find(k))
        .collect();
        assert!(places.is_sorted() && places[0].is_some(), "{text}");
        assert!(!text.contains("\"users\""));
    }
}
