//! moto, the AWS stand-in from PyPI: `tests/moto` installs it.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::super::wait_for;
use super::{CLUSTER, MASTER_PASSWORD, REGION};

/// A port nobody listens on.
pub(super) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a listener");
    listener.local_addr().expect("an address").port()
}

/// Starts it and waits until it listens; its URL.
///
/// It gets SIGTERM when this process ends: the kernel sends it when the thread that started it dies, so that thread lives as
/// long as the process.
pub(super) fn start() -> String {
    let port = free_port();
    let program = program();
    std::thread::spawn(move || {
        let mut child = Command::new("setpriv")
            .args(["--pdeathsig", "TERM"])
            .arg(program)
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("moto starts");
        child.wait().expect("moto runs");
    });
    wait_for("moto", Duration::from_secs(60), || {
        std::net::TcpStream::connect(("127.0.0.1", port)).ok()
    });
    format!("http://127.0.0.1:{port}")
}

/// Where `tests/moto` puts it, or what PATH has.
fn program() -> PathBuf {
    let stated = std::env::var_os("POSTERN_TEST_MOTO").map(PathBuf::from);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/moto");
    stated
        .or_else(|| which::which("moto_server").ok())
        .or_else(|| {
            let out = Command::new(script)
                .stderr(Stdio::inherit())
                .output()
                .ok()?;
            let path = PathBuf::from(String::from_utf8(out.stdout).ok()?.trim());
            (out.status.success() && path.exists()).then_some(path)
        })
        .expect("moto is installed where tests run: tests/run --prepare installs it")
}

/// Makes the cluster in moto, as the console would.
pub(super) async fn create_cluster(http: &reqwest::Client, moto: &str) {
    let body = format!(
        "Action=CreateCluster&Version=2012-12-01&ClusterIdentifier={CLUSTER}&NodeType=ra3.large&MasterUsername=awsuser\
         &MasterUserPassword={MASTER_PASSWORD}&DBName=dev"
    );
    let scope = format!(
        "AWS4-HMAC-SHA256 Credential=AKIATEST/20260101/{REGION}/redshift/aws4_request, SignedHeaders=host, Signature=0"
    );
    let answer = http
        .post(format!("{moto}/"))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("authorization", scope)
        .body(body)
        .send()
        .await
        .expect("moto answers");
    let (status, text) = (answer.status(), answer.text().await.expect("an answer"));
    assert!(status.is_success(), "{text}");
}
