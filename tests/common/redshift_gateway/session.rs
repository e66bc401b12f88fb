//! One connection: TLS, login by the password that was issued, statements in PostgreSQL's words, answers in Redshift's.

use std::io;
use std::sync::Arc;

use bytes::BytesMut;
use postern::pg::{ErrorResponse, FirstPacket, Kind, ProtocolVersion, Startup};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

use super::Shared;
use super::statements::translate;

/// The version every Redshift reports.
const SERVER_VERSION: &str = "8.0.2";

pub(super) async fn serve(mut tcp: TcpStream, shared: Arc<Shared>) -> io::Result<()> {
    match first_packet(&mut tcp).await? {
        FirstPacket::Ssl => tcp.write_all(b"S").await?,
        _ => return Ok(()),
    }
    let mut client = shared.tls.accept(tcp).await?;
    match first_packet(&mut client).await? {
        FirstPacket::Cancel(request) => {
            let mut backend = shared.backend().await?;
            backend.write_all(&request.encode()).await?;
            backend.read_to_end(&mut Vec::new()).await?;
            client.shutdown().await
        }
        FirstPacket::Startup(startup) => session(client, &startup, &shared).await,
        _ => Ok(()),
    }
}

async fn session<S>(mut client: S, startup: &Startup, shared: &Shared) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let login = startup.user().unwrap_or_default();
    let Some(user) = let_in(&mut client, &login, shared).await? else {
        let text = format!("password authentication failed for user \"{login}\"");
        let refusal = ErrorResponse::new(Kind::Error, "FATAL", "28000", &text);
        client.write_all(&refusal.encode()).await?;
        return client.shutdown().await;
    };
    shared.mirror_superuser(&user).await;
    let mut backend = shared.backend().await?;
    let database = startup.database().unwrap_or_else(|| "dev".into());
    let own = Startup::new(ProtocolVersion::V3_0)
        .with("user", &user)
        .with("database", &database)
        .with("client_encoding", "UTF8");
    backend.write_all(&own.encode()).await?;
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (mut from_backend, mut to_backend) = backend.split();
    let forth = async {
        while let Ok((kind, body)) = message(&mut from_client).await {
            let body = match kind {
                b'Q' => translated(shared, &login, &body, 0),
                b'P' => translated(
                    shared,
                    &login,
                    &body,
                    body.iter().position(|b| *b == 0).map_or(0, |n| n + 1),
                ),
                _ => body,
            };
            send(&mut to_backend, kind, &body).await?;
        }
        io::Result::Ok(())
    };
    let back = async {
        while let Ok((kind, body)) = message(&mut from_backend).await {
            match kind {
                // Said already, when the password was right.
                b'R' => {}
                b'S' if body.starts_with(b"server_version\0") => {
                    let body = format!("server_version\0{SERVER_VERSION}\0");
                    send(&mut to_client, kind, body.as_bytes()).await?;
                }
                b'E' => to_client.write_all(&redshifted(&body)).await?,
                _ => send(&mut to_client, kind, &body).await?,
            }
        }
        io::Result::Ok(())
    };
    // Whoever ends first ends the other: the halves are dropped.
    let ended = tokio::select! {
        ended = forth => ended,
        ended = back => ended,
    };
    // The client may have gone.
    let _ = to_client.shutdown().await;
    ended
}

/// Asks for the password in clear, as Redshift does. The database user, when it is the right one.
async fn let_in<S: AsyncRead + AsyncWrite + Unpin>(
    client: &mut S,
    login: &str,
    shared: &Shared,
) -> io::Result<Option<String>> {
    client.write_all(b"R\0\0\0\x08\0\0\0\x03").await?;
    let (kind, body) = message(client).await?;
    let password = String::from_utf8_lossy(body.strip_suffix(b"\0").unwrap_or(&body)).into_owned();
    if kind != b'p' || !shared.knows(login, &password) {
        return Ok(None);
    }
    client.write_all(b"R\0\0\0\x08\0\0\0\0").await?;
    let user = ["IAM:", "IAMA:", "IAMR:"]
        .iter()
        .find_map(|prefix| login.strip_prefix(prefix))
        .unwrap_or(login);
    Ok(Some(user.to_owned()))
}

/// A message whose statement begins at `from`, in PostgreSQL's words. A statement that is refused becomes one that fails
/// with the reason, so that transactions end as they would.
fn translated(shared: &Shared, login: &str, body: &[u8], from: usize) -> Vec<u8> {
    let end = body[from..]
        .iter()
        .position(|b| *b == 0)
        .map_or(body.len(), |n| from + n);
    let text = String::from_utf8_lossy(&body[from..end]).into_owned();
    let put = match translate(&text) {
        Ok(put) => {
            shared.note(|log| log.statements.push((login.to_owned(), text)));
            put
        }
        Err(why) => {
            let why = format!("the Redshift gateway refuses this statement: {why}");
            shared.note(|log| log.refused.push(why.clone()));
            let why = why.replace('\'', "''").replace('%', "%%");
            format!(
                "DO $gateway$ BEGIN RAISE EXCEPTION USING ERRCODE = '42601', MESSAGE = '{why}'; END $gateway$"
            )
        }
    };
    [&body[..from], put.as_bytes(), &body[end..]].concat()
}

/// An error in Redshift's words: a user that something depends on is "in use".
fn redshifted(body: &[u8]) -> Vec<u8> {
    let error = ErrorResponse::parse(Kind::Error, body).expect("PostgreSQL's error");
    let text = error.message().into_owned();
    if error.sqlstate().as_deref() == Some("2BP01") && text.starts_with("role ") {
        let text = text.replace("role ", "user ").replace(
            "because some objects depend on it",
            "because the user owns some object",
        );
        return ErrorResponse::new(Kind::Error, "ERROR", "55006", &text).encode();
    }
    let length = u32::try_from(body.len() + 4).expect("short").to_be_bytes();
    [b"E", &length[..], body].concat()
}

async fn first_packet<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<FirstPacket> {
    let mut packet = BytesMut::zeroed(4);
    stream.read_exact(&mut packet).await?;
    let length = u32::from_be_bytes(packet[..4].try_into().expect("four"));
    packet.resize(usize::try_from(length.clamp(8, 10_000)).expect("small"), 0);
    stream.read_exact(&mut packet[4..]).await?;
    FirstPacket::parse(&mut packet)
        .ok()
        .flatten()
        .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
}

async fn message<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<(u8, Vec<u8>)> {
    let kind = stream.read_u8().await?;
    let length = stream.read_u32().await?;
    let mut body = vec![0; usize::try_from(length).expect("small").saturating_sub(4)];
    stream.read_exact(&mut body).await?;
    Ok((kind, body))
}

async fn send<S: AsyncWrite + Unpin>(stream: &mut S, kind: u8, body: &[u8]) -> io::Result<()> {
    let length = u32::try_from(body.len() + 4).expect("short").to_be_bytes();
    stream
        .write_all(&[&[kind], &length[..], body].concat())
        .await?;
    stream.flush().await
}

impl Shared {
    async fn backend(&self) -> io::Result<UnixStream> {
        UnixStream::connect(
            self.server
                .socket()
                .join(format!(".s.PGSQL.{}", self.server.port())),
        )
        .await
    }
}
