//! What `db ping` prints: one line a step, with the least, the middle and the most of all rounds.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Serialize;

use super::parts::{Part, Times};
use super::round::Aim;
use crate::cli::db::choose::TargetArgs;
use crate::cli::{CliError, Cx};

/// All rounds.
#[derive(Debug)]
pub(super) struct Report {
    proxy: String,
    cluster: String,
    database: Option<String>,
    user: Option<String>,
    name: Option<String>,
    kept: bool,
    rounds: Vec<Times>,
    failed: Option<Stuck>,
}

/// Where a round ended too early.
#[derive(Debug)]
struct Stuck {
    round: u16,
    times: Times,
    part: Option<Part>,
    hop: String,
    message: String,
}

/// What `--format json` prints; times are milliseconds.
#[derive(Debug, Serialize)]
struct Json<'a> {
    proxy: &'a str,
    cluster: &'a str,
    database: Option<&'a str>,
    db_user: Option<&'a str>,
    db_name: Option<&'a str>,
    kept: bool,
    rounds: Vec<BTreeMap<&'static str, f64>>,
    summary: BTreeMap<&'static str, Summary>,
    failed: Option<JsonStuck<'a>>,
}

#[derive(Debug, Serialize)]
struct JsonStuck<'a> {
    round: u16,
    step: Option<&'static str>,
    before: BTreeMap<&'static str, f64>,
    hop: &'a str,
    message: &'a str,
}

/// Milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct Summary {
    min: f64,
    median: f64,
    max: f64,
}

impl Report {
    pub(super) fn new(proxy: &str, cluster: &str, args: &TargetArgs) -> Self {
        Self {
            proxy: proxy.to_owned(),
            cluster: cluster.to_owned(),
            database: args.name.clone(),
            user: args.db_user.clone(),
            name: args.db_name.clone(),
            kept: false,
            rounds: Vec::new(),
            failed: None,
        }
    }

    /// What was aimed at turned out to be this.
    pub(super) fn aimed(&mut self, aim: &Aim) {
        self.kept = aim.kept();
        if let Some(target) = &aim.target {
            self.cluster.clone_from(&target.cluster);
            self.database = Some(target.database.name.clone());
            self.user = Some(target.user.clone());
            self.name = Some(target.name.clone());
        }
    }

    pub(super) fn add(&mut self, times: Times) {
        self.rounds.push(times);
    }

    pub(super) fn fail(&mut self, round: u16, times: Times, part: Option<Part>, why: &CliError) {
        self.failed = Some(Stuck {
            round,
            times,
            part,
            hop: why.hop.to_string(),
            message: why.message.clone(),
        });
    }

    pub(super) fn print(&self, cx: &mut Cx) {
        if cx.ui.is_json() {
            return cx.ui.json(&self.json());
        }
        if let Some(line) = self.title() {
            cx.ui.status(&line);
        }
        let (head, rows) = self.table();
        cx.ui.table(&head, &rows);
    }

    fn title(&self) -> Option<String> {
        let database = self.database.as_ref()?;
        let user = self
            .user
            .as_ref()
            .map_or_else(String::new, |user| format!(" as {user}"));
        Some(format!(
            "{database} in cluster {}{user}, through {}",
            self.cluster, self.proxy
        ))
    }

    /// Every step that was gone in some round.
    fn parts(&self) -> BTreeSet<Part> {
        let stuck = self.failed.iter().flat_map(|stuck| {
            let times = stuck.times.parts().map(|(part, _)| part);
            times.chain(stuck.part)
        });
        let whole = self.rounds.iter().flat_map(Times::parts);
        whole.map(|(part, _)| part).chain(stuck).collect()
    }

    fn table(&self) -> (Vec<&'static str>, Vec<Vec<String>>) {
        let single = self.rounds.len() + usize::from(self.failed.is_some()) == 1;
        let mut head = vec!["Step"];
        head.extend(if single {
            &["Time"][..]
        } else {
            &["Min", "Median", "Max"]
        });
        head.push("");
        let mut rows = Vec::new();
        let mut push = |name: &str, times: Vec<Duration>, what: String| {
            let cells = match (summary(times), single) {
                (None, true) => vec![String::new()],
                (None, false) => vec![String::new(); 3],
                (Some(all), true) => vec![text(all.median)],
                (Some(all), false) => [all.min, all.median, all.max].map(text).into(),
            };
            rows.push([vec![name.to_owned()], cells, vec![what]].concat());
        };
        for part in self.parts() {
            let (name, what) = part.words();
            let mut times: Vec<Duration> = self
                .rounds
                .iter()
                .filter_map(|round| round.get(part))
                .collect();
            let mut what = what.to_owned();
            if let Some(stuck) = &self.failed {
                times.extend(stuck.times.get(part));
                if stuck.part == Some(part) {
                    what = format!("failed in round {}: {}", stuck.round, stuck.hop);
                }
            }
            push(name, times, what);
        }
        if !self.rounds.is_empty() {
            let totals = self.rounds.iter().map(Times::total).collect();
            push("Total", totals, String::new());
        }
        (head, rows)
    }

    fn json(&self) -> Json<'_> {
        let keyed = |times: &Times| {
            let parts = times.parts().map(|(part, took)| (part.key(), number(took)));
            parts.collect::<BTreeMap<_, _>>()
        };
        let rounds = self.rounds.iter().map(|times| {
            let mut round = keyed(times);
            round.insert("total", number(times.total()));
            round
        });
        let mut all: BTreeMap<&'static str, Vec<Duration>> = BTreeMap::new();
        for times in &self.rounds {
            for (part, took) in times.parts() {
                all.entry(part.key()).or_default().push(took);
            }
            all.entry("total").or_default().push(times.total());
        }
        Json {
            proxy: &self.proxy,
            cluster: &self.cluster,
            database: self.database.as_deref(),
            db_user: self.user.as_deref(),
            db_name: self.name.as_deref(),
            kept: self.kept,
            rounds: rounds.collect(),
            summary: all
                .into_iter()
                .filter_map(|(key, times)| Some((key, summary(times)?)))
                .collect(),
            failed: self.failed.as_ref().map(|stuck| JsonStuck {
                round: stuck.round,
                step: stuck.part.map(Part::key),
                before: keyed(&stuck.times),
                hop: &stuck.hop,
                message: &stuck.message,
            }),
        }
    }
}

/// The least, the middle and the most; of an even number the middle is half-way between two.
fn summary(mut times: Vec<Duration>) -> Option<Summary> {
    times.sort_unstable();
    let (min, max) = (*times.first()?, *times.last()?);
    let middle = times.len() / 2;
    let median = if times.len().is_multiple_of(2) {
        (times[middle - 1] + times[middle]) / 2
    } else {
        times[middle]
    };
    Some(Summary {
        min: number(min),
        median: number(median),
        max: number(max),
    })
}

/// Milliseconds with three decimals.
fn number(took: Duration) -> f64 {
    (took.as_secs_f64() * 1e6).round() / 1e3
}

fn text(milliseconds: f64) -> String {
    let decimals = match milliseconds {
        ms if ms < 10.0 => 2,
        ms if ms < 100.0 => 1,
        _ => 0,
    };
    format!("{milliseconds:.decimals$} ms")
}

/// A time for people.
pub(super) fn milliseconds(took: Duration) -> String {
    text(number(took))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Kind;
    use crate::hop::Hop;

    fn times(parts: &[(Part, u64)]) -> Times {
        let mut times = Times::default();
        for (part, micros) in parts {
            times.set(*part, Duration::from_micros(*micros));
        }
        times
    }

    fn report() -> Report {
        let args = TargetArgs {
            name: Some("orders".into()),
            ..TargetArgs::default()
        };
        Report::new("proxy.test:443", "root", &args)
    }

    #[test]
    fn the_middle_of_an_even_number_lies_between_two() {
        let of =
            |micros: &[u64]| summary(micros.iter().map(|n| Duration::from_micros(*n)).collect());
        assert_eq!(of(&[]), None);
        let (min, median, max) = (1.0, 2.0, 9.0);
        assert_eq!(
            of(&[9_000, 1_000, 2_000]),
            Some(Summary { min, median, max })
        );
        let (min, median, max) = (1.0, 2.5, 9.0);
        assert_eq!(
            of(&[9_000, 1_000, 3_000, 2_000]),
            Some(Summary { min, median, max })
        );
    }

    #[test]
    fn one_round_has_one_column_and_several_have_three() {
        let mut report = report();
        report.add(times(&[(Part::Tcp, 1_250), (Part::FirstRow, 123_400)]));
        let (head, rows) = report.table();
        assert_eq!(head, ["Step", "Time", ""]);
        let texts: Vec<(&str, &str)> = rows
            .iter()
            .map(|r| (r[0].as_str(), r[1].as_str()))
            .collect();
        assert_eq!(
            texts,
            [
                ("TCP", "1.25 ms"),
                ("First row", "123 ms"),
                ("Total", "125 ms")
            ]
        );
        report.add(times(&[(Part::Tcp, 3_250), (Part::FirstRow, 23_400)]));
        let (head, rows) = report.table();
        assert_eq!(head, ["Step", "Min", "Median", "Max", ""]);
        assert_eq!(rows[0][1..4], ["1.25 ms", "2.25 ms", "3.25 ms"]);
    }

    #[test]
    fn a_failure_stands_behind_the_steps_before_it() {
        let mut report = report();
        let why =
            CliError::new(Kind::Unreachable, "refused").at(Hop::Proxy("proxy.test:443".into()));
        report.fail(1, times(&[(Part::Dns, 100)]), Some(Part::Tcp), &why);
        let (_, rows) = report.table();
        assert_eq!(
            rows,
            [
                ["DNS", "0.10 ms", "addresses of the proxy's name"].map(str::to_owned),
                ["TCP", "", "failed in round 1: proxy proxy.test:443"].map(str::to_owned)
            ]
        );
        let json = serde_json::to_value(report.json()).expect("JSON");
        assert_eq!(
            json["failed"],
            serde_json::json!({"round": 1, "step": "tcp", "before": {"dns": 0.1}, "hop": "proxy proxy.test:443", "message": "refused"})
        );
    }
}
