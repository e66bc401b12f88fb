//! The auth service answers recorded requests as recorded: codes, texts, lists, subjects and lifetimes of certificates.

use std::sync::Arc;

use axum::Extension;
use prost::Message;
use serde_json::Value;

use super::super::is_served;
use super::{CALLS, Caller, Closer, auth_router, call, certificate, cluster};
use crate::cluster::testing::{DOCUMENTS, TestCluster, recorded, recorded_json};
use crate::identity::Certificate;
use crate::proto::auth as pb;
use crate::proto::teleport::users::v1::GetUserResponse;
use crate::proto::types;

fn names(list: &pb::ListResourcesResponse) -> Vec<types::DatabaseV3> {
    let databases = list.resources.iter().map(|r| {
        let Some(pb::paginated_resource::Resource::DatabaseServer(server)) = &r.resource else {
            panic!("no database")
        };
        let spec = server.spec.clone().expect("a spec");
        let meta = server.metadata.clone().expect("metadata");
        assert_eq!(
            (
                server.kind.as_str(),
                server.version.as_str(),
                spec.version.as_str(),
                spec.hostname.as_str()
            ),
            ("db_server", "v3", "18.3.0", "root-node")
        );
        let database = spec.database.expect("a database");
        assert_eq!(meta.name, database.metadata.clone().expect("metadata").name);
        database
    });
    databases.collect()
}

/// Databases, order, total and next page equal; host IDs differ.
fn same_list(name: &str, have: &[u8], want: &[u8]) {
    let (have, want) = (
        pb::ListResourcesResponse::decode(have).expect("a list"),
        pb::ListResourcesResponse::decode(want).expect("a list"),
    );
    assert_eq!(names(&have), names(&want), "{name}");
    assert_eq!(have.total_count, want.total_count, "{name}");
    let key = |list: &pb::ListResourcesResponse| {
        list.next_key
            .split_once('/')
            .map(|(_, name)| name.to_owned())
    };
    assert_eq!(key(&have), key(&want), "{name}");
}

/// Subject, validity and what comes with the certificate; random parts and keys differ.
fn same_certificate(name: &str, cluster: &TestCluster, have: &[u8], want: &[u8], recorded: &Value) {
    let (have, want) = (
        pb::Certs::decode(have).expect("certificates"),
        pb::Certs::decode(want).expect("certificates"),
    );
    assert_eq!(
        (have.tlsca_certs.len(), have.sshca_certs.len()),
        (want.tlsca_certs.len(), want.sshca_certs.len()),
        "{name}"
    );
    let kind = |line: &[u8]| {
        String::from_utf8_lossy(line)
            .split(' ')
            .next()
            .map(str::to_owned)
    };
    assert_eq!(kind(&have.ssh), kind(&want.ssh), "{name}");
    let (have, want) = (
        Certificate::from_pem(&have.tls).expect("PEM"),
        Certificate::from_pem(&want.tls).expect("PEM"),
    );
    let stable = |c: &Certificate| {
        let mut identity = c.identity.clone();
        identity
            .principals
            .retain(|p| !p.starts_with("-teleport-nologin-"));
        identity.roles.sort();
        if identity.username == "carol" {
            // An administrator had made the certificate she presented: no login address, but who made it.
            identity.login_ip.clear();
            identity
                .other
                .retain(|(oid, _)| oid != crate::identity::oids::IMPERSONATOR);
        }
        identity
    };
    assert_eq!(stable(&have), stable(&want), "{name}");
    let lifetime = recorded["lifetime_seconds_from_call"]
        .as_i64()
        .expect("a lifetime");
    // Stricter than the recording, which let a tunnel's certificate outlive the login by the time since then.
    let lifetime = if name == "certs-db-tunnel-expires-long" {
        lifetime - CALLS
    } else {
        lifetime
    };
    let left = have.not_after - cluster.state.now();
    // The recorded calls took a second or two.
    assert!(
        (left - lifetime).abs() <= 2,
        "{name}: {left} s, recorded {lifetime} s"
    );
    assert_eq!(have.not_before, cluster.state.now() - 60, "{name}");
}

/// Every recorded call of alice and carol to their own cluster that this one serves.
#[tokio::test]
async fn calls_are_answered_as_recorded() {
    // Access requests and events are not served; a one-time code for a session is refused in both forms (auth-api.md 2.8).
    let other = ["certs-db-mfa-otp-no-purpose"];
    let (cluster, alice, carol) = cluster();
    let mut seen = 0;
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/auth-api"))
        .expect("recordings")
    {
        let file = entry
            .expect("an entry")
            .file_name()
            .into_string()
            .expect("a name");
        let Some(name) = file.strip_suffix(".json") else {
            continue;
        };
        let case = recorded_json(&format!("auth-api/{file}"));
        let own = case["cluster"] == "root" && !other.contains(&name) && !name.contains("leaf");
        let router = match case["identity"].as_str() {
            Some("alice") if own => &alice,
            Some("carol") if own => &carol,
            _ => continue,
        };
        let Some(code) = case["status"]["number"].as_u64() else {
            continue;
        };
        if name == "host-cas-root"
            || name.starts_with("remote-clusters")
            || name.starts_with("request")
            || name.contains("health")
        {
            continue;
        }
        seen += 1;
        let sent = case["request"].as_object().is_some_and(|r| !r.is_empty());
        let request = if sent {
            recorded(&format!("auth-api/{name}.request.binpb"))
        } else {
            Vec::new()
        };
        let version = case["request_metadata"]["version"].as_str();
        let answer = call(
            router,
            case["method"].as_str().expect("a method"),
            &request,
            version,
        )
        .await;
        assert_eq!(
            (answer.code, answer.message.as_str()),
            (code, case["status"]["message"].as_str().unwrap_or_default()),
            "{name}"
        );
        assert_eq!(
            answer.version.as_deref(),
            case["response_headers"]["version"].as_str(),
            "{name}"
        );
        if code != 0
            || case["method"]
                .as_str()
                .is_some_and(|m| m.ends_with("GetCurrentUserRoles"))
        {
            continue;
        }
        assert_eq!(answer.messages.len(), 1, "{name}");
        let have = &answer.messages[0];
        let empty = case["response"]
            .as_object()
            .is_none_or(serde_json::Map::is_empty);
        let want = if empty {
            Vec::new()
        } else {
            recorded(&format!("auth-api/{name}.response.binpb"))
        };
        match case["method"]
            .as_str()
            .and_then(|m| m.rsplit('/').next())
            .expect("a method")
        {
            "ListResources" => same_list(name, have, &want),
            "GenerateUserCerts" => same_certificate(name, &cluster, have, &want, &case),
            "IsMFARequired" => {
                assert_eq!(
                    pb::IsMfaRequiredResponse::decode(&have[..]),
                    pb::IsMfaRequiredResponse::decode(&want[..]),
                    "{name}"
                );
            }
            "CreateAuthenticateChallenge" => {
                assert_eq!(
                    pb::MfaAuthenticateChallenge::decode(&have[..]),
                    pb::MfaAuthenticateChallenge::decode(&want[..]),
                    "{name}"
                );
            }
            "Ping" => {
                let decode = |bytes: &[u8]| pb::PingResponse {
                    proxy_public_addr: String::new(),
                    remote_addr: String::new(),
                    ..pb::PingResponse::decode(bytes).expect("a ping")
                };
                assert_eq!(decode(have), decode(&want), "{name}");
            }
            "GetUser" => {
                let decode = |bytes: &[u8]| {
                    let mut user = GetUserResponse::decode(bytes)
                        .expect("a user")
                        .user
                        .expect("a user");
                    user.metadata.as_mut().expect("metadata").revision.clear();
                    user.spec.as_mut().expect("a spec").roles.sort();
                    user
                };
                assert_eq!(decode(have), decode(&want), "{name}");
            }
            "GetAccessCapabilities" | "GetCertAuthorities" => assert_eq!(have, &want, "{name}"),
            // The recorded cluster had alerts for its administrators; ours has none.
            "GetClusterAlerts" => assert!(have.is_empty(), "{name}"),
            other => panic!("{name}: {other} is not compared"),
        }
    }
    assert!(seen > 70, "{seen} recordings");
}

#[tokio::test]
async fn roles_and_authorities_are_those_of_the_recording() {
    let (_cluster, alice, _) = cluster();
    let roles = call(&alice, "/proto.AuthService/GetCurrentUserRoles", &[], None)
        .await
        .messages;
    let decode = |bytes: &[u8]| {
        let mut role = types::RoleV6::decode(bytes).expect("a role");
        role.metadata.as_mut().expect("metadata").revision.clear();
        role
    };
    let mut have: Vec<_> = roles.iter().map(|r| decode(r)).collect();
    let mut want: Vec<_> = (0..5)
        .map(|n| {
            decode(&recorded(&format!(
                "auth-api/roles-root.response.{n}.binpb"
            )))
        })
        .collect();
    let by_name = |role: &types::RoleV6| role.metadata.clone().expect("metadata").name;
    have.sort_by_key(by_name);
    want.sort_by_key(by_name);
    for (have, want) in have.iter().zip(&want) {
        assert_eq!(have, want);
    }
    assert_eq!(have.len(), want.len());

    let request = crate::proto::teleport::trust::v1::GetCertAuthoritiesRequest {
        r#type: "host".to_owned(),
        include_key: false,
    };
    let answer = call(
        &alice,
        "/teleport.trust.v1.TrustService/GetCertAuthorities",
        &request.encode_to_vec(),
        None,
    )
    .await;
    let decode = |bytes: &[u8]| {
        crate::proto::teleport::trust::v1::GetCertAuthoritiesResponse::decode(bytes)
            .expect("authorities")
            .cert_authorities_v2
    };
    let have = decode(&answer.messages[0]);
    let want = decode(&recorded("auth-api/host-cas-root.response.binpb"));
    let want = want
        .iter()
        .find(|a| a.metadata.as_ref().is_some_and(|m| m.name == "root"))
        .expect("the root's");
    let shape = |a: &types::CertAuthorityV2| {
        let spec = a.spec.clone().expect("a spec");
        let keys = spec.active_keys.expect("keys");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes)[..11].to_owned();
        (
            a.kind.clone(),
            a.sub_kind.clone(),
            a.version.clone(),
            spec.r#type,
            spec.cluster_name,
            text(&keys.ssh[0].public_key),
            text(&keys.tls[0].cert),
        )
    };
    assert_eq!(have.iter().map(shape).collect::<Vec<_>>(), [shape(want)]);
    let spec = have[0]
        .spec
        .clone()
        .expect("a spec")
        .active_keys
        .expect("keys");
    assert!(spec.ssh[0].private_key.is_empty() && spec.tls[0].key.is_empty());

    let with_key = crate::proto::teleport::trust::v1::GetCertAuthoritiesRequest {
        r#type: "host".to_owned(),
        include_key: true,
    };
    let refused = call(
        &alice,
        "/teleport.trust.v1.TrustService/GetCertAuthorities",
        &with_key.encode_to_vec(),
        None,
    )
    .await;
    assert_eq!(
        (refused.code, refused.message.as_str()),
        (
            7,
            "access denied to perform action \"read\" on \"cert_authority\""
        )
    );
}

/// transport.md 7.3.
#[tokio::test]
async fn nobody_gets_a_ping_and_nothing_else() {
    let cluster = TestCluster::new("root", DOCUMENTS, &[], true);
    let caller = Caller::new(None, ([127, 0, 0, 1], 1).into());
    let router = auth_router(&cluster.state, crate::cluster::grpc::MESSAGE_MAX)
        .layer(Extension(Arc::new(caller)))
        .layer(Extension(Closer::default()));
    assert_eq!(
        call(&router, "/proto.AuthService/Ping", &[], None)
            .await
            .code,
        0
    );
    for (method, code, message) in [
        (
            "/proto.AuthService/ListResources",
            7,
            "access denied to perform action \"list\" on \"db_server\", access denied to perform action \"read\" on \"db_server\"",
        ),
        (
            "/proto.AuthService/GetCurrentUserRoles",
            5,
            "user session role not found\n\trole Nop is not found",
        ),
        (
            "/proto.AuthService/GenerateUserCerts",
            7,
            "access denied: impersonation is not allowed",
        ),
    ] {
        let answer = call(&router, method, &[], None).await;
        assert_eq!(
            (answer.code, answer.message.as_str()),
            (code, message),
            "{method}"
        );
    }
}

/// auth-api.md 1.4: a user or role that does not exist any more.
#[tokio::test]
async fn a_vanished_user_or_role_ends_the_identity() {
    let (full, _, _) = cluster();
    let certificate = certificate(&full, "bob");
    for (documents, code, message) in [
        (
            "{kind: user, version: v2, metadata: {name: bob}, spec: {roles: [access]}}",
            5,
            "access denied\n\trole plain is not found",
        ),
        (
            "{kind: user, version: v2, metadata: {name: dave}, spec: {roles: [access]}}",
            7,
            "access denied",
        ),
    ] {
        let cluster = TestCluster::new("root", documents, &[], true);
        let caller = Caller::new(Some(certificate.clone()), ([127, 0, 0, 1], 1).into());
        let router = auth_router(&cluster.state, crate::cluster::grpc::MESSAGE_MAX)
            .layer(Extension(Arc::new(caller)))
            .layer(Extension(Closer::default()));
        let request = pb::ListResourcesRequest {
            resource_type: "db_server".to_owned(),
            ..Default::default()
        };
        let answer = call(
            &router,
            "/proto.AuthService/ListResources",
            &request.encode_to_vec(),
            None,
        )
        .await;
        assert_eq!((answer.code, answer.message.as_str()), (code, message));
    }
}

/// auth-api.md 1.4 and 2.8: whoever a lock concerns gets no answer and no certificate, on a connection that is open
/// already too. The lock's message is not told.
#[tokio::test]
async fn a_lock_refuses_every_call() {
    let (cluster, alice, _) = cluster();
    let list = pb::ListResourcesRequest {
        resource_type: "db_server".to_owned(),
        ..Default::default()
    };
    let certs = pb::UserCertsRequest::default();
    let calls = [
        ("/proto.AuthService/ListResources", list.encode_to_vec()),
        (
            "/proto.AuthService/GenerateUserCerts",
            certs.encode_to_vec(),
        ),
        ("/proto.AuthService/GetCurrentUserRoles", Vec::new()),
        ("/proto.AuthService/Ping", Vec::new()),
    ];
    let lock = |target: crate::cluster::locks::Target| crate::cluster::locks::Lock {
        name: "l".into(),
        target,
        message: "secret reason".into(),
        ..Default::default()
    };
    let role = crate::cluster::locks::Target {
        role: "plain".into(),
        ..Default::default()
    };
    let store = cluster.state.store();
    store.put_lock(&lock(role)).expect("a lock");
    for (method, request) in &calls {
        let answer = call(&alice, method, request, None).await;
        assert_ne!(answer.message, "access denied", "not read yet: {method}");
    }
    cluster.state.reload_locks().expect("a read");
    for (method, request) in &calls {
        let answer = call(&alice, method, request, None).await;
        assert_eq!(
            (answer.code, answer.message.as_str()),
            (7, "access denied"),
            "{method}"
        );
    }
    store.remove_lock("l").expect("a change");
    cluster.state.reload_locks().expect("a read");
    let answer = call(&alice, calls[0].0, &calls[0].1, None).await;
    assert_eq!(answer.code, 0, "{}", answer.message);
}

/// Neither a name nor roles nor time beyond those of the presented certificate are to be had, however it is asked for.
#[tokio::test]
async fn nobody_gets_more_than_the_certificate_has() {
    let (cluster, alice, _) = cluster();
    let key = rcgen::KeyPair::generate().expect("a key");
    let login = certificate(&cluster, "alice");
    let ask = |username: &str, requester: i32, purpose: i32, roles: &[&str]| pb::UserCertsRequest {
        username: username.to_owned(),
        tls_public_key: key.public_key_pem().into_bytes(),
        expires: Some(prost_types::Timestamp {
            seconds: login.not_after + 3600,
            nanos: 0,
        }),
        usage: pb::user_certs_request::CertUsage::Database.into(),
        requester_name: requester,
        purpose,
        route_to_database: Some(pb::RouteToDatabase {
            service_name: "orders".to_owned(),
            protocol: "postgres".to_owned(),
            username: "alice".to_owned(),
            roles: roles.iter().map(ToString::to_string).collect(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let method = "/proto.AuthService/GenerateUserCerts";
    for username in ["bob", "Alice", "alice ", ""] {
        let request = ask(username, 0, 0, &[]).encode_to_vec();
        let answer = call(&alice, method, &request, None).await;
        assert_eq!(
            (answer.code, answer.message.as_str()),
            (7, "access denied: impersonation is not allowed"),
            "{username:?}"
        );
    }
    // The login of `alice` was CALLS seconds before.
    let end = login.not_after - CALLS;
    for (requester, purpose) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
        let request = ask("alice", requester, purpose, &["owner"]).encode_to_vec();
        let answer = call(&alice, method, &request, None).await;
        assert_eq!(answer.code, 0, "{}", answer.message);
        let certs = pb::Certs::decode(answer.messages[0].as_slice()).expect("certificates");
        let got = Certificate::from_pem(&certs.tls).expect("a certificate");
        assert!(
            got.not_after <= end,
            "{requester} {purpose}: {} > {end}",
            got.not_after
        );
        assert_eq!(got.identity.roles, login.identity.roles);
        assert_eq!(got.identity.traits, login.identity.traits);
        assert_eq!(got.identity.usage, ["usage:db"]);
    }
}

/// transport.md 7.3: the recorded versions.
#[test]
fn old_and_unreadable_versions_are_not_served() {
    for version in [
        "16.99.9", "14.0.0", "garbage", "", "18.3", "18.3.x", "18.3.0-",
    ] {
        assert!(!is_served(version), "{version:?}");
    }
    for version in [
        "17.0.0-alpha.1",
        "17.0.0",
        "18.3.0",
        "99.1.2",
        "18.3.0+build.1",
    ] {
        assert!(is_served(version), "{version:?}");
    }
}
