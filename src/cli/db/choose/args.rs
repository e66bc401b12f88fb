//! What is typed to choose a database.

use clap::Args;

use crate::auth::resources::ListFilter;
use crate::cli::{CliError, Cx, Kind};
use crate::db::Wish;
use crate::flow::session::Session;
use crate::flow::target;
use crate::profile::certs::KeptWish;
use crate::rbac::filter::{parse_keywords, parse_labels};

/// Which databases are meant.
#[derive(Args, Clone, Debug, Default)]
pub struct FilterArgs {
    /// Only databases in which every word occurs: in the name, description, labels, protocol or type
    #[arg(long, value_name = "WORDS")]
    pub search: Vec<String>,

    /// Only databases for which this expression holds, e.g. 'labels["env"] == "dev"'
    #[arg(long, value_name = "EXPRESSION")]
    pub query: Option<String>,
}

impl FilterArgs {
    /// What to ask the cluster for; `labels` are of the form `env=dev,team=a`.
    ///
    /// # Errors
    /// [`Kind::Usage`] for labels that are none.
    pub fn filter(&self, labels: &[String]) -> Result<ListFilter, CliError> {
        let mut filter = ListFilter {
            search: self
                .search
                .iter()
                .flat_map(|words| parse_keywords(words))
                .collect(),
            query: self.query.clone().unwrap_or_default(),
            ..ListFilter::default()
        };
        for text in labels {
            let labels = parse_labels(text).map_err(|err| {
                CliError::new(Kind::Usage, err.to_string())
                    .hint("labels look like this: env=dev,team=payments")
            })?;
            filter.labels.extend(labels);
        }
        Ok(filter)
    }
}

/// What to connect to.
#[derive(Args, Clone, Debug, Default)]
pub struct TargetArgs {
    /// Name of the database, or how it begins; without it, the only one you may use, else a choice
    #[arg(value_name = "NAME")]
    pub name: Option<String>,

    /// Database user; not needed where users are provisioned automatically
    #[arg(short = 'u', long, value_name = "USER")]
    pub db_user: Option<String>,

    /// Database name
    #[arg(short = 'n', long, value_name = "NAME")]
    pub db_name: Option<String>,

    /// Database roles for an automatically provisioned user, separated by commas; without it, all you may have
    #[arg(short = 'r', long, value_name = "ROLE,ROLE")]
    pub db_roles: Vec<String>,

    /// Only databases with these labels, e.g. env=dev,team=a
    #[arg(long, value_name = "KEY=VALUE")]
    pub labels: Vec<String>,

    /// There is always a tunnel; tsh has it
    #[arg(long, hide = true)]
    pub tunnel: bool,

    /// Access is never requested by itself; tsh has it
    #[arg(long, hide = true)]
    pub disable_access_request: bool,

    /// There are no requests that could have a reason; tsh has it
    #[arg(long, hide = true, value_name = "TEXT")]
    pub request_reason: Option<String>,

    /// Which databases come into question.
    #[command(flatten)]
    pub filter: FilterArgs,
}

impl TargetArgs {
    /// What is wished of user, name and roles.
    ///
    /// # Errors
    /// [`Kind::Usage`] for roles that are none.
    pub(in crate::cli::db) fn wish(&self) -> Result<Wish, CliError> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let roles = target::roles(&self.db_roles);
        if roles.is_empty() && !self.db_roles.is_empty() {
            return Err(CliError::new(Kind::Usage, "--db-roles names no role").hint(
                "leave it out for all your database roles, or name some: --db-roles reader,writer",
            ));
        }
        Ok(Wish {
            user: given(&self.db_user),
            name: given(&self.db_name),
            roles,
        })
    }

    /// What was typed, when the name may be a whole one and nothing narrows the choice: then the same words lead to the same
    /// target, and may be answered without a list.
    ///
    /// # Errors
    /// [`Kind::Usage`].
    pub fn words(&self, cx: &Cx, session: &Session) -> Result<Option<KeptWish>, CliError> {
        let Some(name) = self.name.as_ref().filter(|name| !name.is_empty()) else {
            return Ok(None);
        };
        if !self.filter.filter(&self.labels)?.is_empty() {
            return Ok(None);
        }
        let wish = self.wish()?;
        Ok(Some(KeptWish {
            cluster: cx.cluster(session).to_owned(),
            database: name.clone(),
            user: wish.user,
            name: wish.name,
            roles: wish.roles,
        }))
    }
}
