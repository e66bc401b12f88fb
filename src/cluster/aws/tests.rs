//! The whole way to a login against a scripted AWS on loopback: what is sent, what is kept, what is told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::{Value, json};

use super::*;

/// A request as it came.
#[derive(Clone, Debug)]
struct Seen {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: String,
}

/// An AWS that answers one thing after the other, the last for ever, and keeps what it was asked.
struct Script {
    answers: Mutex<Vec<(u16, String)>>,
    seen: Mutex<Vec<Seen>>,
}

async fn handle(
    State(script): State<Arc<Script>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> (StatusCode, String) {
    script.seen.lock().expect("not poisoned").push(Seen {
        method,
        uri,
        headers,
        body,
    });
    let mut answers = script.answers.lock().expect("not poisoned");
    let (status, body) = if answers.len() > 1 {
        answers.remove(0)
    } else {
        answers[0].clone()
    };
    (StatusCode::from_u16(status).expect("a status"), body)
}

impl Script {
    async fn start(answers: &[(u16, String)]) -> (Arc<Self>, String) {
        let script = Arc::new(Self {
            answers: Mutex::new(answers.to_vec()),
            seen: Mutex::default(),
        });
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a listener");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let app = Router::new()
            .fallback(handle)
            .with_state(Arc::clone(&script));
        tokio::spawn(async move { axum::serve(listener, app).await });
        (script, url)
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("not poisoned").clone()
    }
}

/// Environment with an identity, the endpoints at `url`, and more.
fn env(url: &str, more: &[(&str, &str)]) -> StaticEnv {
    let pairs = [
        ("AWS_ENDPOINT_URL", url),
        ("AWS_ACCESS_KEY_ID", "AKIATEST"),
        ("AWS_SECRET_ACCESS_KEY", "geheim"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    let mut envs: HashMap<String, String> = HashMap::new();
    for (name, value) in pairs.iter().chain(more) {
        if value.is_empty() {
            envs.remove(*name);
        } else {
            envs.insert((*name).into(), (*value).into());
        }
    }
    StaticEnv {
        home_dir: None,
        envs,
    }
}

fn database(mut spec: Value) -> Database {
    spec["protocol"] = "postgres".into();
    let document =
        json!({"kind": "db", "version": "v3", "metadata": {"name": "warehouse"}, "spec": spec});
    Database::from_document(&document).expect("a database")
}

/// The database of Teleport's guide.
fn guide() -> Database {
    database(json!({
        "uri": "redshift-cluster-1.abcdefghijklm.us-east-1.redshift.amazonaws.com:5439",
        "admin_user": {"name": "teleport-admin"}
    }))
}

fn issued(user: &str, password: &str, expires: &str) -> (u16, String) {
    let body = format!(
        "<GetClusterCredentialsResponse><GetClusterCredentialsResult><DbUser>IAM:{user}</DbUser>\
         <DbPassword>{password}</DbPassword><Expiration>{expires}</Expiration></GetClusterCredentialsResult>\
         </GetClusterCredentialsResponse>"
    );
    (200, body)
}

fn refused(status: u16, code: &str, message: &str) -> (u16, String) {
    let body = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    );
    (status, body)
}

const FAR: &str = "2099-01-01T00:00:00Z";

fn header(seen: &Seen, name: &str) -> String {
    let value = seen.headers.get(name).expect("the header");
    value.to_str().expect("text").to_owned()
}

#[tokio::test]
async fn asks_as_recorded_and_remembers() {
    let (script, url) =
        Script::start(&[issued("alice", "p1", FAR), issued("alice", "p2", FAR)]).await;
    let aws = Aws::new(env(&url, &[]));
    let login = aws.login(&guide(), "alice", "dev").await.expect("a login");
    assert_eq!(login.login, "IAM:alice");
    assert_eq!(login.password.as_ref().expect("one").as_str(), "p1");
    // The body is the recorded one (redshift-emulation.json), with the names of this test.
    let seen = script.seen();
    assert_eq!(
        seen[0].body,
        "Action=GetClusterCredentials&Version=2012-12-01&ClusterIdentifier=redshift-cluster-1&DbUser=alice&DbName=dev\
         &AutoCreate=false&DurationSeconds=900"
    );
    assert_eq!((seen[0].method.as_str(), seen[0].uri.path()), ("POST", "/"));
    let authorization = header(&seen[0], "authorization");
    assert!(
        authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIATEST/"),
        "{authorization}"
    );
    assert!(
        authorization.contains("/us-east-1/redshift/aws4_request"),
        "{authorization}"
    );

    assert_eq!(aws.login(&guide(), "alice", "dev").await, Ok(login.clone()));
    assert_eq!(script.seen().len(), 1, "the second login comes from memory");
    aws.forget(&guide(), "alice", "dev");
    let other = aws.login(&guide(), "alice", "dev").await.expect("a login");
    assert_eq!(other.password.expect("one").as_str(), "p2");
    assert!(!format!("{aws:?}").contains("geheim"));
}

#[tokio::test]
async fn says_what_aws_said_and_what_to_do() {
    let cases = [
        (
            refused(
                403,
                "AccessDenied",
                "User: arn:aws:iam::1:user/x is not authorized",
            ),
            "AWS: GetClusterCredentials in us-east-1: AccessDenied (HTTP 403): User: arn:aws:iam::1:user/x is not authorized",
            "allow redshift:GetClusterCredentials on arn:aws:redshift:us-east-1:{account_id}:dbuser:redshift-cluster-1/alice \
             and arn:aws:redshift:us-east-1:{account_id}:dbname:redshift-cluster-1/dev",
        ),
        (
            refused(
                404,
                "ClusterNotFound",
                "Cluster redshift-cluster-1 not found.",
            ),
            "ClusterNotFound (HTTP 404)",
            "aws.redshift.cluster_id",
        ),
        (
            refused(403, "SignatureDoesNotMatch", "…"),
            "SignatureDoesNotMatch",
            "renew the AWS credentials",
        ),
    ];
    for (answer, cause, hint) in cases {
        let (script, url) = Script::start(&[answer]).await;
        let aws = Aws::new(env(&url, &[]));
        let error = aws
            .login(&guide(), "alice", "dev")
            .await
            .expect_err("refused");
        assert!(
            error
                .message
                .starts_with("Could not generate Redshift IAM auth token:\n\n  AWS: "),
            "{error}"
        );
        assert!(error.message.contains(cause), "{error}");
        let told = error.hint.expect("a hint");
        assert!(told.contains(hint), "{told}");
        assert_eq!(script.seen().len(), 1, "a refusal is final");
    }
}

#[tokio::test]
async fn tries_again_when_aws_asks_for_patience_or_an_identity_has_ended() {
    let throttled = refused(400, "Throttling", "Rate exceeded");
    let ok = issued("alice", "p", FAR);
    let (script, url) = Script::start(&[
        throttled.clone(),
        refused(503, "ServiceUnavailable", ""),
        ok.clone(),
    ])
    .await;
    let aws = Aws::new(env(&url, &[]));
    aws.login(&guide(), "alice", "dev").await.expect("a login");
    assert_eq!(script.seen().len(), 3);

    let (script, url) = Script::start(&[throttled]).await;
    let aws = Aws::new(env(&url, &[]));
    aws.login(&guide(), "alice", "dev")
        .await
        .expect_err("refused");
    assert_eq!(script.seen().len(), 3, "bounded");

    let (_, url) = Script::start(&[refused(403, "ExpiredToken", "expired"), ok]).await;
    Aws::new(env(&url, &[]))
        .login(&guide(), "alice", "dev")
        .await
        .expect("a login");
}

#[tokio::test]
async fn nobody_and_no_answer() {
    let nobody = env(
        "http://127.0.0.1:1",
        &[("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "")],
    );
    let error = Aws::new(nobody)
        .login(&guide(), "alice", "dev")
        .await
        .expect_err("nobody");
    assert!(error.message.contains("no credentials"), "{error}");
    assert!(error.hint.expect("a hint").contains("AWS_PROFILE"));

    let error = Aws::new(env("http://127.0.0.1:1", &[]))
        .login(&guide(), "alice", "dev")
        .await
        .expect_err("no answer");
    assert!(
        error
            .message
            .contains("no answer: 127.0.0.1: Connection refused"),
        "{error}"
    );
    // Everything but the cause is as recorded.
    let frame = error
        .message
        .replace("us-east-1", "eu-west-1")
        .replace("redshift-cluster-1", "my-cluster");
    let (_, rest) = frame.split_once("refused").expect("the cause");
    assert!(
        rest.ends_with(
            "\n\nMake sure that Teleport database agent's IAM policy is attached and has permissions\nto generate Redshift \
             credentials (note that IAM changes may take a few minutes to\npropagate):\n\n{\n    \"Version\": \
             \"2012-10-17\",\n    \"Statement\": [\n        {\n            \"Effect\": \"Allow\",\n            \"Action\": \
             \"redshift:GetClusterCredentials\",\n            \"Resource\": [\n                \
             \"arn:aws:redshift:eu-west-1:{account_id}:dbuser:my-cluster/*\",\n                \
             \"arn:aws:redshift:eu-west-1:{account_id}:dbname:my-cluster/*\",\n                \
             \"arn:aws:redshift:eu-west-1:{account_id}:dbgroup:my-cluster/*\"\n            ]\n        }\n    ]\n}\n"
        ),
        "{rest}"
    );
}

#[tokio::test]
async fn the_documents_role_is_assumed_first_with_its_external_identifier() {
    let assumed = "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAROLEROLEROLE0000</AccessKeyId>\
        <SecretAccessKey>wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY0000</SecretAccessKey><SessionToken>session-token</SessionToken>\
        <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>";
    let (script, url) = Script::start(&[
        (200, assumed.into()),
        issued("alice", "p", FAR),
        issued("bob", "p", FAR),
    ])
    .await;
    let aws = Aws::new(env(&url, &[]));
    let warehouse = database(json!({
        "uri": "localhost:5439",
        "aws": {"region": "eu-central-1", "redshift": {"cluster_id": "wh"},
                "assume_role_arn": "arn:aws:iam::123456789012:role/warehouse", "external_id": "ext/1"}
    }));
    aws.login(&warehouse, "alice", "dev")
        .await
        .expect("a login");
    aws.login(&warehouse, "bob", "dev").await.expect("a login");
    let seen = script.seen();
    assert_eq!(seen.len(), 3, "the role is assumed once");
    let asked = seen[0].uri.query().unwrap_or_default();
    assert!(
        asked.contains("Action=AssumeRole") && asked.contains("ExternalId=ext%2F1"),
        "{asked}"
    );
    assert!(asked.contains("RoleSessionName=postern-cluster"), "{asked}");
    assert!(header(&seen[0], "authorization").contains("AKIATEST/"));
    assert_eq!(header(&seen[0], "host"), "sts.eu-central-1.amazonaws.com");
    assert!(header(&seen[1], "authorization").contains("ASIAROLEROLEROLE0000/"));
    assert_eq!(header(&seen[1], "x-amz-security-token"), "session-token");

    let (_, url) = Script::start(&[refused(403, "AccessDenied", "not yours")]).await;
    let error = Aws::new(env(&url, &[]))
        .login(&warehouse, "alice", "dev")
        .await
        .expect_err("refused");
    assert!(
        error.message.contains(
            "AssumeRole arn:aws:iam::123456789012:role/warehouse: AccessDenied: not yours"
        ),
        "{error}"
    );
    assert!(
        error
            .hint
            .expect("a hint")
            .contains("allow sts:AssumeRole on arn:aws:iam::123456789012:role/warehouse")
    );
}

#[tokio::test]
async fn a_user_that_is_an_iam_role_logs_in_as_itself() {
    let assumed = "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAROLEROLEROLE0000</AccessKeyId>\
        <SecretAccessKey>wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY0000</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>\
        </Credentials></AssumeRoleResult></AssumeRoleResponse>";
    let (_, answer) = issued("x", "p", FAR);
    let answer = answer
        .replace("CredentialsRes", "CredentialsWithIAMRes")
        .replace("IAM:x", "IAMR:analyst");
    let (script, url) = Script::start(&[(200, assumed.into()), (200, answer)]).await;
    let warehouse = database(json!({
        "uri": "localhost:5439",
        "aws": {"region": "cn-north-1", "account_id": "123456789012", "redshift": {"cluster_id": "wh"}}
    }));
    let aws = Aws::new(env(&url, &[]));
    let login = aws
        .login(&warehouse, "role/analyst", "dev")
        .await
        .expect("a login");
    assert_eq!(login.login, "IAMR:analyst");
    let seen = script.seen();
    assert!(
        seen[0]
            .uri
            .to_string()
            .contains("arn%3Aaws-cn%3Aiam%3A%3A123456789012%3Arole%2Fanalyst")
    );
    assert_eq!(
        seen[1].body,
        "Action=GetClusterCredentialsWithIAM&Version=2012-12-01&ClusterIdentifier=wh&DbName=dev&DurationSeconds=900"
    );
}

#[tokio::test]
async fn profiles_and_region_of_the_environment() {
    let home = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(home.path().join(".aws")).expect("a directory");
    std::fs::write(
        home.path().join(".aws/credentials"),
        "[default]\naws_access_key_id = AKIADEFAULT\naws_secret_access_key = s\n\
         [work]\naws_access_key_id = AKIAWORK\naws_secret_access_key = s\naws_session_token = st\n",
    )
    .expect("a file");
    std::fs::write(
        home.path().join(".aws/config"),
        "[profile program]\ncredential_process = /bin/echo {\"Version\":1,\"AccessKeyId\":\"AKIAPROGRAM\",\"SecretAccessKey\":\"s\"}\n",
    )
    .expect("a file");
    let here =
        database(json!({"uri": "localhost:5439", "aws": {"redshift": {"cluster_id": "wh"}}}));
    for (profile, key) in [
        ("", "AKIADEFAULT"),
        ("work", "AKIAWORK"),
        ("program", "AKIAPROGRAM"),
    ] {
        let (script, url) = Script::start(&[issued("alice", "p", FAR)]).await;
        let mut env = env(
            &url,
            &[
                ("AWS_ACCESS_KEY_ID", ""),
                ("AWS_SECRET_ACCESS_KEY", ""),
                ("AWS_PROFILE", profile),
                ("AWS_REGION", "eu-west-3"),
            ],
        );
        env.home_dir = Some(home.path().to_owned());
        Aws::new(env)
            .login(&here, "alice", "dev")
            .await
            .expect("a login");
        let authorization = header(&script.seen()[0], "authorization");
        assert!(
            authorization.contains(&format!("{key}/")),
            "{profile}: {authorization}"
        );
        assert!(
            authorization.contains("/eu-west-3/redshift/"),
            "{authorization}"
        );
    }
    let error = Aws::new(env("http://127.0.0.1:1", &[]))
        .login(&here, "alice", "dev")
        .await
        .expect_err("no region");
    assert_eq!(
        error.message,
        r#"database "warehouse": its AWS region is not known"#
    );
}

#[tokio::test]
async fn authorities_are_fetched_once() {
    let pem = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";
    let (script, url) = Script::start(&[(200, pem.into())]).await;
    let aws = Aws::new(env(&url, &[]));
    for _ in 0..2 {
        let bundle = aws
            .trust
            .get(&format!("{url}/bundle.pem"))
            .await
            .expect("a bundle");
        assert_eq!(&*bundle, pem);
    }
    assert_eq!(script.seen().len(), 1);
    let (_, url) = Script::start(&[(404, "no".into())]).await;
    let error = aws.trust.get(&format!("{url}/x")).await.expect_err("none");
    assert!(
        error.message.contains("HTTP 404") && error.hint.expect("a hint").contains("tls.ca_cert")
    );
}
