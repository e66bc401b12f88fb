//! Failures of choosing a database and of getting a certificate for it.

use super::{CliError, Kind};
use crate::auth::mfa::Factors;
use crate::cli::output::shell_word;
use crate::db::defaults::Options;
use crate::db::{ChoiceError, SelectError};
use crate::flow::credential::IssueError;
use crate::flow::target::TargetError;
use crate::hop::Hop;
use crate::proxy::known_errors::PER_SESSION_MFA_HINT;
use crate::rbac::AccessError;
use crate::transport::clock;

/// What to do where roles would be ignored.
const ROLES_CAME: &str =
    "--db-roles came with Teleport 14.3.1; leave it out to connect with all of them";

impl From<TargetError> for CliError {
    fn from(error: TargetError) -> Self {
        let message = error.to_string();
        match error {
            TargetError::Select { error, .. } => select(message, &error),
            TargetError::NoneUsable { .. } => Self::new(Kind::NotFound, message)
                .hint("postern db ls -v shows what there is and what you may do there"),
            TargetError::Protocol { .. } => {
                Self::new(Kind::Failed, message).hint("use tsh for this one")
            }
            TargetError::Choice(error) => choice(&message, &error),
            TargetError::RolesWithoutProvisioning { database } => Self::new(Kind::Denied, message)
                .at(Hop::Database(database))
                .hint(
                    "leave --db-roles out here; postern db ls -v shows where roles can be chosen",
                ),
            TargetError::RolesIgnored { database, .. } => Self::new(Kind::Failed, message)
                .at(Hop::Database(database))
                .hint(ROLES_CAME),
            TargetError::NameTooLong { .. } => Self::new(Kind::Denied, message)
                .hint("ask the cluster's administrator for a role with db_users"),
            TargetError::SecondFactor { database } => {
                second_factor(message, Hop::Database(database), None, None)
            }
        }
    }
}

fn select(message: String, error: &SelectError) -> CliError {
    match error {
        SelectError::Ambiguous { candidates, .. } => {
            CliError::new(Kind::Ambiguous, message).hint(format!(
                "name one, e.g. postern db connect {}",
                candidates
                    .first()
                    .map_or("NAME".into(), |name| shell_word(name))
            ))
        }
        SelectError::NotFound { .. } | SelectError::Nothing(_) => {
            CliError::new(Kind::NotFound, message)
                .hint("postern db ls shows the databases there are")
        }
        SelectError::Query(_) => CliError::new(Kind::Usage, message),
    }
}

fn choice(message: &str, error: &ChoiceError) -> CliError {
    let denied = |database: &str| {
        CliError::new(Kind::Denied, message).at(Hop::Database(database.to_owned()))
    };
    match error {
        ChoiceError::Undecided {
            database,
            users,
            names,
        } => {
            let flag = |flag: &str, options: Option<&Options>| {
                let first =
                    options.map(|options| options.allowed.first().map_or("NAME", String::as_str));
                first.map_or_else(String::new, |first| {
                    format!(" {flag} {}", shell_word(first))
                })
            };
            CliError::new(Kind::Usage, message).hint(format!(
                "e.g. postern db connect {}{}{}",
                shell_word(database),
                flag("--db-user", users.as_deref()),
                flag("--db-name", names.as_deref())
            ))
        }
        ChoiceError::RoleRefused {
            database, allowed, ..
        } if allowed.is_empty() => denied(database).hint(format!(
            "your roles allow no database role on {database}; leave --db-roles out"
        )),
        ChoiceError::RoleRefused {
            database, allowed, ..
        } => denied(database).hint(format!(
            "allowed: --db-roles {}",
            shell_word(&allowed.join(","))
        )),
        ChoiceError::AutoUser { database, user, .. }
        | ChoiceError::MappedUser { database, user, .. } => denied(database).hint(format!(
            "leave --db-user out: postern db connect {} takes {user} by itself",
            shell_word(database)
        )),
        ChoiceError::Access(AccessError::DeviceRequired) => {
            CliError::new(Kind::SecondFactor, message)
                .hint("only an enrolled device may connect; tsh on such a device can")
        }
        ChoiceError::Access(_) => {
            CliError::new(Kind::Denied, message).hint("postern db ls -v shows what you may do")
        }
        ChoiceError::NoUser { database }
        | ChoiceError::NoName { database }
        | ChoiceError::CannotProvision { database, .. } => {
            denied(database).hint("ask the cluster's administrator")
        }
        ChoiceError::UserRefused { database, .. }
        | ChoiceError::NameRefused { database, .. }
        | ChoiceError::PairRefused { database, .. } => {
            denied(database).hint("postern db ls -v shows the users and names you may use")
        }
    }
}

impl From<IssueError> for CliError {
    fn from(error: IssueError) -> Self {
        let (message, hop) = (error.to_string(), error.hop());
        match error {
            IssueError::Api(err) => err.into(),
            IssueError::SecondFactor { factors, codes, .. } => {
                second_factor(message, hop, factors, codes)
            }
            IssueError::RolesUnknown { .. } => Self::new(Kind::Failed, message)
                .at(hop)
                .hint(ROLES_CAME)
                .hint("if the cluster was upgraded since: postern login --force"),
            IssueError::Expired { .. } => Self::new(Kind::Unreachable, message)
                .at(hop)
                .hint(clock::SET_IT),
            IssueError::Different { .. } | IssueError::Unreadable { .. } | IssueError::Key(_) => {
                Self::new(Kind::Failed, message).at(hop)
            }
        }
    }
}

/// The same advice as through a tunnel, after what the user has.
fn second_factor(
    message: String,
    hop: Hop,
    factors: Option<Factors>,
    codes: Option<bool>,
) -> CliError {
    let error = CliError::new(Kind::SecondFactor, message)
        .at(hop)
        .hint(PER_SESSION_MFA_HINT);
    match factors {
        Some(Factors {
            security_key: true, ..
        }) => error.hint("you have a security key registered: tsh can use it"),
        Some(Factors {
            otp: true,
            sso: false,
            ..
        }) => error.hint(match codes {
            Some(true) => "you have one-time codes: tsh can use one here",
            Some(false) => {
                "you have one-time codes only: register a security key first, e.g. with tsh mfa add"
            }
            None => {
                "you have one-time codes only: if tsh cannot use one here, register a security key first, e.g. with tsh mfa add"
            }
        }),
        Some(Factors {
            otp: false,
            security_key: false,
            sso: false,
        }) => error.hint("you have no second factor registered: tsh mfa add registers one"),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_has_its_code_and_says_what_would_work() {
        let of = |error: ChoiceError| CliError::from(TargetError::from(error));
        let orders = || "orders".to_owned();
        let allowed = vec!["reader".to_owned(), "writer".to_owned()];
        let role = of(ChoiceError::RoleRefused {
            database: orders(),
            role: "owner".to_owned(),
            allowed,
        });
        assert_eq!(
            (role.kind, role.hints),
            (
                Kind::Denied,
                vec!["allowed: --db-roles reader,writer".to_owned()]
            )
        );
        assert!(
            role.message
                .starts_with("access to database role \"owner\" denied")
        );
        let (user, given) = ("remote-alice-root".to_owned(), "alice".to_owned());
        let mapped = of(ChoiceError::MappedUser {
            database: orders(),
            user,
            given,
        });
        assert!(
            mapped
                .message
                .contains("use your mapped remote username \"remote-alice-root\""),
            "{}",
            mapped.message
        );
        assert_eq!(mapped.kind, Kind::Denied);
        let users = Some(Box::new(Options {
            allowed: vec!["app".to_owned(), "ro".to_owned()],
            ..Options::default()
        }));
        let open = of(ChoiceError::Undecided {
            database: orders(),
            users,
            names: None,
        });
        assert_eq!(
            (open.kind, open.hints),
            (
                Kind::Usage,
                vec!["e.g. postern db connect orders --db-user app".to_owned()]
            )
        );
    }

    #[test]
    fn several_databases_and_unknown_ones() {
        let of = |error| {
            CliError::from(TargetError::Select {
                error,
                cluster: None,
            })
        };
        let candidates = vec!["a".to_owned(), "b".to_owned()];
        let error = of(SelectError::Ambiguous {
            name: None,
            candidates,
        });
        assert_eq!(error.kind, Kind::Ambiguous);
        assert!(error.message.ends_with(": a, b"), "{}", error.message);
        let error = of(SelectError::NotFound {
            name: "ordrs".to_owned(),
            nearest: vec!["orders".to_owned()],
        });
        assert_eq!(error.kind, Kind::NotFound);
        assert!(
            error.message.contains("did you mean \"orders\"?"),
            "{}",
            error.message
        );
    }

    #[test]
    fn a_second_factor_names_what_works() {
        let error = CliError::from(TargetError::SecondFactor {
            database: "vault".to_owned(),
        });
        assert_eq!(error.kind, Kind::SecondFactor);
        assert_eq!(error.hints, [PER_SESSION_MFA_HINT]);
        let factors = Some(Factors {
            otp: true,
            ..Factors::default()
        });
        for (codes, hint) in [
            (Some(true), "tsh can use one here"),
            (Some(false), "one-time codes only: register"),
            (None, "if tsh cannot use one here"),
        ] {
            let error = CliError::from(IssueError::SecondFactor {
                database: "vault".to_owned(),
                factors,
                codes,
            });
            assert_eq!(error.kind, Kind::SecondFactor);
            assert!(error.hints[1].contains(hint), "{error:?}");
        }
    }
}
