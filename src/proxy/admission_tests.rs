//! Own clients, others, and those of whom the system knows nothing.

use tokio::io::AsyncWriteExt;

use super::super::testing::{Opening, Rig, app, own, read_message, rest, startup, take};
use super::super::{Password, Purpose};
use super::*;
use crate::pg::recorded::{self, Side};
use crate::pg::sqlstate;

fn options(password: bool, other_users: bool) -> Options {
    Options {
        password: password.then(|| Password::random().unwrap()),
        other_users,
        ..Options::default()
    }
}

fn other() -> Peer {
    let Peer::User(uid) = own() else {
        unreachable!("this system has users")
    };
    Peer::User(uid ^ 1)
}

#[test]
fn the_same_user_is_served_others_are_not_and_a_password_stands_in_for_the_unknown() {
    let served = |peer, options: &Options| decide(peer, options) == Admission::Served;
    for (password, other_users) in [(false, false), (true, false), (false, true), (true, true)] {
        let options = options(password, other_users);
        assert!(served(own(), &options), "{options:?}");
        assert_eq!(served(other(), &options), other_users, "{options:?}");
        assert_eq!(
            served(Peer::Unknown, &options),
            password || other_users,
            "{options:?}"
        );
        assert_eq!(served(Peer::Gone, &options), other_users, "{options:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn another_user_is_told_and_reaches_nothing() {
    let mut rig = Rig::of(other(), app(), Opening::Works, Options::default());
    rig.say(&startup("app").encode()).await;
    let error = rig.refusal().await;
    assert_eq!(
        error.sqlstate().as_deref(),
        Some(sqlstate::INVALID_AUTHORIZATION)
    );
    assert!(error.message().contains("another user"), "{error:?}");
    assert!(error.hint().unwrap().contains("--allow-other-users"));
    assert!(rig.far_ends.try_recv().is_err(), "the cluster was asked");
    assert_eq!(rig.shared.report().strangers, 1);
    let notes = rig.done().await;
    assert!(notes[0].contains("uid"), "{notes:?}");
}

#[tokio::test(start_paused = true)]
async fn another_users_cancel_request_is_dropped() {
    let mut rig = Rig::of(other(), app(), Opening::Works, Options::default());
    rig.say(&recorded::plain("cancel-plain", Side::Client))
        .await;
    assert_eq!(rest(&mut rig.client).await, b"");
    assert!(rig.far_ends.try_recv().is_err(), "the cluster was asked");
}

#[tokio::test(start_paused = true)]
async fn many_others_wait_a_moment_at_most_and_keep_the_owner_from_nothing() {
    let rig = Rig::of(other(), app(), Opening::Works, Options::default());
    let crowd: Vec<_> = (0..100).map(|_| rig.another(other())).collect();
    let (mut client, _serving) = rig.another(own());
    let mut far_ends = rig.far_ends;
    client.write_all(&startup("app").encode()).await.unwrap();
    let (purpose, _far) = far_ends.recv().await.unwrap();
    assert_eq!(purpose, Purpose::Session);
    let begun = tokio::time::Instant::now();
    for (_client, serving) in crowd {
        serving.await.unwrap();
    }
    assert!(begun.elapsed() <= PATIENCE);
}

#[tokio::test(start_paused = true)]
async fn a_password_is_asked_for_before_anything_is_opened() {
    let options = options(true, false);
    let password = options.password.clone().unwrap();
    for (said, right) in [
        (password.reveal().to_owned(), true),
        ("wrong".to_owned(), false),
        (String::new(), false),
    ] {
        let mut rig = Rig::of(Peer::Unknown, app(), Opening::Works, options.clone());
        rig.say(&startup("app").encode()).await;
        assert_eq!(take(&mut rig.client, 9).await, b"R\0\0\0\x08\0\0\0\x03");
        assert!(rig.far_ends.try_recv().is_err(), "the cluster was asked");
        let length = u32::try_from(said.len() + 5).unwrap().to_be_bytes();
        rig.say(&[&b"p"[..], &length, said.as_bytes(), b"\0"].concat())
            .await;
        if right {
            let mut far = rig.far_end(Purpose::Session).await;
            let startup = startup("app").encode();
            // The password stays here.
            assert_eq!(take(&mut far, startup.len()).await, startup);
            far.write_all(b"R\0\0\0\x08\0\0\0\0").await.unwrap();
            assert_eq!(read_message(&mut rig.client).await.body, [0; 4][..]);
        } else {
            let error = rig.refusal().await;
            assert_eq!(
                error.sqlstate().as_deref(),
                Some(sqlstate::INVALID_PASSWORD)
            );
            assert!(error.hint().unwrap().contains("tunnel's own password"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn anything_but_a_password_and_silence_end_the_connection() {
    let options = options(true, false);
    let mut rig = Rig::of(own(), app(), Opening::Works, options.clone());
    rig.say(&[&startup("app").encode()[..], b"Q\0\0\0\x05\0"].concat())
        .await;
    assert_eq!(take(&mut rig.client, 9).await.len(), 9);
    let error = rig.refusal().await;
    assert_eq!(
        error.sqlstate().as_deref(),
        Some(sqlstate::INVALID_PASSWORD)
    );
    let mut rig = Rig::of(own(), app(), Opening::Works, options);
    rig.say(&startup("app").encode()).await;
    assert_eq!(take(&mut rig.client, 9).await.len(), 9);
    // As long as for the first packet.
    let begun = tokio::time::Instant::now();
    let mut end = [0];
    let read = tokio::io::AsyncReadExt::read(&mut rig.client, &mut end).await;
    assert_eq!(read.unwrap(), 0);
    assert_eq!(begun.elapsed(), Options::default().first_packet);
}
