//! One round: from nothing to the first row, each step measured.

use std::sync::Arc;
use std::time::Instant;

use super::parts::{Part, Recorder, Times};
use crate::cli::db::choose::{self, Program, TargetArgs};
use crate::cli::db::{connect, proxy, routed};
use crate::cli::{CliError, Cx};
use crate::flow::ask::{Asker, NotStarted};
use crate::flow::credential::{self, DbCredential};
use crate::flow::session::Session;
use crate::flow::target::Target;
use crate::flow::tunnel::Tunnel;
use crate::transport::watch::Watch;

/// What is measured, again and again.
pub(super) struct Aim {
    session: Session,
    args: TargetArgs,
    kept: bool,
    /// The target of the last round.
    pub(super) target: Option<Target>,
}

/// A round that failed.
pub(super) struct Failed {
    /// The steps before.
    pub(super) times: Times,
    /// The one that failed; none when it did so before the first one.
    pub(super) part: Option<Part>,
    /// Why.
    pub(super) error: CliError,
}

impl Aim {
    /// An identity for one database has its certificate already, as if it were kept.
    pub(super) fn new(session: Session, args: &TargetArgs, kept: bool) -> Self {
        Self {
            kept: kept || session.route_to_database().is_some(),
            session,
            args: args.clone(),
            target: None,
        }
    }

    /// Whether the certificate is not a new one in every round.
    pub(super) fn kept(&self) -> bool {
        self.kept
    }

    /// Goes the whole way once.
    pub(super) async fn go(&mut self, cx: &mut Cx) -> Result<Times, Failed> {
        if self.kept {
            let credential = Box::pin(self.kept_credential(cx)).await;
            let credential = credential.map_err(|error| Failed {
                times: Times::default(),
                part: None,
                error,
            })?;
            let recorder = Recorder::default();
            self.session.watch = recorder.watch();
            return self
                .ask(cx, credential, Times::default(), Some(&recorder))
                .await;
        }
        let (credential, times) = Box::pin(self.authenticate(cx)).await?;
        self.ask(cx, credential, times, None).await
    }

    async fn kept_credential(&mut self, cx: &mut Cx) -> Result<DbCredential, CliError> {
        // Asked for at most once, and outside of what is measured.
        self.session.watch = Watch::default();
        let credential = match routed::credential(cx, &self.session, &self.args)? {
            Some(credential) => credential,
            None => connect::obtain(cx, &self.session, &self.args, Program::Ping).await?,
        };
        self.target = Some(credential.target.clone());
        Ok(credential)
    }

    /// To a new certificate.
    async fn authenticate(&mut self, cx: &mut Cx) -> Result<(DbCredential, Times), Failed> {
        let recorder = Recorder::default();
        self.session.watch = recorder.watch();
        let begun = Instant::now();
        let found = choose::target(cx, &self.session, &self.args, Program::Ping).await;
        let (mut times, open) = recorder.heard();
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                let part = Some(open.unwrap_or(Part::Authentication));
                return Err(Failed { times, part, error });
            }
        };
        times.set(
            Part::Authentication,
            begun.elapsed().saturating_sub(times.total()),
        );
        self.target = Some(found.target.clone());
        let begun = Instant::now();
        // The way of the session itself is measured as a whole.
        self.session.watch = Watch::default();
        match credential::issue(&found.conn, &self.session, &found.target, cx.now).await {
            Ok(credential) => {
                times.set(Part::Certificate, begun.elapsed());
                Ok((credential, times))
            }
            Err(error) => Err(Failed {
                times,
                part: Some(Part::Certificate),
                error: error.into(),
            }),
        }
    }

    /// From a certificate to the row. With a `recorder` the steps of the connection are known one by one.
    async fn ask(
        &self,
        cx: &Cx,
        credential: DbCredential,
        mut times: Times,
        recorder: Option<&Recorder>,
    ) -> Result<Times, Failed> {
        let target = credential.target.clone();
        let tunnel = Tunnel::new(cx.home.clone(), proxy::clock(), &self.session, credential);
        let opened = Asker::open(tunnel, &target, "postern ping", Arc::new(|_: &str| {})).await;
        let open = match recorder {
            Some(recorder) => {
                let (heard, open) = recorder.heard();
                times = heard;
                open
            }
            None => None,
        };
        let mut asker = match opened {
            Ok(asker) => asker,
            Err(NotStarted { connection, error }) => {
                let part = match connection {
                    None => open.unwrap_or(Part::Connection),
                    Some(took) => {
                        if recorder.is_none() {
                            times.set(Part::Connection, took);
                        }
                        Part::Handshake
                    }
                };
                return Err(Failed {
                    times,
                    part: Some(part),
                    error: error.into(),
                });
            }
        };
        let took = asker.took();
        if recorder.is_none() {
            times.set(Part::Connection, took.connection);
        }
        times.set(Part::Handshake, took.handshake);
        let begun = Instant::now();
        let row = asker.ask("SELECT 1").await;
        let took = begun.elapsed();
        asker.close().await;
        match row {
            Ok(_) => {
                times.set(Part::FirstRow, took);
                Ok(times)
            }
            Err(error) => Err(Failed {
                times,
                part: Some(Part::FirstRow),
                error: error.into(),
            }),
        }
    }
}
