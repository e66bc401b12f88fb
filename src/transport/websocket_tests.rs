use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;

/// What a client sends and what it makes of these bytes of a server.
async fn client(
    server_sends: &[u8],
    client_writes: &[u8],
) -> (Vec<u8>, Vec<u8>, io::Result<usize>) {
    let (near, mut far) = duplex(1 << 20);
    let mut client = WebSocketStream::client(near);
    far.write_all(server_sends).await.expect("room");
    if !client_writes.is_empty() {
        client.write_all(client_writes).await.expect("room");
        client.flush().await.expect("room");
    }
    let mut got = Vec::new();
    // The server's end is closed for writing only, so that the client's answers can be read.
    far.shutdown().await.expect("an end");
    let end = client.read_to_end(&mut got).await;
    drop(client);
    let mut sent = Vec::new();
    far.read_to_end(&mut sent).await.expect("what was sent");
    (sent, got, end)
}

/// The examples of transport.md 5.2, recorded on 18.3.0.
#[tokio::test]
async fn the_recorded_frames() {
    let (sent, got, end) = client(b"\x82\x03\x16\x03\x01", b"\x16\x03\x01").await;
    assert_eq!(sent, b"\x82\x83\0\0\0\0\x16\x03\x01");
    assert_eq!(got, b"\x16\x03\x01");
    assert_eq!(end.expect("a normal end"), 3);
    let (sent, got, _) = client(b"\x89\x08teleport", b"").await;
    assert_eq!(sent, b"\x8a\x88\0\0\0\0teleport");
    assert!(got.is_empty());
    assert_eq!(
        accept("AAECAwQFBgcICQoLDA0ODw=="),
        "Bz3qJYTGdOe8gUSpLosEdiLKDrk="
    );
}

#[tokio::test]
async fn ends_and_what_is_between_them() {
    // Close ends the stream, whatever follows.
    let (_, got, end) = client(b"\x82\x01a\x88\x00\x82\x01b", b"").await;
    assert_eq!((got.as_slice(), end.is_ok()), (&b"a"[..], true));
    // Text is dropped, fragments are joined, an empty frame is nothing.
    let (_, got, end) = client(
        b"\x81\x02no\x02\x01a\x89\x00\x80\x01b\x82\x00\x00\x01x",
        b"",
    )
    .await;
    assert_eq!((got.as_slice(), end.is_ok()), (&b"ab"[..], true));
    for cut in [&b"\x82"[..], b"\x82\x02a", b"\x82\x7e\x00", b"\x89\x08tele"] {
        let (_, _, end) = client(cut, b"").await;
        assert_eq!(
            end.expect_err("cut").kind(),
            io::ErrorKind::UnexpectedEof,
            "{cut:?}"
        );
    }
    let (_, _, end) = client(b"\x89\x7e\x01\x00", b"").await;
    assert_eq!(
        end.expect_err("too long").kind(),
        io::ErrorKind::InvalidData
    );
}

/// Bytes of any length arrive whole, in both directions, past pings and in any pieces.
#[tokio::test]
async fn lengths_of_every_form() {
    for length in [1, 125, 126, 127, 65_535, 65_536, 200_000] {
        let payload: Vec<u8> = (0..length).map(|i: u32| i.to_le_bytes()[0]).collect();
        let (near, far) = duplex(777);
        let mut client = WebSocketStream::client(near);
        let mut server: WebSocketStream<DuplexStream> =
            WebSocketStream::server(far, Some(Duration::from_millis(1)));
        let echo = async {
            let mut got = vec![0; payload.len()];
            server.read_exact(&mut got).await.expect("all of it");
            server.write_all(&got).await.expect("a reader");
            server.flush().await.expect("a reader");
        };
        let ask = async {
            client.write_all(&payload).await.expect("a reader");
            client.flush().await.expect("a reader");
            let mut got = vec![0; payload.len()];
            client.read_exact(&mut got).await.expect("all of it");
            got
        };
        // A writer that nobody reads from waits: both ends have to work at the same time.
        let ((), got) = tokio::join!(echo, ask);
        assert!(got == payload, "{length}");
    }
}

/// A server takes the masks of other clients off.
#[tokio::test]
async fn masks_are_taken_off() {
    let (near, mut far) = duplex(1024);
    let mut server = WebSocketStream::server(near, None);
    // RFC 6455, 5.7: a masked "Hello", here as binary.
    far.write_all(b"\x82\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58")
        .await
        .expect("room");
    let mut got = [0; 5];
    server.read_exact(&mut got).await.expect("a message");
    assert_eq!(&got, b"Hello");
}

#[tokio::test(start_paused = true)]
async fn a_server_pings_as_teleport_does() {
    let (near, mut far) = duplex(1024);
    let mut server = WebSocketStream::server(near, Some(Duration::from_secs(30)));
    let begun = Instant::now();
    let reading = tokio::spawn(async move {
        let mut byte = [0];
        server.read(&mut byte).await
    });
    let mut got = [0; 10];
    far.read_exact(&mut got).await.expect("a ping");
    assert_eq!(&got, b"\x89\x08teleport");
    assert_eq!(begun.elapsed().as_secs(), 30);
    drop(far);
    assert_eq!(reading.await.expect("no panic").expect("an end"), 0);
}
