//! A tunnel is closed to everybody but its owner: other users of the computer, other users and databases of the cluster.

#![expect(clippy::print_stderr, reason = "a skipped test is said, not hidden")]

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::env::TestEnv;
use crate::common::ran::Ran;
use crate::common::tunnel::Tunnel;

const APP: [&str; 5] = ["app", "--db-user", "app", "--db-name", "app"];
/// Who is not the owner: `nobody`.
const OTHER: &str = "65534";

/// Whether there is a second user to try with; says so when there is none.
fn can_be_another() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("skipped: not root: nothing is tried as another user of this computer");
    }
    root
}

/// psql at `host`, as the other user of this computer when `other` is set.
fn psql(host: &str, port: u64, other: bool, settings: &[(&str, &str)]) -> Ran {
    let mut command = if other {
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid", OTHER, "--regid", OTHER, "--clear-groups"])
            .arg("psql");
        command
    } else {
        Command::new("psql")
    };
    command
        .args(["-XAtw", "-c", "select current_user"])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", "/nonexistent")
        .env("PGHOST", host)
        .env("PGPORT", port.to_string())
        .env("PGUSER", "app")
        .env("PGDATABASE", "app")
        .env("PGCONNECT_TIMEOUT", "60")
        .envs(settings.iter().copied())
        .current_dir("/")
        .stdin(Stdio::null());
    Ran::of(&mut command)
}

fn at(tunnel: &Tunnel, other: bool) -> Ran {
    let host = tunnel.ready["host"].as_str().expect("a host");
    let port = tunnel.ready["port"].as_u64().expect("a port");
    psql(host, port, other, &[])
}

/// The system tells whose a connection is on Linux only; elsewhere there is a password.
#[cfg(target_os = "linux")]
#[test]
fn another_user_of_this_computer_is_refused() {
    let env = TestEnv::logged_in("bob");
    for listen in ["127.0.0.1:0", "[::1]:0"] {
        let open =
            |door: &[&str]| Tunnel::open(&env, &[&APP[..], &["--listen", listen], door].concat());
        if std::net::TcpListener::bind(listen).is_err() {
            eprintln!("skipped: no address {listen} on this machine");
            continue;
        }
        let tunnel = open(&[]);
        assert_eq!(tunnel.ready["password"], serde_json::Value::Null);
        assert_eq!(at(&tunnel, false).ok().trim(), "app");
        if !can_be_another() {
            return;
        }
        let stderr = at(&tunnel, true).fails(2);
        for part in [
            "FATAL:  this tunnel belongs to another user of this computer",
            "HINT:",
            "--allow-other-users",
        ] {
            assert!(stderr.contains(part), "{part}: {stderr}");
        }
        assert_eq!(at(&tunnel, false).ok().trim(), "app", "the owner still");
        let shared = open(&["--allow-other-users"]);
        assert_eq!(at(&shared, true).ok().trim(), "app");
    }
}

#[test]
fn a_socket_is_the_owners_whatever_its_mode_becomes() {
    let env = TestEnv::logged_in("bob");
    let dir = tempfile::Builder::new().prefix("po").tempdir_in("/tmp");
    let dir = dir.expect("a directory");
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).expect("a mode");
    let listen = format!("unix:{}", dir.path().display());
    let tunnel = Tunnel::open(&env, &[&APP[..], &["--listen", &listen]].concat());
    let socket = dir.path().join(".s.PGSQL.5432");
    assert_eq!(tunnel.ready["socket"], socket.to_str().expect("text"));
    assert_eq!(tunnel.ready["port"], 5432);
    assert_eq!(mode(&socket), 0o600);
    assert_eq!(at(&tunnel, false).ok().trim(), "app");
    // A second tunnel does not take the first one's place.
    let second = [&["proxy", "db"], &APP[..], &["--listen", &listen]].concat();
    let stderr = env.run(&second).fails(1);
    assert!(stderr.contains("cannot listen on"), "{stderr}");
    if can_be_another() {
        let stderr = at(&tunnel, true).fails(2);
        assert!(stderr.contains("Permission denied"), "{stderr}");
        std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o666)).expect("a mode");
        let stderr = at(&tunnel, true).fails(2);
        assert!(
            stderr.contains("FATAL:  this tunnel belongs to another user"),
            "{stderr}"
        );
        assert_eq!(at(&tunnel, false).ok().trim(), "app");
    }
    // Killed, it leaves the socket; the next one takes its place, and told to end it takes it away.
    drop(tunnel);
    assert!(socket.exists());
    let mut tunnel = Tunnel::open(&env, &[&APP[..], &["--listen", &listen]].concat());
    assert_eq!(at(&tunnel, false).ok().trim(), "app");
    let pid = rustix::process::Pid::from_child(&tunnel.child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("a signal");
    assert_eq!(tunnel.child.wait().expect("an end").code(), Some(143));
    assert!(!socket.exists());
}

fn mode(path: &Path) -> u32 {
    std::fs::symlink_metadata(path).expect("it is there").mode() & 0o777
}

#[test]
fn a_password_of_its_own_stays_on_this_computer() {
    let env = TestEnv::logged_in("bob");
    // Beyond this computer's own addresses there is one whether it is asked for or not.
    for door in [
        &["--require-password"][..],
        &["--listen", "0.0.0.0:0", "--insecure-listen-anywhere"],
    ] {
        let args = [&APP[..], &["--check"], door].concat();
        let tunnel = Tunnel::open(&env, &args);
        let password = tunnel.ready["password"].as_str().expect("a password");
        assert!(password.len() >= 20, "{password}");
        let port = tunnel.ready["port"].as_u64().expect("a port");
        let with = |password: &str| psql("127.0.0.1", port, false, &[("PGPASSWORD", password)]);
        assert_eq!(with(password).ok().trim(), "app");
        let stderr = with("guess").fails(2);
        assert!(
            stderr.contains("FATAL:  password authentication failed for user \"app\"")
                && stderr.contains("HINT:"),
            "{stderr}"
        );
        let stderr = psql("127.0.0.1", port, false, &[]).fails(2);
        assert!(stderr.contains("no password supplied"), "{stderr}");
        if cfg!(target_os = "linux") && can_be_another() {
            let settings = [("PGPASSWORD", password)];
            let stderr = psql("127.0.0.1", port, true, &settings).fails(2);
            assert!(stderr.contains("belongs to another user"), "{stderr}");
        }
    }
    let open = [&["proxy", "db", "--listen", "0.0.0.0:0"], &APP[..]].concat();
    let stderr = env.run(&open).fails(2);
    assert!(stderr.contains("--insecure-listen-anywhere"), "{stderr}");
}

#[test]
fn another_target_than_announced_is_refused() {
    let env = TestEnv::logged_in("bob");
    let tunnel = Tunnel::open(&env, &APP);
    let any = Tunnel::open(&env, &[&APP[..], &["--any-target"]].concat());
    let ask = |tunnel: &Tunnel, setting: (&str, &str)| {
        let port = tunnel.ready["port"].as_u64().expect("a port");
        psql("127.0.0.1", port, false, &[setting])
    };
    for (setting, told) in [
        (
            ("PGUSER", "postgres"),
            "this tunnel to app is for user \"app\", not \"postgres\"",
        ),
        (
            ("PGDATABASE", "postgres"),
            "this tunnel to app is for database \"app\", not \"postgres\"",
        ),
    ] {
        let stderr = ask(&tunnel, setting).fails(2);
        assert!(
            stderr.contains(told) && stderr.contains("--any-target"),
            "{stderr}"
        );
    }
    // The cluster decides: it lets bob into another database of the server, but not as another user.
    assert_eq!(ask(&any, ("PGDATABASE", "postgres")).ok().trim(), "app");
    let stderr = ask(&any, ("PGUSER", "postgres")).fails(2);
    assert!(
        stderr.contains("FATAL:") && !stderr.contains("this tunnel"),
        "{stderr}"
    );
}

#[test]
fn psql_gets_a_private_socket_that_goes_with_it() {
    let env = TestEnv::logged_in("bob");
    let runtime = tempfile::Builder::new().prefix("po").tempdir_in("/tmp");
    let runtime = runtime.expect("a directory");
    let temporary = tempfile::Builder::new().prefix("po").tempdir_in("/tmp");
    let temporary = temporary.expect("a directory");
    let uid = rustix::process::geteuid().as_raw();
    let other = if can_be_another() {
        format!(
            "setpriv --reuid {OTHER} --regid {OTHER} --clear-groups psql -XAtwc 'select 1' 2>&1;"
        )
    } else {
        String::new()
    };
    let script = format!(
        "\\! stat -c %a \"$PGHOST\" \"$PGHOST/.s.PGSQL.$PGPORT\"; {other} echo \"at $PGHOST\"\n\
         select 'I am ' || current_user;\n\\c app app\nselect inet_server_addr() is null;\n"
    );
    let script_file = runtime.path().join("script");
    std::fs::write(&script_file, script).expect("a file");
    let script_file = script_file.to_str().expect("text");
    for (set, under) in [
        (true, runtime.path().join("postern")),
        (false, temporary.path().join(format!("postern-{uid}"))),
    ] {
        let args = [&["db", "connect"], &APP[..], &["--", "-XAtf", script_file]].concat();
        let mut command = env.postern(&args);
        command.env("TMPDIR", temporary.path());
        if set {
            command.env("XDG_RUNTIME_DIR", runtime.path());
        }
        let out = Ran::of(&mut command).ok();
        assert!(out.contains("700\n600\n"), "{out}");
        assert!(out.contains("I am app"), "{out}");
        assert!(
            out.contains(&format!("at {}/", under.display())),
            "{}: {out}",
            under.display()
        );
        if can_be_another() {
            assert!(out.contains("Permission denied"), "{out}");
        }
        let left = std::fs::read_dir(&under).expect("the base").count();
        assert_eq!(left, 0, "nothing stays");
    }
}
