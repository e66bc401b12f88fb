//! Manual pages in roff, one for each command of a program: what clap knows, and the sections it does not know.

use std::fmt::Write as _;

/// A key of an object, or of an object in it (`key.store`), and its meaning.
pub type Key = (&'static str, &'static str);

/// What a command prints with `--format json`.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// The name of the manual page.
    pub page: &'static str,
    /// One object, a list of them, on one line or several.
    pub form: &'static str,
    /// Keys it shares with other commands.
    pub common: &'static [Key],
    /// Keys of its own.
    pub own: &'static [Key],
}

impl Shape {
    /// Every key.
    pub fn keys(&self) -> impl Iterator<Item = &'static Key> {
        self.common.iter().chain(self.own)
    }

    /// Its paragraph and list.
    #[must_use]
    pub fn roff(&self) -> String {
        let mut out = format!(".PP\n{}\n", roff(self.form));
        for (key, meaning) in self.keys() {
            item(&mut out, key, meaning);
        }
        out
    }
}

/// Makes every page of `root`, hidden commands left out: (file name, roff). `more` gives the further sections of a page by
/// its name, e.g. `postern-db-ls`.
pub fn pages(mut root: clap::Command, more: &dyn Fn(&str) -> String) -> Vec<(String, Vec<u8>)> {
    root.build();
    let name = root.get_name().to_owned();
    let mut pages = Vec::new();
    collect(&root, &name, &name, more, &mut pages);
    pages
}

fn collect(
    command: &clap::Command,
    name: &str,
    program: &str,
    more: &dyn Fn(&str) -> String,
    pages: &mut Vec<(String, Vec<u8>)>,
) {
    let man = clap_mangen::Man::new(command.clone())
        .date("")
        .source(format!("{program} {}", env!("CARGO_PKG_VERSION")))
        .manual(program);
    let mut text = Vec::new();
    // Writing to memory cannot fail.
    let sections = [
        clap_mangen::Man::render_title,
        clap_mangen::Man::render_name_section,
        clap_mangen::Man::render_synopsis_section,
        clap_mangen::Man::render_description_section,
        clap_mangen::Man::render_options_section,
    ];
    for section in sections {
        section(&man, &mut text).expect("memory takes everything");
    }
    let shown = || {
        command
            .get_subcommands()
            .filter(|sub| !sub.is_hide_set() && sub.get_name() != "help")
    };
    if shown().next().is_some() {
        man.render_subcommands_section(&mut text)
            .expect("memory takes everything");
    }
    text.extend_from_slice(more(name).as_bytes());
    pages.push((format!("{name}.1"), without_repeats(&text)));
    for sub in shown() {
        let name = format!("{name}-{}", sub.get_name());
        collect(sub, &name, program, more, pages);
    }
}

/// A section with a list of terms and their meanings.
pub fn list<'a>(title: &str, items: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut out = format!(".SH {title}\n");
    for (term, meaning) in items {
        item(&mut out, term, meaning);
    }
    out
}

/// Adds a term and its meaning to a list.
pub fn item(out: &mut String, term: &str, meaning: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, ".TP\n\\fB{}\\fR\n{}", roff(term), roff(meaning));
}

/// Escapes text for roff; no line of ours begins with a dot.
#[must_use]
pub fn roff(text: &str) -> String {
    text.replace('\\', "\\\\").replace('-', "\\-")
}

/// Keeps the first of the preambles that clap_mangen puts before each section.
fn without_repeats(text: &[u8]) -> Vec<u8> {
    const PREAMBLE: &str = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";
    let text = String::from_utf8_lossy(text).replace(PREAMBLE, "");
    format!("{PREAMBLE}{text}").into_bytes()
}
