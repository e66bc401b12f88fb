//! Whose IAM identity asks: what AWS's own programs would use, and the role that a document has assumed on top.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use reqsign_aws_v4::{
    AssumeRoleCredentialProvider, AssumeRoleWithWebIdentityCredentialProvider, Credential,
    ECSCredentialProvider, EnvCredentialProvider, IMDSv2CredentialProvider,
    ProcessCredentialProvider, ProfileCredentialProvider, RequestSigner, SSOCredentialProvider,
};
use reqsign_core::time::Timestamp;
use reqsign_core::{
    Context, Env, Error, ErrorKind, ProvideCredential, ProvideCredentialDyn, Signer,
    SigningCredential,
};

use tokio::sync::Mutex;

use super::http::{Files, Http, Programs};
use crate::rbac::Database;

/// Name of the sessions of assumed roles, seen in AWS's own records.
const SESSION_NAME: &str = "postern-cluster";
/// How long an identity must still be valid to be used from memory.
const SPARE: Duration = Duration::from_secs(120);

/// Why there is no identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoIdentity {
    /// No source has one. For each that failed, what it said.
    Nothing(Vec<String>),
    /// A role could not be assumed.
    Role {
        /// Its ARN.
        role: String,
        /// What AWS said.
        why: String,
    },
}

/// A role to assume, and the external identifier it wants (empty for none).
pub(super) type Role = (String, String);

/// The identities of this process.
pub(super) struct Identities {
    context: Context,
    http: Http,
    base: Base,
    /// By the roles assumed one after the other; none for the process's own. Locked while one is looked for, so that many
    /// logins at once ask once.
    known: Mutex<HashMap<Vec<Role>, Credential>>,
}

impl std::fmt::Debug for Identities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identities(****)")
    }
}

impl Identities {
    pub(super) fn new(env: Arc<dyn Env>) -> Self {
        let http = Http::new(Arc::clone(&env));
        let context = Context::new()
            .with_env(Shared(env))
            .with_file_read(Files)
            .with_http_send(http.clone())
            .with_command_execute(Programs);
        Self {
            context,
            http,
            base: Base::default(),
            known: Mutex::default(),
        }
    }

    pub(super) fn http(&self) -> &Http {
        &self.http
    }

    pub(super) fn context(&self) -> &Context {
        &self.context
    }

    /// The region of a database: of its document or URI, else of the environment.
    pub(super) fn region(&self, database: &Database) -> Option<String> {
        let stated = [&database.effective_aws().region, &database.aws.region]
            .into_iter()
            .find(|region| !region.is_empty())
            .cloned();
        stated.or_else(|| {
            ["AWS_REGION", "AWS_DEFAULT_REGION"]
                .into_iter()
                .find_map(|name| self.context.env_var(name).filter(|value| !value.is_empty()))
        })
    }

    /// The identity to sign with: the process's own, then each of `roles` assumed by the one before it.
    pub(super) async fn get(&self, roles: &[Role], region: &str) -> Result<Credential, NoIdentity> {
        let soon = Timestamp::now() + SPARE;
        let mut known = self.known.lock().await;
        known.retain(|_, credential| credential.is_valid_at(soon));
        let mut identity = match known.get(&[] as &[Role]) {
            Some(own) => own.clone(),
            None => self.base.load(&self.context).await?,
        };
        known.insert(Vec::new(), identity.clone());
        for (at, role) in roles.iter().enumerate() {
            let chain = &roles[..=at];
            identity = match known.get(chain) {
                Some(assumed) => assumed.clone(),
                None => self.assumed(identity, role, region).await?,
            };
            known.insert(chain.to_vec(), identity.clone());
        }
        Ok(identity)
    }

    async fn assumed(
        &self,
        own: Credential,
        (role, external): &Role,
        region: &str,
    ) -> Result<Credential, NoIdentity> {
        let signer = Signer::new(
            self.context.clone(),
            Given(own),
            RequestSigner::new("sts", region),
        );
        let mut provider = AssumeRoleCredentialProvider::new(role.clone(), signer)
            .with_role_session_name(SESSION_NAME.to_owned())
            .with_region(region.to_owned())
            .with_regional_sts_endpoint();
        if !external.is_empty() {
            provider = provider.with_external_id(external.clone());
        }
        let failed = |why: &str| NoIdentity::Role {
            role: role.clone(),
            why: why.to_owned(),
        };
        provider
            .provide_credential(&self.context)
            .await
            .map_err(|error| failed(&describe(&error)))?
            .ok_or_else(|| failed("no credentials in the answer"))
    }

    /// Forgets all identities: AWS did not accept one.
    pub(super) async fn forget(&self) {
        self.known.lock().await.clear();
    }
}

/// The sources in AWS's order. The library's own chain keeps the errors of sources to itself.
struct Base(
    Vec<(
        &'static str,
        Box<dyn ProvideCredentialDyn<Credential = Credential>>,
    )>,
);

impl Default for Base {
    fn default() -> Self {
        Self(vec![
            ("environment", Box::new(EnvCredentialProvider::new())),
            ("profile", Box::new(ProfileCredentialProvider::new())),
            ("SSO", Box::new(SSOCredentialProvider::default())),
            (
                "web identity",
                Box::new(AssumeRoleWithWebIdentityCredentialProvider::default()),
            ),
            ("process", Box::new(ProcessCredentialProvider::default())),
            ("container", Box::new(ECSCredentialProvider::default())),
            (
                "EC2 metadata",
                Box::new(IMDSv2CredentialProvider::default()),
            ),
        ])
    }
}

impl Base {
    async fn load(&self, context: &Context) -> Result<Credential, NoIdentity> {
        let mut failed = Vec::new();
        for (name, source) in &self.0 {
            match source.provide_credential_dyn(context).await {
                Ok(Some(credential)) => return Ok(credential),
                Ok(None) => {}
                Err(error) => failed.push(format!("{name}: {}", describe(&error))),
            }
        }
        Err(NoIdentity::Nothing(failed))
    }
}

/// The library's message and its cause, without the context lines.
fn describe(error: &Error) -> String {
    use std::error::Error as _;
    let mut text = error
        .to_string()
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned();
    if let Some(cause) = error.source() {
        let cause = cause.to_string();
        text = format!("{text}: {}", cause.lines().next().unwrap_or_default());
    }
    text
}

/// A credential at hand.
#[derive(Debug)]
struct Given(Credential);

impl ProvideCredential for Given {
    type Credential = Credential;

    async fn provide_credential(&self, _: &Context) -> Result<Option<Credential>, Error> {
        if self.0.access_key_id.is_empty() {
            return Err(Error::new(
                ErrorKind::CredentialInvalid,
                "an empty access key",
            ));
        }
        Ok(Some(self.0.clone()))
    }
}

/// The library wants a type of its own for each environment.
#[derive(Debug)]
struct Shared(Arc<dyn Env>);

impl Env for Shared {
    fn var(&self, key: &str) -> Option<String> {
        self.0.var(key)
    }

    fn vars(&self) -> HashMap<String, String> {
        self.0.vars()
    }

    fn home_dir(&self) -> Option<std::path::PathBuf> {
        self.0.home_dir()
    }
}
