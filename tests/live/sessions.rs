//! Sessions shared with Teleport's own programs: profiles of tsh in both directions, identities of tctl and tbot, and many
//! commands at once.

#![expect(clippy::print_stderr, reason = "a skipped test is said, not hidden")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::lab::{Live, live};
use super::tsh::Tsh;
use super::way::Way;
use crate::common::ran::Ran;
use crate::common::{first_line, wait_for};

const SQL: [&str; 7] = [
    "db",
    "connect",
    "orders",
    "--",
    "-XAtc",
    "select current_user",
    "-q",
];

/// postern in an empty home beside the profile of a tsh.
fn beside(tsh: &Tsh, args: &[&str]) -> Command {
    let command = tsh.command(&[]);
    let mut postern = Command::new(env!("CARGO_BIN_EXE_postern"));
    postern.args(args).env_clear().stdin(Stdio::null());
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            postern.env(name, value);
        }
    }
    postern.env("POSTERN_HOME", tsh.home().join("postern"));
    postern
}

#[test]
fn tsh_and_postern_take_turns_on_one_profile_of_tsh_fifty_times() {
    let Some((tsh, _)) = Tsh::logged_in("alice") else {
        return;
    };
    for round in 0..50 {
        let status = tsh.run(&["status", "--format", "json"]);
        let status: Value = status.json();
        assert_eq!(status["active"]["username"], "alice", "round {round}");
        let listed = Ran::of(&mut beside(&tsh, &["db", "ls", "--format", "names"]));
        assert_eq!(listed.code, 0, "round {round}: {listed}");
        assert!(
            listed.stderr.contains("Using the login of tsh: alice"),
            "round {round}: {listed}"
        );
        if round % 10 == 0 {
            let theirs: Value = tsh.run(&["db", "ls", "--format", "json"]).json();
            let mut theirs: Vec<&str> = theirs
                .as_array()
                .expect("a list")
                .iter()
                .map(|db| db["metadata"]["name"].as_str().expect("a name"))
                .collect();
            theirs.sort_unstable();
            assert_eq!(listed.stdout.lines().collect::<Vec<_>>(), theirs);
            let who = Ran::of(&mut beside(&tsh, &SQL)).ok();
            assert_eq!(who.trim(), "alice", "round {round}");
            let who = tsh
                .sql(&["orders", "--db-name", "postgres"], "select current_user")
                .ok();
            assert!(who.contains("alice"), "round {round}: {who}");
        }
    }
    // One's own copy goes on when tsh has logged out.
    let _ = Ran::of(&mut beside(
        &tsh,
        &["login", "--from-tsh", "--key-store", "file"],
    ))
    .ok();
    let _ = tsh.run(&["logout"]).ok();
    assert_eq!(Ran::of(&mut beside(&tsh, &SQL)).ok().trim(), "alice");
}

/// Logs in to the lab and has tsh's profile written; gives a tsh that finds it.
fn saved(lab: &Live, user: &str) -> Tsh {
    let (proxy, ca) = (text(&lab.env["proxy"]), text(&lab.env["ca_file"]));
    let tsh = Tsh::new(&proxy, &ca).expect("TELEPORT_BIN is set");
    let password = text(&lab.env["password"]);
    for _ in 0..3 {
        let mut command = beside(
            &tsh,
            &[
                "login",
                "--proxy",
                &proxy,
                "--user",
                user,
                "--key-store",
                "file",
                "--password-stdin",
                "--save-tsh-profile",
            ],
        );
        let input = format!("{password}\n{}\n", lab.code(user));
        let out = with_input(&mut command, &input);
        if !out.stderr.contains("second factor") {
            assert_eq!(out.code, 0, "{out}");
            return tsh;
        }
    }
    panic!("every code was used already");
}

fn with_input(command: &mut Command, input: &str) -> Ran {
    use std::io::Write as _;
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    Ran::end_of(child)
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

#[test]
fn tsh_takes_a_profile_that_postern_wrote_and_keeps_the_others() {
    let Some(lab) = live() else { return };
    let tsh = saved(lab, "alice");
    let home = tsh.home().join("tsh");
    let status: Value = tsh.run(&["status", "--format", "json"]).json();
    assert_eq!(status["active"]["username"], "alice");
    assert_eq!(status["active"]["cluster"], "root");
    let extensions = status["active"]["extensions"]
        .as_array()
        .expect("extensions of the SSH certificate");
    assert!(extensions.contains(&"permit-pty".into()), "{extensions:?}");
    let listed = tsh.run(&["db", "ls"]).ok();
    assert!(listed.contains("orders"), "{listed}");
    let leaf = tsh.run(&["db", "ls", "--cluster", "leaf"]).ok();
    assert!(leaf.contains("leaf-orders"), "{leaf}");
    let who = tsh
        .sql(&["orders", "--db-name", "postgres"], "select current_user")
        .ok();
    assert!(who.contains("alice"), "{who}");
    // What tsh writes beside it goes on working, and postern reads the very same profile.
    let _ = std::fs::remove_dir_all(tsh.home().join("postern"));
    let ours = Ran::of(&mut beside(&tsh, &["status", "--format", "json"]));
    assert_eq!(ours.json()["origin"], "tsh");
    // A profile of another proxy stays, and so does what else lies there.
    assert!(home.join("known_hosts").exists());
}

/// `tctl` of the lab.
fn tctl(lab: &Live, args: &[&str]) -> Ran {
    let bin = PathBuf::from(std::env::var_os("TELEPORT_BIN").expect("set"));
    let mut command = Command::new(bin.join("tctl"));
    command
        .arg("-c")
        .arg(Path::new(&text(&lab.env["ca_file"])).with_file_name("root.yaml"))
        .args(args)
        .env("SSL_CERT_FILE", text(&lab.env["ca_file"]))
        .stdin(Stdio::null());
    Ran::of(&mut command)
}

/// postern with an identity and nothing else.
fn with_identity(lab: &Live, home: &Path, identity: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_postern"));
    command
        .args(args)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").expect("PATH"))
        .env("HOME", home)
        .env("POSTERN_HOME", home.join("postern"))
        .env("SSL_CERT_FILE", text(&lab.env["ca_file"]))
        .env("TELEPORT_PROXY", text(&lab.env["proxy"]))
        .env("TELEPORT_IDENTITY_FILE", identity)
        .stdin(Stdio::null());
    command
}

#[test]
fn identities_of_tctl_do_for_every_command() {
    let Some(lab) = live() else { return };
    let home = tempfile::tempdir().expect("a home");
    let sign = |name: &str, more: &[&str]| {
        let path = home.path().join(name);
        let out = format!("--out={}", path.display());
        let _ = tctl(
            lab,
            &[&["auth", "sign", "--user=alice", "--ttl=1h", &out], more].concat(),
        )
        .ok();
        path
    };
    let plain = sign("plain", &[]);
    let parts = sign("parts", &["--format=tls"]);
    for identity in [&plain, &parts] {
        let run = |args: &[&str]| Ran::of(&mut with_identity(lab, home.path(), identity, args));
        assert_eq!(run(&["status", "--format", "json"]).json()["user"], "alice");
        assert!(run(&["db", "ls"]).ok().contains("orders"));
        assert!(run(&["clusters"]).ok().contains("leaf"));
        assert!(
            run(&["db", "ls", "--cluster", "leaf"])
                .ok()
                .contains("leaf-orders")
        );
        assert_eq!(run(&SQL).ok().trim(), "alice");
    }
    let routed = sign(
        "routed",
        &[
            "--db-service=orders",
            "--db-user=alice",
            "--db-name=postgres",
        ],
    );
    let run = |args: &[&str]| Ran::of(&mut with_identity(lab, home.path(), &routed, args));
    assert_eq!(run(&SQL).ok().trim(), "alice");
    assert!(
        run(&["db", "ls"])
            .fails(14)
            .contains("for database orders only")
    );
    let nameless = sign("nameless", &["--db-service=app", "--db-name=app"]);
    let run = |args: &[&str]| Ran::of(&mut with_identity(lab, home.path(), &nameless, args));
    let connected = run(&[
        "db",
        "connect",
        "--db-user",
        "app",
        "--",
        "-XAtc",
        "select current_user",
    ]);
    assert_eq!(
        (connected.code, connected.stdout.trim()),
        (0, "app"),
        "{connected}"
    );
    assert!(
        connected.stderr.contains("cannot be cancelled"),
        "{connected}"
    );
    let server = home.path().join("server");
    let out = format!("--out={}", server.display());
    let _ = tctl(
        lab,
        &[
            "auth",
            "sign",
            "--format=db",
            "--host=localhost",
            "--ttl=1h",
            &out,
        ],
    )
    .ok();
    let refused = Ran::of(&mut with_identity(lab, home.path(), &server, &["db", "ls"]));
    assert!(refused.fails(10).contains("is no user's"));
}

/// A bot that is removed in the end, with the program that serves it.
struct Bot<'a>(&'a Live, Child);

impl Drop for Bot<'_> {
    fn drop(&mut self) {
        let _ = self.1.kill();
        let _ = self.1.wait();
        let _ = tctl(self.0, &["bots", "rm", "postern-test"]).code;
    }
}

#[test]
fn a_tunnel_lives_on_what_tbot_renews() {
    let Some(lab) = live() else { return };
    let program = PathBuf::from(std::env::var_os("TELEPORT_BIN").expect("set")).join("tbot");
    if !program.exists() {
        eprintln!("skipped: there is no tbot in TELEPORT_BIN");
        return;
    }
    let home = tempfile::tempdir().expect("a home");
    let _ = tctl(lab, &["bots", "rm", "postern-test"]).code;
    let added = tctl(
        lab,
        &[
            "bots",
            "add",
            "postern-test",
            "--roles=auto-keep,plain",
            "--format=json",
        ],
    );
    let token = text(&added.json()["token_id"]);
    let dir = home.path().join("orders");
    let config = format!(
        "version: v2\nproxy_server: {}\nonboarding: {{join_method: token, token: {token}}}\n\
         storage: {{type: directory, path: {home}/storage}}\ncredential_ttl: 1m\nrenewal_interval: 15s\n\
         outputs:\n- type: database\n  service: orders\n  username: bot-postern-test\n  database: postgres\n  \
         destination: {{type: directory, path: {home}/orders}}\n",
        text(&lab.env["proxy"]),
        home = home.path().display()
    );
    let file = home.path().join("tbot.yaml");
    std::fs::write(&file, config).expect("a write");
    let log = std::fs::File::create(home.path().join("tbot.log")).expect("a file");
    let bot = Command::new(program)
        .args(["start", "-c"])
        .arg(&file)
        .env("SSL_CERT_FILE", text(&lab.env["ca_file"]))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("tbot starts");
    let _bot = Bot(lab, bot);
    wait_for("tbot's first certificate", Duration::from_secs(60), || {
        dir.join("identity").exists().then_some(())
    });
    let until = || {
        let run = Ran::of(&mut with_identity(
            lab,
            home.path(),
            &dir,
            &["status", "--format", "json"],
        ));
        text(&run.json()["valid_until"])
    };
    let first = until();
    let mut tunnel = with_identity(lab, home.path(), &dir, &["proxy", "db", "--format", "json"]);
    let mut child = tunnel
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let line = first_line(child.stdout.take().expect("a pipe"));
    let tunnel = crate::common::tunnel::Tunnel {
        child,
        ready: serde_json::from_str(&line).expect("a line of JSON"),
    };
    let who = || tunnel.psql("bot-postern-test", "select current_user");
    assert_eq!(who().ok().trim(), "bot-postern-test");
    // When the first certificate has ended, only a later one opens the door.
    wait_for(
        "the end of the first certificate",
        Duration::from_secs(120),
        || {
            let now = Command::new("date")
                .args(["-u", "+%Y-%m-%dT%H:%M:%SZ"])
                .output()
                .expect("date");
            let now = String::from_utf8(now.stdout).expect("text");
            (now.trim() > first.as_str()).then_some(())
        },
    );
    assert!(until() > first);
    assert_eq!(who().ok().trim(), "bot-postern-test");
}

#[test]
fn eight_commands_at_once_on_a_real_cluster_a_login_among_them() {
    let Some(lab) = live() else { return };
    let commands: [&[&str]; 7] = [
        &["status"],
        &["status", "--format", "json"],
        &["db", "ls"],
        &["db", "ls", "--format", "json"],
        &["db", "ls", "--cluster", "leaf"],
        &["clusters"],
        &SQL,
    ];
    // carol's login is replaced three times meanwhile.
    let way = Way::to(lab, "parallel", lab.env["proxy"].as_str().expect("proxy"));
    way.log_in("carol");
    let password = text(&lab.env["password"]);
    for round in 0..3 {
        let code = lab.code("carol");
        let started: Vec<_> = commands
            .iter()
            .map(|args| {
                way.postern("carol", args)
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped())
                    .spawn()
                    .expect("it starts")
            })
            .collect();
        let mut login = way.login("carol", &password, &code);
        // An earlier run may have used the code in the same half minute.
        for _ in 0..3 {
            if login.stderr.contains("second factor") {
                login = way.login("carol", &password, &lab.code("carol"));
            }
        }
        assert_eq!(login.code, 0, "round {round}: {login}");
        for (child, args) in started.into_iter().zip(commands) {
            let out = Ran::end_of(child);
            assert_eq!(out.code, 0, "round {round}: {args:?}: {out}");
        }
        let keys = std::fs::read_dir(way.home_of("carol").join("keys")).expect("keys");
        assert_eq!(keys.count(), 1, "round {round}");
    }
}
