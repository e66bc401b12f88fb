//! Clusters without PostgreSQL: their directory, their documents.

use std::path::Path;

use super::{RunningServer, Server, ServerError, ServerOptions};
use crate::cluster::documents::Documents;

const USERS: &str = "kind: user\nmetadata: {name: alice}\nspec: {roles: [access]}\n";

fn documents(text: &str) -> Documents {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("a.yaml"), text).expect("a file");
    Documents::load(dir.path()).expect("valid documents")
}

async fn start(name: &str, directory: &Path) -> Result<RunningServer, ServerError> {
    Server::prepare(ServerOptions::new(name, directory))
        .await?
        .start(documents(USERS))
        .await
}

#[tokio::test]
async fn two_run_beside_each_other_but_not_in_one_directory() {
    let dir = tempfile::tempdir().expect("a directory");
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    let root = start("root", &one).await.expect("a cluster");
    let leaf = start("leaf", &two).await.expect("another");
    assert_ne!(root.addr, leaf.addr);
    assert_ne!(root.state().host_id(), leaf.state().host_id());
    assert!(matches!(
        start("root", &one).await,
        Err(ServerError::InUse(_))
    ));

    let host = root.state().host_id().to_owned();
    let lock = root.stop().await;
    assert!(
        matches!(start("root", &one).await, Err(ServerError::InUse(_))),
        "the caller may have more to end there"
    );
    drop(lock);
    let again = start("root", &one).await.expect("the same cluster");
    assert_eq!(again.state().host_id(), host);
    drop((again.stop().await, leaf.stop().await));
    let message = start("other", &one)
        .await
        .expect_err("a foreign state")
        .to_string();
    assert!(message.contains("belongs to the cluster"), "{message}");
}

#[tokio::test]
async fn other_documents_count_from_the_next_look_on() {
    let dir = tempfile::tempdir().expect("a directory");
    let running = start("root", dir.path()).await.expect("a cluster");
    let state = running.state();
    let mut changes = state.changes();
    assert!(state.user("alice").is_some() && state.logins().second_factor());
    let before = state.documents();
    state.replace_documents(documents(
        "kind: user\nmetadata: {name: bob}\nspec: {roles: [access]}\n---\n\
         kind: cluster_auth_preference\nspec: {second_factor: 'off', default_session_ttl: 1h}\n",
    ));
    assert!(changes.has_changed().expect("the cluster runs"));
    changes.mark_unchanged();
    assert!(state.user("alice").is_none() && state.user("bob").is_some());
    assert!(!state.logins().second_factor());
    assert_eq!(state.session_seconds(), 3600);
    assert!(
        before.users.contains_key("alice"),
        "who began with the old ones ends with them"
    );
    state.note_change();
    assert!(changes.has_changed().expect("the cluster runs"));
    drop(running.stop().await);
}

/// The clock of the system stands in this test but for what it is told; timers pass by themselves.
#[tokio::test(start_paused = true)]
async fn the_port_gets_new_certificates_before_its_own_end() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};
    let dir = tempfile::tempdir().expect("a directory");
    let now = Arc::new(AtomicI64::new(1_800_000_000_000));
    let clock = Arc::clone(&now);
    let mut options = ServerOptions::new("root", dir.path());
    options.clock = Arc::new(move || clock.load(Ordering::Relaxed));
    let server = Server::prepare(options).await.expect("a port");
    let running = server.start(documents(USERS)).await.expect("a cluster");
    let front = Arc::clone(&running.watched.front);
    let (begin, end) = front.validity();
    let third = (end - begin) / 3;
    let day = 86_400_000;
    for (after, renewed) in [
        (third * 1000, false),
        (third * 1000 - day, false),
        (2 * day, true),
    ] {
        now.fetch_add(after, Ordering::Relaxed);
        // Longer than the timer's look at the clock takes to come, and shorter than a day.
        tokio::time::sleep(std::time::Duration::from_secs(2 * 3600)).await;
        let wait = async {
            while (front.validity() != (begin, end)) != renewed {
                tokio::time::sleep(std::time::Duration::from_secs(60)).await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(86_400), wait)
            .await
            .expect("renewed in time, and not before");
    }
    drop(running.stop().await);
}
