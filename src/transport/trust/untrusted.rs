//! Why a server's certificate was refused, in words.

use std::error::Error as StdError;

use crate::transport::clock::{self, TOLERATED};

/// Why a server's certificate was refused. Found in an error chain by [`Untrusted::find`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("certificate of {subject}, issued by {issuer}: {why}")]
pub struct Untrusted {
    /// Common name of the certificate's subject, else the whole name.
    pub subject: String,
    /// Common name of the issuer, else the whole name.
    pub issuer: String,
    /// The reason.
    pub why: Why,
}

/// The reason for an [`Untrusted`] certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// Nobody we trust signed it.
    #[error("not signed by a trusted authority")]
    Issuer,
    /// It signs itself, as a fresh Teleport's web certificate does.
    #[error("self-signed, and not among the certificates given by --ca-file")]
    SelfSigned,
    /// It is for other names.
    #[error("not valid for {asked}, only for {}", list(presented))]
    Name {
        /// The name asked for.
        asked: String,
        /// The names in the certificate.
        presented: Vec<String>,
    },
    /// Its last day has passed; unix seconds.
    #[error("expired {} ago by this computer's clock{}", span(now - not_after), beside(*skew, now - skew.unwrap_or(0) <= *not_after))]
    Expired {
        /// End of validity.
        not_after: i64,
        /// This computer's clock.
        now: i64,
        /// Seconds by which that clock is ahead of the proxy's (negative: behind), where the proxy told its time.
        skew: Option<i64>,
    },
    /// Its first day is yet to come; unix seconds.
    #[error("not valid for another {} by this computer's clock{}", span(not_before - now), beside(*skew, now - skew.unwrap_or(0) >= *not_before))]
    NotYet {
        /// Begin of validity.
        not_before: i64,
        /// This computer's clock.
        now: i64,
        /// As in [`Self::Expired`].
        skew: Option<i64>,
    },
    /// Anything else webpki says.
    #[error("{0}")]
    Other(String),
}

/// Who is to blame when a certificate is refused for its dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The clock of this computer.
    Clock,
    /// The certificate: by the proxy's clock it is not valid either.
    Certificate,
    /// Nobody knows: the proxy did not tell its time.
    Unknown,
}

impl Blame {
    /// What to do about it.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Clock => clock::SET_IT,
            Self::Certificate => {
                "the clock of this computer is not the reason: the cluster's administrator has to renew the certificate"
            }
            Self::Unknown => {
                "is the clock of this computer right? If it is, the cluster's administrator has to renew the certificate"
            }
        }
    }
}

impl Why {
    /// For a certificate that was refused for its dates: who is to blame.
    pub fn blame(&self) -> Option<Blame> {
        let (skew, valid_by_theirs) = match *self {
            Self::Expired {
                not_after,
                now,
                skew,
            } => (skew, skew.is_some_and(|s| now - s <= not_after)),
            Self::NotYet {
                not_before,
                now,
                skew,
            } => (skew, skew.is_some_and(|s| now - s >= not_before)),
            _ => return None,
        };
        Some(match skew {
            None => Blame::Unknown,
            Some(_) if valid_by_theirs => Blame::Clock,
            Some(_) => Blame::Certificate,
        })
    }

    /// Notes by how much the clock is off, where that matters.
    pub(in crate::transport) fn note_skew(&mut self, measured: Option<i64>) {
        if let Self::Expired { skew, .. } | Self::NotYet { skew, .. } = self {
            *skew = measured;
        }
    }
}

/// `explains`: by the proxy's clock the certificate is valid.
fn beside(skew: Option<i64>, explains: bool) -> String {
    match skew {
        None => String::new(),
        Some(s) if s.abs() <= TOLERATED && !explains => {
            ", which agrees with the proxy's".to_owned()
        }
        Some(s) => format!(", which is {} the proxy's", clock::off(s)),
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        "no name at all".to_owned()
    } else {
        names.join(", ")
    }
}

/// Writes a number of seconds as `3 days`, `2 h`, `5 min` or `7 s`, rounded down.
pub(crate) fn span(seconds: i64) -> String {
    let s = seconds.unsigned_abs();
    match s {
        172_800.. => format!("{} days", s / 86_400),
        7_200.. => format!("{} h", s / 3600),
        120.. => format!("{} min", s / 60),
        _ => format!("{s} s"),
    }
}

impl Untrusted {
    /// Whether it was refused for its dates, which no login and no other authority would change.
    pub fn is_by_dates(&self) -> bool {
        self.why.blame().is_some()
    }

    /// Looks for the reason in an error and its sources, through `io::Error` and rustls' wrappers.
    pub fn find<'e>(err: &'e (dyn StdError + 'static)) -> Option<&'e Self> {
        let mut next = Some(err);
        while let Some(e) = next {
            if let Some(found) = e.downcast_ref::<Self>() {
                return Some(found);
            }
            if let Some(rustls::Error::InvalidCertificate(rustls::CertificateError::Other(other))) =
                e.downcast_ref::<rustls::Error>()
            {
                return other.0.downcast_ref::<Self>();
            }
            // An io::Error's own `source` skips the error it carries.
            next = match e
                .downcast_ref::<std::io::Error>()
                .and_then(std::io::Error::get_ref)
            {
                Some(inner) => Some(inner),
                None => e.source(),
            };
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn expired(ago: i64, skew: Option<i64>) -> Why {
        Why::Expired {
            not_after: NOW - ago,
            now: NOW,
            skew,
        }
    }

    #[test]
    fn the_clock_is_to_blame_where_the_proxys_own_makes_the_certificate_valid() {
        for (why, blame, text) in [
            (
                expired(10 * 86_400, Some(11 * 86_400)),
                Blame::Clock,
                "expired 10 days ago by this computer's clock, which is 11 days ahead of the proxy's",
            ),
            (
                expired(10 * 86_400, Some(3)),
                Blame::Certificate,
                "expired 10 days ago by this computer's clock, which agrees with the proxy's",
            ),
            // Both are wrong.
            (
                expired(10 * 86_400, Some(7300)),
                Blame::Certificate,
                "expired 10 days ago by this computer's clock, which is 2 h ahead of the proxy's",
            ),
            (
                expired(10 * 86_400, None),
                Blame::Unknown,
                "expired 10 days ago by this computer's clock",
            ),
            (
                Why::NotYet {
                    not_before: NOW + 3600,
                    now: NOW,
                    skew: Some(-3700),
                },
                Blame::Clock,
                "not valid for another 60 min by this computer's clock, which is 61 min behind the proxy's",
            ),
        ] {
            assert_eq!(
                (why.blame(), why.to_string()),
                (Some(blame), text.to_owned())
            );
        }
        assert_eq!(Why::Issuer.blame(), None);
    }
}
