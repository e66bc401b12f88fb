//! The data phase under load.

use tokio::io::{AsyncReadExt, duplex};

use super::*;

fn pattern(len: usize, step: u8) -> Vec<u8> {
    let mut byte = 0_u8;
    let next = |_| {
        byte = byte.wrapping_mul(31).wrapping_add(step);
        byte
    };
    (0..len).map(next).collect()
}

#[tokio::test]
async fn megabytes_go_both_ways_at_once_through_narrow_streams() {
    let (client, mut client_near) = duplex(1000);
    let (upstream, mut upstream_near) = duplex(3000);
    let piping = tokio::spawn(async move { run(&mut client_near, &mut upstream_near).await });
    let (sent_up, sent_down) = (pattern(3_000_000, 7), pattern(2_000_000, 11));
    let swap = |stream, send: Vec<u8>, expect: Vec<u8>| async move {
        let (mut read, mut write) = tokio::io::split(stream);
        let mut got = vec![0; expect.len()];
        let (a, b) = tokio::join!(write.write_all(&send), read.read_exact(&mut got));
        a.unwrap();
        b.unwrap();
        assert!(got == expect);
        read.unsplit(write)
    };
    let (client, upstream) = tokio::join!(
        swap(client, sent_up.clone(), sent_down.clone()),
        swap(upstream, sent_down, sent_up)
    );
    drop(client);
    piping.await.unwrap();
    drop(upstream);
}

#[tokio::test]
async fn everything_sent_before_the_end_arrives() {
    let (mut client, mut client_near) = duplex(1 << 20);
    let (mut upstream, mut upstream_near) = duplex(100);
    let piping = tokio::spawn(async move { run(&mut client_near, &mut upstream_near).await });
    let sent = pattern(200_000, 3);
    client.write_all(&sent).await.unwrap();
    client.shutdown().await.unwrap();
    let mut got = Vec::new();
    upstream.read_to_end(&mut got).await.unwrap();
    assert!(got == sent);
    piping.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_takes_nothing_cannot_hold_the_client_up_after_its_end() {
    let (client, mut client_near) = duplex(1 << 20);
    let (upstream, upstream_near) = duplex(1);
    // The ping layer holds a frame that cannot go out.
    let mut upstream_near = crate::transport::PingStream::client(upstream_near);
    upstream_near.write_all(b"stuck").await.unwrap();
    drop(client);
    let ended = timeout(
        Duration::from_secs(3),
        run(&mut client_near, &mut upstream_near),
    );
    ended.await.expect("waits for the cluster");
    drop(upstream);
}

#[tokio::test(start_paused = true)]
async fn small_messages_do_not_wait_in_a_buffer_below() {
    let (mut client, client_near) = duplex(1000);
    let (mut upstream, upstream_near) = duplex(1000);
    let mut client_near = tokio::io::BufStream::new(client_near);
    let mut upstream_near = tokio::io::BufStream::new(upstream_near);
    tokio::spawn(async move { run(&mut client_near, &mut upstream_near).await });
    for (from, to) in [(0, 1), (1, 0), (0, 1)] {
        let ends = [&mut client, &mut upstream];
        ends[from].write_all(b"ping").await.unwrap();
        let mut got = [0; 4];
        let read = timeout(Duration::from_secs(1), ends[to].read_exact(&mut got));
        read.await.expect("held back").unwrap();
        assert_eq!(&got, b"ping");
    }
}

#[tokio::test(start_paused = true)]
async fn a_side_that_takes_nothing_holds_the_other_back_and_then_gets_all() {
    for up in [true, false] {
        let (client, mut client_near) = duplex(5000);
        let (upstream, mut upstream_near) = duplex(1000);
        let piping = tokio::spawn(async move { run(&mut client_near, &mut upstream_near).await });
        let (mut from, mut to) = if up {
            (client, upstream)
        } else {
            (upstream, client)
        };
        let sent = pattern(10 * BUFFER, 5);
        let mut taken = 0;
        let second = Duration::from_secs(1);
        while let Ok(written) = timeout(second, from.write(&sent[taken..])).await {
            taken += written.unwrap();
        }
        assert!(taken <= BUFFER + 6000, "{taken} are held");
        let mut got = vec![0; sent.len()];
        let (written, read) = tokio::join!(from.write_all(&sent[taken..]), to.read_exact(&mut got));
        written.unwrap();
        read.unwrap();
        assert!(got == sent);
        drop(from);
        assert_eq!(to.read(&mut got).await.unwrap(), 0);
        drop(to);
        piping.await.unwrap();
    }
}
