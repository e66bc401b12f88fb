//! Why a login failed.

use crate::transport::trust::span;
use crate::webapi::WebError;

/// A login that did not happen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// A request failed, or the server said no.
    #[error(transparent)]
    Web(#[from] WebError),
    /// None of several addresses has a proxy; the failure that tells most comes first.
    #[error("no Teleport proxy found: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    NoProxy(Vec<WebError>),
    /// The address that the cluster announces does not work.
    #[error("{error} (the cluster at {asked} announces this address)")]
    Announced {
        /// The address that answered.
        asked: String,
        /// The failure.
        error: Box<WebError>,
    },
    /// The cluster or the user needs something this version cannot do.
    #[error("{method}")]
    Unsupported {
        /// `host:port` of the proxy.
        proxy: String,
        /// What it is.
        method: Unsupported,
    },
    /// Nothing can listen where the browser is to bring the answer.
    #[error("cannot listen on {addr} for the browser's answer: {message}")]
    Listen {
        /// Where.
        addr: String,
        /// The system's text.
        message: String,
    },
    /// What was asked for cannot be an address for the browser.
    #[error("{0:?} is no address that a browser can be sent back to")]
    CallbackAddress(String),
    /// The cluster or its identity provider said no; the text is theirs.
    #[error("the single sign-on was refused: {message}")]
    Refused {
        /// `host:port` of the proxy.
        proxy: String,
        /// The text.
        message: String,
    },
    /// Nobody came back from the browser in time.
    #[error("nobody came back from the browser within {}{}", span(seconds.cast_signed()), from_elsewhere(*strays))]
    NoCallback {
        /// How long it was waited, seconds.
        seconds: u64,
        /// Answers that came and were not for this login.
        strays: usize,
    },
    /// The public key went into the field that the announced version takes, and the auth service takes the other one.
    #[error(
        "the auth service of {proxy} takes the key in the field of Teleport {}, though the proxy says it is {announced}",
        if *old_field { "16 and earlier" } else { "17 and later" }
    )]
    KeyField {
        /// `host:port` of the proxy.
        proxy: String,
        /// `server_version` of the ping.
        announced: String,
        /// Whether it is the older field that is wanted.
        old_field: bool,
    },
    /// A 200 that is of no use.
    #[error("the cluster's answer to the login is unusable: {0}")]
    Answer(String),
    /// A one-time code was refused, and the clock of this computer is so far off that it may have been made for another time.
    #[error("{error}")]
    Code {
        /// The refusal.
        error: Box<WebError>,
        /// Seconds by which this computer's clock is ahead of the cluster's (negative: behind).
        skew: i64,
    },
    /// The certificate is not valid yet: the clock of this computer is behind.
    #[error("the clock of this computer is {} behind the cluster's; the certificate it got is not valid yet", span(*seconds))]
    ClockBehind {
        /// By how much.
        seconds: i64,
    },
    /// The certificate has expired by the clock of this computer, which is ahead.
    #[error("the clock of this computer is {} ahead of the cluster's; the certificate it got has expired already", span(*seconds))]
    ClockAhead {
        /// By how much.
        seconds: i64,
    },
    /// The certificate had expired when it was issued.
    #[error("the certificate had already expired when it arrived")]
    ExpiredOnArrival {
        /// End of validity, unix seconds.
        not_after: i64,
    },
}

/// A way to log in that this version cannot go.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsupported {
    /// A kind of login that nobody has heard of yet.
    #[error("this cluster logs in by \"{0}\", which this version of postern does not know")]
    Kind(String),
    /// The cluster's default is a passkey.
    #[error(
        "this cluster logs in without passwords (passkeys), which this version of postern cannot do"
    )]
    Passwordless,
    /// The cluster's default is approval on another computer.
    #[error("this cluster logs in by headless approval, which this version of postern cannot do")]
    Headless,
    /// The cluster takes security keys and nothing else.
    #[error(
        "this cluster accepts only security keys (WebAuthn) as second factor, which this version of postern cannot use"
    )]
    SecurityKeysOnly,
    /// The user has a security key and no authenticator app.
    #[error(
        "the only second factor of this user is a security key (WebAuthn), which this version of postern cannot use"
    )]
    SecurityKeyOfUser,
    /// The user has no second factor registered, and the cluster wants one. The text is the server's.
    #[error("{message}")]
    NoDevice {
        /// The server's text.
        message: String,
    },
    /// Keys have to live on a YubiKey.
    #[error(
        "private keys must live on a hardware key here (policy {0}), which this version of postern cannot do"
    )]
    HardwareKey(String),
}

fn from_elsewhere(count: usize) -> &'static str {
    if count == 0 {
        ""
    } else {
        "; what came was not for this login"
    }
}
