//! `postern db ps`: what runs on a database's server, once or again and again.

use std::time::Duration;

use clap::Args;
use serde::Serialize;
use tokio::time::{MissedTickBehavior, interval};

use super::asking;
use super::choose::{Program, TargetArgs};
use crate::cli::output::{self, rfc3339};
use crate::cli::{CliError, Cx, Exit};
use crate::flow::activity::{Activity, Whose, list};
use crate::flow::target::Target;

/// The columns of the table. The statement is the last one, as it takes what is left of the width.
const HEAD: [&str; 6] = ["PID", "Since (UTC)", "For", "User", "State", "Query"];

/// A statement gets at least this many columns of a terminal.
const LEAST: usize = 24;

/// Arguments of `db ps`.
#[derive(Args, Debug)]
pub struct PsArgs {
    #[command(flatten)]
    target: TargetArgs,

    /// Sessions of all database users, as far as the server shows them to yours
    #[arg(short = 'a', long)]
    all: bool,

    /// Look again and again until Ctrl+C: on a terminal the list is drawn anew, else lines are appended
    #[arg(short = 'w', long)]
    watch: bool,

    /// Seconds between two looks
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0, value_parser = seconds, requires = "watch")]
    interval: f64,
}

/// A time from a tenth of a second to a day.
fn seconds(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|seconds| (0.1..=86_400.0).contains(seconds))
        .ok_or_else(|| format!("{text:?} is no number of seconds from 0.1 to 86400"))
}

/// A session as `--format json` prints it.
#[derive(Debug, Serialize)]
struct Row<'a> {
    pid: i32,
    since: Option<&'a str>,
    seconds: Option<f64>,
    user: &'a str,
    database: Option<&'a str>,
    application: Option<&'a str>,
    client: Option<&'a str>,
    state: Option<&'a str>,
    wait: Option<&'a str>,
    query: &'a str,
}

impl<'a> Row<'a> {
    fn of(one: &'a Activity) -> Self {
        Self {
            pid: one.pid,
            since: one.since.as_deref(),
            seconds: one.seconds,
            user: &one.user,
            database: one.database.as_deref(),
            application: one.application.as_deref(),
            client: one.client.as_deref(),
            state: one.state.as_deref(),
            wait: one.wait.as_deref(),
            query: &one.query,
        }
    }
}

/// One look of `--watch` as `--format json` prints it.
#[derive(Debug, Serialize)]
struct Look<'a> {
    time: String,
    sessions: Vec<Row<'a>>,
}

/// Prints the list.
///
/// # Errors
/// Those of connecting, and what the database says.
pub async fn run(cx: &mut Cx, args: PsArgs) -> Result<Exit, CliError> {
    let whose = if args.all { Whose::All } else { Whose::Own };
    let (mut asker, target) = Box::pin(asking::open(cx, &args.target, Program::Ps)).await?;
    if !args.watch {
        let all = list(&mut asker, &target.user, whose).await;
        asker.close().await;
        once(cx, &all?, &target, whose);
        return Ok(Exit::Done);
    }
    let clock = super::proxy::clock();
    let mut ticks = interval(Duration::from_secs_f64(args.interval));
    // After a pause of this computer there is one look, not all that were missed.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut appended = Appended::default();
    loop {
        ticks.tick().await;
        let all = list(&mut asker, &target.user, whose).await?;
        let time = rfc3339(clock());
        if cx.ui.is_json() {
            cx.ui.json_line(&Look {
                time,
                sessions: all.iter().map(Row::of).collect(),
            });
        } else if let Some(width) = cx.ui.width() {
            let title = format!(
                "{time}  {}: {}, every {} s, Ctrl+C ends",
                target.database.name,
                count(all.len(), whose, &target.user),
                args.interval
            );
            let table = output::table(&HEAD, &rows(&all, Some(width)), Some(width));
            let lines = [title.as_str(), ""].into_iter().chain(table.lines());
            let _ = cx.ui.screen(lines);
        } else {
            for line in appended.lines(&time, &all) {
                cx.ui.out(&line);
            }
        }
        // Nobody reads any more.
        if cx.ui.is_broken() {
            return Ok(Exit::Done);
        }
    }
}

fn once(cx: &mut Cx, all: &[Activity], target: &Target, whose: Whose) {
    if cx.ui.is_json() {
        return cx.ui.json(&all.iter().map(Row::of).collect::<Vec<_>>());
    }
    let rows = rows(all, cx.ui.width());
    cx.ui.table(&HEAD, &rows);
    if all.is_empty() {
        cx.ui.status(&format!(
            "{} on {}, besides the one that asked",
            count(0, whose, &target.user),
            target.database.name
        ));
    }
}

fn count(sessions: usize, whose: Whose, user: &str) -> String {
    let of = match whose {
        Whose::Own => format!(" of {user}"),
        Whose::All => String::new(),
    };
    match sessions {
        0 => format!("no session{of}"),
        1 => format!("1 session{of}"),
        n => format!("{n} sessions{of}"),
    }
}

/// The cells of the table. For a terminal statements are cut to what the other columns leave.
fn rows(all: &[Activity], width: Option<u16>) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = all.iter().map(cells).collect();
    let Some(width) = width else { return rows };
    let last = HEAD.len() - 1;
    let others: usize = (0..last)
        .map(|column| {
            let cells = rows.iter().map(|row| row[column].as_str());
            let widths = cells.chain([HEAD[column]]).map(console::measure_text_width);
            widths.max().unwrap_or(0) + 2
        })
        .sum();
    let left = usize::from(width).saturating_sub(others + 2).max(LEAST);
    for row in &mut rows {
        row[last] = console::truncate_str(&row[last], left, "…").into_owned();
    }
    rows
}

fn cells(one: &Activity) -> Vec<String> {
    let since = one.since.as_deref().unwrap_or_default();
    let state = match (&one.state, &one.wait) {
        (Some(state), Some(wait)) if wait.starts_with("Lock: ") => format!("{state}, {wait}"),
        (Some(state), _) => state.clone(),
        (None, _) => "not shown".to_owned(),
    };
    vec![
        one.pid.to_string(),
        // Without the fraction.
        since.get(..19).unwrap_or(since).replace('T', " "),
        one.seconds.map_or_else(String::new, lasting),
        one.user.clone(),
        state,
        one_line(&one.query),
    ]
}

/// A statement on one line.
pub(super) fn one_line(query: &str) -> String {
    query.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Writes seconds as `0.4s`, `12s`, `3m05s`, `2h07m`, `3d04h`.
fn lasting(seconds: f64) -> String {
    if seconds < 9.95 {
        return format!("{:.1}s", seconds.max(0.0));
    }
    // A span that the server measured; far below what a float holds exactly.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positive, and saturating"
    )]
    let whole = seconds as u64;
    match (
        whole / 86_400,
        whole / 3600 % 24,
        whole / 60 % 60,
        whole % 60,
    ) {
        (0, 0, 0, s) => format!("{s}s"),
        (0, 0, m, s) => format!("{m}m{s:02}s"),
        (0, h, m, _) => format!("{h}h{m:02}m"),
        (d, h, _, _) => format!("{d}d{h:02}h"),
    }
}

/// Lines for a file that is read while it grows: one for each session of each look, and one for a look without any.
#[derive(Debug, Default)]
struct Appended {
    headed: bool,
}

impl Appended {
    fn lines(&mut self, time: &str, all: &[Activity]) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.headed {
            lines.push(format!("Time\t{}", HEAD.join("\t")));
            self.headed = true;
        }
        if all.is_empty() {
            lines.push(format!("{time}\tno session"));
        }
        for one in all {
            lines.push(format!("{time}\t{}", cells(one).join("\t")));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(query: &str) -> Activity {
        Activity {
            pid: 4711,
            since: Some("2026-11-24T19:42:01.125Z".into()),
            seconds: Some(185.9),
            user: "alice".into(),
            state: Some("active".into()),
            query: query.into(),
            ..Activity::default()
        }
    }

    #[test]
    fn spans_are_short() {
        for (seconds, text) in [
            (-0.1, "0.0s"),
            (0.44, "0.4s"),
            (12.9, "12s"),
            (185.9, "3m05s"),
            (7_620.0, "2h07m"),
            (273_600.0, "3d04h"),
        ] {
            assert_eq!(lasting(seconds), text);
        }
    }

    #[test]
    fn a_statement_takes_what_the_width_leaves_and_no_line_more() {
        let all = [one(
            "select a,\n\t   b from t where a_long_name = 'and a long value behind it'",
        )];
        for width in [80, 100, 200] {
            let table = output::table(&HEAD, &rows(&all, Some(width)), Some(width));
            let lines: Vec<&str> = table.lines().collect();
            assert_eq!(lines.len(), 2, "{table}");
            assert!(
                lines
                    .iter()
                    .all(|line| line.chars().count() <= width.into()),
                "{table}"
            );
            assert!(table.contains("select a, b"), "{table}");
        }
        let piped = output::table(&HEAD, &rows(&all, None), None);
        assert_eq!(
            piped.lines().nth(1),
            Some(
                "4711  2026-11-24 19:42:01  3m05s  alice  active  select a, b from t where a_long_name = 'and a long value \
                 behind it'"
            )
        );
    }

    #[test]
    fn looks_are_appended_line_by_line_under_one_head() {
        let mut appended = Appended::default();
        let first = appended.lines("T1", &[one("select 1")]);
        assert_eq!(
            first,
            [
                "Time\tPID\tSince (UTC)\tFor\tUser\tState\tQuery",
                "T1\t4711\t2026-11-24 19:42:01\t3m05s\talice\tactive\tselect 1"
            ]
        );
        assert_eq!(appended.lines("T2", &[]), ["T2\tno session"]);
    }
}
