//! tsh commands for what this cluster does not have: each ends as against a real cluster without such things (asked on
//! 18.3.0), and none with "This server does not implement this feature yet".

use super::tsh::Tsh;

#[test]
fn lists_of_other_things_are_empty() {
    let Some((tsh, _)) = Tsh::logged_in("alice") else {
        return;
    };
    for (args, first_line) in [
        (&["ls"][..], "Node Name Address Labels"),
        (
            &["apps", "ls"],
            "Application Description Type Public Address Labels",
        ),
        (&["kube", "ls"], "Kube Cluster Name Labels Selected"),
        (&["git", "ls"], "Type Organization Username URL"),
        (&["mcp", "ls"], "Name Description Type Allowed Tools Labels"),
        (&["sessions", "ls"], "ID   Kind Created User Target Address"),
        (
            &["kube", "sessions"],
            "ID   Kind Created User Target Address",
        ),
        (
            &["request", "ls"],
            "ID   User Roles Resources Created At (UTC) Request TTL Session TTL Assume Time (UTC) Status",
        ),
        (
            &["request", "search", "--kind", "node"],
            "Name Hostname Labels Resource ID",
        ),
    ] {
        let out = tsh.run(args).ok();
        assert_eq!(
            out.lines().next().unwrap_or_default().trim_end(),
            first_line,
            "{args:?}: {out}"
        );
    }
    assert_eq!(
        tsh.run(&["request", "ls", "--format", "json"]).json(),
        serde_json::json!([])
    );
    let found = tsh.run(&["request", "search", "--kind", "db"]).ok();
    assert!(found.contains("/root/db/orders"), "{found}");
}

#[test]
fn what_does_not_exist_is_refused_politely() {
    let Some((tsh, _)) = Tsh::logged_in("alice") else {
        return;
    };
    for (args, text) in [
        (
            &["request", "create", "--roles", "access", "--reason", "x"][..],
            "user \"alice\" can not request role \"access\"",
        ),
        (
            &[
                "request",
                "create",
                "--resource",
                "/root/db/app",
                "--reason",
                "x",
            ],
            "Resource Access Requests require usable \"search_as_roles\", none found for user \"alice\"",
        ),
        (
            &["request", "show", "0198-abc"],
            "no access request matching \"0198-abc\"",
        ),
        (
            &["request", "review", "--approve", "abc"],
            "user \"alice\" cannot submit reviews",
        ),
        (
            &["recordings", "ls"],
            "access denied to perform action \"list\" on \"session\"",
        ),
        (
            &["apps", "login", "x"],
            "app \"x\" not found, use `tsh apps ls` to see registered apps",
        ),
        (
            &["proxy", "app", "x"],
            "app \"x\" not found, use `tsh apps ls` to see registered apps",
        ),
        (
            &["kube", "login", "x"],
            "kubernetes cluster \"x\" not found, check 'tsh kube ls' for a list of known clusters",
        ),
        (&["mfa", "rm", "x"], "device \"x\" not found"),
        (&["resolve", "host"], "no matching hosts found"),
        (&["ssh", "root@host", "ls"], "this cluster has no SSH hosts"),
    ] {
        let said = tsh.refused(args);
        assert!(said.contains(text), "{args:?}: {said}");
        assert!(!said.contains("does not implement"), "{args:?}: {said}");
    }
}
