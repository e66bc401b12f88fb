//! Help, mistakes, tables, the terminal.

use std::process::Command;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::common::demo::Demo;
use crate::common::env::TestEnv;
use crate::common::wait_for;

#[test]
fn n05_the_terminal_is_never_asked_for_anything() {
    let env = TestEnv::logged_in("alice");
    for args in [
        &["version"][..],
        &["status"],
        &["db", "ls"],
        &[
            "db", "connect", "app", "-u", "app", "-n", "app", "--", "-X", "-c", "select 1",
        ],
    ] {
        let mut tty = env.terminal(env.postern(args));
        let seen = tty.exp_eof().expect("the end");
        for question in ["\x1b]11;?", "\x1b[6n", "\x1b[c"] {
            assert!(!seen.contains(question), "{args:?}: {seen:?}");
        }
    }
}

#[test]
fn n16_help_is_an_answer_and_a_mistake_is_two_lines() {
    let env = TestEnv::new();
    for args in [
        &["--help"][..],
        &["db", "ls", "--help"],
        &["help", "db", "ls"],
    ] {
        let help = env.run(args);
        assert_eq!(help.stderr, "", "{args:?}");
        assert!(help.ok().contains("Usage: postern"), "{args:?}");
    }
    for (args, about) in [
        (&["db", "ls", "--serch", "x"][..], "--search"),
        (&["db", "ls", "--nonsense"], "--nonsense"),
        (&["db", "ls", "--search"], "--search"),
        (&["db", "ls", "-f", "table"], "json"),
        (&["nonsense"], "nonsense"),
    ] {
        let wrong = env.run(args);
        assert_eq!(
            (wrong.code, wrong.stdout.as_str()),
            (2, ""),
            "{args:?}: {wrong}"
        );
        let lines: Vec<&str> = wrong.stderr.lines().collect();
        assert!(
            matches!(lines[..], [first, second] if first.starts_with("error: ")
                && second.starts_with("hint: ") && second.contains("--help")),
            "{args:?}: {wrong}"
        );
        assert!(wrong.stderr.contains(about), "{args:?}: {wrong}");
    }
}

#[test]
fn n17_pipes_get_whole_rows_and_terminals_whole_names() {
    let env = TestEnv::logged_in("alice");
    let mut command = env.postern(&["db", "ls", "-v"]);
    command.env("COLUMNS", "40");
    let piped = crate::common::ran::Ran::of(&mut command).ok();
    let row = piped
        .lines()
        .find(|line| line.starts_with("orders"))
        .expect("a row");
    for cell in [
        "orders, kept users",
        "[alice] (Auto-provisioned)",
        "[reader writer]",
        "env=dev",
    ] {
        assert!(row.contains(cell), "{cell}: {row}");
    }
    let mut shell: Command = env.command("sh");
    shell.args([
        "-c",
        "stty cols 40; \"$0\" db ls",
        env!("CARGO_BIN_EXE_postern"),
    ]);
    let mut tty = env.terminal(shell);
    let narrow = tty.exp_eof().expect("the end");
    for name in ["orders", "scratch", "[alice]", "(Auto-provisioned)"] {
        let whole = narrow.split_whitespace().any(|word| word == name);
        assert!(whole, "{name}: {narrow}");
    }
    assert!(!narrow.contains("..."), "{narrow}");
}

/// Two discovered databases of one name, in a cluster of this test's own.
#[test]
fn n18_a_name_that_is_shown_is_one_that_works() {
    let dir = tempfile::Builder::new()
        .prefix("pt")
        .tempdir()
        .expect("a directory")
        .keep();
    let flags = ["--no-leaf", "--no-second-factor"];
    let first = Demo::start_in(&dir, &flags);
    {
        let mut child = first.child.lock().expect("no panic");
        kill_process(Pid::from_child(&child), Signal::TERM).expect("a signal");
        wait_for("the end of the cluster", Duration::from_secs(60), || {
            child.try_wait().expect("a status")
        });
    }
    let path = dir.join("documents/databases.yaml");
    let mut text = std::fs::read_to_string(&path).expect("documents");
    for name in ["shop-rds-eu", "shop-rds-us"] {
        text.push_str(&format!(
            "---\nkind: db\nversion: v3\nmetadata:\n  name: {name}\n  labels: {{mode: plain, \
             teleport.internal/discovered-name: shop}}\nspec:\n  protocol: postgres\n  uri: localhost:5432\n"
        ));
    }
    std::fs::write(&path, text).expect("written");
    let demo: &'static Demo = Box::leak(Box::new(Demo::start_in(&dir, &flags)));
    let env = TestEnv::beside(demo);
    env.login("alice");
    let listed = env.run(&["db", "ls"]).ok();
    let names: Vec<&str> = listed
        .lines()
        .skip(1)
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(
        names.contains(&"shop-rds-eu") && names.contains(&"shop-rds-us"),
        "{listed}"
    );
    assert!(!names.contains(&"shop"), "{listed}");
    // The name of both is refused with the full ones.
    let err = env.run(&["db", "connect", "shop"]).fails(13);
    assert!(
        err.contains("shop-rds-eu") && err.contains("shop-rds-us"),
        "{err}"
    );
}

/// In a cluster of this test's own, whose documents lose a database while it runs.
#[test]
fn n28_a_database_that_is_gone_is_forgotten() {
    let flags = ["--no-leaf", "--no-second-factor"];
    let demo: &'static Demo = Box::leak(Box::new(Demo::start(&flags)));
    // Two homes of one person: each finds it out in its own way.
    let homes = [TestEnv::beside(demo), TestEnv::beside(demo)];
    for env in &homes {
        env.login("alice");
        let _ = env
            .run(&["db", "login", "app", "-u", "app", "-n", "app"])
            .ok();
    }
    let [env, other] = &homes;
    let path = demo.dir.join("documents/databases.yaml");
    let text = std::fs::read_to_string(&path).expect("documents");
    let rest: Vec<&str> = text
        .split("---\n")
        .filter(|document| !document.contains("name: app\n"))
        .collect();
    assert_eq!(rest.len() + 1, text.split("---\n").count(), "{text}");
    std::fs::write(&path, rest.join("---\n")).expect("written");
    let mut reload = env.command(env!("CARGO_BIN_EXE_postern-cluster"));
    reload.args(["reload", "--dir"]).arg(&demo.dir);
    let _ = crate::common::ran::Ran::of(&mut reload).ok();
    let note = "\"app\", to which you were logged in, is no longer in cluster root";
    let ran = env.run(&["db", "ls"]);
    assert_eq!(ran.stderr.matches(note).count(), 1, "{ran}");
    let listed = ran.ok();
    assert!(
        !listed.lines().any(|row| row.starts_with("app ")),
        "{listed}"
    );
    // The rest is as if nothing had been chosen: several may be meant.
    let again = env.run(&["db", "connect"]);
    assert!(!again.stderr.contains("logged in"), "{again}");
    assert_eq!(again.code, 13, "{again}");
    // Whoever connects without a look is refused by the cluster, which ends what is kept; from then on it is known.
    let refused = other.run(&["db", "connect"]);
    assert!(
        refused.code == 2 && refused.stderr.contains("database \"app\" not found"),
        "{refused}"
    );
    let ran = other.run(&["db", "connect"]);
    assert_eq!(ran.stderr.matches(note).count(), 1, "{ran}");
    assert_eq!(ran.code, 13, "{ran}");
    for env in &homes {
        for command in ["env", "config"] {
            let err = env.run(&["db", command]).fails(12);
            assert!(err.contains("not logged in to any database"), "{err}");
        }
    }
}

#[test]
fn n19_errors_in_a_query_name_the_flag_and_the_place() {
    let env = TestEnv::logged_in("alice");
    for (query, place) in [
        ("labels[\"env\"] ==", "1:17"),
        ("foo(name)", "unsupported function: foo"),
        ("name", "expected type bool"),
    ] {
        let err = env.run(&["db", "ls", "--query", query]).fails(2);
        for part in ["--query", place, "hasPrefix"] {
            assert!(err.contains(part), "{query}: {part}: {err}");
        }
        assert!(!err.contains("rpc error"), "{err}");
    }
}

#[test]
fn n20_an_at_sign_is_a_sign_like_any_other() {
    let env = TestEnv::logged_in("alice");
    std::fs::write(env.home.path().join("args"), "mode=plain\n").expect("written");
    let mut command = env.postern(&["db", "ls", "@args"]);
    command.current_dir(env.home.path());
    let err = crate::common::ran::Ran::of(&mut command).fails(2);
    assert!(err.contains("@args") && !err.contains("open"), "{err}");
    let sql = [
        "db", "connect", "app", "-u", "app", "-n", "app", "--", "-X", "-A", "-t", "-v", "x=@args",
        "-c",
    ];
    let ran = env.run_with_input(&[&sql[..13], &["-f", "-"]].concat(), "select :'x';\n");
    assert_eq!(ran.ok(), "@args\n");
}

#[test]
fn n27_logging_out_of_nothing_is_said_on_stderr() {
    let env = TestEnv::logged_in("alice");
    let ran = env.run(&["db", "logout"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""));
    assert_eq!(
        ran.stderr,
        "You were not logged in to any database of cluster root.\n"
    );
    let _ = env
        .run(&["logout", "--proxy", &env.demo.proxy(), "--user", "alice"])
        .ok();
    let ran = env.run(&["logout", "--proxy", &env.demo.proxy(), "--user", "alice"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (10, ""), "{ran}");
    assert!(ran.stderr.contains("not logged in"), "{ran}");
}
