//! Every recorded listing, with its documents loaded as files and its databases asked for over the wire: what a client makes
//! of the answers equals what the recorded one printed. Dynamic labels come from commands that print their recorded value.

use std::collections::BTreeMap;

use axum::Router;
use prost::Message;
use serde_json::{Value, json};

use super::{call, router};
use crate::cluster::labels::Labels;
use crate::cluster::testing::TestCluster;
use crate::db::listing::{AllowedUsers, Row};
use crate::proto::auth as pb;
use crate::proto::auth::paginated_resource::Resource;
use crate::proto::teleport::users::v1::{GetUserRequest, GetUserResponse};
use crate::proto::types;
use crate::rbac::order::sort_roles;
use crate::rbac::{AccessChecker, Database, Role};

/// The recorded cases by the databases that existed meanwhile.
fn batches() -> BTreeMap<String, Vec<Value>> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/rbac/cases");
    let mut batches: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for entry in std::fs::read_dir(directory).expect("recordings") {
        let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("a recording");
        let case: Value = serde_json::from_str(&text).expect("JSON");
        batches
            .entry(case["databases"].to_string())
            .or_default()
            .push(case);
    }
    batches
}

/// The documents of a batch as an operator would write them.
fn documents(cases: &[Value]) -> String {
    let mut documents = Vec::new();
    for database in cases[0]["databases"].as_array().expect("databases") {
        let mut spec = json!({
            "protocol": database["protocol"],
            "uri": database.get("uri").cloned().unwrap_or_else(|| "localhost:5432".into()),
        });
        for key in ["admin_user", "aws", "gcp", "azure"] {
            if let Some(value) = database.get(key) {
                spec[key] = value.clone();
            }
        }
        for (label, result) in database["dynamic_labels"].as_object().into_iter().flatten() {
            spec["dynamic_labels"][label] = json!({"period": "1h", "command": ["echo", result]});
        }
        let metadata = json!({"name": database["name"], "labels": database["labels"],
            "description": database["description"].as_str().unwrap_or_default()});
        documents.push(json!({"kind": "db", "version": "v3", "metadata": metadata, "spec": spec}));
    }
    for case in cases {
        documents.extend(case["roles"].as_array().expect("roles").iter().cloned());
        let user = &case["user"];
        documents.push(
            json!({"kind": "user", "version": "v2", "metadata": {"name": user["name"]},
            "spec": {"roles": user["roles"], "traits": user["traits"]}}),
        );
    }
    let texts: Vec<String> = documents.iter().map(Value::to_string).collect();
    texts.join("\n---\n")
}

/// All pages of the list, small ones, or the text of the refusal.
async fn list(router: &Router) -> Result<Vec<Database>, String> {
    let (mut databases, mut start_key) = (Vec::new(), String::new());
    for page in 0.. {
        assert!(page < 20, "the list has an end");
        let request = pb::ListResourcesRequest {
            resource_type: "db_server".to_owned(),
            namespace: "default".to_owned(),
            limit: 2,
            start_key,
            ..Default::default()
        };
        let method = "/proto.AuthService/ListResources";
        let answer = call(router, method, &request.encode_to_vec(), None).await;
        // Clients show the code of errors without a type.
        match answer.code {
            0 => {}
            2 => {
                return Err(format!(
                    "rpc error: code = Unknown desc = {}",
                    answer.message
                ));
            }
            _ => return Err(answer.message),
        }
        let list = pb::ListResourcesResponse::decode(&answer.messages[0][..]).expect("a list");
        for resource in list.resources {
            let Some(Resource::DatabaseServer(server)) = resource.resource else {
                panic!("not a database")
            };
            let database = server.spec.and_then(|s| s.database).expect("a database");
            databases.push(Database::from(&database));
        }
        start_key = list.next_key;
        if start_key.is_empty() {
            break;
        }
    }
    Ok(databases)
}

/// What the client decides with: its user and roles as the cluster tells them.
async fn checker(router: &Router) -> AccessChecker {
    let answer = call(router, "/proto.AuthService/GetCurrentUserRoles", &[], None).await;
    let mut roles: Vec<Role> = answer
        .messages
        .iter()
        .map(|m| Role::from(&types::RoleV6::decode(&m[..]).expect("a role")))
        .collect();
    sort_roles(&mut roles);
    let request = GetUserRequest {
        current_user: true,
        ..Default::default()
    };
    let method = "/teleport.users.v1.UsersService/GetUser";
    let answer = call(router, method, &request.encode_to_vec(), None).await;
    let user = GetUserResponse::decode(&answer.messages[0][..])
        .expect("an answer")
        .user
        .expect("a user");
    let traits = user
        .spec
        .and_then(|s| s.traits)
        .unwrap_or_default()
        .values
        .into_iter()
        .map(|(name, values)| (name, values.values))
        .collect();
    let name = user.metadata.expect("metadata").name;
    AccessChecker::new(&name, false, roles, &traits).expect("a checker")
}

fn row(row: &Row) -> Value {
    let (allowed, denied, auto) = match &row.users {
        AllowedUsers::Known {
            allowed,
            denied,
            auto,
        } => (allowed.clone(), denied.clone(), *auto),
        AllowedUsers::Unknown | AllowedUsers::NoRoles => Default::default(),
    };
    json!({"name": row.database.name, "listed": true, "allowed_users": allowed, "denied_users": denied, "auto_provisioned": auto,
        "allowed_roles": row.roles, "users_cell": row.users_cell(), "roles_cell": row.roles_cell()})
}

#[tokio::test]
async fn every_recorded_listing_comes_out_of_its_documents() {
    let mut compared = 0;
    for cases in batches().values() {
        let cluster = TestCluster::new("rbroot", &documents(cases), &[], true);
        let labels = Labels::start(&cluster.state).await;
        let kinds: BTreeMap<String, &str> = cluster
            .state
            .documents()
            .databases
            .values()
            .map(|d| (d.name.clone(), d.kind().name()))
            .collect();
        for database in cases[0]["databases"].as_array().expect("databases") {
            assert_eq!(
                kinds[database["name"].as_str().expect("a name")],
                database["type"]
            );
        }
        for case in cases {
            let name = case["name"].as_str().expect("a name");
            let router = router(&cluster, case["user"]["name"].as_str().expect("a user"));
            let expected = &case["expected"];
            match (list(&router).await, expected["list_error"].as_str()) {
                (Err(text), Some(recorded)) => assert_eq!(text, recorded, "{name}"),
                (Ok(databases), None) => {
                    let checker = checker(&router).await;
                    let have: Vec<Value> = databases
                        .iter()
                        .map(|d| row(&Row::new(d, Some(&checker))))
                        .collect();
                    let want: Vec<Value> = expected["databases"]
                        .as_array()
                        .expect("databases")
                        .iter()
                        .filter(|d| d["listed"] == true)
                        .cloned()
                        .collect();
                    assert_eq!(have, want, "{name}");
                }
                (have, want) => panic!("{name}: have {have:?}, recorded failure {want:?}"),
            }
            compared += 1;
        }
        labels.stop().await;
    }
    assert_eq!(compared, 444);
}
