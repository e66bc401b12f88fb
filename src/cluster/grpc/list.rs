//! `ListResources` and `ListUnifiedResources`: the databases a caller may see, filtered and in pages (auth-api.md 2.4).
//!
//! A page looks at no more databases than it takes to fill it, so a list of many costs each of them once.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use tonic::{Code, Status};

use super::caller::{Caller, Known};
use super::wire;
use crate::cluster::documents::Documents;
use crate::cluster::state::ClusterState;
use crate::cluster::version::SERVER_VERSION;
use crate::proto::auth as pb;
use crate::proto::auth::paginated_resource::Resource;
use crate::proto::types;
use crate::rbac::filter::{matches_keywords, matches_labels};
use crate::rbac::{AccessChecker, AccessError, Database, MatchError, Predicate};

/// Resources of a page when the caller names no number, and at most.
const PAGE: usize = 1000;
/// Seconds for which a heartbeat of a database counts.
const HEARTBEAT: i64 = 600;
/// Kinds of resources that real clusters page through, and of which this one has none.
const NONE_OF: [&str; 12] = [
    "app_server",
    "app_server_or_saml_idp_service_provider",
    "db_service",
    "git_server",
    "kube_cluster",
    "kube_server",
    "node",
    "saml_idp_service_provider",
    "user_group",
    "windows_desktop",
    "windows_desktop_service",
    "identity_center_account",
];

/// Answers `ListResources`.
pub(super) fn list_resources(
    state: &ClusterState,
    caller: &Caller,
    request: &pb::ListResourcesRequest,
) -> Result<pb::ListResourcesResponse, Status> {
    let known = caller.known(state, || {
        Status::permission_denied("access denied to perform action \"list\" on \"db_server\", access denied to perform action \"read\" on \"db_server\"")
    })?;
    let limit = limit(request.limit)?;
    let kind = request.resource_type.as_str();
    if NONE_OF.contains(&kind) {
        return Ok(pb::ListResourcesResponse::default());
    }
    if kind != "db_server" {
        return Err(Status::unimplemented(format!(
            "resource type {kind} does not support pagination"
        )));
    }
    let documents = state.documents();
    let filter = Filter::new(
        &request.labels,
        &request.search_keywords,
        &request.predicate_expression,
    )?;
    let view = View::new(state, &known, &documents, filter)?;
    let sort = request.sort_by.as_ref().filter(|s| !s.field.is_empty());
    let (page, total) = if sort.is_some() || request.need_total_count {
        let descending = sort.is_some_and(|s| s.is_desc);
        view.page_of_all(&request.start_key, limit, descending)?
    } else {
        (view.page(&request.start_key, limit)?, 0)
    };
    Ok(pb::ListResourcesResponse {
        resources: resources(state, &page),
        next_key: page.next_key,
        total_count: total,
    })
}

/// Answers `ListUnifiedResources`: of all kinds that can be asked for, there are only databases.
pub(super) fn list_unified(
    state: &ClusterState,
    caller: &Caller,
    request: &pb::ListUnifiedResourcesRequest,
) -> Result<pb::ListUnifiedResourcesResponse, Status> {
    let known = caller.known(state, || Status::permission_denied("access denied"))?;
    let limit = limit(request.limit)?;
    if !request.kinds.is_empty() && !request.kinds.iter().any(|k| k == "db" || k == "db_server") {
        return Ok(pb::ListUnifiedResourcesResponse::default());
    }
    let documents = state.documents();
    let filter = Filter::new(
        &request.labels,
        &request.search_keywords,
        &request.predicate_expression,
    )?;
    let view = View::new(state, &known, &documents, filter)?;
    let page = view.page(&request.start_key, limit)?;
    Ok(pb::ListUnifiedResourcesResponse {
        resources: resources(state, &page),
        next_key: page.next_key,
    })
}

fn limit(asked: i32) -> Result<usize, Status> {
    match usize::try_from(asked) {
        Ok(0) => Ok(PAGE),
        Ok(limit) => Ok(limit.min(PAGE)),
        Err(_) => Err(Status::invalid_argument("negative parameter limit")),
    }
}

/// A part of a list and where the next begins; an empty key means that there is none.
struct Page<'d> {
    databases: Vec<&'d Database>,
    next_key: String,
}

/// The databases as one caller sees them.
struct View<'d, 'r> {
    databases: &'d BTreeMap<String, Database>,
    host: &'d str,
    checker: AccessChecker,
    filter: Filter<'r>,
}

impl<'d, 'r> View<'d, 'r> {
    fn new(
        state: &'d ClusterState,
        known: &Known<'_>,
        documents: &'d Documents,
        filter: Filter<'r>,
    ) -> Result<Self, Status> {
        Ok(Self {
            databases: &documents.databases,
            host: state.host_id(),
            checker: known.checker()?,
            filter,
        })
    }

    /// What orders the list: host and name.
    fn key(&self, name: &str) -> String {
        format!("{}/{name}", self.host)
    }

    fn shows(&self, database: &Database) -> Result<bool, Status> {
        let visible = self.checker.can_list(database).map_err(|e| broken(&e))?;
        Ok(visible && self.filter.holds(database)?)
    }

    /// As [`View::page`], of the whole list, whose length is the second value. By host and name, whatever field is named:
    /// there is one host, and by every other field of theirs databases are shown by name.
    fn page_of_all(
        &self,
        start_key: &str,
        limit: usize,
        descending: bool,
    ) -> Result<(Page<'d>, i32), Status> {
        let mut all = Vec::new();
        for database in self.databases.values() {
            if self.shows(database)? {
                all.push(database);
            }
        }
        if descending {
            all.reverse();
        }
        let begins = |database: &&Database| {
            let key = self.key(&database.name);
            if descending {
                start_key.is_empty() || key.as_str() <= start_key
            } else {
                key.as_str() >= start_key
            }
        };
        let rest = &all[all.iter().position(begins).unwrap_or(all.len())..];
        let page = Page {
            databases: rest.iter().take(limit).copied().collect(),
            next_key: rest
                .get(limit)
                .map(|d| self.key(&d.name))
                .unwrap_or_default(),
        };
        Ok((page, i32::try_from(all.len()).unwrap_or(i32::MAX)))
    }

    /// At most `limit` databases from `start_key` on. The next page begins with the first candidate that was not looked at,
    /// whether the caller sees it or not (auth-api.md 2.4.1).
    fn page(&self, start_key: &str, limit: usize) -> Result<Page<'d>, Status> {
        let mut page = Page {
            databases: Vec::new(),
            next_key: String::new(),
        };
        for (name, database) in self.databases.range::<str, _>(self.from(start_key)) {
            if page.databases.len() == limit {
                page.next_key = self.key(name);
                break;
            }
            if self.shows(database)? {
                page.databases.push(database);
            }
        }
        Ok(page)
    }

    /// The names whose keys are not before `start_key`.
    fn from<'k>(&self, start_key: &'k str) -> (Bound<&'k str>, Bound<&'k str>) {
        let from = match start_key
            .strip_prefix(self.host)
            .and_then(|rest| rest.strip_prefix('/'))
        {
            Some(name) => Bound::Included(name),
            None if start_key <= self.host => Bound::Unbounded,
            // Behind the only host: nothing.
            None => return (Bound::Included(""), Bound::Excluded("")),
        };
        (from, Bound::Unbounded)
    }
}

struct Filter<'a> {
    labels: BTreeMap<String, String>,
    keywords: &'a [String],
    predicate: Option<Predicate>,
}

impl<'a> Filter<'a> {
    fn new(
        labels: &HashMap<String, String>,
        keywords: &'a [String],
        predicate: &str,
    ) -> Result<Self, Status> {
        let predicate = if predicate.is_empty() {
            None
        } else {
            Some(Predicate::parse(predicate).map_err(|e| wrong(&e))?)
        };
        Ok(Self {
            labels: labels.clone().into_iter().collect(),
            keywords,
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

/// A broken label matcher of a role: it makes the whole list fail, with the codes of a predicate's mistakes.
fn broken(error: &AccessError) -> Status {
    match error {
        AccessError::Match(error) | AccessError::SilentMatch(error) => match error {
            MatchError::Expression(error) => wrong(error),
            MatchError::Regexp(text) => Status::invalid_argument(text.clone()),
        },
        other => Status::unknown(other.to_string()),
    }
}

fn resources(state: &ClusterState, page: &Page<'_>) -> Vec<pb::PaginatedResource> {
    page.databases.iter().map(|d| resource(state, d)).collect()
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
