//! What people are told, once at login, of a cluster whose version is not the one this client is made for.
//!
//! Nothing is refused: Teleport's own client goes on after such a warning too (login.md 2.7).

use super::{Age, MADE_FOR, OLDEST, Server, Version};

/// The warning for a server and the oldest client that it wants (`min_client_version` of the ping); `None` when all is well.
pub fn warning(server: &Server, min_client: &str) -> Option<String> {
    let (text, major) = (server.text(), MADE_FOR.major);
    let said = match server.age() {
        Age::TooOld => Some(format!(
            "Teleport {text} is older than {OLDEST}, the oldest that is supported: it is tried, and may fail. {}",
            missing(server)
        )),
        Age::Older => Some(format!(
            "Teleport {text} is older than {major}, which this program is made for. {}",
            missing(server)
        )),
        Age::Same => None,
        Age::Newer => Some(format!(
            "Teleport {text} is newer than {major}, which this program is made for: it is tried, and may fail where the two \
             differ; look for a newer postern"
        )),
        Age::Unknown => Some(format!(
            "the cluster does not say which version of Teleport it is ({text:?}); it is taken for {major}"
        )),
    };
    let too_old = Version::parse(min_client)
        .filter(|least| *least > MADE_FOR)
        .map(|_| {
            format!(
                "the cluster wants clients of version {min_client} or newer, and this one is like one of {MADE_FOR}"
            )
        });
    match (said, too_old) {
        (Some(said), Some(too_old)) => Some(format!("{said}; {too_old}")),
        (said, too_old) => said.or(too_old),
    }
}

/// What will not work, with the version that brought it.
fn missing(server: &Server) -> String {
    let lacks: Vec<&str> = [
        (
            server.provisions_redshift(),
            "automatic users on Amazon Redshift (14.1.3)",
        ),
        (
            server.knows_db_roles(),
            "--db-roles, which is refused here (14.3.1)",
        ),
        (
            server.names_mapped_user(),
            "naming the mapped user of a leaf in a refusal (14.3.4)",
        ),
    ]
    .iter()
    .filter(|(there, _)| !there)
    .map(|(_, what)| *what)
    .collect();
    if lacks.is_empty() {
        return "Nothing is known that does not work, as far as its database services are as new"
            .to_owned();
    }
    format!("What does not work: {}", lacks.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(version: &str, min_client: &str) -> Option<String> {
        warning(&Server::of(version), min_client)
    }

    #[test]
    fn the_version_it_is_made_for_needs_no_warning() {
        // The least client of a recorded ping of 18.3.0.
        for version in ["18.3.0", "18.0.0-dev", "18.9.1"] {
            assert_eq!(of(version, "17.0.0-aa"), None, "{version}");
        }
    }

    #[test]
    fn an_older_cluster_is_told_with_what_is_missing() {
        let told = of("14.1.3", "13.0.0").expect("a warning");
        assert!(
            told.starts_with("Teleport 14.1.3 is older than 18"),
            "{told}"
        );
        assert!(!told.contains("Redshift"), "{told}");
        assert!(
            told.contains("--db-roles, which is refused here (14.3.1)"),
            "{told}"
        );
        assert!(told.contains("mapped user of a leaf"), "{told}");
        let told = of("14.3.3", "13.0.0").expect("a warning");
        assert!(
            !told.contains("--db-roles") && told.contains("14.3.4"),
            "{told}"
        );
        for version in ["14.3.33", "15.4.10", "16.4.7", "17.0.0"] {
            let told = of(version, "14.0.0").expect("a warning");
            assert!(
                told.contains("Nothing is known that does not work"),
                "{told}"
            );
        }
    }

    #[test]
    fn a_cluster_below_the_oldest_is_told_plainly() {
        for version in ["13.4.17", "14.0.0-dev", "14.1.2"] {
            let told = of(version, "13.0.0").expect("a warning");
            assert!(
                told.contains("older than 14.1.3, the oldest that is supported"),
                "{told}"
            );
            assert!(told.contains("Redshift"), "{told}");
        }
    }

    #[test]
    fn a_newer_cluster_gets_one_warning_whatever_clients_it_wants() {
        let told = of("19.0.0", "18.0.0-aa").expect("a warning");
        assert!(
            told.contains("newer than 18") && !told.contains("wants clients"),
            "{told}"
        );
        let told = of("20.1.0", "19.0.0-aa").expect("a warning");
        assert!(
            told.contains("newer than 18") && told.contains("wants clients of version 19.0.0-aa"),
            "{told}"
        );
    }

    #[test]
    fn a_cluster_without_a_version_is_told() {
        assert!(of("", "").expect("a warning").contains("does not say"));
        assert!(of("x.y", "z").expect("a warning").contains("\"x.y\""));
    }
}
