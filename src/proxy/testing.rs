//! Test helper: one connection of a tunnel, with a scripted cluster behind it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::listen::connection;
use super::peer::Peer;
use super::shared::Shared;
use super::{BoxFuture, Expected, Options, Purpose, Reopened, Upstream, UpstreamError};
use crate::pg::{ErrorResponse, Kind, Message, ProtocolVersion, Startup};
use crate::transport::BoxStream;

/// Longest wait for something that must happen; under paused time it costs nothing.
const PATIENCE: Duration = Duration::from_secs(5);

/// What opening does.
pub(super) enum Opening {
    Works,
    /// It works, with something kept that may be stale.
    Kept,
    Fails(UpstreamError),
    Hangs,
}

/// A cluster whose far ends the test holds.
pub(super) struct Cluster {
    pub(super) expected: Expected,
    pub(super) opening: Opening,
    opened: mpsc::UnboundedSender<(Purpose, DuplexStream)>,
}

impl Cluster {
    pub(super) fn new(
        expected: Expected,
        opening: Opening,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<(Purpose, DuplexStream)>) {
        let (opened, far_ends) = mpsc::unbounded_channel();
        let cluster = Self {
            expected,
            opening,
            opened,
        };
        (Arc::new(cluster), far_ends)
    }
}

impl Upstream for Cluster {
    fn open(&self, purpose: Purpose) -> BoxFuture<'_, Result<BoxStream, UpstreamError>> {
        Box::pin(async move {
            match &self.opening {
                Opening::Works | Opening::Kept => {}
                Opening::Fails(error) => return Err(error.clone()),
                Opening::Hangs => std::future::pending().await,
            }
            let (near, far) = duplex(256 * 1024);
            self.opened.send((purpose, far)).expect("the test listens");
            Ok(Box::new(near) as BoxStream)
        })
    }

    fn reopen(&self) -> BoxFuture<'_, Option<Reopened>> {
        Box::pin(async move {
            let Opening::Kept = self.opening else {
                return None;
            };
            let stream = self.open(Purpose::Session).await;
            Some(Reopened {
                note: "stale".to_owned(),
                stream,
            })
        })
    }

    fn expected(&self) -> Expected {
        self.expected.clone()
    }
}

/// Database `app` of cluster `root`, user `app`, who is not made on the way.
pub(super) fn app() -> Expected {
    Expected {
        user: "app".into(),
        name: "postgres".into(),
        root_cluster: "root".into(),
        cluster: "root".into(),
        database: "app".into(),
        proxy: "proxy.test:443".into(),
        ..Expected::default()
    }
}

/// Database `orders` of cluster `root` with automatic user `alice`.
pub(super) fn orders() -> Expected {
    Expected {
        user: "alice".into(),
        automatic: true,
        database: "orders".into(),
        ..app()
    }
}

/// One connection.
pub(super) struct Rig {
    pub(super) client: DuplexStream,
    pub(super) far_ends: mpsc::UnboundedReceiver<(Purpose, DuplexStream)>,
    pub(super) shared: Arc<Shared>,
    pub(super) notes: Arc<Mutex<Vec<String>>>,
    pub(super) stop: watch::Sender<()>,
    pub(super) task: JoinHandle<()>,
}

impl Rig {
    pub(super) fn new(expected: Expected) -> Self {
        Self::with(expected, Opening::Works, Options::default())
    }

    pub(super) fn with(expected: Expected, opening: Opening, options: Options) -> Self {
        Self::of(own(), expected, opening, options)
    }

    /// A connection of this client.
    pub(super) fn of(
        peer: Peer,
        expected: Expected,
        opening: Opening,
        mut options: Options,
    ) -> Self {
        let (cluster, far_ends) = Cluster::new(expected, opening);
        let notes = Arc::new(Mutex::new(Vec::new()));
        let book = Arc::clone(&notes);
        options.note = Arc::new(move |text| book.lock().unwrap().push(text.to_owned()));
        let shared = Arc::new(Shared::new(cluster, options));
        let (stop, stopped) = watch::channel(());
        let (client, task) = join(peer, &shared, stopped);
        Self {
            client,
            far_ends,
            shared,
            notes,
            stop,
            task,
        }
    }

    /// Lets another client come to the same tunnel.
    pub(super) fn another(&self, peer: Peer) -> (DuplexStream, JoinHandle<()>) {
        join(peer, &self.shared, self.stop.subscribe())
    }

    /// Sends bytes as the client.
    pub(super) async fn say(&mut self, bytes: &[u8]) {
        self.client.write_all(bytes).await.unwrap();
    }

    /// Starts a session as `user` and returns the cluster's end, from which the startup message was read.
    pub(super) async fn start(&mut self, user: &str) -> DuplexStream {
        let startup = startup(user).encode();
        self.say(&startup).await;
        let mut far = self.far_end(Purpose::Session).await;
        assert_eq!(take(&mut far, startup.len()).await, startup);
        far
    }

    /// Returns the cluster's end of the connection that was opened next.
    pub(super) async fn far_end(&mut self, purpose: Purpose) -> DuplexStream {
        let opened = timeout(PATIENCE, self.far_ends.recv()).await;
        let (opened_for, far) = opened.expect("nothing was opened").unwrap();
        assert_eq!(opened_for, purpose);
        far
    }

    /// Waits for an ErrorResponse and the end behind it.
    pub(super) async fn refusal(&mut self) -> ErrorResponse {
        let error = read_error(&mut self.client).await;
        assert_eq!(
            rest(&mut self.client).await,
            b"",
            "something follows the error"
        );
        error
    }

    /// Waits until the tunnel has let go of the connection.
    pub(super) async fn done(self) -> Vec<String> {
        let Self {
            client,
            task,
            notes,
            ..
        } = self;
        drop(client);
        timeout(Duration::from_secs(20), task)
            .await
            .expect("the connection lives on")
            .unwrap();
        notes.lock().unwrap().clone()
    }
}

/// A client of the user that runs the test.
pub(super) fn own() -> Peer {
    #[cfg(unix)]
    return Peer::User(rustix::process::geteuid().as_raw());
    #[cfg(not(unix))]
    Peer::Unknown
}

fn join(
    peer: Peer,
    shared: &Arc<Shared>,
    stopped: watch::Receiver<()>,
) -> (DuplexStream, JoinHandle<()>) {
    let (client, near) = duplex(256 * 1024);
    let shared = Arc::clone(shared);
    let task = tokio::spawn(async move { connection(near, peer, &shared, stopped).await });
    (client, task)
}

/// A startup message of protocol 3.0.
pub(super) fn startup(user: &str) -> Startup {
    Startup::new(ProtocolVersion::V3_0)
        .with("user", user)
        .with("database", "postgres")
}

/// Reads exactly `n` bytes.
pub(super) async fn take(from: &mut DuplexStream, n: usize) -> Vec<u8> {
    let mut bytes = vec![0; n];
    let read = timeout(PATIENCE, from.read_exact(&mut bytes)).await;
    read.expect("too few bytes came").unwrap();
    bytes
}

/// Reads to the end.
pub(super) async fn rest(from: &mut DuplexStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let read = timeout(PATIENCE, from.read_to_end(&mut bytes)).await;
    read.expect("no end came").unwrap();
    bytes
}

/// Asserts that nothing comes, not even an end.
pub(super) async fn silent(from: &mut DuplexStream) {
    let mut byte = [0];
    let read = timeout(Duration::from_secs(1), from.read(&mut byte)).await;
    assert!(read.is_err(), "{read:?} {byte:?} came");
}

/// Reads one message.
pub(super) async fn read_message(from: &mut DuplexStream) -> Message {
    let mut buf = BytesMut::new();
    buf.extend_from_slice(&take(from, 5).await);
    let len = u32::from_be_bytes(buf[1..5].try_into().unwrap()) as usize;
    buf.extend_from_slice(&take(from, len - 4).await);
    Message::parse(&mut buf, usize::MAX).unwrap().unwrap()
}

/// Reads one ErrorResponse.
pub(super) async fn read_error(from: &mut DuplexStream) -> ErrorResponse {
    let message = read_message(from).await;
    assert_eq!(message.tag, b'E', "{message:?}");
    ErrorResponse::parse(Kind::Error, &message.body).unwrap()
}
