//! What `--format json` prints, for the manual. `tests/json_shapes.rs` holds it to what the program really prints.

use crate::manual::{Key, Shape};

/// Keys that `login` and `status` share.
const LOGIN: [Key; 13] = [
    ("proxy", "HOST:PORT of the proxy."),
    ("profile_url", "The same as a URL."),
    ("cluster", "Name of the root cluster."),
    ("user", "Teleport user."),
    ("roles", "Teleport roles of the certificate, sorted."),
    (
        "traits",
        "Object: traits of the certificate, a list of values for each name.",
    ),
    ("valid_until", "End of the login, RFC 3339 in UTC."),
    ("expired", "Whether that has passed."),
    (
        "insecure",
        "Whether the proxy's certificate is not verified (--insecure).",
    ),
    ("server_version", "Version that the cluster announced."),
    ("key.store", "\"file\" or \"keychain\"."),
    ("key.location", "Path of the file, or name of the keychain."),
    (
        "origin",
        "Whose files the login is read from: \"postern\", \"tsh\", \"identity\" (a file) or \"tbot\" (a directory).",
    ),
];

/// Keys of a session on a database server.
const SESSION: [Key; 10] = [
    ("pid", "Process on the server."),
    (
        "since",
        "Begin of the running statement, else of the state; RFC 3339 in UTC; null where the server does not show it.",
    ),
    (
        "seconds",
        "How long that is, by the server's clock; null where it is not shown.",
    ),
    ("user", "Database user."),
    ("database", "Database name; null on Redshift."),
    (
        "application",
        "Name that the program gave itself (through Teleport 18 only what it SET); null without any.",
    ),
    (
        "client",
        "Address that the server sees, that of Teleport's service; null where it is not shown.",
    ),
    (
        "state",
        "\"active\", \"idle\", \"idle in transaction\" and so on, on Redshift \"running\"; null where it is not shown.",
    ),
    (
        "wait",
        "What a running statement waits for, e.g. \"Lock: transactionid\"; null for nothing.",
    ),
    ("query", "The statement that runs, or ran last."),
];

/// Each command that prints JSON; the others print none.
pub const SHAPES: &[Shape] = &[
    Shape {
        page: "postern-login",
        form: "One object on one line.",
        common: &LOGIN,
        own: &[(
            "already_logged_in",
            "Whether the former login was still valid and was kept.",
        )],
    },
    Shape {
        page: "postern-status",
        form: "One object; an expired login is printed before the command fails.",
        common: &LOGIN,
        own: &[
            (
                "databases",
                "Databases that \"db login\" chose; absent when there are none.",
            ),
            (
                "other_logins",
                "Logins at other proxies; absent when there are none.",
            ),
            (
                "origin_path",
                "The directory or file of origin; absent for logins of postern.",
            ),
            (
                "database",
                "The one database that the certificate is for; absent for a login.",
            ),
        ],
    },
    Shape {
        page: "postern-clusters",
        form: "A list of objects, the root cluster first.",
        common: &[],
        own: &[
            ("cluster_name", "Its name."),
            ("status", "\"online\" or \"offline\"."),
            ("cluster_type", "\"root\" or \"leaf\"."),
            ("labels", "Object, or null when there are none."),
            (
                "selected",
                "Whether the commands use it when --cluster is not given.",
            ),
        ],
    },
    Shape {
        page: "postern-db-ls",
        form: "A list of objects, with the keys and places of \"tsh db ls\".",
        common: &[],
        own: &[
            ("kind", "\"db\"."),
            ("version", "\"v3\"."),
            (
                "metadata",
                "Object: name, description, labels and the like.",
            ),
            (
                "spec",
                "Object: protocol, uri, admin_user and the like, as in the database's document.",
            ),
            (
                "status",
                "Object: what the cluster found out about the database.",
            ),
            (
                "users.allowed",
                "Database users you may be; \"*\" stands for any. Absent when there is none, \"users\" when your roles are not known.",
            ),
            (
                "users.denied",
                "Exceptions from \"*\"; absent when there are none.",
            ),
            (
                "database_roles",
                "Roles of your automatic database user; absent when there are none.",
            ),
        ],
    },
    Shape {
        page: "postern-db-ls",
        form: "With --all a list of objects, sorted by proxy, cluster and name, with the keys of \"tsh db ls --all\". A cluster \
               that gave no answer has one object of its own; the exit status is 0 when at least one cluster answered.",
        common: &[],
        own: &[
            ("proxy", "HOST:PORT of the proxy."),
            ("cluster", "Cluster the database belongs to."),
            (
                "database",
                "The object above; absent when the cluster gave no answer.",
            ),
            (
                "error",
                "Why it gave none, with the keys of a failure; absent when it did.",
            ),
        ],
    },
    Shape {
        page: "postern-db-why",
        form: "One object. The exit status is 0 when you may connect (perhaps after a choice), 11 when a second factor or a \
               trusted device is wanted, 12 when there is no such database or it is hidden, 14 when you may not.",
        common: &[],
        own: &[
            ("database", "Name of the database."),
            ("cluster", "Cluster it belongs to."),
            ("root_cluster", "Cluster you are logged in to."),
            (
                "verdict",
                "\"allowed\", \"choice\" (user or name is to be chosen), \"second_factor\", \"denied\", \"not_found\".",
            ),
            ("reason", "What is open or refused; null when allowed."),
            ("username", "Your name in that cluster."),
            (
                "username_why",
                "Why it is not your own name; null in the root cluster.",
            ),
            (
                "user",
                "Object: value and why of the database user; null unless allowed.",
            ),
            (
                "name",
                "Object: value and why of the database name; null unless allowed.",
            ),
            (
                "database_roles",
                "Object: value (a list) and why; null without an automatic user.",
            ),
            ("automatic", "Whether the database user is made on the way."),
            (
                "mode",
                "What your roles do with automatic users here: \"off\", \"keep\", \"best_effort_drop\".",
            ),
            (
                "allowed",
                "Object: users, users_denied, names, names_denied, database_roles that may be chosen; null when not found.",
            ),
            (
                "roles",
                "What each of your roles says: role, effect (\"allows\", \"denies\", \"no_match\", \"not_enough\", \"broken\", \
                 \"unknown\"), says (a sentence), mode, second_factor, trusted_device, and for allow and deny: labels (key, \
                 patterns, the database's value, matched_by, error), expression (text, holds, error), db_users, db_names, \
                 db_roles; each pattern and entry with written, values, traits, problem.",
            ),
            ("hints", "What to do about it."),
            ("nearest", "Names like the one that was not found."),
            (
                "elsewhere",
                "Other clusters of this login that have a database of that name.",
            ),
        ],
    },
    Shape {
        page: "postern-db-proxy",
        form: "One object on one line, when the tunnel is ready.",
        common: &[],
        own: &[
            (
                "host",
                "Address the tunnel listens on, or the directory of its socket: what libpq takes as host.",
            ),
            (
                "port",
                "Its port, or the number at the end of the socket's name; null when the name has none.",
            ),
            ("socket", "Path of the socket; null for an address."),
            (
                "password",
                "The tunnel's own password, which every client has to give; null where none is asked for.",
            ),
            ("database", "Name of the database in the cluster."),
            ("db_user", "Database user to connect as."),
            ("db_name", "Database name to connect to."),
            (
                "db_roles",
                "Roles of the automatic user; empty for shared accounts.",
            ),
            ("cluster", "Cluster the database belongs to."),
            (
                "expires",
                "End of the certificate, RFC 3339 in UTC; it is renewed while the login lasts.",
            ),
        ],
    },
    Shape {
        page: "postern-db-ps",
        form: "A list of objects, running statements first, the longest first.",
        common: &SESSION,
        own: &[],
    },
    Shape {
        page: "postern-db-ps",
        form: "With --watch one object on a line for each look. Ctrl+C ends it, with exit status 130; a reader that has gone, with 0.",
        common: &[],
        own: &[
            (
                "time",
                "When it was looked, RFC 3339 in UTC, by this computer's clock.",
            ),
            ("sessions", "The list above."),
        ],
    },
    Shape {
        page: "postern-db-cancel",
        form: "One object on one line, when nothing runs any more; else a failure. The exit status is 0 when it has stopped or \
               nothing ran, 12 when there is no such process, 14 when it is somebody else's, 17 when it has not stopped.",
        common: &[],
        own: &[
            ("pid", "Process on the server."),
            ("outcome", "\"stopped\" or \"nothing_ran\"."),
            ("forced", "Whether the session was to be ended (--force)."),
            ("user", "Database user whose session it is."),
            ("query", "The statement; null when none ran."),
            (
                "milliseconds",
                "From the order until it was seen to have stopped; null when none ran.",
            ),
        ],
    },
    Shape {
        page: "postern-db-ping",
        form: "One object, with a failure too. Times are milliseconds, by step: dns (missing for an address), tcp, http_proxy \
               (where there is one), tls, upgrade (where connections are upgraded), authentication, certificate, connection \
               (these three not with --kept), handshake, first_row; and total.",
        common: &[],
        own: &[
            ("proxy", "HOST:PORT of the proxy."),
            ("cluster", "Cluster the database belongs to."),
            (
                "database",
                "Name of the database; null when none was found.",
            ),
            ("db_user", "Database user; null when that was not decided."),
            ("db_name", "Database name; null when that was not decided."),
            (
                "kept",
                "Whether the certificate was a kept one (--kept, or an identity for one database).",
            ),
            (
                "rounds",
                "An object for each round that came to its end: the time of each step.",
            ),
            ("summary", "Object: min, median and max of each step."),
            (
                "failed",
                "Object: round, step (null before the first), before (the time of each step before it), hop, message; null when \
                 nothing failed.",
            ),
        ],
    },
    Shape {
        page: "postern-db-login",
        form: "One object on one line.",
        common: &[],
        own: &[
            ("database", "Name of the database in the cluster."),
            ("cluster", "Cluster the database belongs to."),
            ("db_user", "Database user to connect as."),
            ("db_name", "Database name to connect to."),
            (
                "db_roles",
                "Roles of the automatic user; empty for shared accounts.",
            ),
            ("host", "Address the tunnel will listen on."),
            ("port", "Its port."),
            ("service_file", "File for libpq (PGSERVICEFILE)."),
            (
                "service",
                "Name of the database in that file; null when it cannot be written there.",
            ),
            ("expires", "End of the certificate, RFC 3339 in UTC."),
        ],
    },
    Shape {
        page: "postern-db-env",
        form: "One object: libpq's variables and their values, as \"tsh db env\" prints them.",
        common: &[],
        own: &[
            ("PGHOST", "Address of the tunnel."),
            ("PGPORT", "Its port."),
            ("PGUSER", "Database user."),
            ("PGDATABASE", "Database name."),
            ("PGSSLMODE", "\"disable\": the tunnel encrypts."),
            ("PGGSSENCMODE", "\"disable\"."),
        ],
    },
    Shape {
        page: "postern-db-config",
        form: "One object, with the keys of \"tsh db config\" but for the files of certificate and key.",
        common: &[],
        own: &[
            ("name", "Name of the database in the cluster."),
            ("host", "Address of the tunnel."),
            ("port", "Its port."),
            ("user", "Database user."),
            ("database", "Database name."),
            ("tunnel", "The command that opens the tunnel."),
        ],
    },
    Shape {
        page: "postern-env",
        form: "One object: the variables and their values, as \"tsh env\" prints them.",
        common: &[],
        own: &[
            ("TELEPORT_PROXY", "HOST:PORT of the proxy."),
            ("TELEPORT_CLUSTER", "The cluster that commands mean."),
        ],
    },
    Shape {
        page: "postern-version",
        form: "One object on one line.",
        common: &[],
        own: &[("version", "Version of the program.")],
    },
];

/// A failure, on standard error.
pub const ERROR: Shape = Shape {
    page: "",
    form: "A failure of any command is one object on one line on standard error, and nothing on standard output.",
    common: &[],
    own: &[
        ("code", "The exit status."),
        (
            "kind",
            "The exit status as a word, e.g. \"not_logged_in\", \"denied\".",
        ),
        (
            "hop",
            "Where it failed, e.g. \"this computer\", \"proxy HOST:PORT\", \"database NAME\".",
        ),
        (
            "message",
            "What failed; texts of the cluster are kept as they are.",
        ),
        (
            "hint",
            "What to do about it, a line for each proposal; or null.",
        ),
    ],
};

/// The section of one page, in roff: what the command prints, and how every command fails.
pub(super) fn section(page: &str) -> String {
    let mut out = String::from(".SH JSON OUTPUT\nWith \\fB\\-\\-format json\\fR:\n");
    for shape in SHAPES.iter().filter(|shape| shape.page == page) {
        out.push_str(&shape.roff());
    }
    out.push_str(&ERROR.roff());
    out
}
