//! Plain tables.

/// A line for the titles, a line for each row; columns are as wide as they must be.
pub(super) fn lines<const N: usize>(
    titles: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> Vec<String> {
    let rows: Vec<[String; N]> = std::iter::once(titles.map(str::to_owned))
        .chain(rows)
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..N).map(|column| width(column).unwrap_or(0)).collect();
    rows.iter()
        .map(|row| {
            let cells = row
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell:width$}"));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn columns_are_aligned() {
        let rows = [
            ["ä".to_owned(), "x".to_owned()],
            ["bcd".to_owned(), String::new()],
        ];
        assert_eq!(super::lines(["A", "B"], rows), ["A    B", "ä    x", "bcd"]);
    }
}
