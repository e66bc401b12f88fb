//! The file, its rotation, its troubles.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use super::{Audit, Opened, SessionLog, Setup};
use crate::identity::Identity;
use crate::rbac::Database;

const LIMIT: Duration = Duration::from_secs(20);

type Reports = Arc<Mutex<Vec<String>>>;

fn audit(path: &Path, max_size: u64, max_old: usize) -> (Audit, Reports) {
    let reports = Reports::default();
    let heard = Arc::clone(&reports);
    let audit = Audit::to_file(Setup {
        path: path.to_owned(),
        max_size,
        max_old,
        cluster: "root".into(),
        server_id: "host".into(),
        clock: Arc::new(|| 1_700_000_000_120),
        report: Arc::new(move |line| heard.lock().expect("no panic").push(line.to_owned())),
    })
    .expect("a thread");
    (audit, reports)
}

fn session(audit: &Audit) -> Arc<SessionLog> {
    let database = serde_json::json!({"kind": "db", "version": "v3", "metadata": {"name": "orders"},
        "spec": {"protocol": "postgres", "uri": "localhost:5432"}});
    let opened = Opened {
        identity: &Identity {
            username: "alice".into(),
            ..Identity::default()
        },
        peer: ([127, 0, 0, 1], 9).into(),
        arrived: 1_700_000_000_000,
        database: &Database::from_document(&database).expect("a database"),
        user: "alice",
        name: "postgres",
        roles: &[],
        user_agent: String::new(),
    };
    audit.session(opened).expect("a log")
}

fn query(session: &Arc<SessionLog>, text: &str) {
    let length = u32::try_from(text.len() + 5).expect("small").to_be_bytes();
    let message = [b"Q", length.as_slice(), text.as_bytes(), b"\0"].concat();
    session.tap().feed(&message);
}

fn lines(path: impl AsRef<Path>) -> Vec<Value> {
    let text = std::fs::read_to_string(path).expect("a file");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn reported(reports: &Reports) -> Vec<String> {
    reports.lock().expect("no panic").clone()
}

#[tokio::test]
async fn the_file_is_private_and_continued() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.jsonl");
    std::fs::write(&path, "{\"half\": 1").expect("what a crash left");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).expect("a mode");
    let (audit, reports) = audit(&path, 1 << 20, 2);
    query(&session(&audit), "alter role a password 'hidden'");
    assert!(audit.flush(LIMIT).await);
    let mode = std::fs::metadata(&path)
        .expect("a file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = std::fs::read_to_string(&path).expect("a file");
    let (first, second) = text.split_once('\n').expect("two lines");
    assert_eq!(first, "{\"half\": 1");
    let event: Value = serde_json::from_str(second).expect("JSON");
    assert_eq!(event["db_query"], "alter role a password '****'");
    assert_eq!(event["time"], "2023-11-14T22:13:20.12Z");
    assert_eq!(event["code"], "TDB02I");
    assert_eq!(reported(&reports), Vec::<String>::new());
}

#[tokio::test]
async fn large_files_are_put_aside_and_the_oldest_removed() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.jsonl");
    let (audit, reports) = audit(&path, 2000, 2);
    let session = session(&audit);
    for number in 0..40 {
        query(&session, &format!("select {number}"));
    }
    assert!(audit.flush(LIMIT).await);
    let mut names: Vec<_> = std::fs::read_dir(dir.path())
        .expect("a directory")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("text")
        })
        .collect();
    names.sort();
    assert_eq!(names, ["audit.jsonl", "audit.jsonl.1", "audit.jsonl.2"]);
    let mut kept = Vec::new();
    for name in names.iter().rev() {
        let path = dir.path().join(name);
        assert!(std::fs::metadata(&path).expect("a file").len() <= 2000);
        let found = lines(&path);
        kept.extend(
            found
                .into_iter()
                .map(|event| event["ei"].as_u64().expect("a number")),
        );
    }
    let first = kept[0];
    assert!(first > 0, "something was removed");
    assert_eq!(kept, (first..40).collect::<Vec<_>>());
    assert_eq!(reported(&reports), Vec::<String>::new());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_is_reported_once_and_holds_nobody_up() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.jsonl");
    std::os::unix::fs::symlink("/dev/full", &path).expect("a link");
    let (audit, reports) = audit(&path, 1 << 20, 2);
    let session = session(&audit);
    for _ in 0..3 {
        query(&session, "select 1");
    }
    assert!(audit.flush(LIMIT).await);
    let first = reported(&reports);
    assert_eq!(first.len(), 1, "{first:?}");
    assert!(first[0].contains("No space left on device"), "{first:?}");
    std::fs::remove_file(&path).expect("room again");
    query(&session, "select 2");
    assert!(audit.flush(LIMIT).await);
    assert_eq!(lines(&path).len(), 1);
    let path = path.display();
    assert_eq!(
        reported(&reports)[1..],
        [format!(
            "audit log {path}: written again; 3 events are missing"
        )]
    );
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_disk_that_does_not_answer_holds_nobody_up() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.jsonl");
    // A pipe nobody reads takes some of the first event, and then nothing.
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0)
        .expect("a pipe");
    let (audit, reports) = audit(&path, 1 << 30, 2);
    let log = session(&audit);
    let text = format!("select '{}'", "x".repeat(super::statements::LIMIT));
    for _ in 0..300 {
        query(&log, &text);
    }
    assert!(!audit.flush(Duration::from_millis(10)).await);
    assert_eq!(reported(&reports), Vec::<String>::new());
    let reader = std::thread::spawn({
        let pipe = std::fs::File::open(&path).expect("the pipe");
        move || std::io::BufRead::lines(std::io::BufReader::new(pipe)).count()
    });
    assert!(audit.flush(LIMIT).await);
    drop((audit, log));
    let missing = 300 - reader.join().expect("no panic");
    assert!((1..300).contains(&missing), "{missing}");
    let path = path.display();
    assert_eq!(
        reported(&reports),
        [
            format!("audit log {path}: the disk is too slow; events are not recorded"),
            format!("audit log {path}: caught up; {missing} events are missing"),
        ]
    );
}

#[tokio::test]
async fn a_file_that_cannot_be_opened_is_reported() {
    let (audit, reports) = audit(&PathBuf::from("/proc/no-such/audit.jsonl"), 1 << 20, 2);
    query(&session(&audit), "select 1");
    assert!(audit.flush(LIMIT).await);
    assert_eq!(reported(&reports).len(), 1);
}

#[test]
fn without_a_log_there_is_no_session_log() {
    assert_eq!(Audit::off().now_ms(), None);
}
