//! Automatic users of Amazon Redshift: states, sharing, refusals, names, failures. The states are those recorded from a real
//! service in front of the same kind of stand-in (db-service.md 3.11, redshift-emulation.json).

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crate::common::warehouse::{Caller, Session, Warehouse, way_to};

/// The cluster of these tests, one at a time: what the stand-in says counts for all its users.
fn warehouse() -> MutexGuard<'static, Warehouse> {
    static SHARED: OnceLock<Mutex<Warehouse>> = OnceLock::new();
    SHARED
        .get_or_init(|| {
            let gateway = crate::common::redshift_gateway::RedshiftGateway::shared();
            gateway.master(
                "CREATE USER \"rs-admin\" WITH PASSWORD DISABLE; GRANT ROLE \"sys:superuser\" TO \"rs-admin\"; \
                 CREATE USER \"weak-admin\" WITH PASSWORD DISABLE; CREATE USER \"new-admin\" WITH PASSWORD DISABLE; \
                 GRANT ROLE \"sys:superuser\" TO \"new-admin\"; CREATE ROLE rs_reader; CREATE ROLE rs_writer; \
                 CREATE ROLE \"odd \"\" name\"; CREATE ROLE boss; GRANT ROLE \"sys:superuser\" TO ROLE boss; \
                 GRANT CREATE ON SCHEMA public TO ROLE rs_writer",
            );
            let databases: String = [("rs", "rs-admin"), ("weak", "weak-admin"), ("second", "rs-admin"), ("new", "new-admin"),
                ("assumed", "rs-admin")]
                .map(|(name, admin)| {
                    format!(
                        "kind: db\nversion: v3\nmetadata: {{name: {name}}}\nspec:\n  protocol: postgres\n  admin_user: \
                         {{name: {admin}, default_database: dev}}\n{}{}---\n",
                        way_to(gateway),
                        if name == "assumed" {
                            "    assume_role_arn: arn:aws:iam::123456789012:role/warehouse\n    external_id: e1\n"
                        } else {
                            ""
                        }
                    )
                })
                .concat();
            let roles: String = ["keep", "best_effort_drop"]
                .map(|mode| {
                    format!(
                        "kind: role\nversion: v7\nmetadata: {{name: {mode}}}\nspec: {{options: {{create_db_user_mode: {mode}}}, allow: \
                         {{db_labels: {{'*': '*'}}, db_names: ['*'], db_roles: ['{{{{internal.db_roles}}}}']}}}}\n---\n"
                    )
                })
                .concat();
            let users: String = USERS
                .iter()
                .map(|user| format!("kind: user\nversion: v2\nmetadata: {{name: '{user}'}}\nspec: {{roles: [keep]}}\n---\n"))
                .collect();
            Mutex::new(Warehouse::start("warehouse", &format!("{databases}{roles}{users}{OTHERS}")))
        })
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
}

/// A role for shared accounts, and a database of another kind.
const OTHERS: &str = "\
kind: role
version: v7
metadata: {name: shared}
spec: {allow: {db_labels: {'*': '*'}, db_names: ['*'], db_users: [report, ghost, role/report]}}
---
kind: role
version: v7
metadata: {name: both}
spec: {options: {create_db_user_mode: keep}, allow: {db_labels: {'*': '*'}, db_names: ['*'], db_users: ['*']}}
---
kind: db
version: v3
metadata: {name: serverless}
spec: {protocol: postgres, uri: 'wg.123456789012.us-east-1.redshift-serverless.amazonaws.com:5439'}
";

const USERS: &[&str] = &[
    "anna",
    "bea",
    "cora",
    "dora",
    "elsa",
    "fred",
    "gina",
    "hana",
    "iris",
    "jane",
    "kate",
    "lena",
    "mona",
    "nora",
    "olga",
    "Capital",
    "rs-admin",
    "first.last+tag@example.com",
    "unmanaged",
    "teleport-auto-user",
];

fn caller(user: &'static str) -> Caller<'static> {
    Caller {
        user,
        account: None,
        role: "keep",
        database: "rs",
        allowed: &["rs_reader", "rs_writer"],
        requested: &[],
    }
}

const BOTH: &str = "UNLIMITED|rs_reader,rs_writer,teleport-auto-user";
const LOCKED: &str = "0|teleport-auto-user";

fn open(warehouse: &Warehouse, caller: &Caller<'_>) -> Session {
    warehouse
        .connect(caller)
        .unwrap_or_else(|error| panic!("{}: {error:?}", caller.user))
}

#[test]
fn keep_makes_shares_locks_and_takes_back() {
    let w = warehouse();
    let anna = caller("anna");
    let first = open(&w, &anna);
    assert_eq!(first.ask("SELECT 1"), Ok("1".into()));
    assert_eq!(w.gateway.user("anna"), BOTH);
    // The same roles, in another order and twice: shared.
    let second = open(
        &w,
        &Caller {
            requested: &["rs_writer", "rs_reader", "rs_writer"],
            ..anna
        },
    );
    // Teleport counts the list as it stands and admits this one (defect 4 of the recordings).
    let other = w
        .connect(&Caller {
            requested: &["rs_reader", "rs_reader"],
            ..anna
        })
        .err()
        .expect("refused");
    assert_eq!(
        other.message,
        "your Teleport role requires automatic database user provisioning but an attempt to activate database user \"anna\" \
         failed due to the following error: roles for user \"anna\" has changed. Please quit all active connections and try again."
    );
    // Through another document of the same server too.
    assert!(
        w.connect(&Caller {
            database: "second",
            requested: &["rs_reader"],
            ..anna
        })
        .is_err()
    );
    second.close();
    assert_eq!(first.ask("SELECT 2"), Ok("2".into()));
    assert_eq!(w.gateway.user("anna"), BOTH, "one of two has ended");
    first.close();
    w.until("anna", LOCKED);

    let again = open(
        &w,
        &Caller {
            requested: &["rs_reader"],
            ..anna
        },
    );
    assert_eq!(
        w.gateway.user("anna"),
        "UNLIMITED|rs_reader,teleport-auto-user"
    );
    again.close();
    w.until("anna", LOCKED);
    let ends = w.audit("db.session.user.deactivate");
    let of = ends
        .iter()
        .filter(|e| e["username"] == "anna")
        .collect::<Vec<_>>();
    assert!(
        of.iter()
            .all(|e| e["success"] == true && e["delete"] == false && e["code"] == "TDB09I"),
        "{of:?}"
    );
    assert_eq!(w.gateway.refused(), Vec::<String>::new());
}

#[test]
fn every_login_is_by_iam_and_a_password_serves_more_than_one() {
    let w = warehouse();
    let gina = caller("gina");
    open(&w, &gina).close();
    w.until("gina", LOCKED);
    let admins = w.gateway.asked_for("rs-admin").len();
    assert_ne!(admins, 0, "the admin in the same way");
    open(&w, &gina).close();
    w.until("gina", LOCKED);
    assert_eq!(w.gateway.asked_for("rs-admin").len(), admins);
    let asked = w.gateway.asked_for("gina");
    assert_eq!(
        asked,
        [
            "Action=GetClusterCredentials&Version=2012-12-01&ClusterIdentifier=warehouse&DbUser=gina&DbName=dev\
          &AutoCreate=false&DurationSeconds=900"
        ]
    );
    // What Redshift does not take any more is forgotten.
    w.gateway.expire_passwords();
    open(&w, &gina).close();
    assert_eq!(w.gateway.asked_for("gina").len(), 2);
    w.until("gina", LOCKED);
}

#[test]
fn best_effort_drop_drops_or_locks_and_says_which() {
    let w = warehouse();
    let bea = Caller {
        role: "best_effort_drop",
        ..caller("bea")
    };
    open(&w, &bea).close();
    w.until("bea", "");
    let second = open(&w, &bea);
    second
        .ask("CREATE TABLE owned_by_bea (id int)")
        .expect("a table");
    second.close();
    w.until("bea", LOCKED);
    w.gateway.master("DROP TABLE owned_by_bea");
    open(&w, &bea).close();
    w.until("bea", "");
    let events = w.audit("db.session.user.deactivate");
    let deleted: Vec<_> = events
        .iter()
        .filter(|e| e["username"] == "bea")
        .map(|e| e["delete"].clone())
        .collect();
    assert_eq!(deleted, [true, false, true]);
}

#[test]
fn statements_are_redshifts_own_and_begin_with_the_user() {
    let w = warehouse();
    let before = w.gateway.statements("IAM:rs-admin").len();
    open(&w, &caller("cora")).close();
    w.until("cora", LOCKED);
    let all = w.gateway.statements("IAM:rs-admin");
    let changes: Vec<&str> = all[before..]
        .iter()
        .map(String::as_str)
        .filter(|sql| !sql.starts_with("SELECT") && sql.contains("cora"))
        .collect();
    assert_eq!(
        changes,
        [
            r#"CREATE USER "cora" WITH PASSWORD DISABLE"#,
            r#"GRANT ROLE "teleport-auto-user" TO "cora""#,
            r#"GRANT ROLE "rs_reader" TO "cora""#,
            r#"GRANT ROLE "rs_writer" TO "cora""#,
            r#"ALTER USER "cora" CONNECTION LIMIT 0"#,
            r#"REVOKE ROLE "rs_reader" FROM "cora""#,
            r#"REVOKE ROLE "rs_writer" FROM "cora""#,
        ]
    );
}

#[test]
fn what_is_refused_changes_nothing() {
    let w = warehouse();
    let activation = |user: &str, cause: &str| {
        format!(
            "your Teleport role requires automatic database user provisioning but an attempt to activate database user \
             \"{user}\" failed due to the following error: {cause}"
        )
    };
    let refused = |caller: &Caller<'_>| w.connect(caller).err().expect("refused");

    let missing = refused(&Caller {
        allowed: &["rs_reader", "nope"],
        ..caller("dora")
    });
    assert_eq!(
        missing.message,
        activation(
            "dora",
            "ERROR: role \"nope\" does not exist (SQLSTATE 42704)"
        )
    );
    assert_eq!(w.gateway.user("dora"), "", "not left behind");

    for role in ["sys:superuser", "boss", "teleport-auto-user"] {
        let answer = refused(&Caller {
            allowed: &[role],
            ..caller("dora")
        });
        assert_eq!(
            answer.message,
            activation(
                "dora",
                &format!("ERROR: permission denied to grant role \"{role}\" (SQLSTATE 42501)")
            )
        );
    }
    // Redshift would fold it to a role that exists.
    let folded = refused(&Caller {
        allowed: &["RS_Reader"],
        ..caller("dora")
    });
    assert!(
        folded.message.contains("role \"RS_Reader\" does not exist"),
        "{folded:?}"
    );

    w.gateway
        .master("CREATE USER unmanaged WITH PASSWORD DISABLE; GRANT ROLE rs_writer TO unmanaged");
    let unmanaged = refused(&caller("unmanaged"));
    assert_eq!(
        unmanaged.message,
        activation(
            "unmanaged",
            "user \"unmanaged\" already exists in this PostgreSQL database and is not managed by Teleport"
        )
    );
    assert_eq!(w.gateway.user("unmanaged"), "UNLIMITED|rs_writer");

    let admin = refused(&caller("rs-admin"));
    assert!(
        admin.message.contains("is not managed by Teleport"),
        "{admin:?}"
    );
    let capital = refused(&caller("Capital"));
    assert!(
        capital.message.contains("names fold to lower case there"),
        "{capital:?}"
    );
    assert_eq!(capital.code, "28000");

    let weak = refused(&Caller {
        database: "weak",
        ..caller("dora")
    });
    assert!(
        weak.message
            .contains("the admin user \"weak-admin\" is no superuser"),
        "{weak:?}"
    );
    assert!(
        weak.hint
            .contains(r#"GRANT ROLE "sys:superuser" TO "weak-admin";"#),
        "{weak:?}"
    );
    assert_eq!(w.gateway.user("dora"), "");
}

#[test]
fn usual_and_odd_names_go_round_twice() {
    let w = warehouse();
    let user = "first.last+tag@example.com";
    for role in ["keep", "best_effort_drop"] {
        for _ in 0..2 {
            let caller = Caller {
                role,
                allowed: &["odd \" name", "rs_reader"],
                ..caller(user)
            };
            let session = open(&w, &caller);
            assert_eq!(
                w.gateway.user(user),
                "UNLIMITED|odd \" name,rs_reader,teleport-auto-user"
            );
            session.close();
            w.until(user, if role == "keep" { LOCKED } else { "" });
        }
    }
}

#[test]
fn a_user_without_roles_has_only_the_bookkeeping_one() {
    let w = warehouse();
    let session = open(
        &w,
        &Caller {
            allowed: &[],
            ..caller("elsa")
        },
    );
    assert_eq!(w.gateway.user("elsa"), "UNLIMITED|teleport-auto-user");
    session.close();
    w.until("elsa", LOCKED);
}

#[test]
fn a_killed_client_and_leftovers_of_a_crash() {
    let mut w = warehouse();
    open(&w, &caller("fred")).kill();
    w.until("fred", LOCKED);
    // As a process that died in the middle left it: enabled, with a role, and nobody there.
    w.gateway.master(
        "ALTER USER fred CONNECTION LIMIT UNLIMITED; GRANT ROLE rs_writer TO fred; \
         CREATE USER hana WITH PASSWORD DISABLE; GRANT ROLE \"teleport-auto-user\" TO hana; GRANT ROLE rs_reader TO hana",
    );
    w.stop();
    w.start_again("warehouse");
    w.until("fred", LOCKED);
    w.until("hana", LOCKED);
}

#[test]
fn many_users_and_many_sessions_at_once() {
    let w = warehouse();
    let users = ["iris", "jane", "kate", "lena"];
    let sessions: Vec<Session> = std::thread::scope(|scope| {
        let w: &Warehouse = &w;
        let waiting: Vec<_> = users
            .iter()
            .flat_map(|user| std::iter::repeat_n(*user, 4))
            .map(|user| scope.spawn(move || open(w, &caller(user))))
            .collect();
        waiting
            .into_iter()
            .map(|thread| thread.join().expect("a session"))
            .collect()
    });
    for user in users {
        assert_eq!(w.gateway.user(user), BOTH);
        assert_eq!(w.gateway.sessions(user), 4);
    }
    sessions.into_iter().for_each(Session::close);
    for user in users {
        w.until(user, LOCKED);
    }
    assert_eq!(w.gateway.refused(), Vec::<String>::new());
}

#[test]
fn shared_accounts_log_in_by_iam_too() {
    let w = warehouse();
    w.gateway
        .master("CREATE USER report WITH PASSWORD DISABLE; GRANT ROLE rs_reader TO report");
    let report = Caller {
        role: "shared",
        account: Some("report"),
        ..caller("olga")
    };
    let session = open(&w, &report);
    assert_eq!(session.ask("SELECT current_user"), Ok("report".into()));
    session.close();
    assert_eq!(
        w.gateway.user("report"),
        "UNLIMITED|rs_reader",
        "nobody changes it"
    );
    let ghost = w
        .connect(&Caller {
            account: Some("ghost"),
            ..report
        })
        .err()
        .expect("refused");
    assert_eq!(ghost.code, "28000");
    assert!(
        ghost
            .hint
            .contains(r#"CREATE USER "ghost" WITH PASSWORD DISABLE"#),
        "{ghost:?}"
    );
}

#[test]
fn serverless_says_why_not() {
    let w = warehouse();
    let refused = |role, account| {
        let answer = w.connect(&Caller {
            role,
            account,
            database: "serverless",
            ..caller("olga")
        });
        answer.err().expect("refused")
    };
    let own = refused("keep", None);
    assert!(own.message.starts_with("access to db denied."), "{own:?}");
    assert!(
        own.hint.starts_with(
            "users are not made automatically in databases of type \"redshift-serverless\""
        ),
        "{own:?}"
    );
    assert_eq!(
        refused("both", None).message,
        "your Teleport role requires automatic database user provisioning but this database doesn't support it, contact your \
         Teleport administrator"
    );
    let shared = refused("shared", Some("role/report"));
    assert_eq!(
        shared.message,
        "databases of type \"redshift-serverless\" are not served here"
    );
    assert!(
        shared.hint.contains("lists databases of this type"),
        "{shared:?}"
    );
}

#[test]
fn a_role_of_the_document_is_assumed_first() {
    let w = warehouse();
    open(
        &w,
        &Caller {
            database: "assumed",
            ..caller("nora")
        },
    )
    .close();
    w.until("nora", LOCKED);
    let keys = w.gateway.signed_by("nora");
    assert_eq!(keys.len(), 1);
    assert!(
        keys[0].starts_with("ASIA"),
        "a temporary identity from moto's STS: {keys:?}"
    );
}

#[test]
fn the_api_says_no() {
    let w = warehouse();
    let refused = |user, database| {
        let no = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not yours</Message></Error></ErrorResponse>";
        w.gateway.refuse(Some((user, no)));
        let answer = w.connect(&Caller {
            database,
            ..caller("mona")
        });
        w.gateway.refuse(None);
        let refused = answer.err().expect("refused");
        // The same words, whoever is refused (redshift-emulation.json).
        let begin = "your Teleport role requires automatic database user provisioning but an attempt to activate database user \
                     \"mona\" failed due to the following error: Could not generate Redshift IAM auth token:\n\n  AWS: \
                     GetClusterCredentials in eu-central-1: AccessDenied (HTTP 403): not yours\n\nMake sure that Teleport database \
                     agent's IAM policy is attached";
        assert!(refused.message.starts_with(begin), "{refused:?}");
        assert_eq!(
            refused.hint,
            format!(
                "allow redshift:GetClusterCredentials on arn:aws:redshift:eu-central-1:{{account_id}}:dbuser:warehouse/{user} and \
                 arn:aws:redshift:eu-central-1:{{account_id}}:dbname:warehouse/dev to the IAM identity of postern-cluster"
            )
        );
    };
    refused("mona", "rs");
    refused("new-admin", "new");
    assert_eq!(w.gateway.user("mona"), "", "nobody was made in vain");
}
