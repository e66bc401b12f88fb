//! Logins by password, as databases of cloud providers want them, against every way PostgreSQL asks for one.

use crate::cluster::dbservice::connect::login;
use crate::cluster::dbservice::connect_error::ConnectError;
use crate::cluster::dbservice::credential::Credential;
use crate::cluster::dbservice::testpg::TestPg;
use crate::pg::{ProtocolVersion, Startup};

async fn try_login(pg: &TestPg, user: &str, password: Option<&str>) -> Result<(), ConnectError> {
    let credential = Credential {
        login: user.into(),
        password: password.map(|password| password.to_owned().into()),
    };
    login(
        &mut pg.raw().await,
        &credential,
        "postgres",
        &Startup::new(ProtocolVersion::V3_0),
    )
    .await
    .map(|greeting| assert_ne!(greeting.key.pid, 0))
}

#[tokio::test]
async fn cleartext_md5_and_scram() {
    let pg = TestPg::start("passwords").await;
    pg.let_in(
        "local all pw-clear password\nlocal all pw-md5 md5\nlocal all pw-scram scram-sha-256",
    )
    .await;
    pg.superuser()
        .await
        .batch_execute(
            r#"SET password_encryption = 'md5';
               CREATE ROLE "pw-clear" LOGIN PASSWORD 'cléar "text"'; CREATE ROLE "pw-md5" LOGIN PASSWORD 'five';
               SET password_encryption = 'scram-sha-256'; CREATE ROLE "pw-scram" LOGIN PASSWORD 'salted'"#,
        )
        .await
        .expect("roles");
    for (user, password) in [
        ("pw-clear", "cléar \"text\""),
        ("pw-md5", "five"),
        ("pw-scram", "salted"),
    ] {
        assert_eq!(try_login(&pg, user, Some(password)).await, Ok(()), "{user}");
        match try_login(&pg, user, Some("wrong")).await {
            Err(ConnectError::Server(error)) => assert_eq!(error.code, "28P01", "{user}"),
            other => panic!("{user}: {other:?}"),
        }
        assert!(
            matches!(
                try_login(&pg, user, None).await,
                Err(ConnectError::Password(3 | 5 | 10))
            ),
            "{user}: without a password nothing is answered"
        );
    }
    pg.discard().await;
}
