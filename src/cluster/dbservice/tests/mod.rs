//! The service in front of a real PostgreSQL server; every state is read past the service, by a superuser.

mod admins;
mod audit;
mod cuts;
mod ends;
mod load;
mod modes;
mod names;
mod passing;
mod passwords;
mod protocol;
mod rds;
mod recovery;
mod refusals;
mod sharing;

use std::sync::Arc;

use super::DbService;
use super::testpg::{TestCatalog, TestPg};

/// A service of another cluster, which `pg` does not trust, nor the other way round.
fn stranger(pg: &TestPg) -> Arc<DbService> {
    DbService::new(Arc::new(TestCatalog::new(pg).with_other_authorities()))
}
