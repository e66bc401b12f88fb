//! What `--format json` prints, for the manual.

use crate::manual::Shape;

/// Each command that prints JSON; the others print none.
pub const SHAPES: [Shape; 1] = [Shape {
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
    ],
}];

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
