//! Whole messages of a server that greets.

use tokio::io::{AsyncRead, AsyncReadExt};

use super::connect_error::ConnectError;

/// Largest message accepted before ReadyForQuery, bytes.
const MAX_GREETING: usize = 1 << 20;

/// Reads one message whole, header included.
pub(super) async fn read_message<S: AsyncRead + Unpin>(
    stream: &mut S,
) -> Result<(u8, Vec<u8>), ConnectError> {
    let mut header = [0; 5];
    stream
        .read_exact(&mut header)
        .await
        .map_err(|error| ConnectError::io(&error))?;
    let [kind, length @ ..] = header;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if !(4..=MAX_GREETING).contains(&length) {
        return Err(ConnectError::Protocol(format!(
            "a message of {length} bytes"
        )));
    }
    let mut message = vec![0; length + 1];
    message[..5].copy_from_slice(&header);
    stream
        .read_exact(&mut message[5..])
        .await
        .map_err(|error| ConnectError::io(&error))?;
    Ok((kind, message))
}
