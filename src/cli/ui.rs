//! The one door to the terminal: data on stdout, everything else on stderr, prompts by dialoguer on stderr.
//!
//! Texts may come from a cluster, so control characters are shown, not obeyed. A failed write is remembered and decides the
//! exit code at the end ([`Ui::finish`]); nothing else needs to care.

mod chunks;
mod prompt;

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use self::chunks::Chunks;
use super::error::{CliError, Kind};
use super::output;

pub use prompt::Answer;

/// Where output goes.
#[derive(Debug)]
enum Sink {
    Real,
    /// For tests.
    Kept(Vec<u8>),
}

/// The terminal, or what stands in for it.
#[derive(Debug)]
pub struct Ui {
    out: Sink,
    err: Sink,
    out_width: Option<u16>,
    err_color: bool,
    can_prompt: bool,
    json: bool,
    yaml: bool,
    debug: bool,
    quiet: bool,
    failed: Option<io::Error>,
}

#[derive(Clone, Copy)]
enum Paint {
    Red,
    Yellow,
    Cyan,
}

impl Ui {
    /// The real terminal. `color`: colours are allowed; `interactive`: prompts are; both only where there is a terminal.
    /// `json`: errors are JSON, status lines and hints are not printed.
    pub fn real(color: bool, interactive: bool, json: bool) -> Self {
        let out_width = io::stdout().is_terminal().then(|| {
            let (_, columns) = console::Term::stdout().size();
            // A terminal that does not know its width says 0.
            if columns == 0 { 80 } else { columns }
        });
        let err_terminal = io::stderr().is_terminal();
        Self {
            out: Sink::Real,
            err: Sink::Real,
            out_width,
            err_color: color && err_terminal,
            can_prompt: interactive && err_terminal && io::stdin().is_terminal(),
            json,
            yaml: false,
            debug: false,
            quiet: json,
            failed: None,
        }
    }

    /// The same, with results as YAML where they would be JSON.
    #[must_use]
    pub fn with_yaml(mut self, yaml: bool) -> Self {
        self.yaml = yaml;
        self
    }

    /// The same, with [`Self::debug`] heard.
    #[must_use]
    pub fn with_debug(mut self, debug: bool) -> Self {
        self.debug = debug;
        self
    }

    /// A pipe into memory that never prompts; for tests of commands. See [`Self::taken`].
    pub fn kept(json: bool) -> Self {
        Self {
            out: Sink::Kept(Vec::new()),
            err: Sink::Kept(Vec::new()),
            out_width: None,
            err_color: false,
            can_prompt: false,
            json,
            yaml: false,
            debug: false,
            quiet: json,
            failed: None,
        }
    }

    /// What a [`Self::kept`] one was given so far: (stdout, stderr).
    pub fn taken(&mut self) -> (String, String) {
        let take = |sink: &mut Sink| match sink {
            Sink::Real => String::new(),
            Sink::Kept(bytes) => String::from_utf8_lossy(&std::mem::take(bytes)).into_owned(),
        };
        (take(&mut self.out), take(&mut self.err))
    }

    /// Tells whether somebody is there to answer: terminals on stdin and stderr, and no `--non-interactive`.
    pub fn can_prompt(&self) -> bool {
        self.can_prompt
    }

    /// Tells whether a program reads the results: `--format json`, `--format yaml`.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Prints a line of data.
    pub fn out(&mut self, line: &str) {
        let line = clean(line);
        self.write_out(&line);
    }

    /// Prints lines of data, all at once.
    pub fn lines<'l>(&mut self, lines: impl Iterator<Item = &'l str>) {
        let mut text = String::new();
        for line in lines {
            text.push_str(&clean(line));
            text.push('\n');
        }
        self.write(true, text.as_bytes());
    }

    /// Prints a value as one line of JSON, or as YAML.
    pub fn json_line(&mut self, value: &impl Serialize) {
        if self.yaml {
            return self.yaml(value);
        }
        self.write_json(|to| serde_json::to_writer(to, value));
    }

    /// Prints a value as indented JSON, or as YAML.
    pub fn json(&mut self, value: &impl Serialize) {
        if self.yaml {
            return self.yaml(value);
        }
        self.write_json(|to| serde_json::to_writer_pretty(to, value));
    }

    fn yaml(&mut self, value: &impl Serialize) {
        // By way of a JSON value: keys are then sorted, as tsh prints them (db-client.md 13.3).
        let text = serde_json::to_value(value)
            .map_err(io::Error::from)
            .and_then(|value| serde_saphyr::to_string(&value).map_err(io::Error::other));
        match text {
            Ok(text) => self.write_out(text.trim_end_matches('\n')),
            Err(error) => self.failed = Some(error),
        }
    }

    /// Written as it is made: a long list is never held as text.
    fn write_json(&mut self, write: impl Fn(&mut Chunks<'_>) -> serde_json::Result<()>) {
        let all = |to: &mut dyn Write| {
            let mut to = Chunks::new(to);
            write(&mut to)?;
            to.write_all(b"\n")?;
            to.flush()
        };
        let result = match &mut self.out {
            Sink::Kept(kept) => all(kept),
            Sink::Real => all(&mut io::stdout().lock()),
        };
        if let Err(error) = result {
            self.failed = Some(error);
        }
    }

    /// Prints a table: on a terminal its cells are wrapped to the width, in a pipe each row is one line, however long.
    pub fn table(&mut self, head: &[&str], rows: &[Vec<String>]) {
        let dirty = |cell: &String| clean(cell) != *cell;
        let cells: Cow<'_, [Vec<String>]> = if rows.iter().flatten().any(dirty) {
            let clean_row =
                |row: &Vec<String>| row.iter().map(|cell| clean(cell).into_owned()).collect();
            rows.iter().map(clean_row).collect()
        } else {
            Cow::Borrowed(rows)
        };
        let text = output::table(head, &cells, self.out_width);
        self.write_out(&text);
    }

    /// Columns of the terminal on stdout; `None` for a pipe.
    pub fn width(&self) -> Option<u16> {
        self.out_width
    }

    /// Replaces what is on the screen by these lines, as many as fit, cut at its width; gives false for a pipe and prints
    /// nothing. The cursor is out of sight only while it is drawn, so that the terminal is in order whenever we end.
    pub fn screen<'l>(&mut self, lines: impl Iterator<Item = &'l str>) -> bool {
        if self.out_width.is_none() {
            return false;
        }
        let (height, width) = console::Term::stdout().size();
        self.out_width = Some(if width == 0 { 80 } else { width });
        let width = usize::from(self.out_width.unwrap_or(80));
        let most = usize::from(height.max(2)) - 1;
        let mut text = String::from("\x1b[?25l\x1b[H");
        for line in lines.take(most) {
            text.push_str(&console::truncate_str(&clean(line), width, "…"));
            text.push_str("\x1b[K\r\n");
        }
        text.push_str("\x1b[J\x1b[?25h");
        self.write(true, text.as_bytes());
        true
    }

    /// Says on stderr what is going on; silent with `--format json`.
    pub fn status(&mut self, text: &str) {
        if !self.quiet {
            let line = clean(text);
            self.write_err(&line);
        }
    }

    /// Says on stderr what a person has to do, with `--format json` too: without it nothing goes on.
    pub fn always(&mut self, text: &str) {
        let line = clean(text);
        self.write_err(&line);
    }

    /// Warns on stderr, with `--format json` too: warnings are not errors, and a script's log is where they belong.
    pub fn warn(&mut self, text: &str) {
        self.labelled("warning", Paint::Yellow, text);
    }

    /// Says something that only `--debug` wants to know, on stderr.
    pub fn debug(&mut self, text: &str) {
        if self.debug {
            self.labelled("debug", Paint::Cyan, text);
        }
    }

    /// Proposes something on stderr; silent with `--format json`.
    pub fn hint(&mut self, text: &str) {
        if !self.quiet {
            self.labelled("hint", Paint::Cyan, text);
        }
    }

    /// Prints a failure: message and hints, or one JSON object.
    pub fn error(&mut self, error: &CliError) {
        if matches!(error.kind, Kind::Interrupted | Kind::Terminated) {
            return;
        }
        if self.json {
            match serde_json::to_string(&error.json()) {
                Ok(text) => self.write_err(&text),
                Err(e) => self.failed = Some(e.into()),
            }
            return;
        }
        self.labelled("error", Paint::Red, &error.message);
        self.debug(&format!(
            "it failed at: {}; exit code {}",
            error.hop,
            error.kind.exit().code()
        ));
        for hint in &error.hints {
            self.hint(hint);
        }
    }

    /// Prints text that clap made: help to stdout, usage errors to stderr. Colours are clap's own business.
    pub(super) fn clap(&mut self, error: &clap::Error) {
        if let Err(e) = error.print() {
            self.failed = Some(e);
        }
    }

    /// Writes bytes to stdout as they are: generated scripts.
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.write(true, bytes);
    }

    /// Tells whether output was lost: nobody reads it any more, or there is no room.
    pub fn is_broken(&self) -> bool {
        self.failed.is_some()
    }

    /// Flushes, and tells of the first write that failed. A closed pipe (`postern db ls | head -1`) is no failure.
    ///
    /// # Errors
    /// [`Kind::Failed`] when output was lost, e.g. on a full disk.
    pub fn finish(&mut self) -> Result<(), CliError> {
        if matches!(self.out, Sink::Real)
            && let Err(error) = io::stdout().flush()
        {
            self.failed.get_or_insert(error);
        }
        match self.failed.take() {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(CliError::new(
                Kind::Failed,
                format!("cannot write the output: {error}"),
            )),
            _ => Ok(()),
        }
    }

    fn labelled(&mut self, label: &str, paint: Paint, text: &str) {
        let text = clean(text);
        let line = if self.err_color {
            let code = match paint {
                Paint::Red => 31,
                Paint::Yellow => 33,
                Paint::Cyan => 36,
            };
            format!("\x1b[1;{code}m{label}:\x1b[0m {text}")
        } else {
            format!("{label}: {text}")
        };
        self.write_err(&line);
    }

    fn write_out(&mut self, line: &str) {
        self.write(true, format!("{line}\n").as_bytes());
    }

    fn write_err(&mut self, line: &str) {
        // One write: lines of several processes on one terminal do not mix.
        self.write(false, format!("{line}\n").as_bytes());
    }

    fn write(&mut self, stdout: bool, bytes: &[u8]) {
        let sink = if stdout { &mut self.out } else { &mut self.err };
        let result = match sink {
            Sink::Kept(kept) => {
                kept.extend_from_slice(bytes);
                Ok(())
            }
            Sink::Real if stdout => io::stdout().write_all(bytes),
            Sink::Real => io::stderr().write_all(bytes),
        };
        // Lost words on stderr are no reason to fail: often it is closed on purpose.
        if let Err(error) = result
            && stdout
        {
            self.failed.get_or_insert(error);
        }
    }
}

/// Shows control characters as `\x1b` and the like; line ends and tabs stay.
fn clean(text: &str) -> Cow<'_, str> {
    let text = text.trim_end_matches('\n');
    if text
        .chars()
        .all(|c| !c.is_control() || c == '\n' || c == '\t')
    {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && c != '\n' && c != '\t' {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hop::Hop;

    #[test]
    fn control_characters_are_shown() {
        assert_eq!(clean("a\u{1b}[31mb\tc\nd\r\n"), "a\\u{1b}[31mb\tc\nd\\r");
    }

    #[test]
    fn errors_are_one_json_object_when_json_is_asked_for() {
        let error = CliError::new(Kind::Unreachable, "no route")
            .at(Hop::Proxy("h:443".into()))
            .hint("a")
            .hint("b");
        let mut ui = Ui::kept(true);
        ui.status("not seen");
        ui.hint("not seen either");
        ui.error(&error);
        let (out, err) = ui.taken();
        assert_eq!(out, "");
        let value: serde_json::Value = serde_json::from_str(&err).expect("one object");
        assert_eq!(
            value,
            serde_json::json!({"code": 15, "kind": "unreachable", "hop": "proxy h:443", "message": "no route", "hint": "a\nb"})
        );
        assert_eq!(err.lines().count(), 1);
    }

    #[test]
    fn errors_are_lines_otherwise() {
        let mut ui = Ui::kept(false);
        ui.error(&CliError::new(Kind::Failed, "no").hint("do"));
        assert_eq!(
            ui.taken(),
            (String::new(), "error: no\nhint: do\n".to_owned())
        );
    }
}
