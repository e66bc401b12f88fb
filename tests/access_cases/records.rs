//! What the recorded files hold.

use std::collections::BTreeMap;

use postern::rbac::Traits;
use postern::rbac::database::{Aws, Azure, Gcp};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) roles: Vec<Value>,
    pub(super) user: User,
    pub(super) databases: Vec<RecordedDatabase>,
    pub(super) expected: Listing,
    pub(super) checks: Vec<Check>,
}

#[derive(Deserialize)]
pub(super) struct User {
    pub(super) name: String,
    #[serde(default)]
    pub(super) roles: Vec<String>,
    #[serde(default)]
    pub(super) traits: Traits,
}

#[derive(Deserialize)]
pub(super) struct RecordedDatabase {
    pub(super) name: String,
    pub(super) protocol: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) labels: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) dynamic_labels: BTreeMap<String, String>,
    pub(super) admin_user: Option<RecordedAdmin>,
    #[serde(default)]
    pub(super) aws: Aws,
    #[serde(default)]
    pub(super) gcp: Gcp,
    #[serde(default)]
    pub(super) azure: Azure,
    #[serde(default)]
    pub(super) description: String,
    pub(super) uri: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct RecordedAdmin {
    pub(super) name: String,
    #[serde(default)]
    pub(super) default_database: String,
}

#[derive(Deserialize)]
pub(super) struct Listing {
    pub(super) list_error: Option<String>,
    pub(super) databases: Vec<Listed>,
}

#[derive(Deserialize)]
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) listed: bool,
    #[serde(default)]
    pub(super) allowed_users: Vec<String>,
    #[serde(default)]
    pub(super) denied_users: Vec<String>,
    #[serde(default)]
    pub(super) auto_provisioned: bool,
    #[serde(default)]
    pub(super) allowed_roles: Vec<String>,
    pub(super) users_cell: Option<String>,
    pub(super) roles_cell: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Check {
    pub(super) db: String,
    pub(super) db_user: Option<String>,
    pub(super) db_name: Option<String>,
    #[serde(default)]
    pub(super) db_roles: Vec<String>,
    pub(super) allowed: bool,
    pub(super) error_text: Option<String>,
    #[serde(default)]
    pub(super) closed_without_error: bool,
    pub(super) session: Option<Session>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Session {
    pub(super) current_user: String,
    pub(super) granted_roles: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct Leaf {
    pub(super) root_cluster: String,
    pub(super) role_map: Vec<Mapping>,
    pub(super) root_roles: Vec<Value>,
    pub(super) leaf_roles: Vec<Value>,
    pub(super) databases: Vec<RecordedDatabase>,
    pub(super) users: Vec<LeafUser>,
}

#[derive(Deserialize)]
pub(super) struct Mapping {
    pub(super) remote: String,
    pub(super) local: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct LeafUser {
    pub(super) user: User,
    pub(super) certificate: Lists,
    pub(super) expected: Listing,
    pub(super) checks: Vec<Check>,
}

#[derive(Deserialize)]
pub(super) struct Lists {
    pub(super) database_users: Vec<String>,
    pub(super) database_names: Vec<String>,
}
