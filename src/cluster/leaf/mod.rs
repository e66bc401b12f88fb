//! Leaf clusters: another cluster's databases behind this one's port, and this cluster's databases behind another's.
//!
//! The leaf dials the root and keeps that connection; nothing ever connects to the leaf. It joins once with a token
//! ([`token`]), whereby the two exchange authorities ([`authority`]), and from then on shows a certificate of its own host
//! authority. Over the connection the root opens HTTP/2 streams, each for one client: to the leaf's auth service, inside
//! the client's own TLS, or to a database, with the client's certificate. The leaf verifies that certificate itself, against
//! the root's user authority, and decides by its role map who the client is there (`mapping`).
//!
//! | file | holds |
//! |---|---|
//! | `document` | `trusted_cluster`, which makes a cluster a leaf |
//! | `leaves`, `join`, `link`, `keep` | the root's side: who joined, how one joins, a link that stands, keeping it |
//! | `trust`, `agent`, `dial`, `serve` | the leaf's side: the roots, keeping a link, dialling, answering on it |
//! | `wire` | messages and names on the connection |
//! | `limits`, `backoff` | bounds of a link; waits between attempts |
//! | `error` | why a client does not get to a leaf |
//!
//! Between the two stands this project's own protocol: a real Teleport cluster speaks SSH there and can be neither leaf nor
//! root of one of ours. Towards clients everything is as transport.md 3.3, auth-api.md 2.1, 2.10 and rbac.md 8 say.
//!
//! Bounded: [`STREAMS`] streams on a link and [`STREAM_WINDOW`] bytes in flight on each; a client that does not read stops
//! its own stream only.

mod agent;
pub mod authority;
mod backoff;
mod dial;
pub mod document;
mod error;
mod join;
mod keep;
mod leaves;
mod limits;
mod link;
mod mapping;
mod recorded;
mod serve;
#[cfg(test)]
mod tests;
pub mod token;
mod trust;
mod wire;

pub use agent::run as run_agent;
pub use error::OpenError;
pub(in crate::cluster) use join::answer as answer_join;
pub(in crate::cluster) use keep::{open, serve_link};
pub use leaves::{Leaves, RemoteCluster};
pub use limits::{STREAM_WINDOW, STREAMS};
pub(in crate::cluster) use link::Purpose;
pub use mapping::{NotMapped, mapped};
pub(in crate::cluster) use recorded::{Recorded, recorded};
pub use trust::{LinkStatus, Trust, Trusts};
pub(in crate::cluster) use wire::{JOIN_PROTOCOL, LINK_PROTOCOL};
