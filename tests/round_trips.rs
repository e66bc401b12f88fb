//! Round trips of the commands that people wait for, counted by cause and effect (tests/common/flights.rs).

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use crate::common::demo::Demo;
use crate::common::env::TestEnv;
use crate::common::exclusive;
use crate::common::flights::{Count, Flights};
use crate::common::ran::Ran;
use crate::common::server::Server;

/// A cluster with a leaf that announces the relay as its address; one test at a time.
fn behind() -> MutexGuard<'static, (Flights, &'static Demo)> {
    static BEHIND: OnceLock<Mutex<(Flights, &'static Demo)>> = OnceLock::new();
    BEHIND
        .get_or_init(|| {
            let flights = Flights::new(Duration::from_millis(300));
            let address = format!("localhost:{}", flights.port);
            let demo = Demo::start(&["--no-second-factor", "--public-addr", &address]);
            let demo: &'static Demo = Box::leak(Box::new(demo));
            let mut status = std::process::Command::new(env!("CARGO_BIN_EXE_postern-cluster"));
            status.args(["status", "--format", "json", "--dir"]);
            let status = Ran::of(status.arg(&demo.dir)).json();
            flights.lead_to(port(status["listen"].as_str().expect("an address")));
            Mutex::new((flights, demo))
        })
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
}

fn port(address: &str) -> u16 {
    let port = address.rsplit(':').next().expect("a port");
    port.parse().expect("a number")
}

#[track_caller]
fn at_most(most: u32, connections: u32, count: Count) {
    assert!(
        count.round_trips <= most && count.connections <= connections,
        "at most {most} round trips on {connections} connections: {count:?}"
    );
}

/// Runs `select 1` in psql.
fn select(env: &TestEnv, target: &[&str]) {
    let args = [
        &["db", "connect"],
        target,
        &[
            "--db-name",
            "postgres",
            "--",
            "-X",
            "-A",
            "-t",
            "-c",
            "select 1",
        ],
    ];
    assert_eq!(env.run(&args.concat()).ok().trim(), "1");
}

#[test]
fn a_login_takes_five() {
    let behind = behind();
    let (flights, demo) = &*behind;
    let env = TestEnv::beside(demo);
    let count = flights.count(5, || {
        let _ = env.login_with("alice", &["--force"]).ok();
    });
    // TCP, TLS, what the proxy is, the password, the certificate; beside the first ones, on a connection of its own, the
    // test whether connections have to be upgraded.
    at_most(5, 2, count);
}

#[test]
fn a_list_takes_three() {
    let behind = behind();
    let (flights, demo) = &*behind;
    let env = TestEnv::beside(demo);
    env.login("alice");
    let count = flights.count(3, || {
        assert!(env.run(&["db", "ls", "-v"]).ok().contains("orders"));
    });
    // TCP, TLS, databases and roles side by side.
    at_most(3, 1, count);
}

#[test]
fn a_list_of_a_thousand_takes_three_and_each_further_page_one() {
    // This many databases keep a cluster without optimisation busy for a while.
    let flights = Flights::new(Duration::from_secs(1));
    let mut server = Server::new(&format!(
        "authentication: {{second_factor: 'off'}}\npublic_addr: localhost:{}",
        flights.port
    ));
    // With "orders" a thousand.
    server.document("many.yaml", &many(0..999));
    server.start();
    flights.lead_to(port(
        server.status()["listen"].as_str().expect("an address"),
    ));
    let _ = server.run_with_password(&["users", "add", "alice"]).ok();
    let _ = server.login("alice", None).ok();
    let list = |names: usize| {
        let out = Ran::of(&mut server.client(&["db", "ls", "--format", "names"])).ok();
        assert_eq!(out.lines().count(), names);
    };
    at_most(3, 1, flights.count(3, || list(1000)));
    server.document("many.yaml", &many(0..1000));
    server.shows("databases", &serde_json::json!(1001));
    at_most(4, 1, flights.count(4, || list(1001)));
}

/// Documents of databases that nobody answers for, `db-00000` and so on; no file holds more than 1,024 documents.
fn many(numbers: std::ops::Range<u32>) -> String {
    let database = |n: u32| {
        format!(
            "---\nkind: db\nversion: v3\nmetadata: {{name: db-{n:05}, description: one of many, labels: {{mode: plain, team: \
             team-{}, region: eu-central-1}}}}\nspec: {{protocol: postgres, uri: 'db-{n:05}.example.test:5432'}}\n",
            n % 50
        )
    };
    numbers.map(database).collect()
}

#[test]
fn a_connection_takes_eight_among_thousands_however_the_database_is_named() {
    let flights = Flights::new(Duration::from_secs(1));
    let dir = tempfile::Builder::new().prefix("pt").tempdir();
    let dir = dir.expect("a directory").keep();
    std::fs::create_dir_all(dir.join("documents")).expect("a directory");
    for thousand in 0..2 {
        let file = dir.join(format!("documents/many-{thousand}.yaml"));
        let numbers = 1000 * thousand..1000 * (thousand + 1);
        std::fs::write(file, many(numbers)).expect("a file");
    }
    // Called so whole, with more that begin so than a page holds.
    let short = "kind: db\nversion: v3\nmetadata: {name: db, labels: {mode: plain}}\n\
                 spec: {protocol: postgres, uri: 'localhost:1'}\n";
    std::fs::write(dir.join("documents/short.yaml"), short).expect("a file");
    let discovered = "kind: db\nversion: v3\nmetadata: {name: pg-rds-eu-123, labels: {mode: plain, \
                      teleport.internal/discovered-name: pg}}\nspec: {protocol: postgres, uri: 'localhost:1'}\n";
    std::fs::write(dir.join("documents/discovered.yaml"), discovered).expect("a file");
    let address = format!("localhost:{}", flights.port);
    let demo = Demo::start_in(&dir, &["--no-second-factor", "--public-addr", &address]);
    let demo: &'static Demo = Box::leak(Box::new(demo));
    let mut status = std::process::Command::new(env!("CARGO_BIN_EXE_postern-cluster"));
    status.args(["status", "--format", "json", "--dir"]);
    let status = Ran::of(status.arg(&demo.dir)).json();
    flights.lead_to(port(status["listen"].as_str().expect("an address")));
    let env = TestEnv::beside(demo);
    env.login("alice");
    let certs = env.postern_home().join("certs");
    let drop_certs = || drop(std::fs::remove_dir_all(&certs));

    for name in ["orders", "ord"] {
        let count = flights.count(8, || {
            drop_certs();
            select(&env, &[name]);
        });
        at_most(8, 2, count);
    }
    // TCP, TLS, databases and roles: the decision, with no certificate and no session.
    for (name, meant) in [("db", "db"), ("pg", "pg-rds-eu-123")] {
        let count = flights.count(3, || {
            let why = env
                .run(&["db", "why", name, "--db-user", "app", "--format", "json"])
                .json();
            assert_eq!(why["database"], meant, "{why}");
        });
        at_most(3, 1, count);
    }
    // What only the leaf has is found there, what nobody has is compared with all there are.
    let of_leaf = env.run(&["db", "connect", "leaf-app"]);
    let hint = "cluster leaf has it: postern db connect --cluster leaf leaf-app";
    assert!(of_leaf.stderr.contains(hint), "{of_leaf}");
    let unknown = env.run(&["db", "connect", "db-01477x"]);
    assert!(unknown.stderr.contains("db-01477"), "{unknown}");
    let several = env.run(&["db", "connect", "db-0147"]);
    assert!(several.stderr.contains("matches multiple"), "{several}");
}

#[test]
fn a_connection_takes_eight_with_a_new_certificate_and_four_with_a_kept_one() {
    let behind = behind();
    let (flights, demo) = &*behind;
    let _guard = exclusive("alice");
    for target in [&["orders"][..], &["app", "--db-user", "app"]] {
        let env = TestEnv::beside(demo);
        env.login("alice");
        let certs = env.postern_home().join("certs");
        let count = flights.count(8, || {
            // Nothing is there yet but after a count that was too high.
            let _ = std::fs::remove_dir_all(&certs);
            select(&env, target);
        });
        // TCP, TLS, databases and roles, certificate; TCP, TLS, start, query.
        at_most(8, 2, count);
        // TCP, TLS, start, query.
        at_most(4, 1, flights.count(4, || select(&env, target)));
    }
}

#[test]
fn a_leaf_costs_no_more_once_its_authority_is_known() {
    let behind = behind();
    let (flights, demo) = &*behind;
    let env = TestEnv::beside(demo);
    env.login("alice");
    let list = || {
        let listed = env.run(&["db", "ls", "-v", "--cluster", "leaf"]).ok();
        assert!(listed.contains("leaf-app"), "{listed}");
    };
    // TCP, TLS, the authority; TCP, TLS, databases and roles.
    at_most(6, 2, flights.count(6, list));
    // Both connections side by side.
    at_most(3, 2, flights.count(3, list));
    let target = ["--cluster", "leaf", "leaf-app", "--db-user", "app"];
    let certs = env.postern_home().join("certs");
    let count = flights.count(8, || {
        let _ = std::fs::remove_dir_all(&certs);
        select(&env, &target);
    });
    at_most(8, 3, count);
    at_most(4, 1, flights.count(4, || select(&env, &target)));
}
