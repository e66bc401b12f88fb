//! Who is served: clients of the user that runs the tunnel, unless it was opened for others too.
//!
//! Others are told so as far as that costs little. Nothing of theirs reaches the cluster, cancel requests included, and they
//! cannot take the places of those that are served: a few are listened to at a time, for a moment.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use super::first::{self, Request};
use super::peer::{self, Peer};
use super::shared::Shared;
use super::{Options, answer};
use crate::pg::ErrorResponse;

/// How long a client that is not served may take to say what it wants, and to hear that it is not.
const PATIENCE: Duration = Duration::from_secs(2);

/// What becomes of a connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// It is served.
    Served,
    /// Its client has gone already, and nobody knows who it was.
    Gone,
    /// It is told this.
    Refused(ErrorResponse),
}

/// Decides by the user at the other end. A password does not open the tunnel to others; it stands in where the system does
/// not tell who they are.
pub(super) fn decide(peer: Peer, options: &Options) -> Admission {
    match peer {
        _ if options.other_users => Admission::Served,
        Peer::User(uid) if peer::is_own(uid) => Admission::Served,
        Peer::User(_) => Admission::Refused(answer::stranger()),
        Peer::Gone => Admission::Gone,
        Peer::Unknown if options.password.is_some() => Admission::Served,
        Peer::Unknown => Admission::Refused(answer::unknown_peer()),
    }
}

/// Tells a client that it is not served. A cancel request is dropped.
pub(super) async fn turn_away<C: AsyncRead + AsyncWrite + Unpin>(
    mut client: C,
    peer: Peer,
    error: &ErrorResponse,
    shared: &Shared,
) {
    shared.count(|report| report.strangers += 1);
    let whose = match peer {
        Peer::User(uid) => format!(
            "another user of this computer (uid {uid}) was refused; --allow-other-users lets others in"
        ),
        _ => "a client was refused, as the system does not tell whose it is".to_owned(),
    };
    shared.note(&whose);
    let Ok(_place) = shared.strangers.try_acquire() else {
        return;
    };
    let telling = async {
        if let Ok(Request::Session(..)) = first::read(&mut client).await {
            answer::refuse(&mut client, error).await;
        }
    };
    // Whoever is slower hears nothing.
    let _ = timeout(PATIENCE, telling).await;
}

#[cfg(test)]
#[path = "admission_tests.rs"]
mod tests;
