//! The embedded cluster as a user starts it: its program, its one line of JSON, its PostgreSQL.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock, mpsc};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::psql::as_superuser;
use super::ran::Ran;
use super::{first_line, wait_for};

/// A running `postern-cluster demo`.
pub(crate) struct Demo {
    /// The line it printed when it was ready.
    pub(crate) ready: Value,
    /// Its state directory.
    pub(crate) dir: PathBuf,
    /// The program itself.
    pub(crate) child: Mutex<Child>,
    /// Whether a login needs a one-time code.
    pub(crate) second_factor: bool,
    used: Mutex<Vec<String>>,
}

impl Demo {
    /// The cluster most tests share: second factor off, so that logins need not wait for fresh one-time codes, and no leaf,
    /// so that it starts sooner.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Demo> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&["--no-second-factor", "--no-leaf"]))
    }

    /// The same with a leaf.
    pub(crate) fn with_leaf() -> &'static Self {
        static SHARED: OnceLock<Demo> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&["--no-second-factor"]))
    }

    /// The demo as a user starts it: it asks for one-time codes and has a leaf.
    pub(crate) fn with_codes() -> &'static Self {
        static SHARED: OnceLock<Demo> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&[]))
    }

    /// Starts one more in a directory of its own.
    pub(crate) fn start(flags: &[&str]) -> Self {
        static SWEPT: std::sync::Once = std::sync::Once::new();
        SWEPT.call_once(sweep);
        let dir = tempfile::Builder::new()
            .prefix(&format!("pd{}-", std::process::id()))
            .tempdir()
            .expect("a directory")
            .keep();
        Self::start_in(&dir, flags)
    }

    /// Starts one on an existing state directory.
    pub(crate) fn start_in(dir: &Path, flags: &[&str]) -> Self {
        Self::start_with(dir, flags, &[])
    }

    /// The same with variables in its environment.
    ///
    /// The program gets SIGTERM when this test process ends, however it ends: the kernel sends it when the thread that
    /// started it dies, so that thread lives as long as the process.
    pub(crate) fn start_with(dir: &Path, flags: &[&str], variables: &[(&str, &Path)]) -> Self {
        let (give, take) = mpsc::channel();
        let dir_owned = dir.to_owned();
        let second_factor = !flags.contains(&"--no-second-factor");
        let flags: Vec<String> = flags.iter().map(ToString::to_string).collect();
        let variables: Vec<(String, PathBuf)> = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.to_path_buf()))
            .collect();
        std::thread::spawn(move || {
            let mut command = Command::new("setpriv");
            command
                .args([
                    "--pdeathsig",
                    "TERM",
                    env!("CARGO_BIN_EXE_postern-cluster"),
                    "demo",
                    "--format",
                    "json",
                    "--port",
                    "0",
                    // The tests log in more often than a person.
                    "--login-burst",
                    "100000",
                ])
                .arg("--dir")
                .arg(&dir_owned)
                .args(&flags)
                .envs(variables)
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(std::fs::File::create(dir_owned.join("stderr.txt")).expect("a log file"));
            give.send(command.spawn().expect("the demo cluster starts"))
                .expect("the test waits");
            loop {
                std::thread::park();
            }
        });
        let mut child = take.recv().expect("a child");
        let out = child.stdout.take().expect("a pipe");
        let line = first_line(out);
        let ready = serde_json::from_str(&line).unwrap_or_else(|e| {
            let log = std::fs::read_to_string(dir.join("stderr.txt")).unwrap_or_default();
            panic!("the demo cluster did not get ready ({e}): {line:?}\n{log}")
        });
        Self {
            ready,
            dir: dir.to_owned(),
            child: Mutex::new(child),
            second_factor,
            used: Mutex::default(),
        }
    }

    /// `host:port` of the proxy.
    pub(crate) fn proxy(&self) -> String {
        self.ready["proxy"].as_str().expect("proxy").to_owned()
    }

    /// `host:port` on which it listens itself, whatever address it announces.
    pub(crate) fn listen(&self) -> String {
        let mut status = Command::new(env!("CARGO_BIN_EXE_postern-cluster"));
        status.args(["status", "--format", "json", "--dir"]);
        let status = Ran::of(status.arg(&self.dir)).json();
        status["listen"].as_str().expect("an address").to_owned()
    }

    /// PEM file of the authority behind the web certificate.
    pub(crate) fn ca_file(&self) -> String {
        self.ready["ca_file"].as_str().expect("ca_file").to_owned()
    }

    fn user(&self, name: &str) -> &Value {
        let users = self.ready["users"].as_array().expect("users");
        users
            .iter()
            .find(|u| u["name"] == name)
            .unwrap_or_else(|| panic!("no user {name}"))
    }

    /// The user's password.
    pub(crate) fn password(&self, name: &str) -> String {
        self.user(name)["password"]
            .as_str()
            .expect("password")
            .to_owned()
    }

    /// A one-time code of the user that was not given out before; waits for the next period when it must.
    pub(crate) fn code(&self, name: &str) -> String {
        let key = self.user(name)["totp_key"]
            .as_str()
            .expect("totp_key")
            .to_owned();
        fresh_code(&key, name, &self.used)
    }

    /// Runs SQL as the superuser over the socket and gives the unaligned rows, without the last line end.
    pub(crate) fn sql(&self, sql: &str) -> String {
        self.sql_in("postgres", sql)
    }

    /// As [`Self::sql`], in the named database.
    pub(crate) fn sql_in(&self, database: &str, sql: &str) -> String {
        self.sql_at("root", database, sql)
    }

    /// As [`Self::sql`], on the server of the leaf.
    pub(crate) fn sql_on_leaf(&self, sql: &str) -> String {
        self.sql_at("leaf", "postgres", sql)
    }

    fn sql_at(&self, cluster: &str, database: &str, sql: &str) -> String {
        as_superuser(&self.ready["postgres"][cluster], database, sql)
    }

    /// Attributes and direct memberships of a role: `login|reader,teleport-auto-user`, empty when it does not exist.
    pub(crate) fn role(&self, name: &str) -> String {
        self.sql(&role_query(name))
    }

    /// The same on the server of the leaf.
    pub(crate) fn role_on_leaf(&self, name: &str) -> String {
        self.sql_on_leaf(&role_query(name))
    }
}

fn role_query(name: &str) -> String {
    format!(
        "select case when rolcanlogin then 'login' else 'nologin' end || '|' || coalesce((select string_agg(g.rolname, ',' \
         order by g.rolname) from pg_auth_members m join pg_roles g on g.oid = m.roleid where m.member = r.oid), '') \
         from pg_roles r where rolname = '{}'",
        name.replace('\'', "''")
    )
}

/// A code that is accepted now and not in `used` yet: of the current period, the next or the previous one.
pub(crate) fn fresh_code(key: &str, user: &str, used: &Mutex<Vec<String>>) -> String {
    wait_for("a fresh one-time code", Duration::from_secs(100), || {
        let mut used = used.lock().expect("no panic");
        [0, 1, -1].into_iter().find_map(|period| {
            let code = totp(key, period);
            let id = format!("{user}{code}");
            (!used.contains(&id)).then(|| {
                used.push(id);
                code
            })
        })
    })
}

/// The one-time code of this moment, or of so many periods later.
fn totp(key: &str, later: i64) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &base32(key));
    let period = (now / 30).wrapping_add_signed(later);
    let mac = ring::hmac::sign(&key, &period.to_be_bytes());
    let mac = mac.as_ref();
    let at = usize::from(mac[19] & 15);
    let number = u32::from_be_bytes(mac[at..at + 4].try_into().expect("four bytes")) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

fn base32(text: &str) -> Vec<u8> {
    let (mut bits, mut have, mut out) = (0u32, 0, vec![]);
    for c in text.bytes().filter(|c| *c != b'=') {
        let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
            .iter()
            .position(|x| *x == c)
            .expect("base32");
        bits = bits << 5 | u32::try_from(value).expect("small");
        have += 5;
        if have >= 8 {
            have -= 8;
            out.push((bits >> have & 255) as u8);
        }
    }
    out
}

/// Removes what test processes that have ended left behind: a demo outlives its test, so nobody else does.
fn sweep() {
    let Ok(entries) = std::fs::read_dir(std::env::temp_dir()) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner = name
            .strip_prefix("pd")
            .and_then(|rest| rest.split_once('-'))
            .and_then(|(pid, _)| pid.parse::<u32>().ok());
        if owner.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
            // Another process may be doing the same.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}
