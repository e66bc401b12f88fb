//! The service in front of a real PostgreSQL server; every state is read past the service, by a superuser.
//!
//! Eleven defects of Teleport 18.3.0 are recorded; each must not be found here:
//!
//! | # | defect | tests |
//! |---|---|---|
//! | 1 | roles kept, or no end at all, with capitals, dots, digits in the name; with owned objects too | `names` |
//! | 2 | users left enabled after locks, time limits, stops, restarts, killed clients, slow backends | `ends`, `cuts`, `recovery` |
//! | 3 | the statement of a vanished or locked client running on | `ends`, `cuts` |
//! | 4 | `reader,reader` taken for `reader,writer` | `sharing::other_roles_are_refused_while_sessions_are_open` |
//! | 5 | sessions as the admin, the admin as a role, managed superusers | `refusals::powerful_accounts_are_nobodys_session_and_nobodys_role` |
//! | 6 | the record calls a user deleted that is there, a success what left roles | `audit::the_record_says_…` |
//! | 7 | names cut off at 63 bytes | `names::a_name_of_64_bytes_is_refused_before_anything_is_made` |
//! | 8 | "not permitted to log in" with two resources for one server | `sharing::two_resources_for_one_server_do_not_trip_each_other`, `load` |
//! | 9 | errors without severity and SQLSTATE, connections closed without a word | `refusals` (every refusal is read as FATAL with a code), `cuts` |
//! | 10 | `participants` with `remote-` twice | `audit::the_record_says_which_roles_stayed_and_who_took_part` |
//! | 11 | up to a second of waiting for each connection of a user | `load`, `sessions::tests::a_free_lock_is_taken_without_a_pause` |

mod admins;
mod audit;
mod cuts;
mod ends;
mod guide;
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
