//! How far the clock of this computer is off, asked from the proxy when a certificate is refused for its dates.
//!
//! A certificate says only between which moments our clock would have to be. So the proxy is asked for its time: one more
//! connection, whose other end nobody vouches for, carries a request with nothing in it but the proxy's own name, and of the
//! answer only the header `Date` is read. It is believed for nothing but the words of an error.

use std::time::Duration;

use http::Request;
use http::header::{DATE, HOST, USER_AGENT};
use rustls::pki_types::UnixTime;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use tokio::time::timeout;

use super::exchange;
use super::route::Route;
use super::trust::span;

/// A difference of so many seconds or fewer is nothing to speak of: certificates begin a minute before their issue
/// (credentials.md 1.6).
pub const TOLERATED: i64 = 60;

/// How long the answer may take; without it the error is told without it.
const PATIENCE: Duration = Duration::from_secs(5);

/// What every proxy answers to anybody. Which answer it is does not matter.
const PATH: &str = "/webapi/find";

/// Reads an HTTP date as unix seconds.
pub(crate) fn parse_date(text: &str) -> Option<i64> {
    // RFC 2822 with its obsolete zone "GMT" is what HTTP sends.
    OffsetDateTime::parse(text, &Rfc2822)
        .ok()
        .map(OffsetDateTime::unix_timestamp)
}

/// Says which way a clock is off by how much: `3 h behind`, `5 min ahead of`.
pub fn off(skew: i64) -> String {
    let direction = if skew > 0 { "ahead of" } else { "behind" };
    format!("{} {direction}", span(skew))
}

/// What to do about a clock that is wrong.
pub const SET_IT: &str =
    "set the clock of this computer (on Linux: timedatectl set-ntp true), then try again";

/// The seconds by which the clock of this computer is ahead of the proxy's (negative: behind); `None` when it does not say.
pub(super) async fn skew(route: &Route) -> Option<i64> {
    let theirs = timeout(PATIENCE, Box::pin(date(route))).await.ok()??;
    let ours = i64::try_from(UnixTime::now().as_secs()).ok()?;
    Some(ours - theirs)
}

async fn date(route: &Route) -> Option<i64> {
    let stream = route.connect_unverified(PATIENCE).await.ok()?;
    // No cookie, no header of the configuration: whoever answers may be anybody.
    let request = Request::builder()
        .uri(PATH)
        .header(HOST, route.proxy())
        .header(USER_AGENT, concat!("postern/", env!("CARGO_PKG_VERSION")))
        .body(String::new())
        .ok()?;
    let headers = exchange::headers(stream, request).await.ok()?;
    parse_date(headers.get(DATE)?.to_str().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_direction_is_that_of_this_computer() {
        assert_eq!(off(7200), "2 h ahead of");
        assert_eq!(off(-7200), "2 h behind");
        assert_eq!(off(-61), "61 s behind");
    }
}
