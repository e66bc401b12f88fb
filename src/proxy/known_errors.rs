//! Teleport's own error texts: what each means, where it arose and what to do.
//!
//! Teleport sends them as ErrorResponse with nothing but a message (db-service.md 1.6, db-client.md 12). The texts stay as
//! they are; SQLSTATE, the failing hop (DETAIL) and advice (HINT) are added. SQLSTATEs are ours.

use super::Expected;
use crate::hop::Hop;
use crate::pg::{ErrorResponse, sqlstate};
use crate::quote::quote;

/// What to do when a database asks for a second factor for each session, which this version cannot give yet. Teleport 18 takes
/// only security keys for that, 14 one-time codes too (rbac.md 11, auth-api.md 2.8).
pub const PER_SESSION_MFA_HINT: &str = "this database wants a second factor for every session, which this version cannot \
     give. What works: `tsh db connect` with a security key, with Teleport 14 also with a one-time code; or a role without \
     require_session_mfa";

/// Advice for one error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// SQLSTATE to send.
    pub sqlstate: String,
    /// Where it failed.
    pub hop: Hop,
    /// What to do.
    pub hint: Option<String>,
    /// The text is Teleport's beyond doubt, also when severity and SQLSTATE stand beside it.
    pub certain: bool,
}

/// Where an error of this kind arises.
#[derive(Clone, Copy)]
enum At {
    Proxy,
    Database,
}

/// How a text is recognised.
enum Is {
    Exactly(&'static str),
    /// Beginning and end.
    Around(&'static str, &'static str),
    Starting(&'static str),
    Containing(&'static str),
}

impl Is {
    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Exactly(it) => text == *it,
            Self::Around(head, tail) => text.starts_with(head) && text.ends_with(tail),
            Self::Starting(it) => text.starts_with(it),
            Self::Containing(it) => text.contains(it),
        }
    }
}

struct Known {
    is: Is,
    sqlstate: &'static str,
    at: At,
    hint: fn(&str, &Expected) -> Option<String>,
}

/// First match counts: the inner reason of an activation failure stands before the general case.
const TABLE: &[Known] = &[
    Known {
        is: Is::Starting("please use your Teleport username (\""),
        sqlstate: sqlstate::INVALID_AUTHORIZATION,
        at: At::Database,
        hint: |text, to| Some(use_user(quoted(text).as_deref().unwrap_or(&to.user), to)),
    },
    Known {
        is: Is::Starting("please use your mapped remote username (\""),
        sqlstate: sqlstate::INVALID_AUTHORIZATION,
        at: At::Database,
        hint: |text, to| Some(use_user(quoted(text).as_deref().unwrap_or(&to.user), to)),
    },
    Known {
        is: Is::Starting("access to database role \""),
        sqlstate: sqlstate::INSUFFICIENT_PRIVILEGE,
        at: At::Database,
        hint: |_, to| {
            Some(format!(
                "{} shows the roles you may use; {} without --db-roles uses them all",
                ls(to),
                connect(to, "")
            ))
        },
    },
    Known {
        is: Is::Starting("access to db denied"),
        sqlstate: sqlstate::INVALID_AUTHORIZATION,
        at: At::Database,
        hint: |_, to| {
            Some(format!(
                "{} shows the database users and names you may use",
                ls(to)
            ))
        },
    },
    Known {
        is: Is::Exactly("access to resource requires MFA"),
        sqlstate: sqlstate::INVALID_AUTHORIZATION,
        at: At::Database,
        hint: |_, _| Some(PER_SESSION_MFA_HINT.to_owned()),
    },
    Known {
        is: Is::Exactly("access to resource requires a trusted device"),
        sqlstate: sqlstate::INVALID_AUTHORIZATION,
        at: At::Database,
        hint: |_, _| {
            Some("only an enrolled device may connect to this database; ask the cluster's administrator".to_owned())
        },
    },
    Known {
        is: Is::Exactly("user name must not be empty"),
        sqlstate: sqlstate::INVALID_AUTHORIZATION,
        at: At::Database,
        hint: |_, to| {
            Some(format!(
                "name the database user: {}",
                connect(to, " --db-user USER")
            ))
        },
    },
    Known {
        is: Is::Containing(" has changed. Please quit all active connections and try again."),
        sqlstate: sqlstate::OBJECT_IN_USE,
        at: At::Database,
        hint: |_, to| Some(other_roles(to)),
    },
    Known {
        is: Is::Containing(
            " already exists in this PostgreSQL database and is not managed by Teleport",
        ),
        sqlstate: sqlstate::DUPLICATE_OBJECT,
        at: At::Database,
        hint: |_, to| {
            Some(format!(
                "a database administrator made user {:?} by hand; it must be renamed or dropped before it can be provisioned",
                to.user
            ))
        },
    },
    Known {
        is: Is::Containing(" but this database doesn't have admin user configured"),
        sqlstate: sqlstate::SYSTEM_ERROR,
        at: At::Database,
        hint: |_, to| {
            Some(format!(
                "the cluster's administrator sets admin_user on database {:?}",
                to.database
            ))
        },
    },
    Known {
        is: Is::Containing(" but this database doesn't support it"),
        sqlstate: sqlstate::FEATURE_NOT_SUPPORTED,
        at: At::Database,
        hint: |_, _| {
            Some(
                "ask the cluster's administrator for a role without automatic user provisioning"
                    .to_owned(),
            )
        },
    },
    Known {
        is: Is::Exactly("failed to connect to any of the database servers"),
        sqlstate: sqlstate::UNABLE_TO_CONNECT,
        at: At::Database,
        hint: |_, to| {
            Some(format!(
                "no database service that serves {:?} is reachable; ask the cluster's administrator, then try again",
                to.database
            ))
        },
    },
    Known {
        is: Is::Containing(" not found among registered databases in cluster "),
        sqlstate: sqlstate::INVALID_CATALOG_NAME,
        at: At::Proxy,
        hint: |_, to| Some(format!("{} shows the databases there are", ls(to))),
    },
    Known {
        is: Is::Around("cluster \"", "\" is not found"),
        sqlstate: sqlstate::INVALID_CATALOG_NAME,
        at: At::Proxy,
        hint: |_, _| Some("`postern clusters` shows the clusters there are".to_owned()),
    },
    Known {
        is: Is::Exactly("access denied"),
        sqlstate: sqlstate::INVALID_AUTHORIZATION,
        at: At::Proxy,
        hint: |_, _| {
            Some("your user may be locked; ask the cluster's administrator, `postern status` shows who you are".to_owned())
        },
    },
    Known {
        is: Is::Starting("exceeded connection limit for "),
        sqlstate: sqlstate::TOO_MANY_CONNECTIONS,
        at: At::Proxy,
        hint: |_, _| Some("close other connections, then try again".to_owned()),
    },
    Known {
        is: Is::Starting("rate limit exceeded for "),
        sqlstate: sqlstate::TOO_MANY_CONNECTIONS,
        at: At::Proxy,
        hint: |_, _| Some("wait a moment, then try again".to_owned()),
    },
    Known {
        is: Is::Exactly("connection refused"),
        sqlstate: sqlstate::UNABLE_TO_CONNECT,
        at: At::Database,
        hint: |_, to| Some(server_down(to)),
    },
];

/// Causes that Teleport passes on from the network; they say nothing certain when a database says them.
const NETWORK: &[&str] = &[
    "connection refused",
    "i/o timeout",
    "no such host",
    "no route to host",
    "context deadline exceeded",
];

/// Says what an error text means. Every text gets an answer.
pub fn advise(text: &str, to: &Expected) -> Advice {
    if let Some(known) = TABLE.iter().find(|known| known.is.matches(text)) {
        return Advice {
            sqlstate: known.sqlstate.to_owned(),
            hop: hop(known.at, to),
            hint: (known.hint)(text, to),
            certain: true,
        };
    }
    let network = NETWORK.iter().any(|cause| text.contains(cause));
    let (code, hint) = match embedded_sqlstate(text) {
        Some(code) => (code, None),
        None if network => (sqlstate::UNABLE_TO_CONNECT, Some(server_down(to))),
        None if text.starts_with("your Teleport role requires automatic") => {
            (sqlstate::SYSTEM_ERROR, None)
        }
        None => (sqlstate::CONNECTION_REJECTED, None),
    };
    Advice {
        sqlstate: code.to_owned(),
        hop: hop(At::Database, to),
        hint,
        certain: false,
    }
}

/// Completes an error of the start phase: one with nothing but a message, or one whose text is Teleport's beyond doubt and
/// that lacks detail or hint; what it brings is kept. Returns whether anything was added; the database's own errors stay as they are.
pub fn complete(error: &mut ErrorResponse, to: &Expected) -> bool {
    let advice = advise(&error.message(), to);
    let ours = advice.certain && (error.detail().is_none() || error.hint().is_none());
    if !error.is_message_only() && !ours {
        return false;
    }
    error.complete(
        "FATAL",
        &advice.sqlstate,
        Some(&detail(&advice.hop)),
        advice.hint.as_deref(),
    );
    true
}

/// Puts the failing hop into words for DETAIL.
pub(super) fn detail(hop: &Hop) -> String {
    format!("failed at: {hop}")
}

/// Returns Teleport's text for a wrong name where the database user is made on the way.
pub(super) fn wrong_user(to: &Expected, given: &str) -> String {
    let whose = if to.remote {
        "mapped remote"
    } else {
        "Teleport"
    };
    let (right, given) = (quote(&to.user), quote(given));
    format!("please use your {whose} username ({right}) to connect instead of {given}")
}

fn hop(at: At, to: &Expected) -> Hop {
    match at {
        At::Proxy => Hop::Proxy(to.proxy.clone()),
        At::Database => Hop::Database(to.database.clone()),
    }
}

fn use_user(user: &str, to: &Expected) -> String {
    let why = if to.remote {
        format!(", your name in cluster {}", to.cluster)
    } else {
        String::new()
    };
    format!(
        "connect as user {user}{why}, e.g. psql -U {user}; {} does so by itself",
        connect(to, "")
    )
}

fn other_roles(to: &Expected) -> String {
    let now = if to.roles.is_empty() {
        "all your roles".to_owned()
    } else {
        format!("--db-roles {}", to.roles.join(","))
    };
    format!(
        "another session of yours on this server has other roles than {now}; close it, or connect with the same --db-roles"
    )
}

fn server_down(to: &Expected) -> String {
    format!(
        "the cluster was reached, but its database service cannot reach the server behind {:?}; ask whoever runs that server",
        to.database
    )
}

fn cluster_flag(to: &Expected) -> String {
    if to.remote {
        format!(" --cluster {}", to.cluster)
    } else {
        String::new()
    }
}

fn ls(to: &Expected) -> String {
    format!("`postern db ls -v{}`", cluster_flag(to))
}

fn connect(to: &Expected, more: &str) -> String {
    format!(
        "`postern db connect {}{}{more}`",
        to.database,
        cluster_flag(to)
    )
}

/// Returns the first name in double quotes, unescaped.
fn quoted(text: &str) -> Option<String> {
    let (_, rest) = text.split_once('"')?;
    let mut name = String::new();
    let mut chars = rest.chars();
    loop {
        match chars.next()? {
            '"' => return Some(name),
            '\\' => name.push(chars.next()?),
            c => name.push(c),
        }
    }
}

/// Finds the last `(SQLSTATE xxxxx)`, which Teleport leaves in the text of a database's error.
fn embedded_sqlstate(text: &str) -> Option<&str> {
    const MARK: &str = "(SQLSTATE ";
    let at = text.rfind(MARK)? + MARK.len();
    let (code, rest) = text[at..].split_at_checked(5)?;
    let valid = code
        .bytes()
        .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    (valid && rest.starts_with(')')).then_some(code)
}

#[cfg(test)]
#[path = "known_errors_tests.rs"]
mod tests;
