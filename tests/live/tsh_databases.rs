//! tsh: lists of databases, and what a login to one of them leaves.

use serde_json::Value;

use super::tsh::Tsh;

fn names(list: &Value) -> Vec<&str> {
    list.as_array()
        .expect("a list")
        .iter()
        .map(|d| d["metadata"]["name"].as_str().expect("a name"))
        .collect()
}

#[test]
fn lists_and_filters() {
    let Some((tsh, _)) = Tsh::logged_in("alice") else {
        return;
    };
    let all = tsh.run(&["db", "ls", "-v", "--format", "json"]).json();
    let listed = names(&all);
    for name in ["app", "dead", "orders"] {
        assert!(listed.contains(&name), "{listed:?}");
    }
    assert!(
        !listed.contains(&"secret") && !listed.contains(&"vault"),
        "{listed:?}"
    );
    let find = |name: &str| {
        let index = listed.iter().position(|n| *n == name).expect("listed");
        all[index].clone()
    };
    assert_eq!(
        find("orders")["users"]["allowed"],
        serde_json::json!(["alice"])
    );
    assert_eq!(
        find("orders")["database_roles"],
        serde_json::json!(["reader", "writer"])
    );
    assert_eq!(
        find("app")["users"]["allowed"],
        serde_json::json!(["app", "postgres"])
    );

    let table = tsh.run(&["db", "ls", "-v"]).ok();
    assert!(
        table.contains("[alice] (Auto-provisioned)") && table.contains("[reader writer]"),
        "{table}"
    );
    for (args, want) in [
        (&["--search", "orders"][..], &["orders"][..]),
        (&["--search", "ORDERS,kept"], &["orders"]),
        (&["--search", "orders,nothing-has-this"], &[]),
        (
            &[
                "--query",
                "labels[\"mode\"] == \"keep\" && name == \"orders\"",
            ],
            &["orders"],
        ),
        (&["--query", "hasPrefix(name, \"ap\")"], &["app"]),
        (&["--query", "search(\"shared account\")"], &["app"]),
        (&["mode=plain,env=prod"], &["app"]),
        (&["mode=none"], &[]),
    ] {
        let mut all = vec!["db", "ls", "--cluster", "root", "--format", "json"];
        all.extend(args);
        assert_eq!(names(&tsh.run(&all).json()), want, "{args:?}");
    }
    for (query, text) in [
        (
            "name ==",
            "rpc error: code = Unknown desc = parsing expression\n\t1:8: expected operand, found 'EOF'",
        ),
        (
            "nam == \"x\"",
            "evaluating lhs of (==) operator\n\tidentifier nam is not defined",
        ),
        (
            "name",
            "expression evaluated to unexpected type\n\texpected type bool, got expression returning type (string)",
        ),
        (
            "foo(\"x\")",
            "parsing expression\n\tunsupported function: foo",
        ),
    ] {
        let said = tsh.refused(&["db", "ls", "--query", query]);
        assert!(said.contains(text), "{query}: {said}");
    }
}

#[test]
fn the_list_of_all_clusters() {
    let Some((tsh, _)) = Tsh::logged_in("alice") else {
        return;
    };
    let all = tsh.run(&["db", "ls", "-R", "--format", "json"]).json();
    let orders = all
        .as_array()
        .expect("a list")
        .iter()
        .find(|e| e["cluster"] == "root" && e["database"]["metadata"]["name"] == "orders")
        .expect("orders");
    assert_eq!(orders["proxy"].as_str(), Some(tsh.proxy.as_str()));
    let table = tsh.run(&["db", "ls", "-R", "-v"]).ok();
    assert!(
        table
            .lines()
            .any(|l| l.contains("root") && l.contains("orders")),
        "{table}"
    );
}

#[test]
fn login_environment_configuration_and_logout() {
    let Some((tsh, _)) = Tsh::logged_in("alice") else {
        return;
    };
    let none = tsh.refused(&["db", "env"]);
    assert!(
        none.contains("please login using 'tsh db login' first"),
        "{none}"
    );
    let saved = tsh
        .run(&[
            "db",
            "login",
            "app",
            "--db-user",
            "app",
            "--db-name",
            "postgres",
        ])
        .ok();
    assert!(
        saved.contains("Connection information for database \"app\" has been saved."),
        "{saved}"
    );

    let env = tsh.run(&["db", "env", "--format", "json"]).json();
    let (host, port) = tsh.proxy.split_once(':').expect("host and port");
    for (name, value) in [
        ("PGHOST", host),
        ("PGPORT", port),
        ("PGUSER", "app"),
        ("PGDATABASE", "postgres"),
        ("PGSSLMODE", "verify-full"),
    ] {
        assert_eq!(env[name], value, "{env}");
    }
    let config = tsh.run(&["db", "config", "--format", "json"]).json();
    assert_eq!(config["name"], "app");
    assert_eq!(config["host"], host);
    let command = tsh.run(&["db", "config", "--format", "cmd"]).ok();
    assert!(command.contains("psql"), "{command}");

    // The files it names do what they are for: psql goes straight to the cluster's port.
    let mut psql = std::process::Command::new("psql");
    psql.args(["-X", "-A", "-t", "-w", "-c", "select current_user"])
        .stdin(std::process::Stdio::null());
    for (name, value) in env.as_object().expect("variables") {
        psql.env(name, value.as_str().expect("text"));
    }
    let row = crate::common::ran::Ran::of(&mut psql).ok();
    assert_eq!(row.trim(), "app");

    // With one active database its name may be left out; with several it may not.
    assert_eq!(
        tsh.sql(&[], "select current_user;").ok().lines().last(),
        Some("app")
    );
    tsh.run(&["db", "login", "orders", "--db-name", "postgres"])
        .ok();
    let listed = tsh.run(&["db", "ls"]).ok();
    assert!(
        listed.contains("> app") && listed.contains("> orders"),
        "{listed}"
    );
    let several = tsh.sql(&[], "select 1;").fails(1);
    assert!(
        several.contains("multiple databases are available"),
        "{several}"
    );
    let _guard = crate::common::exclusive("alice");
    assert_eq!(
        tsh.sql(&["orders"], "select current_user;")
            .ok()
            .lines()
            .last(),
        Some("alice")
    );

    let out = tsh.run(&["db", "logout", "app"]).ok();
    assert!(out.contains("Logged out of database app"), "{out}");
    let gone = tsh.refused(&["db", "logout", "app"]);
    assert!(gone.contains("not logged into database \"app\""), "{gone}");
    let out = tsh.run(&["db", "logout"]).ok();
    assert!(out.contains("Logged out of"), "{out}");
}

#[test]
fn databases_that_are_not_there_or_not_allowed() {
    let Some((tsh, _)) = Tsh::logged_in("alice") else {
        return;
    };
    for command in ["login", "connect"] {
        for name in ["nosuch", "secret"] {
            let said = tsh.refused(&["db", command, name]);
            assert!(
                said.contains(&format!(
                    "database \"{name}\" not found, use 'tsh db ls' to see registered databases"
                )),
                "{said}"
            );
        }
    }
    let several = tsh.refused(&["db", "login", "--labels", "mode=plain"]);
    assert!(
        several.contains("app") && several.contains("dead"),
        "{several}"
    );
}
