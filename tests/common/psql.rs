//! psql, as whoever runs a server would use it.

use std::process::Command;

use serde_json::Value;

/// Runs SQL by psql with these arguments of a connection; gives the unaligned rows, without the last line end.
pub(crate) fn psql(connection: impl FnOnce(&mut Command), sql: &str) -> String {
    let mut command = Command::new("psql");
    command.args(["-XqAtw", "-v", "ON_ERROR_STOP=1", "-c", sql]);
    command.env_remove("PGSSLMODE");
    connection(&mut command);
    let out = command.output().expect("psql runs");
    assert!(
        out.status.success(),
        "{sql}: {}",
        String::from_utf8_lossy(&out.stderr)
    );
    String::from_utf8(out.stdout)
        .expect("text")
        .trim_end()
        .to_owned()
}

/// The same as the superuser of a server with the keys `host`, `port` and `superuser`.
pub(crate) fn as_superuser(server: &Value, database: &str, sql: &str) -> String {
    let text = |key: &str| server[key].as_str().expect("an address").to_owned();
    let connection = |psql: &mut Command| {
        psql.args(["-h", &text("host"), "-p", &server["port"].to_string()]);
        psql.args(["-U", &text("superuser"), "-d", database]);
    };
    psql(connection, sql)
}
