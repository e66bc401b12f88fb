//! Against Teleport's own programs, in both directions: postern with a real pair of clusters ([`pair`], [`matrix`] for every
//! user on every database, [`networks`] for the same through whatever stands between, [`listing`] beside tsh, [`sso`] in a
//! real browser), and tsh with the embedded one ([`tsh`] and its neighbours).
//!
//! Needs `TELEPORT_BIN`, the directory with teleport, tctl and tsh 18.x; without it every test here says that it is skipped.
//! `POSTERN_LAB` names the directory of a pair that runs already; without it the script `POSTERN_LAB_SCRIPT` (default
//! `../shared/lab/lab.py`) starts one and stops it at the end. [`fourteen`] is the same against a pair of Teleport 14, whose
//! programs `TELEPORT14_BIN` names (`POSTERN_LAB14`: a pair that runs already).

mod db_login;
mod embedded;
mod fourteen;
mod lab;
mod listing;
mod matrix;
mod networks;
mod oidc;
mod pair;
mod queries;
mod sessions;
mod sso;
mod tsh;
mod tsh_connect;
mod tsh_databases;
mod tsh_elsewhere;
mod tsh_kinds;
mod tsh_leaf;
mod tsh_listing;
mod tsh_networks;
mod tsh_session;
mod tsh_tunnel;
mod way;
