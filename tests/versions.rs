//! Versions of Teleport: one place that knows them, and the page that shows it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use postern::compat::table::DIFFERENCES;

const BEGIN: &str = "<!-- differences: tests/versions.rs -->\n";
const END: &str = "<!-- end -->";

#[test]
fn the_page_shows_every_difference() {
    let mut table = String::from(
        "| what | older | newer | from | decided by | postern | source |\n|---|---|---|---|---|---|---|\n",
    );
    for d in DIFFERENCES {
        writeln!(
            table,
            "| {} | {} | {} | {} | {} | {} | {} |",
            d.topic, d.older, d.newer, d.since, d.by, d.does, d.source
        )
        .expect("text");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/versions.md");
    let page = std::fs::read_to_string(&path).expect("the page");
    let (before, rest) = page.split_once(BEGIN).expect("the table's begin");
    let (kept, after) = rest.split_once(END).expect("the table's end");
    if std::env::var_os("POSTERN_BLESS").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}")).expect("written");
        return;
    }
    assert_eq!(
        kept, table,
        "docs/versions.md is stale: run the tests with POSTERN_BLESS=1"
    );
}

/// Files of the client below `src`.
fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy();
        if path.is_dir() {
            // The embedded cluster is a server, with a version of its own; `proto` is generated.
            if name != "cluster" && name != "proto" && name != "compat" {
                sources(&path, found);
            }
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
}

#[test]
fn nothing_else_reads_a_version() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 100, "{} files", files.len());
    let (mut asks, mut takes) = (0, 0);
    for file in &files {
        let text = std::fs::read_to_string(file).expect("a source file");
        let code = text.split("#[cfg(test)]").next().expect("a part");
        let name = file.strip_prefix(&root).expect("below src").display();
        for line in code.lines() {
            let line = line.trim();
            if line.starts_with("//") {
                continue;
            }
            takes += usize::from(line.contains("Server::of("));
            asks += usize::from(line.contains(".key_fields()"));
            for reading in ["split", "parse", "starts_with", "cmp(", ".major", "strip_"] {
                assert!(
                    !(line.contains("server_version") && line.contains(reading)),
                    "{name} reads a version by itself: {line}"
                );
            }
            assert!(
                !line.contains("Version::parse("),
                "{name} reads a version by itself: {line}"
            );
        }
    }
    // What this looks for is there at all.
    assert!(takes >= 2 && asks >= 2, "{takes} and {asks}");
}
