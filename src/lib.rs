//! postern: a client for databases behind a Teleport cluster, and an embedded cluster that speaks the same wire protocol.
//!
//! # What happens
//!
//! A command runs through typed steps. Each is made from the former, and nothing else makes it, so a tunnel without a
//! checked target or a target without a login does not compile:
//!
//! | step | made by | holds |
//! |---|---|---|
//! | [`Door`](flow::login::Door) | [`flow::login::discover`] | an open web port and what it announced |
//! | [`Begun`](flow::login::Begun), [`Fresh`](flow::login::Fresh) | `Door::begin`, `Begun::finish` | a login half done; its certificate |
//! | [`Session`](flow::session::Session) | [`flow::session::load`] | profile, certificate and key of a login that is valid now |
//! | [`ClusterConn`](flow::conn::ClusterConn) | `ClusterConn::connect` | gRPC to the auth services of the root and the owning cluster |
//! | [`Target`](flow::target::Target) | [`flow::target::decide`] | cluster, database, user, name and roles, each allowed, with the reason |
//! | [`DbCredential`](flow::credential::DbCredential) | [`flow::credential::issue`] | a certificate for exactly this target |
//! | [`Tunnel`](flow::tunnel::Tunnel) | `Tunnel::new` | what [`proxy::serve`] asks for streams to the database; renews its credential |
//!
//! `login` goes as far as `Fresh`, which [`profile`] writes down; `status` only peeks at a `Session`; `db ls` needs a
//! `ClusterConn`; `db proxy` ends with the tunnel, `db connect` starts psql on it, and `db ps`, `db cancel` and `db ping` ask
//! through it themselves ([`flow::ask`]).
//!
//! # What is where
//!
//! | module | what it holds | uses |
//! |---|---|---|
//! | [`pg`] | PostgreSQL's wire format: first packets, messages, ErrorResponses, rows of simple queries | — |
//! | [`identity`] | what a certificate says, both ways; PEM, DER, cluster names | — |
//! | [`proto`] | generated protobuf types | — |
//! | [`quote`], [`hop`] | text as Go prints it; where on the way something failed | — |
//! | `readahead` | a socket read in large pieces, on both sides | — |
//! | [`compat`] | what differs between versions of Teleport; the only place that reads a version | — |
//! | [`rbac`] | access rules: roles, traits, predicates, the decision | `identity`, `proto`, `quote` |
//! | [`db`] | databases as the user sees them: naming, listing, choosing, defaults | `rbac`, `quote` |
//! | [`transport`] | byte streams to a named service of the cluster: trust, TLS, ALPN, ping framing, gRPC | `identity`, `hop` |
//! | [`webapi`] | the proxy's HTTPS JSON API: ping and login | `transport`, `identity` |
//! | [`auth`] | the auth service's gRPC API | `transport`, `proto`, `identity`, `hop` |
//! | [`profile`] | state on disk and private keys | `transport` (the remembered trust) |
//! | [`proxy`] | the local tunnel: first packet, relay, cancel, ErrorResponses; knows nothing of logins | `pg`, `transport` (its stream type), `quote`, `hop` |
//! | [`client`] | programs we start: psql and others, signals, exit status | `proxy` (a tunnel's password) |
//! | [`flow`] | the steps above; what another front end would call. Clock and environment are handed in | all of the above but `client` |
//! | [`cli`] | the only module that knows clap, the terminal, the environment, the clock and exit codes | all of the above |
//! | [`manual`] | manual pages of both programs | clap |
//! | `cluster` (feature) | the embedded cluster | `pg`, `identity`, `proto`, `quote`, `rbac`, and of the client the ping framing only |
//!
//! `pg`, `identity`, `proto`, `quote`, `compat`, `rbac` and `db` are pure: no tokio, no files, no clock; times are unix seconds.
//!
//! The cluster shares only these and the framing of one stream with the client: each format is written once, encoded by one
//! side and decoded by the other, while behaviour is implemented twice and can disagree in a test. Recorded bytes of real
//! clusters in `tests/data` keep both from drifting into a private dialect.
//!
//! # Where to begin reading
//!
//! [`pg::startup`] with its tests shows the style; then `cli/db/connect.rs`, one command from its arguments to its exit code,
//! and from there down: [`flow::target`], [`flow::credential`], [`flow::tunnel`], [`proxy`]. On the other side of the wire,
//! `cluster/mux` takes the connection and `cluster/dbservice` makes the database user.
//!
//! To follow one value, take the roles of `--db-roles`: `cli::db::choose` reads them, [`flow::target::roles`] sorts them,
//! `flow::target::decide` has [`rbac`] check them, [`identity::RouteToDatabase`] carries them through the certificate request
//! ([`auth::certs`]) into the certificate (`cluster::ca`), the database service reads them back and intersects them
//! (`cluster::dbservice::authorize`) and grants them (`cluster::dbservice::provision`).

pub mod auth;
pub mod cli;
pub mod client;
#[cfg(feature = "cluster-core")]
pub mod cluster;
pub mod compat;
pub mod db;
pub mod flow;
pub mod hop;
pub mod identity;
pub mod manual;
pub mod pg;
pub mod profile;
pub mod proto;
pub mod proxy;
pub mod quote;
pub mod rbac;
mod readahead;
pub mod transport;
pub mod webapi;
