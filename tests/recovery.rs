//! The cluster's program is killed, stopped, or cuts a session: the database users are out of service afterwards, and
//! whoever sits at psql is told why.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::common::demo::Demo;
use crate::common::env::TestEnv;
use crate::common::wait_for;

/// How long a step may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(40);

/// A cluster of its own in `dir`, for one test.
fn demo_in(dir: &Path) -> &'static Demo {
    Box::leak(Box::new(Demo::start_in(dir, &["--no-second-factor"])))
}

fn directory() -> std::path::PathBuf {
    let dir = tempfile::Builder::new().prefix("pr").tempdir();
    dir.expect("a directory").keep()
}

fn login(env: &TestEnv, user: &str) {
    let (proxy, ca) = (env.demo.proxy(), env.demo.ca_file());
    let args = [
        "login",
        "--proxy",
        &proxy,
        "--user",
        user,
        "--ca-file",
        &ca,
        "--key-store",
        "file",
        "--password-stdin",
    ];
    let input = format!("{}\n", env.demo.password(user));
    let _ = env.run_with_input(&args, &input).ok();
}

/// Starts `postern db connect orders` with a statement that sleeps, and waits until it does.
fn asleep(env: &TestEnv, mark: &str) -> std::process::Child {
    let statement = format!("select pg_sleep(600), '{mark}'");
    let mut command = env.postern(&["db", "connect", "orders", "--", "-X", "-c", &statement]);
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("postern starts");
    let running = format!(
        "select count(*) from pg_stat_activity where wait_event = 'PgSleep' and query like '%{mark}%'"
    );
    wait_for("the statement", PATIENCE, || {
        (env.demo.sql(&running) == "1").then_some(())
    });
    child
}

fn signal(demo: &Demo, signal: Signal) {
    let mut program = demo.child.lock().expect("no panic");
    kill_process(Pid::from_child(&program), signal).expect("a signal");
    wait_for("the end of the program", PATIENCE, || {
        program.try_wait().expect("a status")
    });
}

const LOCKED: &str = "nologin|teleport-auto-user";

#[test]
fn a_killed_program_is_made_up_for_at_its_next_start() {
    let dir = directory();
    let demo = demo_in(&dir);
    let env = TestEnv::beside(demo);
    login(&env, "alice");
    let client = asleep(&env, "killed");
    assert_eq!(demo.role("alice"), "login|reader,teleport-auto-user,writer");
    signal(demo, Signal::KILL);
    let end = client.wait_with_output().expect("an end");
    assert!(!end.status.success());
    // The database's document goes meanwhile; what is needed is in the journal.
    let documents = dir.join("documents");
    for entry in std::fs::read_dir(&documents).expect("the documents") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("text");
        let kept: Vec<&str> = text
            .split("---\n")
            .filter(|document| !document.contains("name: orders"))
            .collect();
        std::fs::write(&path, kept.join("---\n")).expect("a file");
    }
    let again = demo_in(&dir);
    wait_for("alice out of service", PATIENCE, || {
        (again.role("alice") == LOCKED).then_some(())
    });
    signal(again, Signal::TERM);
}

#[test]
fn a_stop_tells_psql_and_leaves_nobody_in_service() {
    let dir = directory();
    let demo = demo_in(&dir);
    let env = TestEnv::beside(demo);
    login(&env, "alice");
    let client = asleep(&env, "stopped");
    signal(demo, Signal::TERM);
    let end = client.wait_with_output().expect("an end");
    let words = String::from_utf8_lossy(&end.stderr).into_owned();
    assert!(
        words.contains("FATAL:  terminating connection due to administrator command"),
        "{words}"
    );
    let again = demo_in(&dir);
    assert_eq!(again.role("alice"), LOCKED, "before anybody made up for it");
    signal(again, Signal::TERM);
}

/// Through postern's own tunnel, in psql: why the session ended.
#[test]
fn an_idle_session_is_cut_and_psql_says_why() {
    let dir = directory();
    std::fs::create_dir(dir.join("documents")).expect("a directory");
    std::fs::write(
        dir.join("documents/limits.yaml"),
        "kind: cluster_networking_config\nversion: v2\nmetadata: {name: cluster-networking-config}\n\
         spec: {client_idle_timeout: 3s}\n",
    )
    .expect("a document");
    let demo = demo_in(&dir);
    let env = TestEnv::beside(demo);
    login(&env, "alice");
    let end = asleep(&env, "idle").wait_with_output().expect("an end");
    let words = String::from_utf8_lossy(&end.stderr).into_owned();
    assert!(
        words.contains("FATAL:  Client exceeded idle timeout of 3s"),
        "{words}"
    );
    wait_for("alice out of service", PATIENCE, || {
        (demo.role("alice") == LOCKED).then_some(())
    });
    signal(demo, Signal::TERM);
}
