//! Any program may take psql's place in `db connect`: it finds in its environment where to connect, and nothing secret stands in
//! its arguments.

#![expect(clippy::print_stderr, reason = "a skipped test is said, not hidden")]

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::common::env::TestEnv;
use crate::common::ran::Ran;

const APP: [&str; 5] = ["db", "connect", "app", "--db-user=app", "--db-name=app"];

/// A stand-in that prints its arguments and what it was told, then does something.
fn stand_in(env: &TestEnv, name: &str, then: &str) -> PathBuf {
    let bin = env.home.path().join("bin");
    std::fs::create_dir_all(&bin).expect("a directory");
    let path = bin.join(name);
    let script = format!(
        "#!/bin/sh\nfor word in \"$@\"; do echo \"arg $word\"; done\nenv | grep ^PG | sort\ntr '\\0' ' ' < /proc/$$/cmdline; echo\n{then}\n"
    );
    std::fs::write(&path, script).expect("a script");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    path
}

/// Runs `db connect` with the directory of stand-ins first in `PATH`.
fn connect(env: &TestEnv, args: &[&str]) -> Ran {
    let mut command = env.postern(&[&APP[..], args].concat());
    let bin = env.home.path().join("bin");
    command.env("PATH", format!("{}:/usr/bin:/bin", bin.display()));
    command.env("PGSERVICE", "somebody-elses");
    Ran::of(&mut command)
}

/// A statement asked by the psql that is really there, with nothing but what the stand-in was told.
const ASK: &str = "psql -XAtc \"select 'I am ' || current_user || ' in ' || current_database()\"";

#[test]
fn each_client_finds_everything_in_its_environment() {
    let env = TestEnv::logged_in("alice");
    for (name, words) in [
        ("pgcli", &[][..]),
        ("usql", &["arg pg://"]),
        ("somebodys-tool", &[]),
    ] {
        let path = stand_in(&env, name, ASK);
        let by_path = path.to_str().expect("text");
        for client in [name, by_path] {
            let out = connect(&env, &["--client", client, "--", "--flag", "two words"]).ok();
            let args: Vec<&str> = out
                .lines()
                .filter(|line| line.starts_with("arg "))
                .collect();
            let wanted = [words, &["arg --flag", "arg two words"]].concat();
            assert_eq!(args, wanted, "{out}");
            for told in [
                "PGHOST=",
                "PGPORT=",
                "PGUSER=app",
                "PGDATABASE=app",
                "PGSSLMODE=disable",
            ] {
                assert!(
                    out.lines().any(|line| line.starts_with(told)),
                    "{told}: {out}"
                );
            }
            assert!(!out.contains("PGSERVICE"), "{out}");
            assert!(out.contains("I am app in app"), "{out}");
            // What ps shows of it holds no password.
            let secret = out
                .lines()
                .find_map(|line| line.strip_prefix("PGPASSWORD="))
                .expect("set, so that nobody looks elsewhere");
            let shown = out
                .lines()
                .find(|line| line.contains("/bin/sh "))
                .expect("its command");
            assert!(
                !shown.contains(secret) && !shown.contains("PGPASSWORD"),
                "{out}"
            );
        }
    }
}

#[test]
fn the_clients_own_exit_code_comes_back() {
    let env = TestEnv::logged_in("alice");
    let _ = stand_in(&env, "pgcli", &format!("{ASK}\nexit 37"));
    assert_eq!(connect(&env, &["--client", "pgcli"]).code, 37);
    let _ = stand_in(&env, "pgcli", "exit 3");
    let out = connect(&env, &["--client", "pgcli"]);
    assert_eq!(out.code, 3);
    assert!(
        out.stderr.contains("pgcli ended before it connected") && out.stderr.contains("PGHOST"),
        "{out}"
    );
}

#[test]
fn a_template_of_the_configuration_fills_in_words() {
    let env = TestEnv::logged_in("alice");
    let _ = stand_in(&env, "report", ASK);
    let config = env.home.path().join(".config/postern");
    std::fs::create_dir_all(&config).expect("a directory");
    let config = config.join("config.toml");
    let write = |text: &str| std::fs::write(&config, text).expect("written");
    write(
        "[clients.monthly]\ncommand = [\"report\", \"jdbc:postgresql://{host}:{port}/{database}?user={user}\", \"{{plain}}\"]\n",
    );
    let out = connect(&env, &["--client", "monthly", "--", "more"]).ok();
    let value = |name: &str| {
        let told = out.lines().find_map(|line| line.strip_prefix(name));
        told.unwrap_or_else(|| panic!("no {name}: {out}"))
            .to_owned()
    };
    let (host, port) = (value("PGHOST="), value("PGPORT="));
    let args: Vec<&str> = out
        .lines()
        .filter_map(|line| line.strip_prefix("arg "))
        .collect();
    let url = format!("jdbc:postgresql://{host}:{port}/app?user=app");
    assert_eq!(args, [url.as_str(), "{plain}", "more"], "{out}");
    // Drivers that know no sockets in the file system reach it too.
    assert_eq!(host, "127.0.0.1");
    assert!(out.contains("I am app in app"), "{out}");

    // The default is the configuration's to say, and the command line's to change.
    write("client = \"monthly\"\n[clients.monthly]\ncommand = [\"report\", \"by default\"]\n");
    assert!(connect(&env, &[]).ok().contains("arg by default"));
    let out = connect(&env, &["--client", "psql", "--", "-XAtc", "select 40 + 2"]);
    assert_eq!(out.ok().trim(), "42");

    for (wrong, said) in [
        (
            "[clients.monthly]\ncommand = [\"report\", \"{password}\"]\n",
            "PGPASSWORD",
        ),
        (
            "[clients.monthly]\ncommand = [\"report\", \"{hostname}\"]\n",
            "{hostname}",
        ),
        ("[clients.monthly]\ncommand = []\n", "empty"),
        ("[clients.monthly]\ncomand = [\"report\"]\n", "comand"),
    ] {
        write(wrong);
        let error = connect(&env, &["--client", "monthly"]).fails(2);
        assert!(
            error.contains(said) && error.contains("config.toml"),
            "{error}"
        );
    }
    // Only commands that start a program care.
    let _ = env.run(&["db", "ls"]).ok();
}

#[test]
fn a_missing_client_is_exit_16_and_says_how_to_get_it() {
    let env = TestEnv::logged_in("alice");
    let missing = |client: &str| {
        let mut command = env.postern(&[&APP[..], &["--client", client]].concat());
        command.env("PATH", "/nonexistent");
        Ran::of(&mut command).fails(16)
    };
    for (client, hint) in [
        ("pgcli", "apt install pgcli"),
        ("usql", "github.com/xo/usql"),
        ("psql", "apt install postgresql-client"),
        ("nobodys-tool", "[clients.nobodys-tool]"),
    ] {
        let error = missing(client);
        assert!(
            error.contains(&format!("{client} is not installed")) && error.contains(hint),
            "{error}"
        );
    }
    let error = missing("/nonexistent/tool");
    assert!(error.contains("/nonexistent/tool is no program"), "{error}");
}

#[test]
fn real_pgcli_connects() {
    if which::which("pgcli").is_err() {
        eprintln!("skipped: pgcli is not installed");
        return;
    }
    let env = TestEnv::logged_in("alice");
    let mut command = env.postern(&[&APP[..], &["--client=pgcli"]].concat());
    // It asks the terminal where the cursor is, and nobody would answer.
    command.env("PROMPT_TOOLKIT_NO_CPR", "1");
    let mut tty = env.terminal(command);
    tty.exp_string("app>").expect("its prompt");
    tty.send_line("select 'I am ' || current_user as who;")
        .expect("input");
    tty.exp_string("I am app").expect("an answer");
    tty.send_control('d').expect("the end");
    tty.exp_eof().expect("its end");
}
