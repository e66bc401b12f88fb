//! Versions as servers write them.

use std::cmp::Ordering;

/// A version: three numbers, and whether it is a pre-release of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// The release the numbers start with.
    pub major: u32,
    /// Second number, 0 when absent.
    pub minor: u32,
    /// Third number, 0 when absent.
    pub patch: u32,
    /// Whether something follows after a hyphen, such as `-dev`, `-alpha.1` or `-aa`; then it comes before the release.
    pub pre: bool,
}

impl Version {
    /// The release with these numbers.
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self {
            major,
            minor,
            patch,
            pre: false,
        }
    }

    /// Reads `18.3.0`, `v14.0.0-dev`, `17.0.0-aa` or `18`; `None` when there is no number in front.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix('v').unwrap_or(text);
        let text = text.split('+').next()?;
        let (numbers, pre) = text
            .split_once('-')
            .map_or((text, false), |(numbers, _)| (numbers, true));
        let mut numbers = numbers.split('.').map(str::parse::<u32>);
        let major = numbers.next()?.ok()?;
        let mut next = || numbers.next().unwrap_or(Ok(0)).ok();
        let (minor, patch) = (next()?, next()?);
        Some(Self {
            major,
            minor,
            patch,
            pre,
        })
    }

    /// The older of two versions as announced; one that cannot be read counts as new.
    pub fn older<'a>(a: &'a str, b: &'a str) -> &'a str {
        match (Self::parse(a), Self::parse(b)) {
            (None, _) => b,
            (Some(first), Some(second)) if second < first => b,
            _ => a,
        }
    }
}

/// Two pre-releases of the same numbers count as equal: nothing here depends on their order.
impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |v: &Self| (v.major, v.minor, v.patch, !v.pre);
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_servers_write_is_read() {
        assert_eq!(Version::parse("18.3.0"), Some(Version::new(18, 3, 0)));
        assert_eq!(Version::parse("v17"), Some(Version::new(17, 0, 0)));
        assert_eq!(Version::parse("18.3.0+meta"), Some(Version::new(18, 3, 0)));
        let dev = Version::parse("14.0.0-dev").expect("a version");
        assert_eq!((dev.major, dev.pre), (14, true));
        for text in ["", "garbage", "-1", "18.x.0", "18.3.zero", "18..0"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_older_of_two_counts() {
        for (a, b) in [
            ("14.3.0", "18.3.0"),
            ("14.0.0-dev", "14.0.0"),
            ("15.0.0", ""),
            ("", "x"),
        ] {
            assert_eq!(
                (Version::older(a, b), Version::older(b, a)),
                match a {
                    "" => (b, a),
                    _ => (a, a),
                },
                "{a} {b}"
            );
        }
    }

    #[test]
    fn a_pre_release_comes_before_its_release() {
        let ordered = [
            "13.4.17",
            "14.0.0-dev",
            "14.0.0",
            "14.1.3",
            "14.3.1",
            "17.0.0-aa",
            "17.0.0",
            "18.3.0",
        ];
        for pair in ordered.windows(2) {
            let [a, b] = [pair[0], pair[1]].map(|text| Version::parse(text).expect("a version"));
            assert!(a < b, "{pair:?}");
        }
    }
}
