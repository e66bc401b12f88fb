//! Durations as people and tsh write them.

use std::time::Duration;

/// Reads a time to live: a bare number is minutes, as in tsh; else hours, minutes and seconds, e.g. `8h`, `90m`, `1h30m`.
///
/// # Errors
/// A sentence for the user. Under a minute is refused: the cluster would issue an expired certificate (login.md 9).
pub fn ttl(text: &str) -> Result<Duration, String> {
    let bad = || format!("{text:?} is no duration; examples: 8h, 90m, 1h30m, or 480 (minutes)");
    let too_long = || format!("{text:?} is too long");
    let mut seconds: u64 = 0;
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        let minutes: u64 = text.parse().map_err(|_| too_long())?;
        seconds = minutes.checked_mul(60).ok_or_else(too_long)?;
    } else {
        let mut rest = text;
        let mut smallest = u64::MAX;
        while !rest.is_empty() {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, tail) = rest.split_at(digits);
            let mut chars = tail.chars();
            let unit: u64 = match chars.next() {
                Some('d') => 86_400,
                Some('h') => 3600,
                Some('m') => 60,
                Some('s') => 1,
                _ => return Err(bad()),
            };
            // Each unit once, the large ones first.
            if number.is_empty() || unit >= smallest {
                return Err(bad());
            }
            smallest = unit;
            let number: u64 = number.parse().map_err(|_| too_long())?;
            seconds = number
                .checked_mul(unit)
                .and_then(|s| seconds.checked_add(s))
                .ok_or_else(too_long)?;
            rest = chars.as_str();
        }
        if text.is_empty() {
            return Err(bad());
        }
    }
    if seconds < 60 {
        return Err("must be at least one minute".to_owned());
    }
    // The wire has nanoseconds in 63 bits.
    if seconds > i64::MAX.unsigned_abs() / 1_000_000_000 {
        return Err(too_long());
    }
    Ok(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ttl_forms() {
        for (text, seconds) in [
            ("8h", 28_800),
            ("90m", 5400),
            ("1h30m", 5400),
            ("480", 28_800),
            ("1", 60),
            ("60s", 60),
            ("1d", 86_400),
            ("1h0m0s", 3600),
        ] {
            assert_eq!(ttl(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in [
            "",
            "h",
            "8x",
            "8h8h",
            "30m1h",
            "-1",
            "1.5h",
            "59s",
            "0",
            "8 h",
            "99999999999999999999",
            "300000000h",
            "９",
        ] {
            assert!(ttl(text).is_err(), "{text}");
        }
        assert_eq!(ttl("59s"), Err("must be at least one minute".to_owned()));
    }
}
