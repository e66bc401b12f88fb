//! tsh: login, status, clusters, logout, and all around them.

use serde_json::json;

use super::tsh::Tsh;
use crate::common::demo::Demo;

#[test]
fn login_with_password_and_code_until_logout() {
    let Some((tsh, demo)) = Tsh::of(Demo::with_codes) else {
        return;
    };
    let mut login = tsh.login("alice", &[]);
    login
        .exp_string("Enter password")
        .expect("the password's prompt");
    login.send_line(&demo.password("alice")).expect("input");
    login.exp_string("OTP code").expect("the code's prompt");
    login.send_line(&demo.code("alice")).expect("input");
    login
        .exp_string("Logged in as:       alice")
        .expect("a login");
    login.exp_eof().expect("an end");

    let active = tsh.run(&["status", "--format", "json"]).json()["active"].clone();
    assert_eq!(active["cluster"], "root");
    assert_eq!(active["username"], "alice");
    let roles: Vec<_> = active["roles"]
        .as_array()
        .expect("roles")
        .iter()
        .filter_map(|r| r.as_str())
        .collect();
    for role in ["auto-keep", "denied", "plain"] {
        assert!(roles.contains(&role), "{roles:?}");
    }
    assert_eq!(active["traits"]["db_roles"], json!(["writer"]));
    let text = tsh.run(&["status"]).ok();
    assert!(text.contains("Cluster:            root"), "{text}");

    let clusters = tsh.run(&["clusters", "--format", "json"]).json();
    assert_eq!(
        clusters[0],
        json!({"cluster_name": "root", "status": "online", "cluster_type": "root", "labels": null, "selected": true})
    );
    let table = tsh.run(&["clusters"]).ok();
    assert!(
        table.contains("root") && table.contains("online"),
        "{table}"
    );

    // A second login finds the first one: it asks nothing.
    let again = tsh.run(&["login", "--proxy", &tsh.proxy, "--user", "alice"]);
    assert!(again.ok().contains("Logged in as:       alice"));

    let devices = tsh.run(&["mfa", "ls", "--format", "json"]).json();
    assert_eq!(devices[0]["metadata"]["Name"], "otp", "{devices}");

    tsh.run(&["logout"]).ok();
    let status = tsh.refused(&["status"]);
    assert!(status.contains("Not logged in"), "{status}");
    let list = tsh.refused(&["db", "ls"]);
    assert!(list.contains("No proxy address specified"), "{list}");
}

#[test]
fn wrong_password_and_wrong_code_are_one_refusal() {
    let Some((tsh, demo)) = Tsh::of(Demo::with_codes) else {
        return;
    };
    for password in ["wrong".to_owned(), demo.password("bob")] {
        let mut login = tsh.login("bob", &["--mfa-mode", "otp"]);
        login
            .exp_string("Enter password")
            .expect("the password's prompt");
        login.send_line(&password).expect("input");
        if password == "wrong" {
            login.exp_string("invalid credentials").expect("a refusal");
        } else {
            login.exp_string("OTP code").expect("the code's prompt");
            // No code has this form, so it is never right by chance.
            login.send_line("00000x").expect("input");
            login.exp_string("ERROR").expect("a refusal");
        }
        login.exp_eof().expect("an end");
    }
    assert!(tsh.refused(&["status"]).contains("Not logged in"));
}

/// Where no key can be touched, tsh falls back to the code; a mode that nobody can answer ends with a message.
#[test]
fn the_ways_of_a_second_factor() {
    let Some((tsh, demo)) = Tsh::of(Demo::with_codes) else {
        return;
    };
    for mode in ["auto", "otp"] {
        let mut login = tsh.login("carol", &["--mfa-mode", mode]);
        login
            .exp_string("Enter password")
            .expect("the password's prompt");
        login.send_line(&demo.password("carol")).expect("input");
        login.exp_string("OTP code").expect("the code's prompt");
        login.send_line(&demo.code("carol")).expect("input");
        login
            .exp_string("Logged in as:       carol")
            .expect("a login");
        login.exp_eof().expect("an end");
        tsh.run(&["logout"]).ok();
    }
}

#[test]
fn version_and_environment() {
    let Some((tsh, _)) = Tsh::logged_in("alice") else {
        return;
    };
    let version = tsh.run(&["version", "--format", "json"]).json();
    assert_eq!(version["proxyVersion"], "18.3.0", "{version}");
    let env = tsh.run(&["env"]).ok();
    assert!(
        env.contains(&format!("export TELEPORT_PROXY={}", tsh.proxy)),
        "{env}"
    );
    assert!(env.contains("export TELEPORT_CLUSTER=root"), "{env}");
}

/// The session is renewed without losing itself: tsh keeps it in the SSH certificate as well.
#[test]
fn a_renewed_session_is_whole() {
    let Some((tsh, _)) = Tsh::logged_in("alice") else {
        return;
    };
    let renewed = tsh.run(&["request", "drop"]).ok();
    assert!(renewed.contains("Logged in as:       alice"), "{renewed}");
    let roles = tsh.run(&["status", "--format", "json"]).json()["active"]["roles"].clone();
    assert!(roles.to_string().contains("auto-keep"), "{roles}");
    let row = tsh.sql(
        &["app", "--db-user", "app", "--db-name", "postgres"],
        "select current_user;",
    );
    assert!(row.ok().contains("app"));
    let unknown = tsh.refused(&["login", "nosuch"]);
    assert!(unknown.contains("nosuch"), "{unknown}");
    let still = tsh.run(&["status"]).ok();
    assert!(still.contains("Cluster:            root"), "{still}");
}
