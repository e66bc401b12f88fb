//! Versions of a server, as far as they change what is sent.

/// The major number of a version such as `18.3.0` or `14.0.0-dev`; `None` when there is none.
pub fn major(version: &str) -> Option<u32> {
    version
        .trim_start_matches('v')
        .split(['.', '-', '+'])
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn majors() {
        assert_eq!(major("18.3.0"), Some(18));
        assert_eq!(major("14.0.0-dev"), Some(14));
        assert_eq!(major("v17"), Some(17));
        assert_eq!(major(""), None);
        assert_eq!(major("garbage"), None);
    }
}
