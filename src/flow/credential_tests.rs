//! Issuing against an auth service that answers as recorded and signs with an authority of the test.

use std::sync::Arc;

use tokio::sync::Barrier;
use tonic::Status;

use super::*;
use crate::auth::fake::{Issue, Script, start};
use crate::auth::mfa::Factors;
use crate::cluster::ca::{Authority, CaKind, SubjectPublicKey};
use crate::flow::session::Origin;
use crate::identity::Identity;
use crate::profile::{KeyLocation, Profile};
use crate::proto::auth as pb;
use crate::rbac::Database;
use crate::transport::route::{Learned, Network};
use crate::transport::trust::Trust;

const NOW: i64 = 1_790_000_000;

fn target(roles: &[&str]) -> Target {
    Target {
        cluster: "root".to_owned(),
        root_cluster: "root".to_owned(),
        database: Database {
            name: "orders".to_owned(),
            protocol: "postgres".to_owned(),
            ..Database::default()
        },
        user: "alice".to_owned(),
        automatic: true,
        name: "postgres".to_owned(),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        why: crate::db::Choice::default(),
    }
}

fn identity(route: Option<RouteToDatabase>) -> Identity {
    Identity {
        username: "alice".to_owned(),
        roles: vec!["auto-keep".to_owned()],
        usage: route.iter().map(|_| "usage:db".to_owned()).collect(),
        teleport_cluster: "root".to_owned(),
        route_to_database: route,
        ..Identity::default()
    }
}

/// Signs what was asked for, after `change`.
fn signer(authority: Arc<Authority>, change: fn(&mut RouteToDatabase)) -> Issue {
    Box::new(move |request| {
        let asked = request.route_to_database.clone().expect("a route");
        let mut route = RouteToDatabase {
            service_name: asked.service_name,
            protocol: asked.protocol,
            username: asked.username,
            database: asked.database,
            roles: asked.roles,
        };
        change(&mut route);
        let key = SubjectPublicKey::from_pem(&request.tls_public_key).expect("a key");
        let der = authority
            .issue_user(&identity(Some(route)), &key, NOW - 60, NOW + 3600)
            .expect("a certificate");
        let tls = Certificate::from_der(&der).expect("ours").to_pem();
        Ok(pb::Certs {
            tls: tls.into_bytes(),
            ..pb::Certs::default()
        })
    })
}

fn login(authority: &Authority) -> Session {
    let key = SessionKey::generate().expect("a key");
    let spki = SubjectPublicKey::from_pem(key.public().pem().as_bytes()).expect("a key");
    let der = authority
        .issue_user(&identity(None), &spki, NOW - 60, NOW + 7200)
        .expect("a certificate");
    let certificate = Certificate::from_der(&der).expect("ours");
    Session {
        profile: Profile {
            version: crate::profile::VERSION,
            proxy: "localhost:3080".to_owned(),
            asked: Vec::new(),
            cluster: "root".to_owned(),
            selected_cluster: None,
            user: "alice".to_owned(),
            server_version: "18.3.0".to_owned(),
            tls_cert_pem: certificate.to_pem(),
            host_cas: Vec::new(),
            trust: Trust::default(),
            network: Network::default(),
            key: KeyLocation::File {
                name: "none".to_owned(),
            },
            created: NOW,
            auth: None,
        },
        client_cert: ClientCert {
            cert_der: der,
            key_pkcs8: key.pkcs8(),
        },
        certificate,
        learned: Learned::default(),
        watch: crate::transport::watch::Watch::default(),
        home: crate::profile::Home::new("/nonexistent"),
        origin: Origin::Own,
    }
}

async fn issued(
    script: Script,
    target: &Target,
    authority: &Authority,
) -> (Result<DbCredential, IssueError>, Vec<String>) {
    let script = Arc::new(script);
    let caller = start(&script, "root").await;
    let conn = ClusterConn::from_callers(caller.clone(), caller);
    let result = issue(&conn, &login(authority), target, NOW).await;
    (result, script.asked())
}

#[tokio::test]
async fn roles_are_not_asked_of_a_proxy_that_would_leave_them_out() {
    let authority = authority();
    let script = Arc::new(Script::default());
    let caller = start(&script, "root").await;
    let conn = ClusterConn::from_callers(caller.clone(), caller);
    let mut session = login(&authority);
    session.profile.server_version = "14.3.0".to_owned();
    let refused = issue(&conn, &session, &target(&["reader"]), NOW).await;
    let cluster = "root".to_owned();
    assert_eq!(
        refused.expect_err("refused"),
        IssueError::RolesUnknown { cluster }
    );
    assert_eq!(script.asked(), Vec::<String>::new());
}

fn authority() -> Arc<Authority> {
    Arc::new(Authority::generate(CaKind::User, "root", NOW).expect("an authority"))
}

#[tokio::test]
async fn the_question_for_a_second_factor_costs_no_round_trip() {
    let authority = authority();
    let script = Script {
        issue: Some(signer(Arc::clone(&authority), |_| ())),
        // Neither is answered before both have arrived.
        together: Some(Arc::new(Barrier::new(2))),
        ..Script::default()
    };
    let (result, asked) = issued(script, &target(&["reader"]), &authority).await;
    let credential = result.expect("a certificate");
    assert_eq!(asked.len(), 2);
    let route = credential
        .certificate
        .identity
        .route_to_database
        .clone()
        .expect("a route");
    assert_eq!(
        (route.service_name.as_str(), route.username.as_str()),
        ("orders", "alice")
    );
    assert_eq!(route.roles, ["reader"]);
    assert!(credential.is_fresh(NOW));
    assert!(!credential.is_fresh(credential.certificate.not_after - NEAR_END));
    // The key is the certificate's, or TLS could not be configured with it.
    let config = Trust::default().web_config(&["teleport-postgres"], Some(credential.cert));
    assert!(config.is_ok(), "{config:?}");
}

#[tokio::test]
async fn where_a_second_factor_is_needed_no_certificate_is_used_and_the_users_factors_are_named() {
    let authority = authority();
    let script = Script {
        issue: Some(signer(Arc::clone(&authority), |_| ())),
        mfa: true,
        ..Script::default()
    };
    let (result, asked) = issued(script, &target(&[]), &authority).await;
    let factors = Some(Factors {
        otp: true,
        ..Factors::default()
    });
    assert_eq!(
        result.expect_err("a second factor"),
        IssueError::SecondFactor {
            database: "orders".to_owned(),
            factors,
            codes: Some(false),
        }
    );
    assert_eq!(
        asked.last().map(String::as_str),
        Some("CreateAuthenticateChallenge")
    );
}

#[tokio::test]
async fn certificates_for_something_else_and_refusals_are_told() {
    let authority = authority();
    let with = |change| Script {
        issue: Some(signer(Arc::clone(&authority), change)),
        ..Script::default()
    };
    let (result, _) = issued(
        with(|route| route.username = "bob".to_owned()),
        &target(&[]),
        &authority,
    )
    .await;
    assert!(
        matches!(result, Err(IssueError::Different { .. })),
        "{result:?}"
    );
    let (result, _) = issued(
        with(|route| route.roles.clear()),
        &target(&["reader"]),
        &authority,
    )
    .await;
    assert!(
        matches!(result, Err(IssueError::RolesUnknown { .. })),
        "{result:?}"
    );
    let text = "access denied: client credentials have expired, please relogin.";
    let refusing = Script {
        issue: Some(Box::new(move |_| Err(Status::permission_denied(text)))),
        ..Script::default()
    };
    let (result, _) = issued(refusing, &target(&[]), &authority).await;
    let Err(IssueError::Api(err)) = result else {
        panic!("{result:?}")
    };
    assert_eq!((err.fault, err.text.as_str()), (Fault::Login, text));
}

mod tunnel {
    use super::*;
    use crate::flow::tunnel::Tunnel;
    use crate::pg::sqlstate;
    use crate::profile::Home;
    use crate::proxy::{Purpose, Upstream};

    async fn near_its_end(dir: &std::path::Path) -> Tunnel {
        let authority = authority();
        let script = Script {
            issue: Some(signer(Arc::clone(&authority), |_| ())),
            ..Script::default()
        };
        let (credential, _) = issued(script, &target(&[]), &authority).await;
        let mut session = login(&authority);
        // Nobody listens there, so that a dial fails at once.
        session.profile.proxy = "127.0.0.1:1".to_owned();
        let clock = Arc::new(|| NOW + 3600 - NEAR_END);
        Tunnel::new(
            Home::new(dir),
            clock,
            &session,
            credential.expect("a certificate"),
        )
    }

    #[tokio::test]
    async fn a_client_after_the_login_has_ended_is_told_what_to_run() {
        let home = tempfile::tempdir().expect("a directory");
        let tunnel = near_its_end(home.path()).await;
        let Err(err) = tunnel.open(Purpose::Session).await else {
            panic!("there is no login")
        };
        assert_eq!(
            (err.sqlstate, err.hop),
            (sqlstate::INVALID_AUTHORIZATION, Hop::Local)
        );
        assert!(
            err.hint
                .expect("a hint")
                .contains("postern login --proxy 127.0.0.1:1")
        );
    }

    #[tokio::test]
    async fn a_cancel_renews_nothing() {
        let home = tempfile::tempdir().expect("a directory");
        let tunnel = near_its_end(home.path()).await;
        let Err(err) = tunnel.open(Purpose::Cancel).await else {
            panic!("nobody listens there")
        };
        // It got as far as dialling with the certificate there is, without looking for a login.
        assert_eq!(
            (err.sqlstate, err.hop),
            (
                sqlstate::UNABLE_TO_CONNECT,
                Hop::Proxy("127.0.0.1:1".to_owned())
            )
        );
    }

    #[tokio::test]
    async fn the_proxy_is_told_what_to_expect() {
        let home = tempfile::tempdir().expect("a directory");
        let expected = near_its_end(home.path()).await.expected();
        assert_eq!(
            (expected.user.as_str(), expected.automatic, expected.remote),
            ("alice", true, false)
        );
        assert_eq!(
            (expected.database.as_str(), expected.proxy.as_str()),
            ("orders", "127.0.0.1:1")
        );
    }
}
