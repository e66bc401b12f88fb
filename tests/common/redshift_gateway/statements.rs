//! Redshift's statements and what PostgreSQL calls them (db-service.md 6.2). What is not in the table is refused.

use super::tokens::{Kind, Token, cut};

/// One form of a statement. Capitals are key words, `<user>` and `<role>` are names, `<n>` is a number, `<...>` is the rest.
struct Row {
    redshift: &'static str,
    /// The same names in other words; empty when nothing changes.
    postgresql: &'static str,
}

const fn row(redshift: &'static str, postgresql: &'static str) -> Row {
    Row {
        redshift,
        postgresql,
    }
}

/// The first row that fits counts.
const ROWS: &[Row] = &[
    // A user without a password.
    row(
        "CREATE USER <user> WITH PASSWORD DISABLE",
        "CREATE USER <user> WITH PASSWORD NULL",
    ),
    // PostgreSQL has users and roles in one, and no word between them.
    row("CREATE ROLE <role>", ""),
    row("GRANT ROLE <role> TO ROLE <user>", "GRANT <role> TO <user>"),
    row("GRANT ROLE <role> TO <user>", "GRANT <role> TO <user>"),
    row(
        "REVOKE ROLE <role> FROM <user>",
        "REVOKE <role> FROM <user>",
    ),
    row(
        "GRANT <right> ON <table> TO ROLE <role>",
        "GRANT <right> ON <table> TO <role>",
    ),
    row(
        "GRANT <right> ON SCHEMA <schema> TO ROLE <role>",
        "GRANT <right> ON SCHEMA <schema> TO <role>",
    ),
    // No limit has another name.
    row(
        "ALTER USER <user> CONNECTION LIMIT UNLIMITED",
        "ALTER USER <user> CONNECTION LIMIT -1",
    ),
    row("ALTER USER <user> CONNECTION LIMIT <n>", ""),
    row("DROP USER <user>", ""),
    row("DROP TABLE <table>", ""),
    // Transactions; Redshift has no savepoints.
    row("BEGIN", ""),
    row("COMMIT", ""),
    row("ROLLBACK", ""),
    // What people do.
    row("SELECT <...>", ""),
    row("INSERT INTO <...>", ""),
    row("CREATE TABLE <...>", ""),
    row("SHOW search_path", ""),
];

/// Redshift's own views and functions, which lie in a schema of their own here.
const CATALOGUE: &[&str] = &[
    "svv_user_grants",
    "svv_roles",
    "svv_role_grants",
    "pg_user_info",
    "stv_sessions",
    "stv_recents",
    "version",
];

/// What PostgreSQL has and Redshift has not, wherever it stands.
const UNKNOWN: &[&str] = &[
    "array",
    "array_agg",
    "any",
    "format",
    "generate_series",
    "lateral",
    "ordinality",
    "pg_advisory_xact_lock",
    "pg_auth_members",
    "pg_roles",
    "pg_sleep",
    "pg_stat_activity",
    "pg_temp",
    "to_regrole",
    "unnest",
];

/// Translates what one Query or Parse message holds.
///
/// # Errors
/// What is wrong with it, for the client to read.
pub(super) fn translate(text: &str) -> Result<String, String> {
    let tokens = cut(text)?;
    let mut out = Vec::new();
    for statement in tokens.split(|token| token.is(";")) {
        if !statement.is_empty() {
            out.push(translate_one(statement)?);
        }
    }
    Ok(out.join("; "))
}

fn translate_one(statement: &[Token<'_>]) -> Result<String, String> {
    let (row, names) = ROWS
        .iter()
        .find_map(|row| Some((row, matched(row.redshift, statement)?)))
        .ok_or_else(|| format!("no such statement: {}", joined(statement)))?;
    let form = if row.postgresql.is_empty() {
        row.redshift
    } else {
        row.postgresql
    };
    let mut words = Vec::new();
    for word in form.split(' ') {
        match names.iter().find(|(slot, _)| *slot == word) {
            Some((_, Found::Name(name))) => {
                words.push(format!("\"{}\"", name.replace('"', "\"\"")));
            }
            Some((_, Found::Verbatim(text))) => words.push(text.clone()),
            Some((_, Found::Rest(rest))) => words.push(passed(rest)?),
            None => words.push(word.to_owned()),
        }
    }
    Ok(words.join(" "))
}

/// What stands in a slot of a form.
enum Found<'t, 'a> {
    Name(String),
    Verbatim(String),
    Rest(&'t [Token<'a>]),
}

/// Fits a statement to a form; what its slots hold.
fn matched<'t, 'a>(
    form: &'static str,
    statement: &'t [Token<'a>],
) -> Option<Vec<(&'static str, Found<'t, 'a>)>> {
    let (mut found, mut at) = (Vec::new(), 0);
    for word in form.split(' ') {
        let token = statement.get(at)?;
        match word {
            "<...>" => {
                found.push((word, Found::Rest(&statement[at..])));
                return Some(found);
            }
            "<n>" if token.kind == Kind::Number => {
                found.push((word, Found::Verbatim(token.raw.into())));
            }
            "<right>" if token.kind == Kind::Word && !token.is("ROLE") => {
                found.push((word, Found::Verbatim(token.raw.into())));
            }
            _ if word.starts_with('<') => found.push((word, Found::Name(token.name()?))),
            _ if token.is(word) => {}
            _ => return None,
        }
        at += 1;
    }
    (at == statement.len()).then_some(found)
}

/// The rest of a statement, Redshift's catalogue found in its place.
fn passed(tokens: &[Token<'_>]) -> Result<String, String> {
    let mut out = String::new();
    for (at, token) in tokens.iter().enumerate() {
        let word = if token.kind == Kind::Word {
            token.raw.to_lowercase()
        } else {
            String::new()
        };
        if UNKNOWN.contains(&word.as_str()) {
            return Err(format!("Redshift has no {word}: {}", joined(tokens)));
        }
        let is_ours = |at: usize| {
            tokens
                .get(at)
                .is_some_and(|token| CATALOGUE.iter().any(|name| token.is(name)))
        };
        if token.apart && !out.is_empty() {
            out.push(' ');
        }
        let is_schema = word == "pg_catalog"
            && tokens.get(at + 1).is_some_and(|t| t.is("."))
            && is_ours(at + 2);
        if is_schema {
            out.push_str("redshift");
        } else if word == "version" {
            out.push_str("redshift.version");
        } else {
            out.push_str(token.raw);
        }
    }
    Ok(out)
}

fn joined(tokens: &[Token<'_>]) -> String {
    tokens
        .iter()
        .map(|token| token.raw)
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn every_row_is_spelled_as_postgresql_wants_it() {
    for (redshift, postgresql) in [
        (
            r#"CREATE USER "alice" WITH PASSWORD DISABLE"#,
            r#"CREATE USER "alice" WITH PASSWORD NULL"#,
        ),
        (
            r#"create role "teleport-auto-user";"#,
            r#"CREATE ROLE "teleport-auto-user""#,
        ),
        (
            r#"GRANT ROLE "reader" TO "a""b""#,
            r#"GRANT "reader" TO "a""b""#,
        ),
        (
            "grant role reader to role writer",
            r#"GRANT "reader" TO "writer""#,
        ),
        (
            r#"REVOKE ROLE reader FROM "alice@example.com""#,
            r#"REVOKE "reader" FROM "alice@example.com""#,
        ),
        (
            "GRANT SELECT ON t TO ROLE reader",
            r#"GRANT SELECT ON "t" TO "reader""#,
        ),
        (
            r#"ALTER USER "alice" CONNECTION LIMIT UNLIMITED"#,
            r#"ALTER USER "alice" CONNECTION LIMIT -1"#,
        ),
        (
            r#"ALTER USER "alice" CONNECTION LIMIT 0"#,
            r#"ALTER USER "alice" CONNECTION LIMIT 0"#,
        ),
        (
            "BEGIN; DROP USER x; COMMIT",
            r#"BEGIN; DROP USER "x"; COMMIT"#,
        ),
        (
            "SELECT a::varchar, 'x''y' FROM pg_catalog.stv_sessions -- all",
            "SELECT a::varchar, 'x''y' FROM redshift.stv_sessions",
        ),
        ("SELECT version()", "SELECT redshift.version()"),
        // Folded, quoted or not.
        (
            r#"GRANT ROLE "Reader" TO Alice"#,
            r#"GRANT "reader" TO "alice""#,
        ),
    ] {
        assert_eq!(translate(redshift).as_deref(), Ok(postgresql));
    }
}

#[test]
fn what_redshift_does_not_know_is_refused() {
    for text in [
        r#"GRANT reader TO "alice""#,
        r#"GRANT "teleport-auto-user" TO "teleport-admin" WITH ADMIN OPTION"#,
        "CREATE USER IF NOT EXISTS alice WITH PASSWORD DISABLE",
        "CREATE USER alice IN ROLE reader",
        "ALTER USER alice NOLOGIN",
        "SAVEPOINT s",
        "SELECT pg_catalog.format('%I', $1)",
        "SELECT rolname FROM pg_roles",
        "SELECT x WHERE y = ANY ($1)",
        "SET LOCAL search_path TO pg_catalog",
        "DO $$ BEGIN END $$",
        "SELECT 'open",
    ] {
        assert!(translate(text).is_err(), "{text}");
    }
}
