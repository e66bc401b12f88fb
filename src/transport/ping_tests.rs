//! Tests of ping framing, against what Teleport's proxy sent.

use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use super::*;
use crate::pg::recorded::{self, Side};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(future)
}

/// Feeds `raw` in pieces of the given lengths, over and over, and returns what comes out.
async fn unframe(raw: Vec<u8>, pieces: Vec<usize>, read: usize) -> io::Result<Vec<u8>> {
    let (near, mut far) = duplex(1 << 20);
    let mut stream = PingStream::client(near);
    let feeder = tokio::spawn(async move {
        let mut rest = raw.as_slice();
        for piece in pieces.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (now, later) = rest.split_at((*piece).min(rest.len()));
            far.write_all(now).await.unwrap();
            tokio::task::yield_now().await;
            rest = later;
        }
    });
    let mut out = Vec::new();
    let mut buf = vec![0; read];
    loop {
        match stream.read(&mut buf).await {
            Ok(0) => break,
            Ok(n) => out.extend_from_slice(&buf[..n]),
            Err(error) => return Err(error),
        }
    }
    feeder.await.unwrap();
    Ok(out)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn recorded_frames_come_out_plain_however_they_are_cut(
        pieces in proptest::collection::vec(1_usize..40, 1..8),
        read in 1_usize..200,
    ) {
        for case in ["query-ping", "server-ping", "split-frames", "gss-then-ssl", "dead-db"] {
            let raw = recorded::side(case, Side::Server);
            let plain = block_on(unframe(raw, pieces.clone(), read)).unwrap();
            prop_assert_eq!(plain, recorded::plain_server_bytes(case), "{}", case);
        }
    }

    #[test]
    fn what_is_written_is_read(
        writes in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..12),
        room in 1_usize..64,
    ) {
        block_on(async {
            let (near, far) = duplex(room);
            let (mut near, mut far) = (PingStream::client(near), PingStream::server(far, PING_INTERVAL));
            let expected = writes.concat();
            let writer = tokio::spawn(async move {
                for write in writes {
                    near.write_all(&write).await.unwrap();
                }
                near.shutdown().await.unwrap();
            });
            let mut got = Vec::new();
            far.read_to_end(&mut got).await.unwrap();
            writer.await.unwrap();
            assert_eq!(got, expected);
        });
    }
}

#[test]
fn framed_and_unframed_recordings_hold_the_same_messages() {
    // Process id and key vary and the order of parameters is random: the length is the same.
    let (framed, plain) = ("query-ping", "query-noping");
    let framed = block_on(unframe(recorded::side(framed, Side::Server), vec![1], 7)).unwrap();
    assert_eq!(framed.len(), recorded::side(plain, Side::Server).len());
}

#[test]
fn the_end_is_normal_between_frames_and_an_error_inside() {
    let raw = recorded::side("server-ping", Side::Server);
    let mut boundaries = vec![0];
    let mut at = 0;
    while at < raw.len() {
        at += 4 + u32::from_be_bytes(raw[at..at + 4].try_into().unwrap()) as usize;
        boundaries.push(at);
    }
    for end in 0..raw.len() {
        let result = block_on(unframe(raw[..end].to_vec(), vec![64], 64));
        if boundaries.contains(&end) {
            assert!(result.is_ok(), "{end}");
        } else {
            assert_eq!(
                result.unwrap_err().kind(),
                io::ErrorKind::UnexpectedEof,
                "{end}"
            );
        }
    }
}

#[tokio::test]
async fn header_and_payload_share_one_write_and_empty_writes_send_nothing() {
    let io = tokio_test_writer::Recorder::default();
    let mut stream = PingStream::client(io);
    stream.write_all(b"").await.unwrap();
    stream.flush().await.unwrap();
    stream
        .write_all(&recorded::plain("dead-db", Side::Client)[..8])
        .await
        .unwrap();
    stream.write_all(&vec![7; MAX_PAYLOAD + 1]).await.unwrap();
    stream.flush().await.unwrap();
    let writes = &stream.get_ref().writes;
    assert_eq!(writes[0], recorded::lines("dead-db")[0].1);
    assert_eq!(writes[1].len(), 4 + MAX_PAYLOAD);
    assert_eq!(writes[2], [0, 0, 0, 1, 7]);
    assert_eq!(writes.len(), 3);
}

/// A stream that remembers each write.
mod tokio_test_writer {
    use super::*;

    #[derive(Default)]
    pub(super) struct Recorder {
        pub(super) writes: Vec<Vec<u8>>,
    }

    impl AsyncRead for Recorder {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Recorder {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            data: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.writes.push(data.to_vec());
            Poll::Ready(Ok(data.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }
}

#[tokio::test(start_paused = true)]
async fn dropped_reads_and_writes_lose_nothing() {
    let (near, far) = duplex(3);
    let (mut near, mut far) = (PingStream::client(near), PingStream::client(far));
    let sent: Vec<u8> = (0..=255).collect();
    let expected = sent.clone();
    let reader = tokio::spawn(async move {
        let mut got = Vec::new();
        let mut buf = [0; 5];
        while got.len() < 256 {
            // Every second read is dropped as soon as it has to wait.
            let impatient = tokio::time::timeout(Duration::ZERO, far.read(&mut buf)).await;
            let n = match impatient {
                Ok(n) => n.unwrap(),
                Err(_) => far.read(&mut buf).await.unwrap(),
            };
            got.extend_from_slice(&buf[..n]);
        }
        got
    });
    let mut rest = sent.as_slice();
    while !rest.is_empty() {
        let part = &rest[..rest.len().min(9)];
        if let Ok(n) = tokio::time::timeout(Duration::ZERO, near.write(part)).await {
            rest = &rest[n.unwrap()..];
        }
    }
    near.flush().await.unwrap();
    assert_eq!(reader.await.unwrap(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_server_pings_while_it_waits_and_the_client_never_notices() {
    let (near, mut raw) = duplex(1024);
    let mut server = PingStream::server(near, PING_INTERVAL);
    let started = Instant::now();
    let reading = tokio::spawn(async move {
        let mut buf = [0; 4];
        let n = server.read(&mut buf).await.unwrap();
        buf[..n].to_vec()
    });
    for round in 1..=3 {
        let mut frame = [9; 4];
        raw.read_exact(&mut frame).await.unwrap();
        assert_eq!(frame, [0; 4]);
        assert_eq!(started.elapsed().as_secs(), 30 * round);
    }
    // A ping from the client and a byte, as recorded in `client-sends-ping`.
    raw.write_all(&[0, 0, 0, 0, 0, 0, 0, 1, b'x'])
        .await
        .unwrap();
    assert_eq!(reading.await.unwrap(), b"x");
}

#[tokio::test(start_paused = true)]
async fn pings_never_cut_into_data_nor_lose_the_writer_of_a_split_stream() {
    let (near, far) = duplex(2);
    let (mut reader, mut writer) =
        tokio::io::split(PingStream::server(near, Duration::from_millis(3)));
    let waiting = tokio::spawn(async move { reader.read_u8().await });
    let expected: Vec<u8> = (0..200).collect();
    let sent = expected.clone();
    let writing = tokio::spawn(async move {
        for part in sent.chunks(7) {
            writer.write_all(part).await.unwrap();
            writer.flush().await.unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        writer
    });
    let mut far = PingStream::client(far);
    let mut got = Vec::new();
    while got.len() < expected.len() {
        tokio::time::sleep(Duration::from_millis(2)).await;
        let mut buf = [0; 3];
        let n = far.read(&mut buf).await.unwrap();
        got.extend_from_slice(&buf[..n]);
    }
    assert_eq!(got, expected);
    let writer = writing.await.unwrap();
    drop(far);
    assert!(waiting.await.unwrap().is_err());
    drop(writer);
}

#[tokio::test(start_paused = true)]
async fn a_writer_whose_place_the_reader_took_over_is_woken() {
    // Room for exactly one frame of one byte.
    let (near, mut far) = duplex(5);
    let (mut reader, mut writer) = tokio::io::split(PingStream::server(near, PING_INTERVAL));
    tokio::spawn(async move { reader.read_u8().await });
    writer.write_all(b"x").await.unwrap();
    // The first ping finds no room.
    tokio::time::sleep(Duration::from_secs(31)).await;
    let writing = tokio::spawn(async move {
        writer.write_all(b"y").await.unwrap();
        writer.flush().await.unwrap();
    });
    // The second tick lets the reader wait for room in the writer's stead.
    tokio::time::sleep(Duration::from_secs(30)).await;
    let mut got = [9; 14];
    let read = tokio::time::timeout(Duration::from_secs(1), far.read_exact(&mut got));
    read.await.expect("the writer sleeps on").unwrap();
    assert_eq!(got, [0, 0, 0, 1, b'x', 0, 0, 0, 0, 0, 0, 0, 1, b'y']);
    writing.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_frame_at_most_waits_inside() {
    let (near, _far) = duplex(8);
    let mut stream = PingStream::client(near);
    assert_eq!(stream.write(&[1; 100]).await.unwrap(), 100);
    let second = tokio::time::timeout(Duration::from_secs(1), stream.write(&[2; 100])).await;
    assert!(second.is_err(), "{second:?}");
}

#[tokio::test]
async fn many_short_frames_make_one_read_and_nothing_is_kept_of_them() {
    let (near, mut raw) = duplex(1 << 20);
    let mut stream = PingStream::client(near);
    let frames: Vec<u8> = (0..20_u8)
        .flat_map(|n| [0, 0, 0, 2, n, n, 0, 0, 0, 0])
        .collect();
    raw.write_all(&frames).await.unwrap();
    // A frame that has begun.
    raw.write_all(&[0, 0, 0, 9, 7]).await.unwrap();
    let mut got = [0; 1000];
    let n = stream.read(&mut got).await.unwrap();
    assert_eq!(n, 41);
    assert_eq!((&got[..4], got[40]), (&[0, 0, 1, 1][..], 7));
    raw.write_all(&[8; 8]).await.unwrap();
    assert_eq!(stream.read(&mut got).await.unwrap(), 8);
    stream.write_all(&[1; 1000]).await.unwrap();
    assert_eq!(stream.out.capacity(), 0);
}
