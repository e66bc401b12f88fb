//! The tunnel as a whole, on real sockets.

use std::future::pending;

use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::super::testing::{Cluster, Opening, app, startup};
use super::super::{Options, Purpose};
use super::*;
use crate::pg::recorded::{self, Side};

/// Real time passes here: nothing may take longer than this.
const PATIENCE: Duration = Duration::from_secs(10);

type FarEnds = tokio::sync::mpsc::UnboundedReceiver<(Purpose, tokio::io::DuplexStream)>;

async fn tunnel(
    options: Options,
) -> (
    std::net::SocketAddr,
    FarEnds,
    oneshot::Sender<()>,
    JoinHandle<Report>,
) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (cluster, far_ends) = Cluster::new(app(), Opening::Works);
    let (stop, stopped) = oneshot::channel();
    let shutdown = async {
        let _ = stopped.await;
    };
    let serving = tokio::spawn(serve(listener, cluster, options, shutdown));
    (address, far_ends, stop, serving)
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("took too long")
}

fn recorded_start() -> Vec<u8> {
    recorded::plain_server_bytes("gss-then-ssl")[2..].to_vec()
}

#[tokio::test]
async fn silent_clients_keep_nobody_waiting_and_stopping_reports_what_was_done() {
    let (address, mut far_ends, stop, serving) = tunnel(Options::default()).await;
    let _silent = soon(TcpStream::connect(address)).await.unwrap();
    let mut client = soon(TcpStream::connect(address)).await.unwrap();
    client.write_all(&startup("app").encode()).await.unwrap();
    let (purpose, mut far) = soon(far_ends.recv()).await.unwrap();
    assert_eq!(purpose, Purpose::Session);
    far.write_all(&recorded_start()).await.unwrap();
    let mut got = vec![0; recorded_start().len()];
    soon(client.read_exact(&mut got)).await.unwrap();
    assert_eq!(got, recorded_start());
    stop.send(()).unwrap();
    assert_eq!(soon(client.read(&mut got)).await.unwrap_or(0), 0);
    let report = soon(serving).await.unwrap();
    assert_eq!(
        report,
        Report {
            connections: 2,
            sessions: 1,
            startup_seen: true,
            ..Report::default()
        }
    );
    assert!(
        soon(TcpStream::connect(address)).await.is_err(),
        "still listening"
    );
}

#[tokio::test]
async fn connections_are_bounded_and_served_when_a_place_is_free() {
    let options = Options {
        max_sessions: 1,
        max_waiting: 0,
        ..Options::default()
    };
    let (address, mut far_ends, _stop, _serving) = tunnel(options).await;
    let first = soon(TcpStream::connect(address)).await.unwrap();
    let mut second = soon(TcpStream::connect(address)).await.unwrap();
    second.write_all(&startup("app").encode()).await.unwrap();
    let early = timeout(Duration::from_millis(200), far_ends.recv()).await;
    assert!(early.is_err(), "served beyond the bound");
    drop(first);
    assert!(soon(far_ends.recv()).await.is_some());
}

#[tokio::test]
async fn a_cancel_under_way_is_finished_when_the_tunnel_stops() {
    let (address, mut far_ends, stop, serving) = tunnel(Options::default()).await;
    let mut client = soon(TcpStream::connect(address)).await.unwrap();
    let request = recorded::plain("cancel-plain", Side::Client);
    client.write_all(&request).await.unwrap();
    let (purpose, mut far) = soon(far_ends.recv()).await.unwrap();
    assert_eq!(purpose, Purpose::Cancel);
    stop.send(()).unwrap();
    let mut got = vec![0; request.len()];
    soon(far.read_exact(&mut got)).await.unwrap();
    assert_eq!(got, request);
    drop(far);
    assert_eq!(soon(client.read(&mut got)).await.unwrap(), 0);
    assert_eq!(soon(serving).await.unwrap().cancels, 1);
}

#[tokio::test]
async fn an_error_arrives_though_the_client_has_sent_more_than_was_read() {
    let (address, mut far_ends, _stop, _serving) = tunnel(Options::default()).await;
    for _ in 0..20 {
        let mut client = soon(TcpStream::connect(address)).await.unwrap();
        client.write_all(&startup("app").encode()).await.unwrap();
        let (_, mut far) = soon(far_ends.recv()).await.unwrap();
        client.write_all(&vec![b'x'; 200_000]).await.unwrap();
        far.write_all(&recorded::plain_server_bytes("dead-db")[1..])
            .await
            .unwrap();
        let mut answer = Vec::new();
        soon(client.read_to_end(&mut answer))
            .await
            .expect("the answer was lost to a reset");
        assert_eq!(answer[0], b'E');
    }
}

#[tokio::test]
async fn dropping_the_tunnel_drops_its_connections() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (cluster, _far_ends) = Cluster::new(app(), Opening::Works);
    let serving = tokio::spawn(serve(listener, cluster, Options::default(), pending()));
    let mut client = soon(TcpStream::connect(address)).await.unwrap();
    client.write_all(&[0, 0]).await.unwrap();
    tokio::task::yield_now().await;
    serving.abort();
    assert!(soon(serving).await.unwrap_err().is_cancelled());
    let mut byte = [0];
    assert!(matches!(soon(client.read(&mut byte)).await, Ok(0) | Err(_)));
}

/// Every place is free again, whoever went first and however.
#[tokio::test]
async fn nothing_is_left_when_either_side_vanishes() {
    const SESSIONS: usize = 10;
    let options = Options {
        max_sessions: SESSIONS,
        max_waiting: 0,
        ..Options::default()
    };
    let (address, mut far_ends, stop, serving) = tunnel(options).await;
    for round in 0..4 {
        let mut sessions = Vec::new();
        for _ in 0..SESSIONS {
            let mut client = soon(TcpStream::connect(address)).await.unwrap();
            client.write_all(&startup("app").encode()).await.unwrap();
            let (_, mut far) = soon(far_ends.recv()).await.expect("a place is free");
            far.write_all(&recorded_start()).await.unwrap();
            let mut got = vec![0; recorded_start().len()];
            soon(client.read_exact(&mut got)).await.unwrap();
            sessions.push((client, far));
        }
        for (mut client, mut far) in sessions {
            let mut rest = Vec::new();
            match round {
                0 => drop(client),
                // What a killed client leaves unread makes a reset of its end.
                1 => {
                    far.write_all(b"unread").await.unwrap();
                    let _ = soon(client.readable()).await;
                    drop(client);
                }
                2 => {
                    far.write_all(b"last words").await.unwrap();
                    drop(far);
                    soon(client.read_to_end(&mut rest)).await.unwrap();
                    assert_eq!(rest, b"last words");
                    continue;
                }
                _ => {
                    client.write_all(b"last words").await.unwrap();
                    client.shutdown().await.unwrap();
                    soon(far.read_exact(&mut [0; 36])).await.unwrap();
                    soon(far.read_to_end(&mut rest)).await.unwrap();
                    assert_eq!(rest, b"last words");
                    continue;
                }
            }
            let _ = soon(far.read_to_end(&mut rest)).await;
        }
    }
    stop.send(()).unwrap();
    assert_eq!(soon(serving).await.unwrap().sessions, 4 * SESSIONS as u64);
}
