//! What `--format json` prints, for the manual. Tests hold it to what the program really prints.

use crate::manual::{Key, Shape};

/// A user with a one-time key.
const ENROLLED: [Key; 5] = [
    ("name", "The user."),
    ("roles", "List of roles."),
    ("traits", "Object: a list of values for each trait."),
    (
        "totp_key",
        "The one-time key, base32; it is not shown again.",
    ),
    ("otpauth_url", "The same as authenticator apps read it."),
];

/// An authority.
const AUTHORITY: [Key; 5] = [
    ("kind", "host, user, db or db_client."),
    (
        "phase",
        "standby, init, update_clients, update_servers or rollback.",
    ),
    (
        "since",
        "When it came into this phase, RFC 3339 in UTC; or null.",
    ),
    (
        "next",
        "List of phases that may follow, the usual one first.",
    ),
    (
        "keys",
        "List of objects, one for each certificate that is trusted: pin, signs (whether it signs now), not_before, not_after.",
    ),
];

/// Each command that prints JSON; the others print none.
pub const SHAPES: [Shape; 13] = [
    Shape {
        page: "postern-cluster-demo",
        form: "One object on one line, when the cluster is ready.",
        common: &[],
        own: &[
            ("proxy", "HOST:PORT to log in at."),
            (
                "ca_file",
                "PEM file of the authority that signed the web certificate.",
            ),
            (
                "users",
                "List of objects: name, password and totp_key of each user.",
            ),
            (
                "postgres.root",
                "Object: host (directory of the socket), port and superuser of PostgreSQL itself.",
            ),
            (
                "postgres.leaf",
                "The same of the leaf cluster; not there with --no-leaf.",
            ),
        ],
    },
    Shape {
        page: "postern-cluster-check",
        form: "One object on one line.",
        common: &[],
        own: &[
            ("ok", "Whether nothing is wrong."),
            ("errors", "List of mistakes, each FILE:LINE: REASON."),
            ("warnings", "List of what is read but does not count."),
            ("roles", "Number of roles, the one named access among them."),
            ("users", "Number of users of documents."),
            ("databases", "Number of databases that are served."),
        ],
    },
    Shape {
        page: "postern-cluster-status",
        form: "One object on one line.",
        common: &[],
        own: &[
            ("cluster", "Name of the cluster."),
            ("version", "Version of the program that runs."),
            ("pid", "Its process id."),
            ("started", "Its start, RFC 3339 in UTC."),
            ("listen", "IP:PORT it listens on."),
            ("public_addr", "HOST:PORT that clients are told."),
            ("ca_file", "PEM file of the cluster's own web authority."),
            ("host_id", "UUID of the host."),
            ("roles", "Number of roles in force."),
            ("users", "Number of users in force."),
            ("databases", "Number of databases that are served."),
            ("locks", "Number of locks in force."),
            ("sessions", "Number of open sessions."),
            (
                "open_sessions",
                "List of objects: user, database, db_user, automatic, db_roles, backend_pid, since, client.",
            ),
            ("documents_read", "When the documents in force were read."),
            (
                "documents_error",
                "Why newer documents are not in force, a line for each mistake; or null.",
            ),
            ("warnings", "List of what is read but does not count."),
            (
                "linked",
                "List of objects: the clusters behind this one and in front of it, as \"clusters ls\" prints them.",
            ),
            ("audit_missing", "Audit events that could not be written."),
        ],
    },
    Shape {
        page: "postern-cluster-tokens-add",
        form: "One object on one line.",
        common: &[],
        own: &[
            ("token", "The token; it is not shown again."),
            ("id", "What it is listed and removed by."),
            ("type", "What it is for."),
            ("expires", "When it expires, RFC 3339 in UTC."),
            ("ca_pin", "Pin of the host authority, for the leaf."),
        ],
    },
    Shape {
        page: "postern-cluster-tokens-ls",
        form: "A list of objects on one line.",
        common: &[],
        own: &[
            ("id", "What it is removed by."),
            ("type", "What it is for."),
            ("expires", "When it expires, RFC 3339 in UTC."),
        ],
    },
    Shape {
        page: "postern-cluster-clusters-ls",
        form: "A list of objects on one line.",
        common: &[],
        own: &[
            ("name", "The cluster."),
            ("type", "leaf, or root for one whose leaf this one is."),
            ("status", "online or offline."),
            (
                "last_heartbeat",
                "A leaf's last sign of life, RFC 3339 in UTC; or null.",
            ),
            ("error", "Why there is no link with a root; or null."),
        ],
    },
    Shape {
        page: "postern-cluster-ca-ls",
        form: "A list of objects on one line.",
        common: &AUTHORITY,
        own: &[],
    },
    Shape {
        page: "postern-cluster-ca-rotate",
        form: "A list of one object on one line.",
        common: &AUTHORITY,
        own: &[],
    },
    Shape {
        page: "postern-cluster-users-add",
        form: "One object on one line.",
        common: &ENROLLED,
        own: &[],
    },
    Shape {
        page: "postern-cluster-users-reset",
        form: "One object on one line.",
        common: &ENROLLED,
        own: &[],
    },
    Shape {
        page: "postern-cluster-locks-add",
        form: "One object on one line.",
        common: &[],
        own: &[("name", "Name of the lock, for \"locks rm\".")],
    },
    Shape {
        page: "postern-cluster-locks-ls",
        form: "A list on one line: the documents as Teleport writes them.",
        common: &[],
        own: &[
            ("kind", "\"lock\"."),
            ("version", "\"v2\"."),
            ("metadata.name", "Name of the lock."),
            (
                "spec",
                "Object: target, and message, expires, created_at, created_by where they are set.",
            ),
        ],
    },
    Shape {
        page: "postern-cluster-users-ls",
        form: "A list of objects on one line.",
        common: &[],
        own: &[
            ("name", "The user."),
            ("roles", "List of roles."),
            ("traits", "Object: a list of values for each trait."),
            (
                "source",
                "FILE:LINE of the document, \"state\" for one added by \"users add\", or \"CONNECTOR until TIME\" for a single sign-on.",
            ),
            ("password", "Whether a password is set."),
        ],
    },
];

/// The section of one page, in roff; empty where nothing is printed.
pub(super) fn section(page: &str) -> String {
    let shapes: String = SHAPES
        .iter()
        .filter(|shape| shape.page == page)
        .map(Shape::roff)
        .collect();
    if shapes.is_empty() {
        shapes
    } else {
        format!(".SH JSON OUTPUT\nWith \\fB\\-\\-format json\\fR:\n{shapes}")
    }
}
