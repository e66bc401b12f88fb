//! Single sign-on by OpenID Connect: somebody else vouches for a person, in a browser (login.md 6).
//!
//! | file | holds |
//! |---|---|
//! | `document` | the connector: `kind: oidc` |
//! | `start`, `finish` | both ends of a login: where the browser is sent, and what it brings back |
//! | `requests` | logins that are on their way |
//! | `redirect`, `seal` | the address of the client, and the answer that only it can open |
//! | `provider`, `http` | what is asked of the identity provider |
//! | `token`, `signature` | whether an ID token is what it says |
//! | `claims` | claims as traits, roles and the name of a user |
//! | `users` | who has logged in so, for as long as the login lasts |

pub mod claims;
pub mod document;
pub mod finish;
mod http;
mod provider;
pub mod redirect;
mod requests;
mod seal;
mod signature;
pub mod start;
#[cfg(test)]
mod tests;
mod token;
pub mod users;

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::store::{Store, StoreError};
pub use document::Connector;
use provider::Providers;
use requests::Requests;
use users::Users;

/// Logins that ask their provider at the same time; each holds some answers of at most 1 MiB.
const ASKING: usize = 16;

/// What a cluster keeps about single sign-ons.
#[derive(Debug)]
pub struct Sso {
    providers: Providers,
    requests: Requests,
    users: Users,
    asking: Semaphore,
}

impl Sso {
    /// Reads who is logged in from the state.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn open(store: Arc<Store>) -> Result<Self, StoreError> {
        signature::install();
        Ok(Self {
            providers: Providers::default(),
            requests: Requests::default(),
            users: Users::open(store)?,
            asking: Semaphore::new(ASKING),
        })
    }

    /// Who has logged in so.
    #[must_use]
    pub fn users(&self) -> &Users {
        &self.users
    }
}
