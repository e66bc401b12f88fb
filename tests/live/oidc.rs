//! Teleport's own client logs in to the embedded cluster through a real OIDC provider.

use serde_json::json;

use super::tsh::Tsh;
use crate::common::oidc::{Login, World};

#[test]
fn tsh_logs_in_through_the_provider_and_has_the_roles_of_the_claims() {
    if std::env::var_os("TELEPORT_BIN").is_none() {
        let _ = Tsh::new("", "");
        return;
    }
    let Some(world) = World::shared() else { return };
    let (proxy, ca) = (world.demo.proxy(), world.demo.ca_file());
    let Some(tsh) = Tsh::new(&proxy, &ca) else {
        return;
    };
    let account = |roles: &[&str]| {
        world.account(
            "tess",
            json!({"email": "tess@corp.test", "groups": ["dba"], "db_roles": roles}),
        );
    };
    account(&["reader"]);
    let login = |args: &[&str]| {
        let mut all = vec!["login", "--proxy", &proxy, "--browser", "none"];
        all.extend(args);
        let login = Login::start(tsh.command(&all));
        let page = world.browser().log_in(&login.link(), "tess");
        assert_eq!(page.url.path(), "/web/msg/info/login_success", "{page:?}");
        let text = login.end().ok();
        assert!(
            text.contains("Logged in as:       tess@corp.test"),
            "{text}"
        );
    };
    login(&["--auth", "corp"]);
    let status = tsh.run(&["status", "--format", "json"]).json();
    assert_eq!(status["active"]["username"], "tess@corp.test");
    assert_eq!(status["active"]["roles"], json!(["by-claims"]));
    let listed = tsh.run(&["db", "ls", "-v"]).ok();
    assert!(
        listed.contains("orders") && listed.contains("[reader]"),
        "{listed}"
    );
    let sql =
        "select current_user, pg_has_role('reader', 'member'), pg_has_role('writer', 'member');";
    let target = ["orders", "--db-name", "postgres"];
    let shown = tsh.sql(&target, sql).ok();
    assert!(shown.contains("tess@corp.test|t|f"), "{shown}");
    let refused = tsh.sql(&[&target[..], &["--db-roles", "writer"]].concat(), sql);
    assert!(
        refused.code != 0 && !refused.stdout.contains("|t|"),
        "{refused}"
    );
    // The default connector, and other claims.
    account(&["writer"]);
    let _ = tsh.run(&["logout"]).ok();
    login(&[]);
    let shown = tsh.sql(&target, sql).ok();
    assert!(shown.contains("tess@corp.test|f|t"), "{shown}");

    // Who gets nothing is told what for.
    world.account("tess", json!({"email": "tess@corp.test", "groups": []}));
    let _ = tsh.run(&["logout"]).ok();
    let failing = Login::start(tsh.command(&["login", "--proxy", &proxy, "--browser", "none"]));
    let _ = world.browser().log_in(&failing.link(), "tess");
    let stderr = failing.end().fails(1);
    assert!(
        stderr.contains("unable to map claims to role for connector: corp"),
        "{stderr}"
    );
}
