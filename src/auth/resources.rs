//! The list of databases.
//!
//! Source: auth-api.md 2.4 (call, paging, predicates), 5.2 (servers to databases).

use std::collections::BTreeMap;

use super::{ApiError, Caller, Fault};
use crate::compat::Version;
use crate::proto::auth::paginated_resource::Resource;
use crate::proto::auth::{ListResourcesRequest, ListResourcesResponse};
use crate::proto::types::DatabaseV3;

/// Most items asked for at once; what a server gives at most.
const PAGE: i32 = 1000;

/// Which databases are wanted. Everything is evaluated by the server; empty parts do not filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListFilter {
    /// Labels that must be present with exactly these values.
    pub labels: BTreeMap<String, String>,
    /// Words of which each must occur in a name, description, label, protocol or type.
    pub search: Vec<String>,
    /// A predicate expression.
    pub query: String,
}

impl ListFilter {
    /// Whether everything is wanted.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.search.is_empty() && self.query.is_empty()
    }

    /// The request for one page from `start_key` on.
    pub fn request(&self, limit: i32, start_key: &str) -> ListResourcesRequest {
        ListResourcesRequest {
            resource_type: "db_server".to_owned(),
            namespace: "default".to_owned(),
            limit,
            start_key: start_key.to_owned(),
            labels: self.labels.clone().into_iter().collect(),
            search_keywords: self.search.clone(),
            predicate_expression: self.query.clone(),
            ..Default::default()
        }
    }
}

/// What a database of the list becomes, page by page.
pub trait Listed: From<DatabaseV3> {
    /// Takes the version of its database service, as announced; of the oldest when several serve it.
    fn served_by(&mut self, version: &str);
}

/// The databases that match, each once, sorted by name, as whatever the caller needs them: each page is turned into that
/// before the next one comes, so that a long list is never held twice.
///
/// # Errors
/// [`Fault::Query`] for a wrong predicate; else as any call.
pub async fn databases<T: Listed>(
    caller: &Caller,
    filter: &ListFilter,
) -> Result<Vec<T>, ApiError> {
    let mut client = caller.auth();
    let mut pages = Pages::default();
    while let Some((limit, key)) = pages.next() {
        match client.list_resources(filter.request(limit, &key)).await {
            Ok(answer) => pages.take(answer.into_inner()),
            Err(status) => pages.failed(caller.error(&status))?,
        }
    }
    Ok(pages.databases())
}

/// A database as one of its services announced it.
#[derive(Debug)]
struct One<T> {
    name: String,
    version: String,
    database: T,
}

/// Where a listing in several pages stands.
#[derive(Debug)]
struct Pages<T> {
    limit: i32,
    /// Start of the next page; `None` at the end.
    key: Option<String>,
    /// As they came.
    found: Vec<One<T>>,
}

impl<T> Default for Pages<T> {
    fn default() -> Self {
        Self {
            limit: PAGE,
            key: Some(String::new()),
            found: Vec::new(),
        }
    }
}

impl<T: Listed> Pages<T> {
    /// Limit and start of the page to ask for next.
    fn next(&self) -> Option<(i32, String)> {
        self.key.clone().map(|key| (self.limit, key))
    }

    fn take(&mut self, page: ListResourcesResponse) {
        // An empty page ends the list whatever its key says; a key that does not move would go on for ever.
        let same = self.key.as_deref() == Some(&page.next_key);
        self.key = (!page.next_key.is_empty() && !page.resources.is_empty() && !same)
            .then_some(page.next_key);
        for resource in page.resources {
            let Some(Resource::DatabaseServer(server)) = resource.resource else {
                continue;
            };
            let Some(spec) = server.spec else { continue };
            if let Some(database) = spec.database {
                let name = database.metadata.as_ref().map_or("", |meta| &meta.name);
                self.found.push(One {
                    name: name.to_owned(),
                    version: spec.version,
                    database: database.into(),
                });
            }
        }
    }

    /// A page that is too large is asked for again at half the size, which then stays.
    fn failed(&mut self, err: ApiError) -> Result<(), ApiError> {
        if err.fault != Fault::TooLarge {
            return Err(err);
        }
        self.limit /= 2;
        if self.limit == 0 {
            return Err(ApiError {
                text: format!("one database is too large to retrieve: {}", err.text),
                ..err
            });
        }
        Ok(())
    }

    /// Several agents may carry one database; the first copy received counts, and of the versions the oldest: a session may
    /// come to any of them.
    fn databases(mut self) -> Vec<T> {
        // Clusters send each agent's in order: hardly anything is left to do.
        self.found.sort_by(|a, b| a.name.cmp(&b.name));
        self.found.dedup_by(|later, first| {
            let same = later.name == first.name;
            if same && Version::older(&first.version, &later.version) != first.version {
                std::mem::swap(&mut first.version, &mut later.version);
            }
            same
        });
        let found = self.found.into_iter();
        found
            .map(|mut one| {
                one.database.served_by(&one.version);
                one.database
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use tonic::{Code, Status};

    use super::*;
    use crate::auth::recorded::recorded;
    use crate::proto::auth::PaginatedResource;
    use crate::proto::types::{DatabaseServerSpecV3, DatabaseServerV3, Metadata};

    /// With the service's version in place of the description.
    impl Listed for DatabaseV3 {
        fn served_by(&mut self, version: &str) {
            if let Some(metadata) = &mut self.metadata {
                version.clone_into(&mut metadata.description);
            }
        }
    }

    fn page(names: &[&str], next_key: &str) -> ListResourcesResponse {
        let resources = names
            .iter()
            .map(|name| PaginatedResource {
                resource: Some(Resource::DatabaseServer(DatabaseServerV3 {
                    spec: Some(DatabaseServerSpecV3 {
                        version: next_key.to_owned(),
                        database: Some(DatabaseV3 {
                            metadata: Some(Metadata {
                                name: (*name).to_owned(),
                                ..Default::default()
                            }),
                            ..Default::default()
                        }),
                        ..Default::default()
                    }),
                    ..Default::default()
                })),
                ..Default::default()
            })
            .collect();
        ListResourcesResponse {
            resources,
            next_key: next_key.to_owned(),
            total_count: 0,
        }
    }

    fn name(db: &DatabaseV3) -> &str {
        db.metadata.as_ref().map_or("", |meta| &meta.name)
    }

    fn names(databases: &[DatabaseV3]) -> Vec<&str> {
        databases.iter().map(name).collect()
    }

    fn overflow() -> ApiError {
        ApiError::new(
            "root",
            &Status::new(Code::OutOfRange, "decoded message length too large"),
            None,
        )
    }

    #[test]
    fn requests_equal_the_recorded_ones() {
        let all = ListFilter::default();
        assert_eq!(all.request(1000, ""), recorded("list-root.request.binpb"));
        assert_eq!(all.request(2, ""), recorded("list-limit-2.request.binpb"));
        let labels = BTreeMap::from([("env".to_owned(), "dev".to_owned())]);
        let by_label = ListFilter {
            labels,
            ..Default::default()
        };
        assert_eq!(
            by_label.request(1000, ""),
            recorded("list-by-label.request.binpb")
        );
        let by_query = ListFilter {
            query: "name == \"app\"".to_owned(),
            ..Default::default()
        };
        assert_eq!(
            by_query.request(1000, ""),
            recorded("list-by-name.request.binpb")
        );
        let by_word = ListFilter {
            search: vec!["shared".to_owned()],
            ..Default::default()
        };
        let mut got = by_word.request(1000, "");
        let want: ListResourcesRequest = recorded("list-search.request.binpb");
        got.search_keywords.clone_from(&want.search_keywords);
        assert_eq!(got, want);
        assert!(!want.search_keywords.is_empty());
    }

    #[test]
    fn recorded_lists_are_read() {
        let mut pages = Pages::<DatabaseV3>::default();
        pages.take(recorded("list-root.response.binpb"));
        assert_eq!(pages.next(), None);
        assert_eq!(
            names(&pages.databases()),
            ["app", "dead", "orders", "scratch"]
        );
        let mut pages = Pages::<DatabaseV3>::default();
        let first: ListResourcesResponse = recorded("list-limit-2.response.binpb");
        let next = first.next_key.clone();
        pages.take(first);
        assert!(next.ends_with("/orders"), "{next}");
        assert_eq!(pages.next(), Some((1000, next)));
        let mut pages = Pages::<DatabaseV3>::default();
        pages.take(recorded("list-leaf.response.binpb"));
        assert_eq!(names(&pages.databases()), ["leaf-app", "leaf-orders"]);
    }

    #[test]
    fn several_servers_of_one_database_are_one_and_the_list_is_sorted() {
        let mut pages = Pages::<DatabaseV3>::default();
        pages.take(page(&["b", "a"], "x"));
        pages.take(page(&["c", "a"], ""));
        assert_eq!(names(&pages.databases()), ["a", "b", "c"]);
    }

    #[test]
    fn of_several_services_the_oldest_version_counts() {
        let mut pages = Pages::<DatabaseV3>::default();
        for version in ["18.3.0", "14.3.0", "", "15.0.0"] {
            pages.take(page(&["a"], version));
        }
        let databases = pages.databases();
        let versions: Vec<&str> = databases
            .iter()
            .map(|db| db.metadata.as_ref().map_or("", |meta| &meta.description))
            .collect();
        assert_eq!(versions, ["14.3.0"]);
    }

    #[test]
    fn an_oversized_page_is_halved_and_stays_so() {
        let mut pages = Pages::<DatabaseV3>::default();
        pages.failed(overflow()).expect("half is tried");
        assert_eq!(pages.next(), Some((500, String::new())));
        pages.take(page(&["a"], "k"));
        assert_eq!(pages.next(), Some((500, "k".to_owned())));
        let err = loop {
            if let Err(err) = pages.failed(overflow()) {
                break err;
            }
        };
        assert!(
            err.text
                .starts_with("one database is too large to retrieve"),
            "{err}"
        );
    }

    #[test]
    fn a_list_ends_even_when_the_server_does_not_end_it() {
        let mut pages = Pages::<DatabaseV3>::default();
        pages.take(page(&["a"], "k"));
        pages.take(page(&["b"], "k"));
        assert_eq!(pages.next(), None);
        let mut pages = Pages::<DatabaseV3>::default();
        pages.take(page(&[], "k"));
        assert_eq!(pages.next(), None);
    }
}
