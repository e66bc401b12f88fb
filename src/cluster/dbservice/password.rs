//! The password exchange of a login: in clear text (inside TLS), md5 or SCRAM-SHA-256, as the server asks.

use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use super::connect_error::{ConnectError, ServerError};
use super::credential::Credential;
use super::message::read_message;

/// AuthenticationCleartextPassword.
const CLEARTEXT: u32 = 3;
/// AuthenticationMD5Password.
const MD5: u32 = 5;
/// AuthenticationSASL, AuthenticationSASLContinue, AuthenticationSASLFinal.
const SASL: u32 = 10;
const SASL_CONTINUE: u32 = 11;
const SASL_FINAL: u32 = 12;

/// Answers an authentication request; `rest` is what follows its number. AuthenticationOk comes next.
///
/// # Errors
/// [`ConnectError::Password`] without a password or for another way to ask; whatever the server says against it.
pub(super) async fn answer<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    request: u32,
    rest: &[u8],
    credential: &Credential,
) -> Result<(), ConnectError> {
    let Some(password) = &credential.password else {
        return Err(ConnectError::Password(request));
    };
    match request {
        CLEARTEXT => {
            let text = [password.as_bytes(), b"\0"].concat();
            send(stream, &zeroize::Zeroizing::new(text)).await
        }
        MD5 => {
            let salt = *rest
                .first_chunk::<4>()
                .ok_or_else(|| ConnectError::Protocol("short salt".into()))?;
            let hash = md5_hash(credential.login.as_bytes(), password.as_bytes(), salt);
            send(stream, &[hash.as_bytes(), b"\0"].concat()).await
        }
        SASL if rest
            .split(|byte| *byte == 0)
            .any(|mechanism| mechanism == SCRAM_SHA_256.as_bytes()) =>
        {
            scram(stream, password.as_bytes()).await
        }
        other => Err(ConnectError::Password(other)),
    }
}

async fn scram<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    password: &[u8],
) -> Result<(), ConnectError> {
    let protocol = |error: std::io::Error| ConnectError::Protocol(error.to_string());
    let mut scram = ScramSha256::new(password, ChannelBinding::unsupported());
    let first = scram.message();
    let length = u32::try_from(first.len()).unwrap_or(u32::MAX).to_be_bytes();
    let first = [SCRAM_SHA_256.as_bytes(), b"\0", &length, first].concat();
    send(stream, &first).await?;
    scram
        .update(&sasl(stream, SASL_CONTINUE).await?)
        .map_err(protocol)?;
    send(stream, scram.message()).await?;
    scram
        .finish(&sasl(stream, SASL_FINAL).await?)
        .map_err(protocol)
}

/// The data of the next message, which must be the SASL one with this number.
async fn sasl<S: AsyncRead + Unpin>(stream: &mut S, wanted: u32) -> Result<Vec<u8>, ConnectError> {
    match read_message(stream).await? {
        (b'E', message) => Err(ConnectError::Server(ServerError::parse(&message[5..])?)),
        (b'R', message) if message[5..].starts_with(&wanted.to_be_bytes()) => {
            Ok(message[9..].to_vec())
        }
        (kind, _) => Err(ConnectError::Protocol(format!(
            "type {:?} within SCRAM",
            char::from(kind)
        ))),
    }
}

/// Sends a PasswordMessage, SASLInitialResponse or SASLResponse.
async fn send<S: AsyncWrite + Unpin>(stream: &mut S, body: &[u8]) -> Result<(), ConnectError> {
    let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
    let message = zeroize::Zeroizing::new([b"p", &length.to_be_bytes()[..], body].concat());
    stream
        .write_all(&message)
        .await
        .map_err(|error| ConnectError::io(&error))?;
    stream
        .flush()
        .await
        .map_err(|error| ConnectError::io(&error))
}
