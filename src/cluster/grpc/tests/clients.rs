//! What clients other than ours ask for: things that do not exist here, and their session again.

use std::sync::Arc;

use prost::Message;

use super::{CALLS, call, certificate, cluster};
use crate::cluster::testing::recorded;
use crate::identity::Certificate;
use crate::proto::auth as pb;
use crate::proto::types;

/// Refusals and empty lists, each as 18.3.0 gives it to a user without such things.
#[tokio::test]
async fn what_does_not_exist_is_listed_as_empty_or_refused_politely() {
    let (_cluster, alice, _) = cluster();
    let nodes = pb::ListResourcesRequest {
        resource_type: "node".to_owned(),
        ..Default::default()
    };
    let unified = pb::ListUnifiedResourcesRequest {
        kinds: vec!["node".to_owned()],
        ..Default::default()
    };
    let request = |spec: types::AccessRequestSpecV3| types::AccessRequestV3 {
        spec: Some(types::AccessRequestSpecV3 {
            user: "alice".to_owned(),
            ..spec
        }),
        ..Default::default()
    };
    let roles = request(types::AccessRequestSpecV3 {
        roles: vec!["access".to_owned()],
        ..Default::default()
    });
    let resources = request(types::AccessRequestSpecV3 {
        requested_resource_i_ds: vec![types::ResourceId::default()],
        ..Default::default()
    });
    let foreign = types::AccessRequestV3 {
        spec: Some(types::AccessRequestSpecV3 {
            user: "carol".to_owned(),
            roles: vec!["access".to_owned()],
            ..Default::default()
        }),
        ..Default::default()
    };
    let many = pb::ListAccessRequestsRequest {
        limit: 20_000,
        ..Default::default()
    };
    for (method, body, code, message) in [
        (
            "proto.AuthService/ListResources",
            nodes.encode_to_vec(),
            0,
            "",
        ),
        (
            "proto.AuthService/ListUnifiedResources",
            unified.encode_to_vec(),
            0,
            "",
        ),
        ("proto.AuthService/ListAccessRequests", vec![], 0, ""),
        (
            "proto.AuthService/ListAccessRequests",
            many.encode_to_vec(),
            3,
            "page size of 20000 is too large",
        ),
        ("proto.AuthService/GetAccessRequestsV2", vec![], 0, ""),
        ("proto.AuthService/GetActiveSessionTrackers", vec![], 0, ""),
        (
            "proto.AuthService/GetSessionEvents",
            vec![],
            7,
            "access denied to perform action \"list\" on \"session\"",
        ),
        (
            "proto.AuthService/CreateAccessRequestV2",
            roles.encode_to_vec(),
            3,
            "user \"alice\" can not request role \"access\"",
        ),
        (
            "proto.AuthService/CreateAccessRequestV2",
            resources.encode_to_vec(),
            7,
            "Resource Access Requests require usable \"search_as_roles\", none found for user \"alice\"",
        ),
        (
            "proto.AuthService/CreateAccessRequestV2",
            request(types::AccessRequestSpecV3::default()).encode_to_vec(),
            3,
            "access request does not specify any roles or resources",
        ),
        (
            "proto.AuthService/CreateAccessRequestV2",
            foreign.encode_to_vec(),
            7,
            "access denied to perform action \"create\" on \"access_request\"",
        ),
        (
            "proto.AuthService/SubmitAccessReview",
            vec![],
            7,
            "user \"alice\" cannot submit reviews",
        ),
    ] {
        let answer = call(&alice, &format!("/{method}"), &body, None).await;
        assert_eq!(
            (answer.code, answer.message.as_str()),
            (code, message),
            "{method}"
        );
        assert_eq!(answer.version.as_deref(), Some("18.3.0"), "{method}");
        assert!(answer.messages.iter().all(Vec::is_empty), "{method}");
    }
}

/// The unified list knows the same databases.
#[tokio::test]
async fn databases_are_resources_like_others() {
    let (_cluster, alice, _) = cluster();
    let mut names = Vec::new();
    let mut start_key = String::new();
    for page in 0.. {
        assert!(page < 3, "the list has an end");
        let request = pb::ListUnifiedResourcesRequest {
            kinds: vec!["db".to_owned(), "node".to_owned()],
            limit: 2,
            start_key,
            ..Default::default()
        };
        let method = "/proto.AuthService/ListUnifiedResources";
        let answer = call(&alice, method, &request.encode_to_vec(), None).await;
        let list =
            pb::ListUnifiedResourcesResponse::decode(&answer.messages[0][..]).expect("a list");
        for resource in list.resources {
            let Some(pb::paginated_resource::Resource::DatabaseServer(server)) = resource.resource
            else {
                panic!("not a database")
            };
            names.push(server.metadata.expect("metadata").name);
        }
        start_key = list.next_key;
        if start_key.is_empty() {
            break;
        }
    }
    assert_eq!(names, ["app", "dead", "orders", "scratch"]);
}

/// The authenticator app is listed, its key is not.
#[tokio::test]
async fn the_second_factor_is_listed_without_its_key() {
    let (_cluster, alice, _) = cluster();
    let answer = call(&alice, "/proto.AuthService/GetMFADevices", &[], None).await;
    let devices = pb::GetMfaDevicesResponse::decode(&answer.messages[0][..])
        .expect("devices")
        .devices;
    assert_eq!(devices.len(), 1);
    assert_eq!(
        devices[0].device,
        Some(types::mfa_device::Device::Totp(types::TotpDevice {
            key: String::new()
        }))
    );
}

/// A client that keeps its session in the SSH certificate gets both again, for the same person and the same time
/// (auth-api.md 2.8, 4.1).
#[tokio::test]
async fn a_session_is_renewed_with_both_certificates() {
    let (cluster, alice, _) = cluster();
    let key = rcgen::KeyPair::generate().expect("a key");
    let login = certificate(&cluster, "alice");
    let recorded_keys =
        pb::UserCertsRequest::decode(&recorded("auth-api/certs-all.request.binpb")[..])
            .expect("a request");
    let request = pb::UserCertsRequest {
        username: "alice".to_owned(),
        tls_public_key: key.public_key_pem().into_bytes(),
        ssh_public_key: recorded_keys.ssh_public_key,
        expires: Some(prost_types::Timestamp {
            seconds: login.not_after,
            nanos: 0,
        }),
        ..Default::default()
    };
    let method = "/proto.AuthService/GenerateUserCerts";
    let answer = call(&alice, method, &request.encode_to_vec(), None).await;
    assert_eq!((answer.code, answer.message.as_str()), (0, ""));
    let certs = pb::Certs::decode(&answer.messages[0][..]).expect("certificates");
    let tls = Certificate::from_pem(&certs.tls).expect("PEM");
    assert_eq!(tls.identity.roles, login.identity.roles);
    assert_eq!(
        tls.not_after,
        login.not_after - CALLS,
        "as the presented one"
    );
    let line = String::from_utf8(certs.ssh).expect("text");
    assert!(
        line.contains("-cert-v01@openssh.com ") && line.ends_with('\n'),
        "{line}"
    );
    let garbage = pb::UserCertsRequest {
        ssh_public_key: b"ssh-dss AAAA".to_vec(),
        ..request
    };
    let answer = call(&alice, method, &garbage.encode_to_vec(), None).await;
    assert_eq!(
        (answer.code, answer.message.as_str()),
        (2, "ssh: no key found")
    );
}

/// What is called in vain is reported, once, and only of users.
#[tokio::test]
async fn methods_that_are_not_there_are_reported_once() {
    let lines = Arc::new(std::sync::Mutex::new(Vec::new()));
    let sink = Arc::clone(&lines);
    let cluster = crate::cluster::testing::TestCluster::reporting(
        crate::cluster::testing::DOCUMENTS,
        Arc::new(move |line: &str| sink.lock().expect("no panic").push(line.to_owned())),
    );
    let alice = super::router(&cluster, "alice");
    for _ in 0..2 {
        let answer = call(&alice, "/proto.AuthService/GetDomainName", &[], None).await;
        assert_eq!(
            (answer.code, answer.message.as_str()),
            (
                12,
                "unknown method GetDomainName for service proto.AuthService"
            )
        );
    }
    for n in 0..100 {
        call(&alice, &format!("/proto.AuthService/Nope{n}"), &[], None).await;
    }
    let lines = lines.lock().expect("no panic").clone();
    assert_eq!(
        lines[0],
        "a client called \"/proto.AuthService/GetDomainName\", which is not served here"
    );
    assert_eq!(lines.len(), 64, "bounded");
}
