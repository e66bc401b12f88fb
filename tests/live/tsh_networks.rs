//! tsh through nginx that ends TLS in front of the embedded cluster.

use std::time::Duration;

use super::tsh::Tsh;
use super::tsh_tunnel::Proxy;
use crate::common::demo::Demo;
use crate::common::middle::{Nginx, find, free_port};
use crate::common::ran::Ran;
use crate::common::wait_for;

#[test]
fn tsh_passes_nginx_in_front_of_the_embedded_cluster() {
    if find("nginx").is_none() || Tsh::new("", "").is_none() {
        return;
    }
    let port = free_port();
    let address = format!("localhost:{port}");
    let demo = Demo::start(&["--no-second-factor", "--public-addr", &address]);
    let Some(nginx) = Nginx::new(port).start(&demo.listen()) else {
        return;
    };
    let ca_file = nginx.path("ca.pem").display().to_string();
    let Some(tsh) = Tsh::new(&address, &ca_file) else {
        return;
    };
    tsh.log_in("alice", &demo.password("alice"));

    for (cluster, name) in [("root", "orders"), ("leaf", "leaf-orders")] {
        let list = tsh.run(&["db", "ls", "--format", "json", "--cluster", cluster]);
        let list = list.json();
        let mut rows = list.as_array().expect("a list").iter();
        assert!(rows.any(|row| row["metadata"]["name"] == name), "{list}");
    }
    for (args, user) in [
        (&["orders"][..], "alice"),
        (&["orders", "--tunnel"], "alice"),
        (&["leaf-orders", "--cluster", "leaf"], "remote-alice-root"),
    ] {
        let all = [args, &["--db-name", "postgres"]].concat();
        let out = tsh.sql(&all, "select current_user;").ok();
        assert_eq!(out.lines().last(), Some(user), "{args:?}");
    }

    // Ctrl+C reaches the query.
    let mut psql = tsh.terminal(&["db", "connect", "orders", "--db-name", "postgres"]);
    psql.exp_string("=>").expect("psql's prompt");
    psql.send_line("select pg_sleep(64), 'behind-nginx';")
        .expect("input");
    let running = || {
        demo.sql(
            "select count(*) from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() and query like '%''behind-nginx''%'",
        )
    };
    wait_for("the query to run", Duration::from_secs(60), || {
        (running() == "1").then_some(())
    });
    psql.send_control('c').expect("ctrl-c");
    psql.exp_string("canceling statement due to user request")
        .expect("psql's message");
    wait_for("the query to end", Duration::from_secs(30), || {
        (running() == "0").then_some(())
    });
    psql.send_line("\\q").expect("input");
    psql.exp_eof().expect("an end");

    let tunnel = [
        "--tunnel",
        "--db-user",
        "alice",
        "--db-name",
        "postgres",
        "orders",
    ];
    let proxy = Proxy::start(&tsh, &tunnel);
    let mut psql = proxy.psql("alice", "");
    let row = Ran::of(psql.args(["-c", "select current_user"]));
    assert_eq!(row.ok().trim(), "alice");

    let seen = std::fs::read_to_string(nginx.path("access.log")).expect("nginx's log");
    let upgraded = seen.lines().filter(|line| {
        line.contains("GET /webapi/connectionupgrade HTTP/1.1\" 101")
            && line.contains("Go-http-client")
    });
    assert!(upgraded.count() > 5, "{seen}");
}
