//! Every difference between the versions that this client meets, as a table: docs/versions.md shows it, and a test keeps both
//! the same.

/// How this client finds out which side of a [`Difference`] a server stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecidedBy {
    /// By the version that the server announced, through a question to [`super::Server`].
    Version(&'static str),
    /// By the newer call being answered with `UNIMPLEMENTED`, for each cluster on its own; then the older one is made.
    Status,
    /// By what is or is not in the answer.
    Answer,
    /// Not at all: one way works with both.
    Nothing,
}

impl std::fmt::Display for DecidedBy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Version(question) => write!(f, "version (`{question}`)"),
            Self::Status => f.write_str("`UNIMPLEMENTED`, per cluster"),
            Self::Answer => f.write_str("the answer"),
            Self::Nothing => f.write_str("no need to"),
        }
    }
}

/// One difference.
#[derive(Clone, Copy, Debug)]
pub struct Difference {
    /// What differs.
    pub topic: &'static str,
    /// How older servers do it.
    pub older: &'static str,
    /// How 18 does it.
    pub newer: &'static str,
    /// The first version of the newer way; `?` stands before what is not established.
    pub since: &'static str,
    /// How the client decides.
    pub by: DecidedBy,
    /// What the client does.
    pub does: &'static str,
    /// Where the fact is from.
    pub source: &'static str,
}

/// All of them, those that matter most first.
pub const DIFFERENCES: &[Difference] = &[
    Difference {
        topic: "key field of a login",
        older: "`pub_key`, a line of `authorized_keys`; another field is a 500 that uses up the one-time code",
        newer: "`tls_pub_key`, PEM",
        since: "17",
        by: DecidedBy::Version("key_fields"),
        does: "fills one, never tries",
        source: "login.md 7.3",
    },
    Difference {
        topic: "key field of `GenerateUserCerts`",
        older: "1, a line of `authorized_keys`",
        newer: "23, PEM",
        since: "17",
        by: DecidedBy::Version("key_fields"),
        does: "fills one; both where the version is not known",
        source: "auth-api.md 2.8",
    },
    Difference {
        topic: "users on Amazon Redshift",
        older: "not provisioned",
        newer: "provisioned",
        since: "14.1.3",
        by: DecidedBy::Version("provisions_redshift"),
        does: "warns at login; the cluster refuses",
        source: "db-service.md 3.15; Teleport's guide to Redshift provisioning",
    },
    Difference {
        topic: "`--db-roles`",
        older: "dropped silently, all allowed roles are granted",
        newer: "in the certificate",
        since: "14.3.1",
        by: DecidedBy::Version("knows_db_roles"),
        does: "does not connect with more than was asked for: looks at the versions of the proxy and of every database service \
               that serves the database, and at the certificate",
        source: "db-client.md 17.1; db-service.md 1.4; release notes of 14.3.1",
    },
    Difference {
        topic: "refusal of a leaf's user",
        older: "`please use your Teleport username (\"remote-…\")`",
        newer: "`please use your mapped remote username (\"remote-…\")`",
        since: "14.3.4",
        by: DecidedBy::Nothing,
        does: "knows both, and connects as the mapped user by itself",
        source: "db-service.md 1.10; release notes of 14.3.4",
    },
    Difference {
        topic: "own name and traits",
        older: "`AuthService/GetCurrentUser`",
        newer: "`UsersService/GetUser`",
        since: "?15",
        by: DecidedBy::Status,
        does: "newer first",
        source: "auth-api.md 2.5",
    },
    Difference {
        topic: "list of leaf clusters",
        older: "HTTP/1.1 `GET /v2/remoteclusters` on a connection of its own to the auth service",
        newer: "`PresenceService/ListRemoteClusters`",
        since: "16",
        by: DecidedBy::Status,
        does: "newer first",
        source: "auth-api.md 2.10; gravitational/teleport pull requests 38793, 46756",
    },
    Difference {
        topic: "answer of `IsMFARequired`",
        older: "field 1 only",
        newer: "fields 1 and 2",
        since: "?15",
        by: DecidedBy::Nothing,
        does: "reads either",
        source: "auth-api.md 2.6",
    },
    Difference {
        topic: "one-time codes for a second factor in every session",
        older: "taken",
        newer: "refused",
        since: "?",
        by: DecidedBy::Version("takes_codes_in_sessions"),
        does: "refuses such databases in either case, and says which factor tsh can use",
        source: "auth-api.md 2.8",
    },
    Difference {
        topic: "end of a certificate",
        older: "as asked, `Purpose` is not known",
        newer: "one minute for some purposes",
        since: "?15",
        by: DecidedBy::Nothing,
        does: "`Expires` is always set, `Purpose` never",
        source: "auth-api.md 2.8, 2.9",
    },
    Difference {
        topic: "mode of provisioning",
        older: "`create_db_user` only, means keep",
        newer: "`create_db_user_mode`",
        since: "14.1",
        by: DecidedBy::Answer,
        does: "reads both fields of a role",
        source: "rbac.md 1.4, 15",
    },
    Difference {
        topic: "TLS session tickets",
        older: "issued; a resumed session keeps the identity of its first certificate",
        newer: "none",
        since: "?15",
        by: DecidedBy::Nothing,
        does: "never resumes a session",
        source: "transport.md 16",
    },
    Difference {
        topic: "response header `version` of calls",
        older: "not sent",
        newer: "sent",
        since: "?15",
        by: DecidedBy::Nothing,
        does: "is not read",
        source: "auth-api.md 1.3",
    },
    Difference {
        topic: "metadata key `version` of calls",
        older: "ignored",
        newer: "closes connections of clients that are more than one major version older",
        since: "?15",
        by: DecidedBy::Nothing,
        does: "is never sent",
        source: "auth-api.md 1.3",
    },
    Difference {
        topic: "connection upgrade behind a load balancer",
        older: "legacy type only",
        newer: "WebSocket",
        since: "15.1",
        by: DecidedBy::Answer,
        does: "a 404 on the WebSocket type means the legacy one",
        source: "transport.md 16",
    },
    Difference {
        topic: "keys of the ping",
        older: "no `second_factors`, `signature_algorithm_suite`, `edition`, `fips`, `auto_update`",
        newer: "all",
        since: "?17",
        by: DecidedBy::Answer,
        does: "missing keys are unset",
        source: "login.md 2.3, 12",
    },
    Difference {
        topic: "traits in a certificate",
        older: "the text `null` for a user without any",
        newer: "absent or a list",
        since: "?",
        by: DecidedBy::Answer,
        does: "`null` is none",
        source: "credentials.md 9",
    },
    Difference {
        topic: "errors in a query",
        older: "`InvalidArgument`, `failed to parse predicate expression: …`",
        newer: "`Unknown`, `parsing expression …`",
        since: "?",
        by: DecidedBy::Nothing,
        does: "knows both",
        source: "auth-api.md 2.4, 10",
    },
    Difference {
        topic: "error bodies of the web API",
        older: "a 404 is the text `404 page not found`",
        newer: "JSON with `proxyVersion`",
        since: "17.2",
        by: DecidedBy::Nothing,
        does: "reads JSON, else the text",
        source: "login.md 1.3, 12",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_question_that_is_named_exists() {
        // The names in the table against those in the module's own text.
        let source = include_str!("mod.rs");
        for difference in DIFFERENCES {
            if let DecidedBy::Version(question) = difference.by {
                assert!(
                    source.contains(&format!("pub fn {question}(&self)")),
                    "{question}"
                );
            }
            assert!(!difference.source.is_empty(), "{}", difference.topic);
        }
    }
}
