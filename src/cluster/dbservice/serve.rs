//! One client, from its first packet to its end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::sync::oneshot;

use super::authorize::{Authorized, Automatic, Refused, authorize};
use super::cancel::cancel;
use super::connect::{Greeting, login};
use super::connect_error::ConnectError;
use super::errors::{PROVISIONING, Refusal, STOPPING, TOO_MANY};
use super::finish::finish;
use super::journal::Intent;
use super::key::UserKey;
use super::monitor::{Activity, Monitor, Reason};
use super::provision::{self, Admin, ProvisionError, distinct};
use super::relay::{Ended, Progress, relay};
use super::sessions::{Backend, Entry, LiveSession, describe};
use super::startup::{First, first_packet};
use super::teardown::Teardown;
use super::tls::{ServerStream, Upstream};
use super::{BoxedIo, DbService};
use crate::cluster::audit::{Opened, SessionLog};
use crate::identity::Identity;
use crate::pg::{NegotiateProtocolVersion, ProtocolVersion, Startup};
use crate::quote::quote;

/// Sessions at the same time.
const SESSIONS: usize = 2048;
/// How long another activation of the same user may take (db-service.md 3.2).
const LOCK_LIMIT: Duration = Duration::from_secs(60);
/// How long sessions that are ending are waited for before other roles are refused.
const SETTLE_LIMIT: Duration = Duration::from_secs(15);
/// How long a client may take for the last message and the end of its connection.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// Who is connected.
pub(super) struct Holder {
    pub(super) identity: Identity,
    /// End of the certificate, unix seconds.
    pub(super) cert_not_after: i64,
    pub(super) peer: SocketAddr,
    /// When the connection came, unix milliseconds; 0 when nothing is recorded.
    pub(super) arrived: i64,
}

impl Holder {
    /// Records that roles refused a session.
    fn record_denial(&self, service: &DbService, refused: &Refused, user_agent: String) {
        let Some(attempt) = &refused.attempt else {
            return;
        };
        let log = service.audit.session(Opened {
            identity: &self.identity,
            peer: self.peer,
            arrived: self.arrived,
            database: &attempt.database,
            user: &attempt.user,
            name: &attempt.name,
            roles: &[],
            user_agent,
        });
        if let Some(log) = log {
            log.denied(attempt.error.clone());
        }
    }
}

/// The client's connection. Whoever waits for its end is told when this is dropped.
pub(super) struct Client {
    pub(super) stream: BoxedIo,
    _open: oneshot::Sender<()>,
}

impl Client {
    pub(super) fn new(stream: BoxedIo, open: oneshot::Sender<()>) -> Self {
        Self {
            stream,
            _open: open,
        }
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// Sends a last message, if there is one, and closes. A client that does not listen any more is no error.
    pub(super) async fn close(mut self, last: Option<Refusal>) {
        let ending = async {
            if let Some(last) = last {
                self.send(&last.to_bytes()).await?;
            }
            self.stream.shutdown().await
        };
        let _ = tokio::time::timeout(CLOSE_LIMIT, ending).await;
    }
}

/// Serves a client and all that follows.
pub(super) async fn serve(service: Arc<DbService>, mut client: Client, holder: Holder) {
    let first = tokio::select! {
        biased;
        () = service.stopping() => None,
        first = first_packet(&mut client.stream) => first,
    };
    match first {
        None => client.close(None).await,
        Some(First::Cancel(request)) => {
            let refused = async {
                let allowed = authorize(&*service.catalog, &holder.identity, None, None)
                    .map_err(|refused| *refused.refusal)?;
                let upstream =
                    Upstream::resolve(&service, allowed.database, holder.cert_not_after).await;
                cancel(
                    &upstream.map_err(|error| error.refusal())?,
                    &allowed.user,
                    &request,
                )
                .await
                .map_err(|error| error.refusal())
            };
            client.close(refused.await.err()).await;
        }
        // What opening a session takes is given back before the session goes on, for hours perhaps.
        Some(First::Startup(startup)) => {
            let opened = Box::pin(Session::open(&service, &holder, &startup)).await;
            match opened {
                Ok(session) => {
                    service.figures.opened.add();
                    session.run(client, &startup).await;
                }
                Err(refusal) => {
                    service.figures.refused.add();
                    client.close(Some(refusal)).await;
                }
            }
        }
    }
}

/// An open session.
struct Session {
    upstream: Arc<Upstream>,
    server: Box<ServerStream>,
    greeting: Greeting,
    user: String,
    entry: Entry,
    monitor: Monitor,
    teardown: Option<Teardown>,
    log: Option<Arc<SessionLog>>,
}

impl Session {
    /// Decides, makes the user if it is an automatic one, and logs in.
    async fn open(
        service: &Arc<DbService>,
        holder: &Holder,
        startup: &Startup,
    ) -> Result<Self, Refusal> {
        let text = |name| {
            startup
                .get(name)
                .map(|value| String::from_utf8_lossy(value).into_owned())
        };
        let user_agent = text("application_name").unwrap_or_default();
        let decided = authorize(
            &*service.catalog,
            &holder.identity,
            text("user"),
            text("database"),
        );
        let allowed = match decided {
            Ok(allowed) => allowed,
            Err(refused) => {
                holder.record_denial(service, &refused, user_agent);
                return Err(*refused.refusal);
            }
        };
        if service.sessions.len() >= SESSIONS {
            // Teleport's text for its limit of one address (db-service.md 1.7).
            let text = format!(
                "exceeded connection limit for {}",
                quote(&holder.peer.ip().to_string())
            );
            return Err(Refusal::new(TOO_MANY, text)
                .with_hint(format!("the cluster serves {SESSIONS} sessions at a time")));
        }
        let roles = allowed
            .automatic
            .as_ref()
            .map(|automatic| automatic.roles.as_slice());
        let log = service.audit.session(Opened {
            identity: &holder.identity,
            peer: holder.peer,
            arrived: holder.arrived,
            database: &allowed.database,
            user: &allowed.user,
            name: &allowed.name,
            roles: roles.unwrap_or_default(),
            user_agent,
        });
        let admin = allowed
            .automatic
            .as_ref()
            .map(|automatic| Admin::new(&automatic.admin, &allowed.name, &service.pools));
        let upstream = Upstream::resolve(service, allowed.database.clone(), holder.cert_not_after)
            .await
            .map(Arc::new)
            .map_err(|error| match &admin {
                // Found out while the admin logs in, had this been done then.
                Some(admin) => admin
                    .failed(allowed.database.uri.clone(), error)
                    .refusal(&allowed.user, None),
                None => error.refusal(),
            })?;
        let opening = Opening {
            service,
            holder,
            startup,
            allowed: &allowed,
            upstream,
            log,
        };
        match (&allowed.automatic, admin) {
            (Some(automatic), Some(admin)) => opening.automatic(automatic, admin).await,
            _ => opening.plain().await,
        }
    }

    /// Relays until one side ends, then ends the other one and the user.
    async fn run(self, mut client: Client, startup: &Startup) {
        let Self {
            upstream,
            mut server,
            greeting,
            user,
            entry,
            monitor,
            teardown,
            log,
        } = self;
        let activity = Activity::begin();
        let mut hello = NegotiateProtocolVersion::answer_to(startup)
            .filter(|_| startup.version() > ProtocolVersion::V3_0)
            .map(|answer| answer.encode())
            .unwrap_or_default();
        hello.extend(&greeting.bytes);
        let mut progress = Progress::default();
        let mut tap = log.as_ref().map(SessionLog::tap);
        let greeted = client.send(&hello).await;
        let (stream, cut) = (&mut client.stream, monitor.cut(&activity));
        let sent = |sent: &[u8]| {
            activity.note();
            if let Some(tap) = &mut tap {
                tap.feed(sent);
            }
        };
        let ended = match greeted {
            Ok(()) => relay(stream, &mut server, &mut progress, sent, cut).await,
            Err(_) => Ended::Client,
        };
        drop(tap);
        let cut = match &ended {
            Ended::Cut(reason) => Some(reason),
            Ended::Client | Ended::Server => None,
        };
        if let Some(log) = log {
            if let Some(reason) = cut {
                log.cut(reason.text());
            }
            log.ended();
        }
        let last = cut
            .filter(|_| progress.to_client.between_messages())
            .map(Reason::refusal);
        // Before the client can know that its session has ended: a new one with other roles then waits for the backend.
        entry.ending();
        client.close(last).await;
        if ended != Ended::Server {
            let admin = teardown
                .as_ref()
                .map(|teardown| Admin::new(&teardown.intent.admin, &user, &teardown.service.pools));
            let order = async { drop(monitor.order().await) };
            finish(
                *server,
                &upstream,
                &user,
                &greeting.key,
                &progress,
                admin.as_ref(),
                order,
            )
            .await;
        }
        drop(entry);
        if let Some(teardown) = teardown {
            Box::pin(teardown.run()).await;
        }
    }
}

/// A session about to be opened.
struct Opening<'a> {
    service: &'a Arc<DbService>,
    holder: &'a Holder,
    startup: &'a Startup,
    allowed: &'a Authorized,
    upstream: Arc<Upstream>,
    log: Option<Arc<SessionLog>>,
}

impl Opening<'_> {
    /// A session of a user that exists.
    async fn plain(self) -> Result<Session, Refusal> {
        if self.service.is_stopping() {
            return Err(stopping());
        }
        let key = self.upstream.key(&self.allowed.user);
        let entry = self.service.sessions.enter(key, self.live(None));
        let dialled = self.upstream.open(&self.allowed.user).await;
        let opened = self
            .login(dialled)
            .await
            .map_err(|error| self.upstream.refusal(&self.allowed.user, &error))?;
        Ok(self.session(opened, entry, None))
    }

    /// A session of a user that is made for it.
    async fn automatic(self, automatic: &Automatic, admin: Admin) -> Result<Session, Refusal> {
        let user = &self.allowed.user;
        // The TLS connection of the session is made while the user is: two round trips less.
        let (entered, dialled) = tokio::join!(
            Box::pin(self.enter(automatic, &admin)),
            self.upstream.open(user)
        );
        let (entry, teardown) = entered?;
        let mut opened = self.login(dialled).await;
        // Another process that makes users on this server found this one unused: once more (db-service.md 3.14).
        if opened.as_ref().is_err_and(ConnectError::is_refused_login) {
            self.reactivate(automatic, &admin).await;
            opened = self.login(self.upstream.open(user).await).await;
        }
        match opened {
            Ok(opened) => Ok(self.session(opened, entry, Some(teardown))),
            Err(error) => {
                drop(entry);
                self.service.spawn(teardown.run());
                Err(self.upstream.refusal(user, &error))
            }
        }
    }

    /// Makes the user, and enters the session. From then on no teardown takes the user away, and no session with other roles
    /// changes it: the user's lock need not be held while this one logs in, so that others of the user do so beside it.
    async fn enter(
        &self,
        automatic: &Automatic,
        admin: &Admin,
    ) -> Result<(Entry, Teardown), Refusal> {
        let key = self.upstream.key(&self.allowed.user);
        let sessions = &self.service.sessions;
        let lock = tokio::select! {
            lock = sessions.lock(&key, LOCK_LIMIT) => lock,
            () = self.service.stopping() => return Err(stopping()),
        };
        let Some(_lock) = lock else {
            return Err(Refusal::new(
                PROVISIONING,
                ProvisionError::Timeout.to_string(),
            ));
        };
        if self.service.is_stopping() {
            return Err(stopping());
        }
        let live = self.live(Some(&automatic.roles));
        sessions.arrived(&key, &live.roles, SETTLE_LIMIT).await;
        // Nobody is made who then cannot have a password. Where certificates count, this asks nobody.
        let user = &self.allowed.user;
        if provision::check_names(&self.upstream, admin, user, &automatic.roles).is_ok() {
            let login = self.upstream.credential(user, &self.allowed.name).await;
            login.map_err(|error| {
                let host = self.upstream.host.clone();
                admin.failed(host, error).refusal(user, None)
            })?;
        }
        let intent = self.intent(automatic);
        let now = self.service.catalog.now();
        let journal = &self.service.journal;
        let before = journal.intend(&key, &intent, now).await;
        let before = before.map_err(|error| {
            let text = format!("the user cannot be written down before it is made: {error}");
            Refusal::new(PROVISIONING, text)
                .with_hint("whoever runs the cluster must see to its state directory")
        })?;
        if let Err(error) = self.activate(&key, admin, &automatic.roles).await {
            if error.leaves_doubt() {
                // The answer got lost and may have been a success.
                self.service.spawn(self.teardown(intent, key.clone()).run());
            } else if let Err(error) = journal.undo(&key, before, now).await {
                let user = quote(&self.allowed.user);
                self.service.catalog.warn(&format!(
                    "database user {user} was not made, but stays in the journal: {error}"
                ));
            }
            return Err(self.refusal(&key, &error));
        }
        let entry = sessions.enter(key.clone(), live);
        Ok((entry, self.teardown(intent, key)))
    }

    /// Puts the user into service again. A failure shows in the login that follows.
    async fn reactivate(&self, automatic: &Automatic, admin: &Admin) {
        let user = &self.allowed.user;
        let key = self.upstream.key(user);
        if let Some(_lock) = self.service.sessions.lock(&key, LOCK_LIMIT).await {
            let _ = provision::activate(&self.upstream, admin, user, &automatic.roles).await;
        }
    }

    /// What the journal is told.
    fn intent(&self, automatic: &Automatic) -> Arc<Intent> {
        let mut admin = automatic.admin.clone();
        if admin.default_database.is_empty() {
            admin.default_database.clone_from(&self.allowed.name);
        }
        Arc::new(Intent {
            database: self.allowed.database.clone(),
            admin,
            mode: automatic.mode,
        })
    }

    fn teardown(&self, intent: Arc<Intent>, key: UserKey) -> Teardown {
        Teardown {
            service: Arc::clone(self.service),
            upstream: Some(Arc::clone(&self.upstream)),
            intent,
            key,
            log: self.log.clone(),
            orphaned: false,
        }
    }

    /// Activates the user. Sessions with other roles that are just ending are no reason to refuse: they are waited for.
    async fn activate(
        &self,
        key: &UserKey,
        admin: &Admin,
        roles: &[String],
    ) -> Result<(), ProvisionError> {
        let user = &self.allowed.user;
        let sessions = &self.service.sessions;
        let mut result = provision::activate(&self.upstream, admin, user, roles).await;
        // Ending, or ended since the database was asked: nobody here has the user any more.
        if matches!(result, Err(ProvisionError::RolesChanged { .. }))
            && (sessions.settled(key, SETTLE_LIMIT).await || sessions.of(key).is_empty())
        {
            result = provision::activate(&self.upstream, admin, user, roles).await;
        }
        if let Some(log) = &self.log {
            match &result {
                Ok(()) => log.created(None),
                // No change was tried (db-service.md 2.10).
                Err(
                    ProvisionError::Connect { .. }
                    | ProvisionError::NoPassword(_)
                    | ProvisionError::Timeout,
                ) => {}
                Err(error) => log.created(Some(error.to_string())),
            }
        }
        result
    }

    /// What the client is told when the user could not be activated.
    fn refusal(&self, key: &UserKey, error: &ProvisionError) -> Refusal {
        let hint = match error {
            ProvisionError::RolesChanged { foreign, .. } if foreign.is_empty() => {
                describe(&self.service.sessions.of(key))
            }
            ProvisionError::Connect { admin, error, .. } => self.upstream.login_hint(admin, error),
            _ => None,
        };
        error.refusal(&self.allowed.user, hint)
    }

    /// Logs in on the connection, on a new one if that had gone stale meanwhile.
    async fn login(
        &self,
        dialled: Result<ServerStream, ConnectError>,
    ) -> Result<(Box<ServerStream>, Greeting), ConnectError> {
        let Authorized { user, name, .. } = self.allowed;
        let mut server = Box::new(dialled?);
        let credential = self.upstream.credential(user, name).await?;
        match login(&mut server, &credential, name, self.startup).await {
            Err(error)
                if matches!(error, ConnectError::Io(_))
                    || error.is_refused_login() && self.upstream.forget(user, name) =>
            {
                server = Box::new(self.upstream.open(user).await?);
                let credential = self.upstream.credential(user, name).await?;
                let greeting = login(&mut server, &credential, name, self.startup).await?;
                Ok((server, greeting))
            }
            greeting => Ok((server, greeting?)),
        }
    }

    fn live(&self, roles: Option<&[String]>) -> LiveSession {
        LiveSession {
            user: self.holder.identity.username.clone(),
            database: self.allowed.database.name.clone(),
            db_user: self.allowed.user.clone(),
            automatic: roles.is_some(),
            roles: distinct(roles.unwrap_or_default()),
            pid: 0,
            since: self.service.catalog.now(),
            peer: self.holder.peer,
            ending: false,
        }
    }

    fn session(
        self,
        (server, greeting): (Box<ServerStream>, Greeting),
        entry: Entry,
        teardown: Option<Teardown>,
    ) -> Session {
        entry.connected(Backend {
            key: greeting.key.clone(),
            upstream: Arc::clone(&self.upstream),
            user: self.allowed.user.clone(),
        });
        if let Some(log) = &self.log {
            log.started(greeting.key.pid);
        }
        let Holder {
            identity,
            cert_not_after,
            ..
        } = self.holder;
        let limits = self.allowed.limits;
        let orders = entry.orders();
        Session {
            monitor: Monitor::new(self.service, identity, *cert_not_after, limits, orders),
            upstream: self.upstream,
            server,
            greeting,
            user: self.allowed.user.clone(),
            entry,
            teardown,
            log: self.log,
        }
    }
}

fn stopping() -> Refusal {
    Refusal::new(STOPPING, "the cluster is shutting down").with_hint("try again in a moment")
}
