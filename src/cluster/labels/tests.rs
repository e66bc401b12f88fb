//! What commands print becomes labels, as long as the cluster runs.

use std::sync::Arc;
use std::time::Duration;

use super::{Labels, command};
use crate::cluster::documents::Documents;
use crate::cluster::state::ClusterState;
use crate::cluster::testing::{TestCluster, documents};

fn words(command: &[&str]) -> Vec<String> {
    command.iter().map(ToString::to_string).collect()
}

/// Values as 18.3.0 shows them for the same commands.
#[tokio::test]
async fn values_are_those_of_a_real_cluster() {
    for (words, value) in [
        (&["echo", "  hi there "][..], "hi there"),
        (&["sh", "-c", "printf 'a\\nb\\n\\n'"], "a\nb"),
        (&["sh", "-c", "echo err >&2"], ""),
        (
            &["sh", "-c", "echo out; echo err >&2; exit 3"],
            "exit status 3 output: out\n",
        ),
        (
            &["nosuchprogram", "x"],
            "exec: \"nosuchprogram\": executable file not found in $PATH output: ",
        ),
        (&[], ""),
    ] {
        assert_eq!(command::run(&self::words(words)).await, value, "{words:?}");
    }
    let long = command::run(&words(&[
        "sh",
        "-c",
        "head -c 1000000 /dev/zero | tr '\\0' x",
    ]))
    .await;
    assert_eq!(long.len(), 4096);
}

fn database(command: &str) -> String {
    format!(
        "{{kind: db, version: v3, metadata: {{name: d, labels: {{tier: static}}}}, spec: {{protocol: postgres, uri: 'h:1', \
         dynamic_labels: {{tier: {{period: 1s, command: [sh, -c, '{command}']}}}}}}}}"
    )
}

fn value(state: &ClusterState) -> String {
    let database = state.database("d").expect("the database");
    database.all_labels()["tier"].clone()
}

async fn becomes(state: &ClusterState, wanted: &str) {
    let end = tokio::time::Instant::now() + Duration::from_secs(20);
    while value(state) != wanted {
        assert!(
            tokio::time::Instant::now() < end,
            "the label stays {:?}",
            value(state)
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn labels_follow_their_commands_and_their_documents() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("value");
    std::fs::write(&file, "one").expect("a file");
    let read = format!("cat {}", file.display());
    let cluster = TestCluster::new("root", &database(&read), &[], true);
    let state = Arc::clone(&cluster.state);
    let labels = Labels::start(&state).await;
    assert_eq!(
        value(&state),
        "one",
        "the first value is there at the start"
    );

    std::fs::write(&file, "two").expect("a file");
    becomes(&state, "two").await;

    // The same command in other documents: its value stays, without a moment in which it is missing.
    let again: Documents = documents(&database(&read));
    assert_eq!(again.databases["d"].dynamic_labels["tier"].result, "");
    state.replace_documents(again);
    assert_eq!(value(&state), "two");

    state.replace_documents(documents(&database("echo three")));
    becomes(&state, "three").await;
    labels.stop().await;
}

/// A command that runs when the cluster stops, or whose label is gone, ends with everything that it started.
#[tokio::test]
async fn commands_end_with_the_cluster() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("pid");
    let slow = format!("sleep 600 & echo $! > {}; wait", file.display());
    let quick = "{kind: db, version: v3, metadata: {name: e}, spec: {protocol: postgres, uri: \"h:1\", \
                 dynamic_labels: {tier: {period: 1h, command: [echo, x]}}}}";
    let cluster = TestCluster::new(
        "root",
        &format!("{}\n---\n{quick}", database(&slow)),
        &[],
        true,
    );
    let state = Arc::clone(&cluster.state);
    let labels = Labels::start_within(&state, Duration::from_millis(500)).await;
    let end = tokio::time::Instant::now() + Duration::from_secs(20);
    let pid: i32 = loop {
        if let Some(pid) = std::fs::read_to_string(&file)
            .ok()
            .and_then(|text| text.trim().parse().ok())
        {
            break pid;
        }
        assert!(tokio::time::Instant::now() < end, "no command runs");
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    // One result is there although the other command never ends.
    let other = state.database("e").expect("the database");
    assert_eq!(other.all_labels()["tier"], "x");
    labels.stop().await;
    let pid = rustix::process::Pid::from_raw(pid).expect("a process");
    let end = tokio::time::Instant::now() + Duration::from_secs(20);
    while rustix::process::test_kill_process(pid).is_ok() {
        assert!(
            tokio::time::Instant::now() < end,
            "the command outlives the cluster"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
