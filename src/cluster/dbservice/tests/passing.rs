//! Clients whose database is behind another cluster.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex,
};
use tokio::time::timeout;

use crate::cluster::dbservice::{Catalog, DbService, Denial};
use crate::cluster::locks::Lock;
use crate::cluster::testing::{DOCUMENTS, TestCluster};
use crate::identity::Identity;

const STARTUP: &[u8] = b"\0\0\0\x14\0\x03\0\0user\0alice\0\0";
const SSL: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";
const CANCEL: &[u8] = b"\0\0\0\x10\x04\xd2\x16\x2e\0\0\x5e\x2b\xec\x7e\xbd\xe7";
/// AuthenticationOk and ReadyForQuery.
const HELLO: &[u8] = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";

/// A stream that takes nothing any more, but gives what was sent before: as HTTP/2 does when the other side has reset it.
struct Deaf(std::io::Cursor<Vec<u8>>);

impl AsyncRead for Deaf {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Deaf {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Poll::Ready(Err(std::io::ErrorKind::BrokenPipe.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn last_words_arrive_though_the_other_side_does_not_listen_any_more() {
    let error = b"E\0\0\0\x0bMgone\0\0";
    let cluster = TestCluster::new("root", DOCUMENTS, &[], true);
    let service = DbService::new(cluster.state.clone() as Arc<dyn Catalog>);
    let (mut client, near) = duplex(4096);
    client.write_all(STARTUP).await.expect("a write");
    let far = Deaf(std::io::Cursor::new(error.to_vec()));
    let (peer, holder) = (([127, 0, 0, 1], 1).into(), (Identity::default(), i64::MAX));
    service
        .pass(near, holder, peer, async { Ok(far) }, denial("lost"))
        .await;
    let mut got = Vec::new();
    client.read_to_end(&mut got).await.expect("a read");
    assert_eq!(got, error);
}

struct Passing {
    cluster: TestCluster,
    service: Arc<DbService>,
    client: DuplexStream,
    far: DuplexStream,
}

fn denial(text: &str) -> Denial {
    Denial {
        code: "08006",
        message: text.to_owned(),
        hint: Some("the hop".to_owned()),
    }
}

/// A client that is passed on to `far`.
fn passing(open: bool) -> Passing {
    let cluster = TestCluster::new("root", DOCUMENTS, &[], true);
    let service = DbService::new(cluster.state.clone() as Arc<dyn Catalog>);
    let ((client, near), (far, there)) = (duplex(4096), duplex(4096));
    let identity = Identity {
        username: "alice".into(),
        roles: vec!["plain".into()],
        teleport_cluster: "root".into(),
        ..Identity::default()
    };
    let opened = if open {
        Ok(there)
    } else {
        Err(denial("offline"))
    };
    let passed = Arc::clone(&service);
    tokio::spawn(async move {
        let peer = ([127, 0, 0, 1], 1).into();
        let holder = (identity, i64::MAX);
        passed
            .pass(near, holder, peer, async { opened }, denial("lost"))
            .await;
    });
    Passing {
        cluster,
        service,
        client,
        far,
    }
}

impl Passing {
    async fn sends(&mut self, bytes: &[u8]) {
        self.client.write_all(bytes).await.expect("a write");
    }

    async fn far_gets(&mut self, bytes: &[u8]) {
        let mut got = vec![0; bytes.len()];
        self.far.read_exact(&mut got).await.expect("a read");
        assert_eq!(got, bytes);
    }

    async fn gets(&mut self, bytes: &[u8]) {
        let mut got = vec![0; bytes.len()];
        self.client.read_exact(&mut got).await.expect("a read");
        assert_eq!(got, bytes);
    }

    /// A session that is open.
    async fn session() -> Self {
        let mut passing = passing(true);
        passing.sends(STARTUP).await;
        passing.far_gets(STARTUP).await;
        passing.far.write_all(HELLO).await.expect("a write");
        passing.gets(HELLO).await;
        passing
    }

    /// All that the client still gets; the other end is gone.
    async fn rest(mut self) -> String {
        drop(self.far);
        let mut rest = Vec::new();
        timeout(Duration::from_secs(5), self.client.read_to_end(&mut rest))
            .await
            .expect("an end")
            .expect("a read");
        String::from_utf8_lossy(&rest).into_owned()
    }
}

#[tokio::test]
async fn requests_for_encryption_are_answered_here_and_the_rest_goes_through() {
    let mut passing = passing(true);
    passing.sends(SSL).await;
    passing.gets(b"N").await;
    passing.sends(STARTUP).await;
    passing.far_gets(STARTUP).await;
    passing.far.write_all(HELLO).await.expect("a write");
    passing.gets(HELLO).await;
    passing.sends(b"Q\0\0\0\x05\0").await;
    passing.far_gets(b"Q\0\0\0\x05\0").await;
}

#[tokio::test]
async fn a_lost_way_is_told_where_a_message_may_stand() {
    let text = Passing::session().await.rest().await;
    for part in ["SFATAL", "C08006", "Mlost", "Hthe hop"] {
        assert!(text.contains(part), "{text:?}");
    }
    let mut halfway = Passing::session().await;
    halfway
        .far
        .write_all(b"D\0\0\0\x20x")
        .await
        .expect("a write");
    halfway.gets(b"D\0\0\0\x20x").await;
    assert_eq!(halfway.rest().await, "");
}

#[tokio::test]
async fn an_end_with_a_last_word_needs_no_other() {
    let error = b"E\0\0\0\x0bMgone\0\0";
    let mut refused = Passing::session().await;
    refused.far.write_all(error).await.expect("a write");
    refused.gets(error).await;
    assert_eq!(refused.rest().await, "");
    let mut left = Passing::session().await;
    left.sends(b"X\0\0\0\x04").await;
    left.far_gets(b"X\0\0\0\x04").await;
    assert_eq!(left.rest().await, "");
}

#[tokio::test]
async fn a_cancel_request_goes_through_and_has_no_answer() {
    let mut passing = passing(true);
    passing.sends(CANCEL).await;
    passing.far_gets(CANCEL).await;
    assert_eq!(passing.rest().await, "");
}

#[tokio::test]
async fn who_cannot_be_passed_on_is_told_after_the_startup_message() {
    let mut offline = passing(false);
    offline.sends(STARTUP).await;
    let text = offline.rest().await;
    assert!(
        text.contains("Moffline") && text.contains("Hthe hop"),
        "{text:?}"
    );
    let mut cancel = passing(false);
    cancel.sends(CANCEL).await;
    assert_eq!(cancel.rest().await, "");
}

#[tokio::test]
async fn a_lock_here_and_the_end_of_this_cluster_cut_it() {
    let session = Passing::session().await;
    let state = &session.cluster.state;
    let lock = serde_json::json!({"kind": "lock", "version": "v2", "metadata": {"name": "l"},
        "spec": {"target": {"user": "alice"}, "message": "out"}});
    let mut documents = (*state.documents()).clone();
    documents.locks = vec![Lock::from_document(&lock).expect("a lock")];
    state.replace_documents(documents);
    let Passing {
        mut client, far, ..
    } = session;
    let mut rest = Vec::new();
    let read = timeout(Duration::from_secs(5), client.read_to_end(&mut rest));
    read.await.expect("an end").expect("a read");
    let text = String::from_utf8_lossy(&rest);
    assert!(text.contains("C57P01") && text.contains("out"), "{text:?}");
    drop(far);

    let Passing {
        mut client,
        service,
        far,
        ..
    } = Passing::session().await;
    assert!(service.shutdown(Duration::from_secs(5)).await);
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).await.expect("a read");
    assert!(String::from_utf8_lossy(&rest).contains("C57P01"));
    drop(far);
}
