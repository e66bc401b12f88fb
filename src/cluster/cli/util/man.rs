//! Manual pages: one for each command.

use super::super::command;
use super::super::exit::Exit;
use super::json;
use crate::manual;

/// What lies in the state directory.
const FILES: [(&str, &str); 4] = [
    (
        "state.db",
        "Authorities with their keys, password hashes, one-time keys; SQLite. Mode 0600.",
    ),
    ("ca.pem", "The authority that signed the web certificate."),
    ("audit.jsonl", "The audit log; older files have a number."),
    (
        "lock",
        "Keeps two clusters from using the directory at once.",
    ),
];

/// Makes every page: (file name, roff).
#[must_use]
pub fn pages() -> Vec<(String, Vec<u8>)> {
    manual::pages(command(), &|name| {
        [json::section(name), exit_status(), files()].concat()
    })
}

fn exit_status() -> String {
    let mut out = String::from(".SH EXIT STATUS\n");
    for exit in Exit::ALL {
        manual::item(&mut out, &exit.code().to_string(), exit.meaning());
    }
    manual::item(&mut out, "128+N", "Ended by signal N before it was ready.");
    out
}

fn files() -> String {
    let list = manual::list("FILES", FILES);
    list.replacen(
        ".SH FILES\n",
        ".SH FILES\nIn the state directory, which only its owner may enter:\n",
        1,
    )
}
