//! Each phase: who signs, who is trusted, what comes next.

use super::*;
use crate::cluster::testing::{DOCUMENTS, LOGIN, TestCluster};

const ORDER: [Phase; 4] = [
    Phase::Init,
    Phase::UpdateClients,
    Phase::UpdateServers,
    Phase::Standby,
];

fn cluster() -> TestCluster {
    TestCluster::new("root", DOCUMENTS, &[], false)
}

fn step(cluster: &TestCluster, kind: CaKind, to: Phase) -> Result<(), RotationError> {
    rotate(cluster.state.store(), kind, to, LOGIN)?;
    assert!(cluster.state.reload_authorities().expect("the authorities"));
    assert_eq!(cluster.state.authorities().phase(kind), to);
    Ok(())
}

/// The certificate that signs, and those that are trusted.
fn known(cluster: &TestCluster, kind: CaKind) -> (Vec<u8>, Vec<Vec<u8>>) {
    let authorities = cluster.state.authorities();
    let trusted = authorities.trusted(kind);
    (
        authorities.get(kind).cert_der().to_vec(),
        trusted.iter().map(|a| a.cert_der().to_vec()).collect(),
    )
}

#[test]
fn each_kind_goes_through_its_phases_and_the_others_stay() {
    for kind in CaKind::ALL {
        let cluster = cluster();
        let before = CaKind::ALL.map(|kind| known(&cluster, kind));
        let (old, _) = known(&cluster, kind);
        let old_ssh = cluster.state.authorities().ssh_keys(kind);
        step(&cluster, kind, Phase::Init).expect("a step");
        let (signs, trusted) = known(&cluster, kind);
        let new = trusted[1].clone();
        assert_ne!(old, new);
        assert_eq!(
            (signs, trusted),
            (old.clone(), vec![old.clone(), new.clone()])
        );

        step(&cluster, kind, Phase::UpdateClients).expect("a step");
        let (signs, trusted) = known(&cluster, kind);
        let clients = matches!(kind, CaKind::User | CaKind::DbClient);
        assert_eq!(signs, if clients { &new } else { &old }.clone(), "{kind}");
        assert_eq!(trusted, [new.clone(), old.clone()]);

        step(&cluster, kind, Phase::UpdateServers).expect("a step");
        assert_eq!(known(&cluster, kind), (new.clone(), vec![new.clone(), old]));
        let ssh = cluster.state.authorities().ssh_keys(kind);
        assert_eq!(ssh.len(), 2 * old_ssh.len());

        step(&cluster, kind, Phase::Standby).expect("a step");
        assert_eq!(known(&cluster, kind), (new.clone(), vec![new]));
        let ssh = cluster.state.authorities().ssh_keys(kind);
        assert_eq!(ssh.len(), old_ssh.len());
        assert!(ssh.iter().all(|key| !old_ssh.contains(key)));
        for (other, before) in CaKind::ALL.into_iter().zip(before) {
            assert!(other == kind || known(&cluster, other) == before, "{other}");
        }
    }
}

#[test]
fn a_rollback_gives_the_old_one_its_work_back_and_trusts_the_new_one_until_standby() {
    for steps in 1..=3 {
        let cluster = cluster();
        let (old, _) = known(&cluster, CaKind::User);
        let ssh = cluster.state.authorities().ssh_keys(CaKind::User);
        for phase in &ORDER[..steps] {
            step(&cluster, CaKind::User, *phase).expect("a step");
        }
        step(&cluster, CaKind::User, Phase::Rollback).expect("a step");
        let (signs, trusted) = known(&cluster, CaKind::User);
        assert_eq!(signs, old);
        assert_eq!((trusted.len(), &trusted[0]), (2, &old));
        step(&cluster, CaKind::User, Phase::Standby).expect("a step");
        assert_eq!(known(&cluster, CaKind::User), (old.clone(), vec![old]));
        assert_eq!(cluster.state.authorities().ssh_keys(CaKind::User), ssh);
        step(&cluster, CaKind::User, Phase::Init).expect("another rotation");
    }
}

#[test]
fn a_wrong_step_changes_nothing_and_says_what_comes_next() {
    let cluster = cluster();
    for at in 0..=ORDER.len() {
        let phase = cluster.state.authorities().phase(CaKind::Db);
        let before = known(&cluster, CaKind::Db);
        for wrong in Phase::ALL
            .iter()
            .filter(|to| !phase.following().contains(to))
        {
            let refused = rotate(cluster.state.store(), CaKind::Db, *wrong, LOGIN);
            let error = refused.expect_err("the wrong phase").to_string();
            assert!(error.contains(phase.as_str()), "{error}");
            assert!(error.contains(phase.following()[0].as_str()), "{error}");
            assert!(!cluster.state.reload_authorities().expect("the state"));
            assert_eq!(known(&cluster, CaKind::Db), before);
        }
        if let Some(next) = ORDER.get(at) {
            step(&cluster, CaKind::Db, *next).expect("a step");
        }
    }
}

#[test]
fn a_step_that_somebody_else_took_is_not_taken_again() {
    let cluster = cluster();
    let store = cluster.state.store();
    rotate(store, CaKind::Host, Phase::Init, LOGIN).expect("a step");
    let made = make("root", CaKind::Host, LOGIN).expect("an authority");
    let again = store.rotate(Step {
        kind: "host",
        from: "standby",
        to: "init",
        now: LOGIN,
        keys: Keys::Add(&made),
    });
    assert!(!again.expect("the state"));
    let broken = store.rotate(Step {
        kind: "host",
        from: "init",
        to: "update_clients",
        now: LOGIN,
        keys: Keys::Add(&made),
    });
    assert!(broken.is_err(), "they are there already");
    let kept = Authorities::kept(store)
        .expect("the state")
        .expect("authorities");
    assert_eq!(
        kept.phase(CaKind::Host),
        Phase::Init,
        "and nothing of it remains"
    );
}
