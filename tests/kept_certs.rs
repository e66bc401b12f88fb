//! Database certificates kept between commands: what they save, when they go, and that nothing stale is trusted.

use std::path::{Path, PathBuf};

use crate::common::demo::Demo;
use crate::common::env::TestEnv;
use crate::common::exclusive;
use crate::common::ran::Ran;
use crate::common::server::DOCUMENTS;
use crate::common::world::World;

/// The files of kept certificates below a client's state directory.
fn kept(home: &Path) -> Vec<PathBuf> {
    let proxies = std::fs::read_dir(home.join("certs")).into_iter().flatten();
    let files = proxies.flat_map(|dir| std::fs::read_dir(dir.expect("an entry").path()));
    let mut files: Vec<PathBuf> = files
        .flatten()
        .map(|file| file.expect("an entry").path())
        .collect();
    files.sort();
    files
}

const CONNECT: &[&str] = &["db", "connect"];
const SELECT: &[&str] = &["--", "-X", "-A", "-t", "-c", "select current_user"];

fn connect(env: &TestEnv, target: &[&str]) -> String {
    let args = [CONNECT, target, &["--db-name", "postgres"], SELECT].concat();
    env.run(&args).ok().trim().to_owned()
}

#[test]
fn one_for_each_target_private_without_a_secret_and_gone_with_the_login() {
    use std::os::unix::fs::PermissionsExt;
    let env = TestEnv::logged_in("alice");
    let _guard = exclusive("alice");
    let home = env.postern_home();
    assert_eq!(connect(&env, &["orders"]), "alice");
    let first = kept(&home);
    assert_eq!(first.len(), 1, "{first:?}");
    let text = std::fs::read_to_string(&first[0]).expect("the file");
    assert!(text.contains("BEGIN CERTIFICATE") && !text.contains("PRIVATE KEY"));
    let mode = |path: &Path| {
        let meta = std::fs::metadata(path).expect("it is there");
        meta.permissions().mode() & 0o777
    };
    assert_eq!(mode(&first[0]), 0o600);
    assert_eq!(mode(first[0].parent().expect("a directory")), 0o700);
    // Used, not replaced.
    assert_eq!(connect(&env, &["orders"]), "alice");
    assert_eq!(kept(&home), first);
    assert_eq!(std::fs::read_to_string(&first[0]).expect("the file"), text);
    // Other roles are another target, and never served by a certificate with more.
    let roles = ["orders", "--db-roles", "reader"];
    let member = [
        "--",
        "-X",
        "-A",
        "-t",
        "-c",
        "select pg_has_role('writer', 'member')",
    ];
    let args = [CONNECT, &roles, &["--db-name", "postgres"], &member].concat();
    for _ in 0..2 {
        // A former session's user may still be in use with all roles.
        assert_eq!(env.run(&args).ok().trim(), "f");
    }
    assert_eq!(kept(&home).len(), 2);
    env.login_with("alice", &["--force"]).ok();
    assert_eq!(kept(&home), Vec::<PathBuf>::new(), "a new login");
    assert_eq!(connect(&env, &["orders"]), "alice");
    assert_eq!(kept(&home).len(), 1);
    let _ = env.run(&["logout"]).ok();
    assert_eq!(kept(&home), Vec::<PathBuf>::new(), "logged out");
}

#[test]
fn what_a_part_of_a_name_or_a_filter_found_is_found_anew() {
    let env = TestEnv::logged_in("alice");
    let _guard = exclusive("alice");
    let home = env.postern_home();
    for target in [&["ord"][..], &["orders", "--search", "orders"], &["orders"]] {
        assert_eq!(connect(&env, target), "alice");
        let file = std::fs::read_to_string(&kept(&home)[0]).expect("one file");
        let words = file.contains("\"wishes\":[]");
        assert_eq!(words, target != ["orders"], "{target:?}: {file}");
    }
}

#[test]
fn a_damaged_one_is_as_good_as_none() {
    let env = TestEnv::logged_in("alice");
    let _guard = exclusive("alice");
    let home = env.postern_home();
    assert_eq!(connect(&env, &["orders"]), "alice");
    let path = kept(&home).remove(0);
    let whole = std::fs::read_to_string(&path).expect("the file");
    // Cut, of another login, leading elsewhere.
    let other = whole.replacen("\"user\":\"alice\"", "\"user\":\"bob\"", 1);
    assert_ne!(other, whole);
    for bad in [&whole[..200], "", &other] {
        std::fs::write(&path, bad).expect("a file");
        assert_eq!(connect(&env, &["orders"]), "alice");
        let now = std::fs::read_to_string(&path).expect("the file");
        assert!(
            now.contains("\"user\":\"alice\"") && now.ends_with('}'),
            "{now}"
        );
    }
}

/// `db connect orders` in a cluster of one's own.
fn orders(world: &World) -> Ran {
    let args = [CONNECT, &["orders", "--db-name", "postgres"], SELECT].concat();
    Ran::of(&mut world.server.client(&args))
}

#[test]
fn what_has_changed_on_the_server_is_noticed_dropped_and_decided_again() {
    let mut world = World::new("");
    let home = world.server.path("home");
    let now = std::fs::read_to_string(world.server.path("documents/all.yaml")).expect("documents");
    assert_eq!(orders(&world).ok().trim(), "alice");
    assert_eq!(kept(&home).len(), 1);

    // The database is gone: said, and dropped.
    let (rest, database) = now.split_at(now.find("---\nkind: db").expect("the database"));
    world.replace(rest);
    let stderr = orders(&world).fails(2);
    assert!(
        stderr.contains("database \"orders\" not found")
            && stderr.contains("the certificate kept for orders was refused and has been dropped"),
        "{stderr}"
    );
    assert_eq!(kept(&home), Vec::<PathBuf>::new());
    let stderr = orders(&world).fails(12);
    assert!(stderr.contains("\"orders\" not found"), "{stderr}");

    // It is back, and a certificate is kept again.
    world.replace(&format!("{rest}{database}"));
    assert_eq!(orders(&world).ok().trim(), "alice");

    // Users are no longer made: the same words mean another user now, who is not slipped in unasked.
    let shared = DOCUMENTS
        .split("---")
        .next()
        .expect("the role")
        .replace("create_db_user_mode: keep", "create_db_user_mode: 'off'")
        .replace("db_roles: ['{{internal.db_roles}}']", "db_users: [app]");
    let others = &now[now.find("---").expect("the user")..];
    world.replace(&format!("{shared}{others}"));
    let stderr = orders(&world).fails(2);
    assert!(
        stderr.contains("its users are no longer what they were")
            && stderr.contains("connect again"),
        "{stderr}"
    );
    assert_eq!(orders(&world).ok().trim(), "app");
    assert_eq!(orders(&world).ok().trim(), "app");
    world.end();
}

#[test]
fn a_leaf_whose_authority_was_rotated_is_asked_for_again() {
    let env = TestEnv::beside(Demo::with_leaf());
    env.login("alice");
    let list = || {
        let listed = env.run(&["db", "ls", "--cluster", "leaf"]).ok();
        assert!(listed.contains("leaf-app"), "{listed}");
    };
    list();
    let profiles = env.postern_home().join("profiles");
    let path = std::fs::read_dir(profiles)
        .expect("profiles")
        .next()
        .expect("one")
        .expect("an entry")
        .path();
    let text = std::fs::read_to_string(&path).expect("the profile");
    let saved: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(saved["host_cas"][1]["cluster"], "leaf");
    // As if the leaf's had been replaced: the root's authority stands in its place.
    let mut stale = saved.clone();
    stale["host_cas"][1]["certs_pem"] = saved["host_cas"][0]["certs_pem"].clone();
    std::fs::write(&path, stale.to_string()).expect("a file");
    list();
    let text = std::fs::read_to_string(&path).expect("the profile");
    let again: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(again, saved);
}
