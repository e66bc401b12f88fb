//! Texts that several commands print: tables, times, durations.

use std::borrow::Cow;

use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};
use console::measure_text_width;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

/// No column but the first is kept wider than this for the sake of one long word, such as an address or a list of labels.
const LONGEST_WORD: usize = 20;

/// Lays out a table without frames. Without a width nothing is wrapped. With one, cells are wrapped between words; where
/// not even the words fit, each row becomes a block of lines, as psql does it: a name that is cut in two cannot be copied.
pub fn table(head: &[&str], rows: &[Vec<String>], width: Option<u16>) -> String {
    let Some(width) = width else {
        let broken = |cell: &String| cell.contains(['\n', '\t']);
        return if rows.iter().flatten().any(broken) {
            lay_out(head, rows, None)
        } else {
            columns(head, rows)
        };
    };
    let least: Vec<u16> = (0..head.len())
        .map(|column| least_width(head[column], rows, column))
        .collect();
    if least.iter().sum::<u16>() <= width {
        return lay_out(head, rows, Some((width, &least)));
    }
    blocks(head, rows, width)
}

/// As [`lay_out`] without a width, for cells of one line each; a list of ten thousand rows costs next to nothing.
fn columns(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |text: &str| {
        if text.is_ascii() {
            text.len()
        } else {
            measure_text_width(text)
        }
    };
    let mut widths: Vec<usize> = head.iter().map(|text| width(text)).collect();
    for row in rows {
        for (most, cell) in widths.iter_mut().zip(row) {
            *most = width(cell).max(*most);
        }
    }
    let mut out = String::new();
    let mut line = |cells: &mut dyn Iterator<Item = &str>| {
        if !out.is_empty() {
            out.push('\n');
        }
        for (cell, most) in cells.zip(&widths) {
            out.push_str(cell);
            out.extend(std::iter::repeat_n(' ', most - width(cell) + 2));
        }
        out.truncate(out.trim_end_matches(' ').len());
    };
    line(&mut head.iter().copied());
    for row in rows {
        line(&mut row.iter().map(String::as_str));
    }
    out
}

/// What a column needs, padding included: the first one all of its content, the others their words.
fn least_width(head: &str, rows: &[Vec<String>], column: usize) -> u16 {
    let cells = rows
        .iter()
        .filter_map(|row| row.get(column))
        .map(String::as_str);
    let texts = std::iter::once(head).chain(cells);
    let least = if column == 0 {
        texts.map(measure_text_width).max().unwrap_or(0) + 1
    } else {
        let words = texts.flat_map(str::split_whitespace);
        let longest = words.map(measure_text_width).max().unwrap_or(0);
        longest.min(LONGEST_WORD) + 2
    };
    u16::try_from(least).unwrap_or(u16::MAX / 16)
}

fn lay_out(head: &[&str], rows: &[Vec<String>], fit: Option<(u16, &[u16])>) -> String {
    let mut table = plain(fit.map(|(width, _)| width));
    table.set_header(head.to_vec());
    for row in rows {
        table.add_row(row.clone());
    }
    for (column, least) in table
        .column_iter_mut()
        .zip(fit.map_or(&[][..], |(_, least)| least))
    {
        column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(*least)));
    }
    text(&mut table)
}

/// One block for each row: the first cell on a line of its own, below it the others that are not empty.
fn blocks(head: &[&str], rows: &[Vec<String>], width: u16) -> String {
    let blocks = rows.iter().map(|row| {
        let mut table = plain(Some(width));
        let mut labels = 0;
        for (label, cell) in head.iter().zip(row).skip(1) {
            if !cell.is_empty() {
                labels = labels.max(measure_text_width(label));
                table.add_row([format!("  {label}"), cell.clone()]);
            }
        }
        if let Some(column) = table.column_mut(0) {
            let whole = u16::try_from(labels + 3).unwrap_or(width);
            column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(whole)));
        }
        let name = row.first().map_or("", String::as_str);
        let block = format!("{name}\n{}", text(&mut table));
        block.trim_end().to_owned()
    });
    blocks.collect::<Vec<_>>().join("\n\n")
}

fn plain(width: Option<u16>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    match width {
        Some(width) => table
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width),
        None => table.set_content_arrangement(ContentArrangement::Disabled),
    };
    table
}

fn text(table: &mut Table) -> String {
    // Columns are padded left and right; the first needs no blank before it.
    if let Some(first) = table.column_mut(0) {
        first.set_padding((0, 1));
    }
    table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect::<Vec<_>>()
        .join("\n")
}

/// Quotes a word for a POSIX shell where it needs that, so that a proposed command can be copied.
pub fn shell_word(text: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_alphanumeric() || "-._~@%+=:,/".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("'{}'", text.replace('\'', "'\\''")))
}

/// Writes unix seconds as RFC 3339 in UTC.
pub fn rfc3339(unix: i64) -> String {
    moment(unix)
        .format(&Rfc3339)
        .unwrap_or_else(|_| unix.to_string())
}

/// Writes unix seconds as `2026-11-23 17:30:34 UTC`.
pub fn date(unix: i64) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
    moment(unix)
        .format(&format)
        .unwrap_or_else(|_| unix.to_string())
}

fn moment(unix: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(unix).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// Writes the time left as tsh does: `11h52m`, `5m`, `<1m`.
pub fn remaining(seconds: i64) -> String {
    let minutes = seconds / 60;
    match (minutes / 60, minutes % 60) {
        (0, 0) => "<1m".to_owned(),
        (0, m) => format!("{m}m"),
        (h, m) => format!("{h}h{m}m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_laying_out_a_table_without_a_width_agree() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let rows = [
            row(["orders", "", "[alice] (Auto-provisioned)"]),
            row(["Größe", "日本", ""]),
            row(["", "", ""]),
            row(["x", "a longer description than the head", "env=dev"]),
        ];
        for rows in [&rows[..], &[]] {
            let head = ["Name", "Description", "Allowed Users"];
            assert_eq!(columns(&head, rows), lay_out(&head, rows, None));
        }
    }

    #[test]
    fn proposed_commands_can_be_copied() {
        for plain in ["orders", "kim@corp.test", "läufer", "a,b"] {
            assert_eq!(shell_word(plain), plain);
        }
        for (odd, quoted) in [
            ("", "''"),
            ("my db", "'my db'"),
            ("it's", "'it'\\''s'"),
            ("$(x)", "'$(x)'"),
            ("a\"b", "'a\"b'"),
            ("*", "'*'"),
        ] {
            assert_eq!(shell_word(odd), quoted);
        }
    }

    #[test]
    fn a_pipe_gets_whole_rows_and_a_terminal_wrapped_ones() {
        let rows = vec![vec![
            "orders".to_owned(),
            "a very long description that nobody should cut".to_owned(),
        ]];
        let piped = table(&["Name", "Description"], &rows, None);
        assert_eq!(
            piped,
            "Name    Description\norders  a very long description that nobody should cut"
        );
        let narrow = table(&["Name", "Description"], &rows, Some(30));
        assert!(
            narrow.lines().all(|line| line.chars().count() <= 30),
            "{narrow}"
        );
        let words: Vec<&str> = narrow.split_whitespace().collect();
        for word in "a very long description that nobody should cut".split(' ') {
            assert!(words.contains(&word), "{word} is missing in\n{narrow}");
        }
    }

    #[test]
    fn names_are_never_cut_in_two_by_a_narrow_terminal() {
        let head = ["Name", "Allowed Users", "Labels"];
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let rows = vec![
            row([
                "orders-of-the-shop",
                "[alice] (Auto-provisioned)",
                "env=dev",
            ]),
            row(["app", "", ""]),
        ];
        let wide = table(&head, &rows, Some(50));
        let lines: Vec<Vec<&str>> = wide
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert_eq!(
            lines,
            [
                &["Name", "Allowed", "Users", "Labels"][..],
                &["orders-of-the-shop", "[alice]", "env=dev"],
                &["(Auto-provisioned)"],
                &["app"],
            ]
        );
        assert_eq!(
            table(&head, &rows, Some(36)),
            "orders-of-the-shop\n  Allowed Users  [alice]\n                 (Auto-provisioned)\n  Labels         env=dev\n\napp"
        );
        // Narrower than any word, nothing is lost, and nothing panics.
        let tiny = table(&head, &rows, Some(1));
        assert!(tiny.starts_with("orders-of-the-shop\n"), "{tiny}");
    }

    #[test]
    fn times() {
        assert_eq!(rfc3339(1_795_455_034), "2026-11-23T17:30:34Z");
        assert_eq!(date(1_795_455_034), "2026-11-23 17:30:34 UTC");
        assert_eq!(remaining(59), "<1m");
        assert_eq!(remaining(3599), "59m");
        assert_eq!(remaining(3600), "1h0m");
        assert_eq!(remaining(42_779), "11h52m");
    }
}
