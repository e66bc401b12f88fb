//! The embedded cluster: one process that speaks to clients as a Teleport cluster does.
//!
//! | module | what it holds |
//! |---|---|
//! | [`demo`] | the whole thing with content: what `postern-cluster demo` runs and tests start in-process |
//! | [`mux`] | the one port: TLS, protocols, certificates |
//! | [`web`] | the web API: ping and login |
//! | [`grpc`] | the auth service's API |
//! | [`dbservice`] | sessions to databases, automatic users |
//! | `aws` (feature `redshift`) | logins to Amazon's databases |
//! | [`audit`] | the record of what happened in them |
//! | [`cli`] | the program `postern-cluster` |
//! | [`server`] | one running cluster: its directory, its port, its services; shared by the demo and others |
//! | [`leaf`] | databases behind another cluster's port |
//! | [`ca`], [`authorities`], [`rotation`], [`issue`] | authorities, their rotation, what they sign |
//! | [`state`], [`state_error`], [`store`], [`documents`] | what a cluster knows and keeps |
//! | [`clock`], [`version`] | the time and the versions it goes by |
//! | [`labels`] | the commands of dynamic labels |
//! | [`users`], [`totp`], [`lockout`] | who may log in |
//! | [`sso`] | people whom somebody else vouches for |
//! | [`metrics`], [`memory`], [`descriptors`] | figures; memory given back; open files |
//! | [`locks`] | who may not use the cluster any more |
//! | [`postgres`] | the PostgreSQL server of the demo |

pub mod audit;
pub mod authorities;
#[cfg(feature = "redshift")]
pub mod aws;
pub mod ca;
mod catalog;
pub mod cli;
pub mod clock;
pub mod config;
pub mod dbservice;
pub mod demo;
pub mod descriptors;
pub mod documents;
pub mod grpc;
mod hooked;
pub mod issue;
pub mod labels;
pub mod leaf;
pub mod lockout;
pub mod locks;
pub mod memory;
pub mod metrics;
pub mod mux;
mod outgoing;
pub mod postgres;
pub mod random;
pub mod rotation;
pub mod server;
pub mod sso;
pub mod state;
pub mod state_error;
pub mod store;
#[cfg(test)]
mod testing;
pub mod totp;
pub mod ui;
pub mod users;
pub mod version;
pub mod web;
