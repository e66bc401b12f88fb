//! A session of our own on a database, for statements that the program itself asks.
//!
//! It goes the way of every client: memory takes the place of the socket, so checks, a second try after a stale certificate
//! and the words of errors are those of [`crate::proxy`]. The tunnel logs in and only texts come back, so a few lines over
//! [`crate::pg`] do what a driver would, without its half megabyte.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::target::Target;
use super::tunnel::Tunnel;
use crate::hop::Hop;
use crate::pg::message::tag;
use crate::pg::{self, ErrorResponse, Message, MessageError, ProtocolVersion, Startup, query};
use crate::proxy::{
    self, BoxFuture, Expected, Note, Options, Purpose, Reopened, Report, Upstream, UpstreamError,
};
use crate::transport::BoxStream;

/// How long the whole way may take: a user is made on it, and a database may have to wake up.
const START: Duration = Duration::from_secs(60);
/// How long a statement may take.
const STATEMENT: Duration = Duration::from_secs(30);
/// How long the end may take: the cluster takes the user out of service behind it, which is not waited for.
const END: Duration = Duration::from_secs(2);
/// Longest message that is taken, bytes.
const MESSAGE: usize = 16 << 20;
/// Most bytes of rows that are kept of one answer.
const ANSWER: usize = 64 << 20;

/// Why there is no answer.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AskError {
    /// The way could not be opened.
    #[error(transparent)]
    NotOpened(#[from] UpstreamError),
    /// The database, or a hop before it, refused the session or the statement.
    #[error("{}", error.message())]
    Refused {
        /// The database.
        database: String,
        /// The session had begun: it is the statement that failed.
        started: bool,
        /// What was said.
        error: ErrorResponse,
    },
    /// Nothing came in time.
    #[error("no answer within {} s", after.as_secs())]
    Late {
        /// The database.
        database: String,
        /// How long was waited.
        after: Duration,
    },
    /// The connection broke, or what came makes no sense.
    #[error("the connection broke: {reason}")]
    Broken {
        /// The database.
        database: String,
        /// How.
        reason: String,
    },
}

impl AskError {
    /// Where it failed.
    pub fn hop(&self) -> Hop {
        match self {
            Self::NotOpened(error) => error.hop.clone(),
            Self::Refused { database, .. }
            | Self::Late { database, .. }
            | Self::Broken { database, .. } => Hop::Database(database.clone()),
        }
    }

    /// The SQLSTATE, where there is one.
    pub fn sqlstate(&self) -> Option<String> {
        match self {
            Self::NotOpened(error) => Some(error.sqlstate.to_owned()),
            Self::Refused { error, .. } => error.sqlstate().map(Into::into),
            Self::Late { .. } | Self::Broken { .. } => None,
        }
    }
}

/// Why there is no session, and how far it came.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{error}")]
pub struct NotStarted {
    /// How long the way took, when it was the start of the session that failed.
    pub connection: Option<Duration>,
    /// Why.
    pub error: AskError,
}

/// How long the two parts of a start took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Took {
    /// From the first step to a stream on which PostgreSQL is spoken; of the last one, when there were two.
    pub connection: Duration,
    /// From there to readiness for a statement.
    pub handshake: Duration,
}

/// An open session.
#[derive(Debug)]
pub struct Asker {
    stream: DuplexStream,
    buf: BytesMut,
    database: String,
    pid: Option<i32>,
    server_version: String,
    took: Took,
    served: JoinHandle<Report>,
    /// Dropped with the session, which ends it.
    _stop: oneshot::Sender<()>,
}

/// A row: text, or `None` for NULL, in each column.
pub type Row = Vec<Option<String>>;

impl Asker {
    /// Opens a session to the target of `tunnel`, as `application` in the server's lists.
    ///
    /// # Errors
    /// [`NotStarted`].
    pub async fn open(
        tunnel: Tunnel,
        target: &Target,
        application: &str,
        note: Note,
    ) -> Result<Self, NotStarted> {
        let opened = Arc::new(Opened::new(tunnel));
        let (stream, far) = duplex(64 * 1024);
        let options = Options {
            note,
            ..Options::default()
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let upstream: Arc<dyn Upstream> = Arc::clone(&opened) as _;
        let served = tokio::spawn(proxy::serve_one(far, upstream, options, async {
            // A sender that is gone means the same.
            let _ = stopped.await;
        }));
        let mut asker = Self {
            stream,
            buf: BytesMut::new(),
            database: target.database.name.clone(),
            pid: None,
            server_version: String::new(),
            took: Took::default(),
            served,
            _stop: stop,
        };
        let begun = Instant::now();
        let startup = Startup::new(ProtocolVersion::V3_0)
            .with("user", &target.user)
            .with("database", &target.name)
            .with("application_name", application)
            .with("client_encoding", "UTF8");
        let started = asker.within(START, Self::start, &startup.encode()).await;
        let (connection, failed) = opened.taken();
        if let Err(answer) = started {
            // The way's own words say more than the answer that was made of them.
            return Err(NotStarted {
                connection: failed.is_none().then_some(connection),
                error: failed.map_or(answer, Into::into),
            });
        }
        asker.took = Took {
            connection,
            handshake: begun.elapsed().saturating_sub(connection),
        };
        Ok(asker)
    }

    /// How long the start took.
    pub fn took(&self) -> Took {
        self.took
    }

    /// The number of the server process of this session, as far as the server told it.
    pub fn pid(&self) -> Option<i32> {
        self.pid
    }

    /// What the server says its version is, e.g. `15.18`; Redshift says `8.0.2`.
    pub fn server_version(&self) -> &str {
        &self.server_version
    }

    /// The database resource.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// Asks one statement, and gives the rows of its answer.
    ///
    /// # Errors
    /// [`AskError`]. After [`AskError::Refused`] the session goes on.
    pub async fn ask(&mut self, sql: &str) -> Result<Vec<Row>, AskError> {
        self.within(STATEMENT, Self::rows, &query::encode(sql))
            .await
    }

    /// Takes leave, and waits a moment until the way is closed.
    pub async fn close(mut self) {
        let end = Message {
            tag: tag::TERMINATE,
            body: bytes::Bytes::new(),
        };
        // Whoever has gone already needs no farewell.
        let _ = self.stream.write_all(&end.encode()).await;
        let _ = self.stream.shutdown().await;
        drop(self.stream);
        let _ = timeout(END, self.served).await;
    }

    /// Sends, then reads with `read`, all in this time.
    async fn within<T>(
        &mut self,
        limit: Duration,
        read: impl AsyncFnOnce(&mut Self) -> Result<T, AskError>,
        bytes: &[u8],
    ) -> Result<T, AskError> {
        let database = self.database.clone();
        let asking = async {
            // What was said before the connection broke is still there to be read, and says more.
            let _ = self.stream.write_all(bytes).await;
            read(self).await
        };
        timeout(limit, asking).await.map_err(|_| AskError::Late {
            database,
            after: limit,
        })?
    }

    async fn start(&mut self) -> Result<(), AskError> {
        loop {
            let message = self.message().await?;
            match message.tag {
                tag::READY_FOR_QUERY => return Ok(()),
                tag::ERROR_RESPONSE => return Err(self.refused(&message, false)),
                // The other end has logged in for us; a request for a password could not be answered.
                tag::AUTHENTICATION if message.body.first_chunk() != Some(&[0; 4]) => {
                    return Err(self.broken("the database asks for a password"));
                }
                tag::BACKEND_KEY_DATA => {
                    self.pid = message.body.first_chunk().copied().map(i32::from_be_bytes);
                }
                tag::PARAMETER_STATUS => {
                    // PostgreSQL's own.
                    let parameter: &[u8] = b"server_version\0";
                    let version = message.body.strip_prefix(parameter);
                    if let Some(version) = version {
                        let version = version.strip_suffix(b"\0").unwrap_or(version);
                        self.server_version = String::from_utf8_lossy(version).into_owned();
                    }
                }
                _ => {}
            }
        }
    }

    async fn rows(&mut self) -> Result<Vec<Row>, AskError> {
        let (mut rows, mut bytes, mut refused) = (Vec::new(), 0, None);
        loop {
            let message = self.message().await?;
            match message.tag {
                tag::DATA_ROW => {
                    bytes += message.body.len();
                    if bytes > ANSWER {
                        return Err(self.broken("the answer is too long"));
                    }
                    rows.push(query::values(&message.body).map_err(|e| self.unreadable(&e))?);
                }
                tag::ERROR_RESPONSE => refused = Some(self.refused(&message, true)),
                tag::READY_FOR_QUERY => return refused.map_or(Ok(rows), Err),
                _ => {}
            }
            // A session that was ended says so and is never ready again.
            if let Some(AskError::Refused { error, .. }) = &refused
                && error.severity().as_deref() == Some("FATAL")
            {
                return refused.map_or(Ok(rows), Err);
            }
        }
    }

    async fn message(&mut self) -> Result<Message, AskError> {
        loop {
            let parsed = Message::parse(&mut self.buf, MESSAGE);
            if let Some(message) = parsed.map_err(|e| self.unreadable(&e))? {
                return Ok(message);
            }
            let read = self.stream.read_buf(&mut self.buf).await;
            match read {
                Ok(1..) => {}
                Ok(0) => return Err(self.broken("the other end closed it")),
                Err(error) => return Err(self.broken(&error.to_string())),
            }
        }
    }

    fn refused(&self, message: &Message, started: bool) -> AskError {
        match ErrorResponse::parse(pg::Kind::Error, &message.body) {
            Ok(error) => AskError::Refused {
                database: self.database.clone(),
                started,
                error,
            },
            Err(error) => self.unreadable(&error),
        }
    }

    fn broken(&self, reason: &str) -> AskError {
        AskError::Broken {
            database: self.database.clone(),
            reason: reason.to_owned(),
        }
    }

    fn unreadable(&self, error: &MessageError) -> AskError {
        self.broken(&error.to_string())
    }
}

/// A tunnel that remembers how opening went.
struct Opened {
    tunnel: Tunnel,
    last: Mutex<(Duration, Option<UpstreamError>)>,
}

impl Opened {
    fn new(tunnel: Tunnel) -> Self {
        Self {
            tunnel,
            last: Mutex::default(),
        }
    }

    /// How long the last opening took, and why it failed.
    fn taken(&self) -> (Duration, Option<UpstreamError>) {
        std::mem::take(&mut *self.last.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn noted(&self, begun: Instant, stream: &Result<BoxStream, UpstreamError>) {
        let failed = stream.as_ref().err().cloned();
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = (begun.elapsed(), failed);
    }
}

impl Upstream for Opened {
    fn open(&self, purpose: Purpose) -> BoxFuture<'_, Result<BoxStream, UpstreamError>> {
        Box::pin(async move {
            let begun = Instant::now();
            let stream = self.tunnel.open(purpose).await;
            self.noted(begun, &stream);
            stream
        })
    }

    fn reopen(&self) -> BoxFuture<'_, Option<Reopened>> {
        Box::pin(async move {
            let begun = Instant::now();
            let again = self.tunnel.reopen().await?;
            self.noted(begun, &again.stream);
            Some(again)
        })
    }

    fn expected(&self) -> Expected {
        self.tunnel.expected()
    }
}
