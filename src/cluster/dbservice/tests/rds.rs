//! Amazon RDS: users log in by a token, which the role `rds_iam` lets them, and no certificate is shown.

use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::json;

use crate::cluster::dbservice::testpg::{Caller, TestCatalog, TestPg, User};
use crate::cluster::dbservice::{Credential, DbService, PasswordError, Passwords};
use crate::rbac::Database;

/// Gives a token for everybody and keeps whom it was asked for.
#[derive(Default)]
struct Tokens(Mutex<Vec<String>>);

impl Passwords for Tokens {
    fn login<'a>(
        &'a self,
        _: &'a Database,
        user: &'a str,
        _: &'a str,
    ) -> BoxFuture<'a, Result<Credential, PasswordError>> {
        self.0.lock().expect("not poisoned").push(user.to_owned());
        let credential = Credential {
            login: user.to_owned(),
            password: Some("token".to_owned().into()),
        };
        async { Ok(credential) }.boxed()
    }

    fn forget(&self, _: &Database, _: &str, _: &str) {}

    fn authorities<'a>(
        &'a self,
        _: &'a Database,
    ) -> BoxFuture<'a, Result<Arc<str>, PasswordError>> {
        unreachable!("the document has its own")
    }
}

fn database(pg: &TestPg, labels: &serde_json::Value) -> Database {
    let document = json!({
        "kind": "db", "version": "v3", "metadata": {"name": "rds", "labels": labels},
        "spec": {
            "protocol": "postgres", "uri": format!("localhost:{}", pg.port), "tls": {"ca_cert": pg.ca_pem()},
            "admin_user": {"name": "teleport-admin", "default_database": "postgres"},
            "aws": {"region": "eu-west-1", "rds": {"instance_id": "db-1"}}
        }
    });
    Database::from_document(&document).expect("a database")
}

#[tokio::test]
async fn users_hold_rds_iam_while_they_are_connected() {
    let pg = TestPg::start("rds").await;
    pg.superuser()
        .await
        .batch_execute(
            r#"CREATE ROLE rds_iam; GRANT rds_iam TO "teleport-admin" WITH ADMIN OPTION"#,
        )
        .await
        .expect("a role");
    // The stand-in takes every token, but of holders of rds_iam only; all others need a certificate.
    pg.let_in("hostssl all +rds_iam 127.0.0.1/32 trust\nhostssl all +rds_iam ::1/128 trust")
        .await;
    let tokens = Arc::new(Tokens::default());
    let passwords: Arc<dyn Passwords> = Arc::clone(&tokens) as _;
    let catalog = TestCatalog::new(&pg).with_cloud(database(&pg, &json!({})), &passwords);
    let service = DbService::new(Arc::new(catalog));
    for _ in 0..2 {
        let session = Caller::auto("alice")
            .at("rds")
            .connect(&service)
            .await
            .expect("a session");
        assert_eq!(
            pg.user("alice").await,
            User::serving(&["rds_iam", "reader", "writer"], 1)
        );
        session.close().await;
        pg.until("alice", &User::locked()).await;
    }
    let asked = tokens.0.lock().expect("not poisoned").clone();
    assert!(asked.contains(&"teleport-admin".to_owned()) && asked.contains(&"alice".to_owned()));

    let labels = json!({"endpoint-type": "reader"});
    let catalog = TestCatalog::new(&pg).with_cloud(database(&pg, &labels), &passwords);
    let refused = Caller::auto("bob")
        .at("rds")
        .refused(&DbService::new(Arc::new(catalog)))
        .await;
    assert_eq!(
        refused.message,
        "your Teleport role requires automatic database user provisioning but an attempt to activate database user \"bob\" \
         failed due to the following error: auto-user provisioning is not supported for RDS reader endpoints"
    );

    // A shared account that lacks the role.
    let app = Caller {
        db_user: "app".into(),
        ..Caller::auto("alice").with_role("app").at("rds")
    };
    let catalog = TestCatalog::new(&pg).with_cloud(database(&pg, &json!({})), &passwords);
    let refused = app.refused(&DbService::new(Arc::new(catalog))).await;
    assert_eq!(refused.code, "28000");
    assert!(
        refused.hint.contains("must exist and hold rds_iam"),
        "{refused:?}"
    );
    drop(service);
    pg.discard().await;
}
