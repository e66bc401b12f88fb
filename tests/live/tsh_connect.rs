//! tsh: psql in databases with shared accounts and automatic users, and Ctrl+C.

use std::time::Duration;

use super::tsh::Tsh;
use crate::common::wait_for;

const WHO: &str = "select current_user || ':' || coalesce((select string_agg(r.rolname, ',' order by r.rolname) from \
                   pg_auth_members m join pg_roles r on r.oid = m.roleid where m.member = current_user::regrole), '');";

#[track_caller]
fn last(out: crate::common::ran::Ran) -> String {
    out.ok().lines().last().unwrap_or_default().to_owned()
}

#[test]
fn shared_account_and_automatic_user() {
    let Some((tsh, demo)) = Tsh::logged_in("alice") else {
        return;
    };
    let _guard = crate::common::exclusive("alice");
    let app = ["app", "--db-user", "app", "--db-name", "postgres"];
    assert_eq!(last(tsh.sql(&app, WHO)), "app:");
    let tunnel = [
        "app",
        "--db-user",
        "app",
        "--db-name",
        "postgres",
        "--tunnel",
    ];
    assert_eq!(last(tsh.sql(&tunnel, WHO)), "app:");

    let orders = ["orders", "--db-name", "postgres"];
    assert_eq!(
        last(tsh.sql(&orders, WHO)),
        "alice:reader,teleport-auto-user,writer"
    );
    wait_for("the user to be put away", Duration::from_secs(10), || {
        demo.role("alice").starts_with("nologin").then_some(())
    });
    let reader = ["orders", "--db-name", "postgres", "--db-roles", "reader"];
    assert_eq!(
        last(tsh.sql(&reader, WHO)),
        "alice:reader,teleport-auto-user"
    );
    let both = [
        "orders",
        "--db-name",
        "postgres",
        "--db-roles",
        "writer,reader",
    ];
    assert_eq!(
        last(tsh.sql(&both, WHO)),
        "alice:reader,teleport-auto-user,writer"
    );
}

#[test]
fn refusals_reach_the_person() {
    let Some((tsh, _)) = Tsh::logged_in("alice") else {
        return;
    };
    for (args, text) in [
        (
            &["app", "--db-user", "nobody", "--db-name", "postgres"][..],
            "access to db denied. User does not have permissions. Confirm database user and name.",
        ),
        (
            &["app", "--db-user", "app", "--db-name", "template1"],
            "access to db denied. User does not have permissions. Confirm database user and name.",
        ),
        (
            &["dead", "--db-user", "app", "--db-name", "postgres"],
            "connection refused",
        ),
        (
            &["orders", "--db-name", "postgres", "--db-roles", "owner"],
            "access to database role \"owner\" denied",
        ),
        (
            &["orders", "--db-name", "postgres", "--db-user", "bob"],
            "please use your Teleport username (\"alice\") to connect instead of \"bob\"",
        ),
    ] {
        // A home of its own each: tsh keeps what was chosen before.
        let Some((fresh, _)) = Tsh::logged_in("alice") else {
            return;
        };
        let said = fresh.sql(args, "select 1;").fails(1);
        assert!(said.contains(text), "{args:?}: {said}");
    }
    // psql's own failure is told, and its exit code.
    let app = ["app", "--db-user", "app", "--db-name", "postgres"];
    let said = tsh
        .sql(&app, "\\set ON_ERROR_STOP on\nselect nothing_like_this;")
        .fails(1);
    assert!(
        said.contains("nothing_like_this") && said.contains("exit status 3"),
        "{said}"
    );
}

#[test]
fn ctrl_c_stops_the_query_and_not_psql() {
    let Some((tsh, demo)) = Tsh::logged_in("alice") else {
        return;
    };
    let _guard = crate::common::exclusive("alice");
    for (name, args) in [
        (
            "local",
            &["db", "connect", "orders", "--db-name", "postgres"][..],
        ),
        (
            "tunnel",
            &[
                "db",
                "connect",
                "orders",
                "--db-name",
                "postgres",
                "--tunnel",
            ],
        ),
    ] {
        let mut psql = tsh.terminal(args);
        psql.exp_string("=>").expect("psql's prompt");
        psql.send_line("select current_user || ' has ' || count(*) from t;")
            .expect("input");
        psql.exp_string("alice has 1000").expect("an answer");
        let marker = format!("tsh-{name}");
        psql.send_line(&format!("select pg_sleep(64), '{marker}';"))
            .expect("input");
        let running = || {
            let count = demo.sql(&format!(
                "select count(*) from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() and query like '%''{marker}''%'"
            ));
            count.parse::<u32>().expect("a number")
        };
        wait_for("the query to run", Duration::from_secs(10), || {
            (running() == 1).then_some(())
        });
        psql.send_control('c').expect("ctrl-c");
        psql.exp_string("canceling statement due to user request")
            .expect("psql's message");
        wait_for("the query to end", Duration::from_secs(5), || {
            (running() == 0).then_some(())
        });
        psql.send_line("select 'still ' || 'here';").expect("input");
        psql.exp_string("still here").expect("an answer");
        psql.send_line("\\q").expect("input");
        psql.exp_eof().expect("an end");
    }
    wait_for("the user to be put away", Duration::from_secs(10), || {
        demo.role("alice").starts_with("nologin").then_some(())
    });
}
