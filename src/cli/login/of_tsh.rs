//! What `tsh login` takes and this login does not: each says what to use instead (db-client.md 1.3).

use clap::Args;

use crate::cli::output::shell_word;
use crate::cli::{CliError, Cx, Kind};
use crate::profile::Profile;

/// Arguments of `tsh login`.
#[derive(Args, Debug, Default)]
pub struct OfTsh {
    #[arg(value_name = "CLUSTER", hide = true)]
    to: Option<String>,
    #[arg(short = 'o', long, hide = true, value_name = "FILE")]
    out: Option<String>,
    #[arg(long, hide = true)]
    overwrite: bool,
    #[arg(long, hide = true, value_name = "ROLES")]
    request_roles: Option<String>,
    #[arg(long, hide = true, value_name = "TEXT")]
    request_reason: Option<String>,
    #[arg(long, hide = true, value_name = "USERS")]
    request_reviewers: Option<String>,
    #[arg(long, hide = true)]
    request_nowait: bool,
    #[arg(long, hide = true, value_name = "ID")]
    request_id: Option<String>,
    #[arg(long, hide = true, value_name = "NAME")]
    kube_cluster: Option<String>,
    #[arg(long, hide = true, value_name = "SCOPE")]
    scope: Option<String>,
    #[arg(short, long, hide = true)]
    verbose: bool,
}

impl OfTsh {
    /// Refuses what would have to do something else than log in.
    ///
    /// # Errors
    /// [`Kind::Usage`].
    pub(super) fn check(&self, cx: &mut Cx) -> Result<(), CliError> {
        let refuse = |flag: &str, hint: &str| {
            CliError::new(Kind::Usage, format!("login {flag} is not supported")).hint(hint)
        };
        if self.out.is_some() || self.overwrite {
            return Err(refuse(
                "--out",
                "identity files are made by tsh login --out, tctl auth sign and tbot; postern takes them: -i FILE",
            ));
        }
        // "no" is tsh's word for none.
        let roles = self.request_roles.as_ref().filter(|roles| *roles != "no");
        if roles.is_some() || self.request_id.is_some() || self.request_reviewers.is_some() {
            return Err(refuse(
                "with an access request",
                "request it by tsh, then take that login over: tsh login --request-id ID; postern login --from-tsh",
            ));
        }
        if self.scope.is_some() {
            return Err(refuse("--scope", "leave it out, or log in by tsh"));
        }
        for (flag, given) in [
            ("--kube-cluster", self.kube_cluster.is_some()),
            ("--request-reason", self.request_reason.is_some()),
            ("--request-nowait", self.request_nowait),
        ] {
            if given {
                cx.ui.status(&format!(
                    "note: {flag} does nothing here: it is not about databases"
                ));
            }
        }
        Ok(())
    }

    /// A login is always to the root cluster, and that is what commands mean afterwards.
    pub(super) fn tell_cluster(&self, cx: &mut Cx, profile: &Profile) {
        if let Some(to) = self.to.as_ref().filter(|to| **to != profile.cluster) {
            let to = shell_word(to);
            cx.ui.warn(&format!(
                "commands still mean cluster {}; for {to}: export POSTERN_CLUSTER={to}, or --cluster {to} with each",
                profile.cluster
            ));
        }
    }
}
