//! What Teleport 14.0.0-dev was recorded to answer, read by the same code as everything else.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use prost::Message;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tonic::{Code, Status};

use super::*;
use crate::auth::certs::DatabaseCertificate;
use crate::auth::clusters::{self, RemoteCluster};
use crate::auth::fake::{Script, start};
use crate::auth::http::Again;
use crate::auth::key::SessionKey;
use crate::auth::{ApiError, Fault, access, mfa};
use crate::identity::{Certificate, RouteToDatabase};
use crate::proto::auth as pb;
use crate::proto::types;
use crate::transport::ClientCert;
use crate::transport::route::Route;
use crate::webapi::types::Ping;

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/teleport-14.0.0-dev")
}

fn json(name: &str) -> Value {
    let path = data().join(format!("{name}.json"));
    serde_json::from_slice(&std::fs::read(&path).expect("a recording")).expect("JSON")
}

fn message<M: Message + Default>(name: &str) -> M {
    let path = data().join("auth-api").join(name);
    M::decode(std::fs::read(&path).expect("a recording").as_slice()).expect("a message")
}

#[test]
fn the_ping_needs_none_of_the_newer_keys() {
    let body = &json("login/ping")["response"]["body"];
    for newer in ["edition", "fips", "auto_update"] {
        assert!(body.get(newer).is_none(), "{newer}");
    }
    for newer in ["second_factors", "signature_algorithm_suite"] {
        assert!(body["auth"].get(newer).is_none(), "{newer}");
    }
    let ping: Ping = serde_json::from_value(body.clone()).expect("a ping");
    assert_eq!(
        (ping.cluster_name.as_str(), ping.auth.second_factor.as_str()),
        ("root", "on")
    );
    assert_eq!(ping.min_client_version, "13.0.0");
    assert!(ping.server().single_key_field());
    assert_eq!(ping.server().age(), Age::TooOld);
}

#[test]
fn a_500_for_the_wrong_key_field_is_explained() {
    for name in [
        "finish-tls-pub-key-only",
        "finish-new-fields-only",
        "finish-no-key",
        "finish-pub-key-is-pem",
    ] {
        let answer = &json(&format!("login/{name}"))["response"];
        assert_eq!(answer["status"], 500, "{name}");
        let text = answer["body"]["error"]["message"].as_str().expect("a text");
        assert_eq!(wants_other_key_field(text), Some(true), "{name}");
    }
    // The code is gone with it, so nothing may be tried again with it.
    let after = json("login/code-after-500");
    assert_eq!(
        (&after["first"], &after["second"]),
        (&500.into(), &403.into())
    );
    // The other way round, of 18.3.0.
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/login/finish-legacy-pub-key-only.json");
    let answer: Value =
        serde_json::from_slice(&std::fs::read(path).expect("a recording")).expect("JSON");
    let text = answer["response"]["body"]["error"]["message"]
        .as_str()
        .expect("a text");
    assert_eq!(wants_other_key_field(text), Some(false));
    assert_eq!(
        wants_other_key_field("invalid username, password or second factor"),
        None
    );
}

#[test]
fn keys_of_all_kinds_in_the_one_field_are_certified_and_usable() {
    for name in [
        "finish-ok",
        "finish-p256",
        "finish-ed25519",
        "finish-all-three-fields",
    ] {
        assert_eq!(
            json(&format!("login/{name}"))["response"]["status"],
            200,
            "{name}"
        );
    }
    for name in ["list-with-p256-base", "list-with-ed25519-base"] {
        assert_eq!(
            json(&format!("auth-api/{name}"))["status"]["code"],
            "OK",
            "{name}"
        );
    }
}

#[test]
fn certificates_are_read_by_the_same_code() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/credentials/14.0.0-dev");
    let read = |name: &str| {
        let pem = std::fs::read(dir.join(format!("{name}.pem"))).expect("a recording");
        Certificate::from_pem(&pem).expect(name)
    };
    // Traits may be the text "null".
    assert!(read("base-null-traits").identity.traits.is_empty());
    assert!(!read("base-rsa").identity.traits.is_empty());
    // Roles were asked for, and are not there.
    let asked = json("auth-api/certs-db-auto-roles");
    assert_eq!(asked["request"]["RouteToDatabase"]["Roles"][0], "reader");
    let route = read("certs-db-auto-roles")
        .identity
        .route_to_database
        .expect("a route");
    assert_eq!(
        (route.service_name.as_str(), route.roles.len()),
        ("orders", 0)
    );
}

#[test]
fn what_is_missing_is_known_by_the_code_whatever_the_text() {
    let index = json("auth-api/index");
    let missing: Vec<&Value> = index
        .as_array()
        .expect("a list")
        .iter()
        .filter(|call| call["status"] == "UNIMPLEMENTED")
        .collect();
    let texts = |start: &str| {
        missing
            .iter()
            .filter(|call| call["message"].as_str().expect("a text").starts_with(start))
            .count()
    };
    assert!(texts("unknown service ") >= 2 && texts("unknown method ") >= 2);
    for call in missing {
        let text = call["message"].as_str().expect("a text");
        let err = ApiError::new("root", &Status::new(Code::Unimplemented, text), None);
        assert_eq!(err.fault, Fault::Unimplemented, "{call}");
    }
}

#[test]
fn certificate_requests_fill_the_one_field() {
    let want: pb::UserCertsRequest = message("certs-db-public-key.request.binpb");
    let asked = want.route_to_database.clone().expect("a route");
    let route = RouteToDatabase {
        service_name: asked.service_name,
        protocol: asked.protocol,
        username: asked.username,
        database: asked.database,
        roles: asked.roles,
    };
    let wanted = DatabaseCertificate {
        username: &want.username,
        expires: want.expires.as_ref().expect("an end").seconds,
        cluster: &want.route_to_cluster,
        route: &route,
        access_requests: &[],
    };
    let key = SessionKey::generate().expect("a key");
    let mut got = wanted.request(key.public(), &Server::of("14.0.0-dev"));
    assert!(got.public_key.starts_with(b"ecdsa-sha2-nistp256 "));
    assert!(want.public_key.starts_with(b"ssh-rsa "));
    got.public_key.clone_from(&want.public_key);
    // Who asks is not looked at (certs-db-exec-requester), and the recording left it out.
    got.requester_name = want.requester_name;
    assert_eq!(got, want);
    let with = json("auth-api/certs-db-18-fields-only");
    assert_eq!(with["status"]["message"], "ssh: no key found");
}

#[test]
fn certificates_end_when_asked_and_have_no_purpose() {
    // Where the end is left open, 14 refuses; a purpose it ignores, with its cap of one minute.
    assert_ne!(
        json("auth-api/certs-db-expires-unset")["status"]["code"],
        "OK"
    );
    assert_eq!(
        json("auth-api/certs-vault-mfa-otp-purpose2")["status"]["code"],
        "OK"
    );
    let route = RouteToDatabase::default();
    let wanted = DatabaseCertificate {
        username: "alice",
        expires: 7,
        cluster: "root",
        route: &route,
        access_requests: &[],
    };
    let key = SessionKey::generate().expect("a key");
    for version in ["14.1.3", "15.0.0", "16.0.0", "17.0.0", "18.3.0", ""] {
        let request = wanted.request(key.public(), &Server::of(version));
        assert_eq!(request.expires.map(|end| end.seconds), Some(7), "{version}");
        assert_eq!(request.purpose, 0, "{version}");
    }
}

#[test]
fn a_second_factor_for_each_session_is_read_from_the_older_field() {
    let recorded = json("auth-api/mfa-required-yes");
    assert!(recorded["response"].get("MFARequired").is_none());
    let answer = |required: &Value| pb::IsMfaRequiredResponse {
        required: required.as_bool().unwrap_or_default(),
        mfa_required: 0,
    };
    assert!(mfa::needs(answer(&recorded["response"]["Required"])));
    let no = json("auth-api/mfa-required-no");
    assert!(!mfa::needs(answer(&no["response"]["Required"])));
    let factors = mfa::read_factors(&message("challenge-context-user.response.binpb"));
    assert!(factors.otp && !factors.security_key && !factors.sso);
}

#[test]
fn no_answer_names_the_version_in_a_header() {
    let mut seen = 0;
    for entry in std::fs::read_dir(data().join("auth-api")).expect("recordings") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let Ok(Value::Object(call)) = serde_json::from_str(&text) else {
            continue;
        };
        let Some(headers) = call.get("response_headers") else {
            continue;
        };
        assert!(headers.get("version").is_none(), "{}", path.display());
        seen += 1;
    }
    assert!(seen > 50, "{seen}");
    for name in ["ping-version-old", "ping-version-garbage"] {
        assert_eq!(
            json(&format!("auth-api/{name}"))["status"]["code"],
            "OK",
            "{name}"
        );
    }
}

#[tokio::test]
async fn its_database_services_say_how_old_they_are() {
    let page: pb::ListResourcesResponse = message("list-leaf.response.binpb");
    let script = Arc::new(Script {
        list: Some(page),
        ..Script::default()
    });
    let caller = start(&script, "leaf").await;
    let everything = crate::auth::resources::ListFilter::default();
    let listed =
        crate::auth::resources::databases::<crate::rbac::Database>(&caller, &everything).await;
    let all = listed.expect("a list");
    assert!(!all.is_empty());
    for database in all {
        assert_eq!(database.service_version, "14.0.0-dev");
        assert!(!Server::of(&database.service_version).knows_db_roles());
    }
}

#[tokio::test]
async fn the_own_user_comes_by_the_older_call() {
    let script = Arc::new(Script {
        old: true,
        ..Script::default()
    });
    let caller = start(&script, "root").await;
    let user = access::current_user(&caller).await.expect("a user");
    assert_eq!(user.name, "alice");
    assert_eq!(user.traits["db_roles"], ["writer"]);
    assert_eq!(script.asked(), ["GetUser", "GetCurrentUser"]);
    let leaf: types::UserV2 = message("current-user-legacy-leaf.response.binpb");
    assert_eq!(leaf.metadata.expect("a name").name, "remote-alice-root");
}

/// An auth service behind TLS that answers one HTTP request as recorded; gives what it was asked.
async fn http_service(answer: String) -> (Again, tokio::task::JoinHandle<String>) {
    let name = "726f6f74.teleport.cluster.local";
    let mut ca = rcgen::CertificateParams::default();
    ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca_key = rcgen::KeyPair::generate().expect("a key");
    let anchor = ca
        .self_signed(&ca_key)
        .expect("a certificate")
        .der()
        .to_vec();
    let issuer = rcgen::Issuer::new(ca, ca_key);
    let params = rcgen::CertificateParams::new(vec![name.to_owned()]).expect("a name");
    let key = rcgen::KeyPair::generate().expect("a key");
    let cert = params.signed_by(&key, &issuer).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    // As recorded, no protocol name is negotiated.
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![cert.der().clone()],
            rustls::pki_types::PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )
        .expect("a configuration");
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let again = Again {
        route: Route::direct(&listener.local_addr().expect("an address").to_string()),
        sni: name.to_owned(),
        anchors: vec![anchor],
        cert: ClientCert {
            cert_der: cert.der().to_vec(),
            key_pkcs8: key.serialize_der().into(),
        },
    };
    let served = tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.expect("a connection");
        let mut tls = acceptor.accept(tcp).await.expect("TLS");
        let mut asked = Vec::new();
        while !asked.ends_with(b"\r\n\r\n") {
            asked.push(tls.read_u8().await.expect("a request"));
        }
        tls.write_all(answer.as_bytes()).await.expect("an answer");
        tls.shutdown().await.expect("an end");
        String::from_utf8(asked).expect("text")
    });
    (again, served)
}

async fn remote_clusters(recorded: &str) -> (Result<Vec<RemoteCluster>, ApiError>, String) {
    let answer = json(&format!("auth-api/{recorded}"))["answer"]
        .as_str()
        .expect("an answer")
        .to_owned();
    let (again, served) = http_service(answer).await;
    // The service of the fake has no presence service, as that of 14.
    let script = Arc::new(Script::default());
    let caller = start(&script, "root").await.with_http(again);
    let found = clusters::remote_clusters(&caller).await;
    (found, served.await.expect("an answer was given"))
}

#[tokio::test]
async fn leaf_clusters_come_by_http() {
    let (found, asked) = remote_clusters("http-remoteclusters-root").await;
    let leaf = RemoteCluster {
        name: "leaf".to_owned(),
        online: true,
        labels: std::collections::BTreeMap::new(),
    };
    assert_eq!(found, Ok(vec![leaf]));
    let asked = asked.to_ascii_lowercase();
    assert!(
        asked.starts_with("get /v2/remoteclusters http/1.1\r\n"),
        "{asked}"
    );
    assert!(
        asked.contains("\r\nhost: teleport.cluster.local\r\n"),
        "{asked}"
    );
    let (found, _) = remote_clusters("http-remoteclusters-leaf").await;
    assert_eq!(found, Ok(Vec::new()));
}

#[tokio::test]
async fn refusals_by_http_say_what_they_mean() {
    let (found, _) = remote_clusters("http-remoteclusters-no-certificate").await;
    let err = found.expect_err("refused");
    assert_eq!(err.fault, Fault::Denied);
    assert!(err.text.contains("remote_cluster"), "{err:?}");
    let (found, _) = remote_clusters("http-unknown-path").await;
    assert_eq!(found.expect_err("no such path").fault, Fault::Unimplemented);
}

#[test]
fn a_resumed_session_kept_the_first_identity() {
    // Why no session is ever resumed; that none is stands in transport's tests.
    let recorded = json("transport/session-resumption");
    assert_eq!(recorded["session_reused"][0], true);
    assert_eq!(recorded["GetCurrentUser"], "alice");
}

/// Beside the recordings of 18.3.0.
const OLD_DB: &str = "../teleport-14.0.0-dev/transport/db";

/// The text of the ErrorResponse that a recorded session ends with, when it is one with nothing but a message.
fn refusal(case: &str) -> Option<String> {
    let sent = crate::pg::recorded::plain(case, crate::pg::recorded::Side::Server);
    // Refusals of encryption are single letters before the messages.
    let start = sent.iter().position(|byte| *byte != b'N')?;
    let mut rest = &sent[start..];
    while let [kind, a, b, c, d, ..] = *rest {
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        let body = rest.get(5..=length)?;
        if kind == b'E' {
            let text = body.strip_prefix(b"M")?.strip_suffix(&[0, 0])?;
            return (!text.contains(&0)).then(|| String::from_utf8_lossy(text).into_owned());
        }
        rest = &rest[length + 1..];
    }
    None
}

#[test]
fn texts_on_the_way_to_a_database_mean_the_same() {
    let to = crate::proxy::Expected::default();
    let advise = |text: &str| crate::proxy::known_errors::advise(text, &to).sqlstate;
    let mut seen = 0;
    for entry in std::fs::read_dir(data().join("transport/db")).expect("recordings") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let newer = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data/transport-db")
            .join(format!("{name}.txt"));
        let text = std::fs::read_to_string(&path).expect("a recording");
        if !newer.exists() || !text.contains("\nS ") {
            continue;
        }
        let (Some(old), Some(new)) = (refusal(&format!("{OLD_DB}/{name}")), refusal(&name)) else {
            continue;
        };
        // Only the missing user has another text (db-service.md 1.11).
        let expected = if name == "cancel-no-user-in-cert" {
            advise("access to db denied")
        } else {
            advise(&new)
        };
        assert_eq!(advise(&old), expected, "{}: {old}", path.display());
        seen += 1;
    }
    assert!(seen >= 5, "{seen}");
    // The mapped user in the ordinary text.
    let text = refusal(&format!("{OLD_DB}/leaf-auto-user-local-name")).expect("a text");
    let advice = crate::proxy::known_errors::advise(&text, &to);
    assert!(
        advice.certain
            && advice
                .hint
                .is_some_and(|hint| hint.contains("remote-alice-root")),
        "{text}"
    );
}
