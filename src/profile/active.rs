//! Databases that `db login` chose, with the port that a tunnel to each takes: `HOME/databases.json`, and beside it
//! `HOME/pg_service.conf`, the same for libpq. No secret is in either.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::TcpListener;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::files::{ProfileError, write_atomic};
use super::{Home, VERSION};

/// Ports for tunnels: below the ones that systems give to outgoing connections.
const PORTS: std::ops::Range<u16> = 15_432..25_432;

/// A database that was chosen: where it is, and as whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Active {
    /// `host:port` of the proxy, as in the profile.
    pub proxy: String,
    /// Teleport user.
    pub login: String,
    /// Cluster that owns the database.
    pub cluster: String,
    /// Name of the database in the cluster.
    pub database: String,
    /// Database user.
    pub user: String,
    /// Database name.
    pub name: String,
    /// Database roles that were asked for; empty means all.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Port on 127.0.0.1 of the tunnel.
    pub port: u16,
}

impl Active {
    /// Whether both are the same database for the same login.
    pub fn same_place(&self, other: &Self) -> bool {
        self.proxy == other.proxy
            && self.login == other.login
            && self.cluster == other.cluster
            && self.database == other.database
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct File {
    version: u32,
    databases: Vec<Active>,
}

impl Home {
    fn active_path(&self) -> PathBuf {
        self.dir().join("databases.json")
    }

    /// The file for libpq (`PGSERVICEFILE`).
    pub fn service_file(&self) -> PathBuf {
        self.dir().join("pg_service.conf")
    }

    /// Reads the databases that were chosen, of every login.
    ///
    /// # Errors
    /// [`ProfileError`] when the file is there and of no use.
    pub fn active(&self) -> Result<Vec<Active>, ProfileError> {
        let path = self.active_path();
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(ProfileError::io("read", &path, &e)),
        };
        match serde_json::from_slice::<File>(&bytes) {
            Ok(file) if file.version <= VERSION => Ok(file.databases),
            Ok(file) => Err(ProfileError::Newer {
                path,
                found: file.version.into(),
            }),
            Err(error) => Err(ProfileError::Damaged {
                path,
                what: error.to_string(),
            }),
        }
    }

    /// Remembers a database in place of what was remembered for it. Without a port it keeps its former one, else gets one
    /// that nobody uses. Gives what was written.
    ///
    /// # Errors
    /// [`ProfileError`]; what was remembered before is then still whole.
    pub fn activate(&self, mut chosen: Active, port: Option<u16>) -> Result<Active, ProfileError> {
        self.change_active(|all| {
            let former = all.iter().find(|one| one.same_place(&chosen));
            chosen.port = port
                .or_else(|| former.map(|former| former.port))
                .unwrap_or_else(|| free_port(all, &chosen));
            all.retain(|one| !one.same_place(&chosen));
            all.push(chosen.clone());
            all.sort_by(|a, b| {
                (&a.proxy, &a.login, &a.cluster, &a.database).cmp(&(
                    &b.proxy,
                    &b.login,
                    &b.cluster,
                    &b.database,
                ))
            });
            chosen
        })
    }

    /// Forgets the databases for which `which` says so, and gives them.
    ///
    /// # Errors
    /// [`ProfileError`].
    pub fn deactivate(&self, which: impl Fn(&Active) -> bool) -> Result<Vec<Active>, ProfileError> {
        // Where there is nothing, no file is made.
        if !self.active()?.iter().any(&which) {
            return Ok(Vec::new());
        }
        self.change_active(|all| {
            let (gone, kept) = std::mem::take(all).into_iter().partition(|one| which(one));
            *all = kept;
            gone
        })
    }

    fn change_active<T>(
        &self,
        change: impl FnOnce(&mut Vec<Active>) -> T,
    ) -> Result<T, ProfileError> {
        let _lock = self.lock()?;
        let mut databases = self.active()?;
        let result = change(&mut databases);
        write_atomic(&self.service_file(), service_file(&databases).as_bytes())?;
        let file = File {
            version: VERSION,
            databases,
        };
        let json = serde_json::to_vec_pretty(&file).expect("plain data");
        write_atomic(&self.active_path(), &json)?;
        Ok(result)
    }
}

/// A port that no other database has and nobody listens on; always the same one for a database while that holds.
fn free_port(all: &[Active], chosen: &Active) -> u16 {
    let taken: BTreeSet<u16> = all.iter().map(|one| one.port).collect();
    let name = format!("{}\n{}\n{}", chosen.proxy, chosen.cluster, chosen.database);
    let hash = ring::digest::digest(&ring::digest::SHA256, name.as_bytes());
    let hash = u16::from_be_bytes([hash.as_ref()[0], hash.as_ref()[1]]);
    let count = PORTS.end - PORTS.start;
    (0..count)
        .map(|step| PORTS.start + (hash % count + step) % count)
        .find(|port| !taken.contains(port) && TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .unwrap_or(PORTS.start)
}

/// The name of a database's section in the service file: that of tsh (db-client.md 8.2), and a longer one where another
/// database has it already.
pub fn service_name(all: &[Active], of: &Active) -> Option<String> {
    let named = names(all);
    let at = all.iter().position(|one| one == of)?;
    named.into_iter().nth(at)?
}

fn names(all: &[Active]) -> Vec<Option<String>> {
    let mut taken = BTreeSet::new();
    all.iter()
        .map(|one| {
            [
                format!("{}-{}", one.cluster, one.database),
                format!("{}/{}", one.cluster, one.database),
                format!("{}/{}/{}", one.proxy, one.cluster, one.database),
                format!(
                    "{}/{}/{}/{}",
                    one.login, one.proxy, one.cluster, one.database
                ),
            ]
            .into_iter()
            // What would end the section's head or the line cannot be written.
            .filter(|name| !name.contains([']', '\n', '\r']))
            .find(|name| taken.insert(name.clone()))
        })
        .collect()
}

fn service_file(all: &[Active]) -> String {
    let mut out = String::from("# Written by postern db login; changes are lost.\n");
    for (one, name) in all.iter().zip(names(all)) {
        let Some(name) =
            name.filter(|_| !format!("{}{}", one.user, one.name).contains(['\n', '\r']))
        else {
            continue;
        };
        out.push_str(&format!(
            "\n[{name}]\nhost=127.0.0.1\nport={}\nuser={}\ndbname={}\nsslmode=disable\ngssencmode=disable\n",
            one.port, one.user, one.name
        ));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn active(cluster: &str, database: &str) -> Active {
        Active {
            proxy: "p:443".into(),
            login: "alice".into(),
            cluster: cluster.into(),
            database: database.into(),
            user: "u".into(),
            name: "n".into(),
            roles: vec![],
            port: 0,
        }
    }

    fn home() -> (tempfile::TempDir, Home) {
        let dir = tempfile::tempdir().expect("a directory");
        let home = Home::new(dir.path().join("postern"));
        (dir, home)
    }

    #[test]
    fn each_database_keeps_a_port_of_its_own() {
        let (_dir, home) = home();
        let first = home.activate(active("root", "a"), None).expect("written");
        let second = home.activate(active("root", "b"), None).expect("written");
        assert_ne!(first.port, second.port);
        assert!(PORTS.contains(&first.port) && PORTS.contains(&second.port));
        let again = Active {
            user: "other".into(),
            ..active("root", "a")
        };
        let again = home.activate(again, None).expect("written");
        assert_eq!(again.port, first.port);
        assert_eq!(
            home.active().expect("read"),
            [again.clone(), second.clone()]
        );
        let wanted = home.activate(again, Some(5432)).expect("written");
        assert_eq!(wanted.port, 5432);
        let gone = home.deactivate(|one| one.database == "a").expect("written");
        assert_eq!(gone, [wanted]);
        assert_eq!(home.active().expect("read"), [second]);
        assert_eq!(home.deactivate(|one| one.database == "a"), Ok(vec![]));
    }

    #[test]
    fn a_port_that_somebody_listens_on_is_left_alone() {
        let first = free_port(&[], &active("root", "a"));
        let _busy = TcpListener::bind(("127.0.0.1", first)).expect("it is free");
        assert_ne!(free_port(&[], &active("root", "a")), first);
    }

    #[test]
    fn the_service_file_is_private_and_its_sections_are_those_of_tsh() {
        let (_dir, home) = home();
        home.activate(active("root", "a-b"), Some(1))
            .expect("written");
        home.activate(active("root-a", "b"), Some(2))
            .expect("written");
        let text = fs::read_to_string(home.service_file()).expect("the file");
        let sections: Vec<&str> = text.lines().filter(|line| line.starts_with('[')).collect();
        assert_eq!(sections, ["[root-a-b]", "[root-a/b]"]);
        assert!(
            text.contains("[root-a-b]\nhost=127.0.0.1\nport=1\nuser=u\ndbname=n\nsslmode=disable\ngssencmode=disable\n"),
            "{text}"
        );
        let all = home.active().expect("read");
        assert_eq!(service_name(&all, &all[1]).as_deref(), Some("root-a/b"));
        #[cfg(unix)]
        for path in [home.service_file(), home.active_path()] {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(path).expect("the file").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn names_that_would_break_the_file_are_left_out() {
        let odd = Active {
            user: "a\nhost=evil".into(),
            ..active("root", "a")
        };
        assert!(!service_file(&[odd]).contains("evil"));
        assert!(!service_file(&[active("x]", "a")]).contains("x]"));
    }

    #[test]
    fn a_damaged_file_is_named() {
        let (_dir, home) = home();
        fs::create_dir_all(home.dir()).expect("a directory");
        fs::write(home.active_path(), "{").expect("written");
        assert!(matches!(home.active(), Err(ProfileError::Damaged { .. })));
        fs::write(home.active_path(), r#"{"version":99,"databases":[]}"#).expect("written");
        assert!(matches!(
            home.active(),
            Err(ProfileError::Newer { found: 99, .. })
        ));
    }
}
