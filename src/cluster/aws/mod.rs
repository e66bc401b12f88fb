//! Logins to databases of Amazon: temporary passwords, had by the IAM identity of this process.
//!
//! | file | holds |
//! |---|---|
//! | `identity` | whose IAM identity: environment, profile, SSO, web identity, process, ECS, EC2; a role assumed on top |
//! | `http` | HTTPS to AWS with the system's roots; endpoints of the environment |
//! | `redshift` | `GetClusterCredentials`: the request, its answer, its refusals |
//! | `rds` | the token for RDS and Aurora, made here |
//! | `trust` | the authorities that sign Amazon's database servers |
//! | `memory` | logins kept until shortly before they expire |
//! | `texts` | what a user and an administrator are told |
//!
//! Source: db-service.md 2.5 and 6.1. Admin account and users log in the same way. No secret is logged or printed.

mod http;
mod identity;
mod memory;
mod problem;
mod rds;
mod redshift;
#[cfg(test)]
mod tests;
mod texts;
mod trust;

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
pub use reqsign_core::{Env, OsEnv, StaticEnv};

use self::identity::{Identities, Role};
use self::memory::{Kept, Memory};
use self::trust::Trust;
use super::dbservice::{Credential, PasswordError, Passwords};
use crate::rbac::{Database, DatabaseKind};

/// Logins to databases of Amazon. One for each cluster.
#[derive(Debug)]
pub struct Aws {
    identities: Identities,
    logins: Memory,
    trust: Trust,
}

impl Aws {
    /// Takes the variables of the process: `AWS_ACCESS_KEY_ID`, `AWS_PROFILE`, `AWS_REGION`, `AWS_ENDPOINT_URL_REDSHIFT`
    /// and all the others that AWS's own programs know. Nothing is read or sent before the first login.
    #[must_use]
    pub fn from_environment() -> Self {
        Self::new(OsEnv)
    }

    /// Takes the variables from `env`, and the home directory too.
    #[must_use]
    pub fn new(env: impl Env) -> Self {
        let identities = Identities::new(Arc::new(env));
        Self {
            trust: Trust::new(identities.http().clone()),
            identities,
            logins: Memory::default(),
        }
    }

    async fn fresh(&self, target: &Target<'_>) -> Result<Kept, PasswordError> {
        match target.kind {
            Kind::Redshift { cluster } => redshift::login(&self.identities, target, cluster)
                .await
                .map_err(|problem| texts::redshift(&problem, target, cluster)),
            Kind::Rds { host, port } => rds::login(&self.identities, target, host, port)
                .await
                .map_err(|problem| texts::rds(&problem, target)),
        }
    }
}

impl Passwords for Aws {
    fn login<'a>(
        &'a self,
        database: &'a Database,
        user: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Credential, PasswordError>> {
        async move {
            let target = Target::new(database, user, name, &self.identities)?;
            let key = target.key();
            self.logins.get(key, memory::now, self.fresh(&target)).await
        }
        .boxed()
    }

    fn forget(&self, database: &Database, user: &str, name: &str) {
        if let Ok(target) = Target::new(database, user, name, &self.identities) {
            self.logins.forget(&target.key());
        }
    }

    fn authorities<'a>(
        &'a self,
        database: &'a Database,
    ) -> BoxFuture<'a, Result<Arc<str>, PasswordError>> {
        async move {
            let region = self.identities.region(database);
            let url = trust::url(database.kind(), &region.unwrap_or_default());
            self.trust.get(&url).await
        }
        .boxed()
    }
}

/// A login somebody wants.
#[derive(Debug)]
struct Target<'a> {
    database: &'a Database,
    user: &'a str,
    name: &'a str,
    region: String,
    kind: Kind<'a>,
    /// ARN of the IAM role that logs in, when the database user is one.
    user_role: Option<String>,
}

/// What it is to.
#[derive(Clone, Copy, Debug)]
enum Kind<'a> {
    /// A Redshift cluster, by its identifier.
    Redshift { cluster: &'a str },
    /// RDS or Aurora, directly or through an RDS proxy.
    Rds { host: &'a str, port: u16 },
}

impl<'a> Target<'a> {
    fn new(
        database: &'a Database,
        user: &'a str,
        name: &'a str,
        identities: &Identities,
    ) -> Result<Self, PasswordError> {
        let kind = match database.kind() {
            DatabaseKind::Redshift => Kind::Redshift {
                cluster: &database.effective_aws().redshift.cluster_id,
            },
            DatabaseKind::Rds | DatabaseKind::RdsProxy => {
                let (host, port) = database
                    .uri
                    .rsplit_once(':')
                    .and_then(|(host, port)| Some((host, port.parse().ok()?)))
                    .ok_or_else(|| texts::no_port(database))?;
                Kind::Rds { host, port }
            }
            other => return Err(texts::not_served(other)),
        };
        let region = identities
            .region(database)
            .ok_or_else(|| texts::no_region(database))?;
        let user_role = match kind {
            Kind::Redshift { .. } => redshift::role(user, &region, database)?,
            Kind::Rds { .. } => None,
        };
        Ok(Self {
            database,
            user,
            name,
            region,
            kind,
            user_role,
        })
    }

    /// The roles that are assumed one after the other: that of the document, then the database user if it is a role.
    fn roles(&self) -> Vec<Role> {
        let aws = self.database.effective_aws();
        let configured = &self.database.aws;
        let pick =
            |found: &String, given: &String| if found.is_empty() { given } else { found }.clone();
        let role = pick(&aws.assume_role_arn, &configured.assume_role_arn);
        let external = pick(&aws.external_id, &configured.external_id);
        let mut roles = Vec::new();
        if !role.is_empty() {
            roles.push((role, external));
        }
        roles.extend(self.user_role.clone().map(|role| (role, String::new())));
        roles
    }

    /// What one login is known by. The parts cannot run into each other: none holds a NUL.
    fn key(&self) -> String {
        let mut parts: Vec<String> = self
            .roles()
            .into_iter()
            .flat_map(|(role, external)| [role, external])
            .collect();
        let place = match self.kind {
            Kind::Redshift { cluster } => cluster.to_owned(),
            Kind::Rds { host, port } => format!("{host}:{port}"),
        };
        parts.extend([&self.region, &place, self.user, self.name].map(str::to_owned));
        parts.join("\0")
    }
}
