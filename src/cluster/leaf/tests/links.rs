//! Joining, links that come and go, removal.

use serde_json::json;

use super::databases::connect;
use super::{Port, document, linked, until};
use crate::cluster::ca::CaKind;
use crate::cluster::ca::phase::Phase;
use crate::cluster::leaf::authority::{PublicAuthority, pin};
use crate::cluster::leaf::document::{CA_FILE, CA_PIN};
use crate::cluster::rotation::rotate;

#[tokio::test]
async fn a_leaf_joins_is_listed_goes_and_comes_back() {
    let (root, mut leaf) = linked().await;
    let listed = root.state().leaves().all();
    assert_eq!(listed.len(), 1);
    assert!(listed[0].last_heartbeat >= listed[0].joined && listed[0].joined > 0);
    let trust = leaf
        .state()
        .trusts()
        .get("root")
        .expect("the root is trusted");
    assert_eq!(
        trust.host.tls,
        [root.state().authority(CaKind::Host).cert_pem()]
    );
    assert_eq!(
        trust.user.tls,
        [root.state().authority(CaKind::User).cert_pem()]
    );
    let (_, shown) = &root.state().leaves().host_authorities()[0];
    assert_eq!(shown.tls, [leaf.state().authority(CaKind::Host).cert_pem()]);
    assert!(leaf.state().trusts().statuses()["root"].online);

    leaf.unlink();
    until("the leaf to be offline", || !root.online("leaf")).await;
    // What it joined with is not needed any more.
    let mut later = document(&root, "");
    later["spec"]
        .as_object_mut()
        .expect("a map")
        .remove("token");
    leaf.trust(Some(&later));
    leaf.link();
    until("the leaf to be back", || root.online("leaf")).await;
}

#[tokio::test]
async fn the_newer_of_two_links_counts() {
    let (root, mut leaf) = linked().await;
    // A second process with the same state, as after a failover: the first one's link is given up.
    let first = leaf.linking.take().expect("the first agent");
    leaf.link();
    let reports = leaf.cluster.reports();
    until("the first link to end", || {
        reports().iter().any(|r| r.contains("the link ended"))
    })
    .await;
    first.abort();
    until("the second link", || root.online("leaf")).await;
}

#[tokio::test]
async fn a_removed_leaf_is_cut_off_and_comes_back_with_a_new_token_only() {
    let (root, leaf) = linked().await;
    assert!(root.state().leaves().remove("leaf").expect("a removal"));
    assert!(root.state().leaves().all().is_empty());
    until("the leaf to know", || {
        leaf.error("root")
            .contains("does not know this cluster any more")
    })
    .await;
    let token = root.token();
    leaf.trust(Some(&document(&root, &token)));
    until("the leaf to be back", || root.online("leaf")).await;
}

#[tokio::test]
async fn a_removed_document_ends_the_link_and_the_trust() {
    let (root, leaf) = linked().await;
    leaf.trust(None);
    until("the leaf to be offline", || !root.online("leaf")).await;
    assert!(leaf.state().trusts().get("root").is_none());
    assert!(leaf.state().store().trusts().expect("a query").is_empty());
    assert!(
        root.state().leaves().knows("leaf"),
        "the root's side is the root's"
    );
}

#[tokio::test]
async fn another_role_map_leaves_the_link_alone() {
    let (root, leaf) = linked().await;
    let before = root.state().leaves().link("leaf").expect("a link");
    let mut documents = (*leaf.state().documents()).clone();
    let changed = documents
        .trusted_clusters
        .get_mut("root")
        .expect("the root");
    changed.role_map[0].remote = "nobody".to_owned();
    // Beside it something whose effect is seen: then the agent has dealt with both.
    let mut refused = document(&root, "");
    refused["metadata"]["name"] = json!("other");
    let refused = super::TrustedCluster::from_document(&refused).expect("a document");
    documents
        .trusted_clusters
        .insert("other".to_owned(), refused);
    leaf.state().replace_documents(documents);
    until("the agent", || leaf.error("other").contains("no token")).await;
    let answer = connect(&root, "leaf", "dead", "app").await;
    assert_eq!(
        answer.message(),
        "access denied",
        "over the link, by the new map"
    );
    let after = root.state().leaves().link("leaf").expect("a link");
    assert!(std::sync::Arc::ptr_eq(&before, &after));
}

#[tokio::test]
async fn the_root_is_recognised_by_a_pin() {
    let (root, mut leaf) = (Port::new("root").await, Port::new("leaf").await);
    let token = root.token();
    let pinned = |pin: String| {
        let mut pinned = document(&root, &token);
        pinned["metadata"]["labels"] = json!({CA_PIN: pin});
        pinned
    };
    let wrong = pin(root.state().authority(CaKind::User).cert_der()).expect("a pin");
    leaf.trust(Some(&pinned(wrong)));
    leaf.link();
    until("the refusal", || {
        leaf.error("root").contains("UnknownIssuer")
    })
    .await;
    assert!(
        root.state().leaves().all().is_empty(),
        "the token was not sent"
    );
    let right = pin(root.state().authority(CaKind::Host).cert_der()).expect("a pin");
    leaf.trust(Some(&pinned(right)));
    until("the leaf to be online", || root.online("leaf")).await;
}

#[tokio::test]
async fn a_root_that_nobody_vouches_for_gets_no_token() {
    let (root, other) = (Port::new("root").await, Port::new("root").await);
    let mut leaf = Port::new("leaf").await;
    let mut wrong = document(&root, &root.token());
    wrong["metadata"]["labels"] = json!({CA_FILE: other.ca.path().to_str()});
    leaf.trust(Some(&wrong));
    leaf.link();
    until("the refusal", || {
        leaf.error("root").contains("invalid peer certificate")
    })
    .await;
    let mut missing = document(&root, &root.token());
    missing["metadata"]["labels"] = json!({CA_FILE: "/nowhere/ca.pem"});
    leaf.trust(Some(&missing));
    until("the refusal", || {
        leaf.error("root").contains("/nowhere/ca.pem")
    })
    .await;
    assert!(root.state().leaves().all().is_empty());
}

#[tokio::test]
async fn what_is_refused_says_why() {
    let root = Port::new("root").await;
    let mut leaf = Port::new("leaf").await;
    let mut other_name = document(&root, &root.token());
    leaf.trust(Some(&document(&root, "guess")));
    leaf.link();
    until("the refusal", || {
        leaf.error("root").contains("the token is not valid")
    })
    .await;
    leaf.trust(Some(&document(&root, "")));
    until("the refusal", || leaf.error("root").contains("no token")).await;
    other_name["metadata"]["name"] = json!("another");
    leaf.trust(Some(&other_name));
    until("the refusal", || {
        leaf.error("another")
            .contains("is \"root\": name the document so")
    })
    .await;
    let mut file = document(&root, "/nowhere/token");
    leaf.trust(Some(&file));
    until("the refusal", || {
        leaf.error("root").contains("/nowhere/token")
    })
    .await;
    let kept = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(kept.path(), format!("{}\n", root.token())).expect("a file");
    file["spec"]["token"] = json!(kept.path().to_str());
    leaf.trust(Some(&file));
    until("the leaf to be online", || root.online("leaf")).await;
}

#[tokio::test]
async fn two_leaves_and_a_leaf_of_two_roots() {
    let (root, leaf) = linked().await;
    let mut second = Port::new("second").await;
    second.trust(Some(&document(&root, &root.token())));
    second.link();
    until("the second leaf", || {
        root.online("second") && root.online("leaf")
    })
    .await;
    let other = Port::new("other").await;
    let mut both = (*leaf.state().documents()).clone();
    let mut to_other = document(&other, &other.token());
    to_other["metadata"]["name"] = json!("other");
    let to_other = super::TrustedCluster::from_document(&to_other).expect("a document");
    both.trusted_clusters.insert("other".to_owned(), to_other);
    leaf.state().replace_documents(both);
    until("the other root", || {
        other.online("leaf") && root.online("leaf")
    })
    .await;
}

/// Each end hears of the other's new authorities before they are used, and the link stands all along.
#[tokio::test]
async fn a_rotation_reaches_the_other_cluster_over_the_link() {
    let (root, mut leaf) = linked().await;
    let enter = |cluster: &Port, kind, phase| {
        let state = cluster.state();
        rotate(state.store(), kind, phase, state.now()).expect("a step");
        assert!(state.reload_authorities().expect("the authorities"));
        cluster.front.renew().expect("new certificates");
        state.note_change();
    };
    let phases = [
        Phase::Init,
        Phase::UpdateClients,
        Phase::UpdateServers,
        Phase::Standby,
    ];
    for phase in phases {
        for kind in [CaKind::Host, CaKind::User] {
            enter(&root, kind, phase);
        }
        let own = root.state().authorities();
        let all = |kind| PublicAuthority::of(&own, kind);
        until("the leaf to know", || {
            let trust = leaf.state().trusts().get("root").expect("a trust");
            (&trust.host, &trust.user) == (&all(CaKind::Host), &all(CaKind::User))
        })
        .await;
    }
    for phase in phases {
        enter(&leaf, CaKind::Host, phase);
        root.state().note_change();
        let all = PublicAuthority::of(&leaf.state().authorities(), CaKind::Host);
        until("the root to know", || {
            root.state().leaves().host_authorities()[0].1 == all
        })
        .await;
        // A new link proves itself by a certificate of the authority that signs now.
        leaf.unlink();
        until("the leaf to be offline", || !root.online("leaf")).await;
        leaf.link();
        until("the leaf to be back", || root.online("leaf")).await;
    }
}
