//! A tunnel's own password, where the system cannot tell whose a connection is.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::BytesMut;
use ring::rand::{SecureRandom, SystemRandom};
use subtle::ConstantTimeEq;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use zeroize::Zeroizing;

use super::answer;
use super::start::NotStarted;
use crate::pg::message::{peek_len, tag};
use crate::pg::{Message, Startup};

/// AuthenticationCleartextPassword. Every client and driver answers it, and nothing is gained by more: the way is this
/// computer's loopback, the password random and for this tunnel only.
const ASK: [u8; 9] = *b"R\0\0\0\x08\0\0\0\x03";
/// Longest answer that is read, bytes.
const MAX_ANSWER: usize = 1024;

/// A random password; printed as `****` by anything but [`Password::reveal`].
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Makes one of 128 random bits.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn random() -> Result<Self, ring::error::Unspecified> {
        let mut bytes = Zeroizing::new([0; 16]);
        SystemRandom::new().fill(&mut bytes[..])?;
        Ok(Self(Zeroizing::new(URL_SAFE_NO_PAD.encode(&bytes[..]))))
    }

    /// The password itself, for whoever opened the tunnel.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    fn is(&self, given: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(given).into()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("****")
    }
}

/// Asks the client for `password`. What it sent behind its answer stays in `held`.
///
/// # Errors
/// [`NotStarted::Refused`] when it gives another one, [`NotStarted::ClientGone`] when it gives none: psql leaves to ask the
/// person first, and comes again.
pub(super) async fn ask<C: AsyncRead + AsyncWrite + Unpin>(
    client: &mut C,
    held: &mut BytesMut,
    password: &Password,
    startup: &Startup,
) -> Result<(), NotStarted> {
    let gone = |_| NotStarted::ClientGone;
    let no_answer = || NotStarted::Refused(answer::no_password());
    client.write_all(&ASK).await.map_err(gone)?;
    client.flush().await.map_err(gone)?;
    loop {
        if held.first().is_some_and(|first| *first != tag::PASSWORD) {
            return Err(no_answer());
        }
        match peek_len(held) {
            Ok(Some(len)) if len > MAX_ANSWER => return Err(no_answer()),
            Ok(Some(len)) if held.len() >= len => break,
            Ok(_) => {}
            Err(_) => return Err(no_answer()),
        }
        if client.read_buf(held).await.map_err(gone)? == 0 {
            return Err(NotStarted::ClientGone);
        }
    }
    let answer = Message::parse(held, MAX_ANSWER).ok().flatten();
    let body = answer.map(|message| message.body).unwrap_or_default();
    let given = body.strip_suffix(&[0]).unwrap_or(&body);
    if password.is(given) {
        Ok(())
    } else {
        let user = startup.user().unwrap_or_default();
        Err(NotStarted::Refused(answer::wrong_password(&user)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_differ_and_are_not_printed() {
        let (one, other) = (
            Password::random().expect("random numbers"),
            Password::random().expect("random numbers"),
        );
        assert_ne!(one, other);
        assert_eq!(one.reveal().len(), 22);
        assert_eq!(format!("{one:?}"), "****");
        assert!(one.is(one.reveal().as_bytes()));
        assert!(!one.is(other.reveal().as_bytes()));
        assert!(!one.is(&one.reveal().as_bytes()[1..]));
        assert!(!one.is(b""));
    }
}
