//! `ListResources`: the databases a caller may see, filtered and in pages (auth-api.md 2.4).

use std::collections::BTreeMap;

use tonic::{Code, Status};

use super::caller::Caller;
use super::wire;
use crate::cluster::state::{ClusterState, SERVER_VERSION};
use crate::proto::auth as pb;
use crate::proto::auth::paginated_resource::Resource;
use crate::proto::types;
use crate::rbac::filter::{matches_keywords, matches_labels};
use crate::rbac::{Database, Predicate};

/// Resources of a page when the caller names no number, and at most.
const PAGE: usize = 1000;
/// Seconds for which a heartbeat of a database counts.
const HEARTBEAT: i64 = 600;

/// Answers the call.
pub(super) fn list_resources(
    state: &ClusterState,
    caller: &Caller,
    request: &pb::ListResourcesRequest,
) -> Result<pb::ListResourcesResponse, Status> {
    let known = caller.known(state, || {
        Status::permission_denied("access denied to perform action \"list\" on \"db_server\", access denied to perform action \"read\" on \"db_server\"")
    })?;
    let limit = match usize::try_from(request.limit) {
        Ok(0) => PAGE,
        Ok(limit) => limit.min(PAGE),
        Err(_) => return Err(Status::invalid_argument("negative parameter limit")),
    };
    if request.resource_type != "db_server" {
        return Err(Status::unimplemented(format!(
            "resource type {} does not support pagination",
            request.resource_type
        )));
    }
    let checker = known.checker()?;
    let filter = Filter::new(request)?;
    let documents = state.documents();
    let mut visible = Vec::new();
    for database in documents.databases.values() {
        if checker
            .can_list(database)
            .map_err(|e| Status::unknown(e.to_string()))?
            && filter.holds(database)?
        {
            visible.push(database);
        }
    }
    // By host and name; there is one host, and the documents are in the order of their names.
    let sorted = request.sort_by.as_ref().filter(|s| !s.field.is_empty());
    if sorted.is_some_and(|s| s.is_desc) {
        visible.reverse();
    }
    let whole = sorted.is_some() || request.need_total_count;
    let total_count = if whole {
        i32::try_from(visible.len()).unwrap_or(i32::MAX)
    } else {
        0
    };
    let key = |database: &Database| format!("{}/{}", state.host_id(), database.name);
    let begin = visible.iter().position(|d| {
        let key = key(d);
        if sorted.is_some_and(|s| s.is_desc) {
            request.start_key.is_empty() || key <= request.start_key
        } else {
            key >= request.start_key
        }
    });
    let mut rest = visible.into_iter().skip(begin.unwrap_or(usize::MAX));
    let resources = rest
        .by_ref()
        .take(limit)
        .map(|d| resource(state, d))
        .collect();
    let next_key = rest.next().map(key).unwrap_or_default();
    Ok(pb::ListResourcesResponse {
        resources,
        next_key,
        total_count,
    })
}

struct Filter<'a> {
    labels: BTreeMap<String, String>,
    keywords: &'a [String],
    predicate: Option<Predicate>,
}

impl<'a> Filter<'a> {
    fn new(request: &'a pb::ListResourcesRequest) -> Result<Self, Status> {
        let text = &request.predicate_expression;
        let predicate = if text.is_empty() {
            None
        } else {
            Some(Predicate::parse(text).map_err(|e| wrong(&e))?)
        };
        let labels = request
            .labels
            .iter()
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        Ok(Self {
            labels,
            keywords: &request.search_keywords,
            predicate,
        })
    }

    fn holds(&self, database: &Database) -> Result<bool, Status> {
        if !matches_labels(database, &self.labels) || !matches_keywords(database, self.keywords) {
            return Ok(false);
        }
        self.predicate
            .as_ref()
            .map_or(Ok(true), |p| p.matches(database))
            .map_err(|e| wrong(&e))
    }
}

/// A mistake in the predicate: syntax errors have another code than the rest (auth-api.md 2.4).
fn wrong(error: &crate::rbac::expr::ExprError) -> Status {
    Status::new(
        if error.is_untyped() {
            Code::Unknown
        } else {
            Code::InvalidArgument
        },
        error.to_string(),
    )
}

fn resource(state: &ClusterState, database: &Database) -> pb::PaginatedResource {
    let server = types::DatabaseServerV3 {
        kind: "db_server".to_owned(),
        version: "v3".to_owned(),
        metadata: Some(types::Metadata {
            name: database.name.clone(),
            namespace: "default".to_owned(),
            expires: Some(prost_types::Timestamp {
                seconds: state.now() + HEARTBEAT,
                nanos: 0,
            }),
            ..types::Metadata::default()
        }),
        spec: Some(types::DatabaseServerSpecV3 {
            version: SERVER_VERSION.to_owned(),
            hostname: format!("{}-node", state.name()),
            host_id: state.host_id().to_owned(),
            database: Some(wire::database(database)),
            ..types::DatabaseServerSpecV3::default()
        }),
        status: Some(types::DatabaseServerStatusV3 {
            target_health: Some(types::TargetHealth {
                address: database.uri.clone(),
                protocol: "tcp".to_owned(),
                status: "unknown".to_owned(),
                transition_reason: "disabled".to_owned(),
                ..types::TargetHealth::default()
            }),
        }),
        ..types::DatabaseServerV3::default()
    };
    pb::PaginatedResource {
        resource: Some(Resource::DatabaseServer(server)),
        ..pb::PaginatedResource::default()
    }
}
