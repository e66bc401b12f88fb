//! The same client code over scripted servers of every version: login, list, own user, certificate.

use std::sync::Arc;

use serde_json::{Value, json};
use tonic::Status;

use super::scripted::*;
use super::*;
use crate::auth::certs::{self, DatabaseCertificate};
use crate::auth::fake::{Script, start};
use crate::auth::key::SessionKey;
use crate::auth::resources::{self, ListFilter};
use crate::auth::{Caller, access};
use crate::compat::Age;
use crate::identity::RouteToDatabase;
use crate::profile::keys::KeyPair;
use crate::profile::{KeyLocation, Profile};
use crate::proto::auth as pb;

/// Unix seconds of the recordings' certificates.
const RECORDED: i64 = 1_795_420_800;

fn version(major: u32) -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(format!("tests/data/versions/{major}.json"));
    serde_json::from_slice(&std::fs::read(path).expect("a version")).expect("JSON")
}

/// Logs in to a proxy of this version; gives the profile and the body of the last request.
async fn logged_in(version: &Value) -> (Profile, Value) {
    let mut ping = version["ping"].clone();
    // The scripted proxy's own address is to be used.
    ping["proxy"]["ssh"]["public_addr"] = json!("");
    let key = KeyPair::generate();
    let answers = vec![
        json!({"status": 200, "body": ping}),
        recorded("begin/begin-ok-otp"),
        granted(&key, RECORDED, 3600),
    ];
    let proxy = Proxy::start(answers, &http_date(RECORDED)).await;
    let door = proxy.door().await;
    door.supported().expect("password and code");
    let begun = door.begin("u01", "pw").await.expect("right");
    let fresh = begun
        .finish("716041", &key, None, &|| RECORDED)
        .await
        .expect("granted");
    let location = KeyLocation::File {
        name: "1.pem".to_owned(),
    };
    let profile = fresh.profile(&proxy.addr, location, RECORDED);
    let requests = proxy.seen.requests.lock().expect("no panic");
    (profile, requests[2].1.clone())
}

/// Issues only where the key stands in the one field of this version.
fn auth_service(version: &Value, users_service: bool) -> Arc<Script> {
    let single = version["certificate_key"] == "public_key";
    Arc::new(Script {
        old: !users_service,
        issue: Some(Box::new(move |request| {
            let (right, wrong) = if single {
                (&request.public_key, &request.tls_public_key)
            } else {
                (&request.tls_public_key, &request.public_key)
            };
            if right.is_empty() || !wrong.is_empty() {
                return Err(Status::unknown("ssh: no key found"));
            }
            if request.expires.is_none() {
                return Err(Status::invalid_argument("missing parameter Expires"));
            }
            Ok(pb::Certs {
                tls: b"a certificate".to_vec(),
                ..pb::Certs::default()
            })
        })),
        ..Script::default()
    })
}

async fn certificate(caller: &Caller, profile: &Profile) -> Vec<u8> {
    let route = RouteToDatabase {
        service_name: "orders".to_owned(),
        protocol: "postgres".to_owned(),
        username: "alice".to_owned(),
        database: "postgres".to_owned(),
        roles: vec!["reader".to_owned()],
    };
    let wanted = DatabaseCertificate {
        username: "alice",
        expires: RECORDED + 600,
        cluster: "root",
        route: &route,
        access_requests: &[],
    };
    let key = SessionKey::generate().expect("a key");
    certs::issue(caller, &wanted, key.public(), &profile.server())
        .await
        .expect("a certificate")
}

#[tokio::test]
async fn every_version_is_served_by_the_same_code() {
    for major in 14..=18 {
        let version = version(major);
        let how = version["how"].as_str().expect("how");
        let expected = if matches!(major, 14 | 18) {
            "recorded"
        } else {
            "built from the documents"
        };
        assert_eq!(how, expected, "{major}");
        let (profile, finish) = logged_in(&version).await;
        assert_eq!(profile.server().version().map(|v| v.major), Some(major));
        for field in ["pub_key", "tls_pub_key"] {
            let filled = finish.get(field).is_some_and(Value::is_string);
            assert_eq!(filled, version["login_key"] == field, "{major}: {field}");
        }
        for users_service in version["users_service"].as_array().expect("a list") {
            let there = users_service.as_bool().expect("yes or no");
            let script = auth_service(&version, there);
            let caller = start(&script, "root").await;
            let found = resources::databases::<crate::proto::types::DatabaseV3>(
                &caller,
                &ListFilter::default(),
            )
            .await
            .expect("databases");
            assert_eq!(found.len(), 4, "{major}");
            let user = access::current_user(&caller).await.expect("a user");
            assert_eq!(user.name, "alice", "{major}");
            assert_eq!(certificate(&caller, &profile).await, b"a certificate");
            let older = script.asked().iter().any(|call| call == "GetCurrentUser");
            assert_eq!(older, !there, "{major}: {:?}", script.asked());
        }
    }
}

#[test]
fn only_the_version_it_is_made_for_needs_no_word() {
    for major in 14..=18 {
        let ping: Ping = serde_json::from_value(version(major)["ping"].clone()).expect("a ping");
        let warning = compat::warning(&ping.server(), &ping.min_client_version);
        assert_eq!(warning.is_some(), major < 18, "{major}: {warning:?}");
        assert_eq!(ping.server().age() == Age::Same, major == 18, "{major}");
    }
}
