//! `postern db connect`: into psql as the right user with the right roles, or a reason why not.

use crate::common::env::TestEnv;
use crate::common::ran::Ran;

const WHO: &str = "select current_user || ' ' || coalesce((select string_agg(r.rolname, ',' order by r.rolname) from \
                   pg_auth_members m join pg_roles r on r.oid = m.roleid where m.member = current_user::regrole), '')";

fn connect(env: &TestEnv, args: &[&str], sql: &str) -> Ran {
    let mut all = vec!["db", "connect"];
    all.extend(args);
    all.extend(["--", "-X", "-A", "-t", "-c", sql]);
    env.run(&all)
}

#[test]
fn automatic_user_with_all_roles_then_some() {
    // One user at a time: another set of roles is refused while a session is open.
    let env = TestEnv::logged_in("alice");
    let _guard = crate::common::exclusive("alice");
    assert_eq!(
        connect(&env, &["orders"], WHO).ok().trim(),
        "alice reader,teleport-auto-user,writer"
    );
    assert_eq!(
        connect(&env, &["orders", "--db-roles", "reader"], WHO)
            .ok()
            .trim(),
        "alice reader,teleport-auto-user"
    );
    assert_eq!(
        connect(&env, &["--db-roles", "writer,reader,reader", "orders"], WHO)
            .ok()
            .trim(),
        "alice reader,teleport-auto-user,writer"
    );
    // A call without --db-roles takes all of them again, whatever was asked before.
    assert_eq!(
        connect(&env, &["orders"], WHO).ok().trim(),
        "alice reader,teleport-auto-user,writer"
    );
}

#[test]
fn without_a_name_the_only_database() {
    let env = TestEnv::logged_in("alice");
    let _guard = crate::common::exclusive("alice");
    let out = connect(&env, &["--db-roles", "reader"], WHO).ok();
    assert_eq!(out.trim(), "alice reader,teleport-auto-user");
}

#[test]
fn several_matches_are_exit_13_with_the_names() {
    let env = TestEnv::logged_in("alice");
    let stderr = env.run(&["db", "connect"]).fails(13);
    assert!(
        stderr.contains("orders") && stderr.contains("app"),
        "{stderr}"
    );
}

#[test]
fn unique_prefix_is_enough_and_unknown_names_the_nearest() {
    let env = TestEnv::logged_in("alice");
    let _guard = crate::common::exclusive("alice");
    assert_eq!(connect(&env, &["ord"], "select 1").ok().trim(), "1");
    let stderr = env.run(&["db", "connect", "ordres"]).fails(12);
    assert!(
        stderr.contains("ordres") && stderr.contains("orders"),
        "{stderr}"
    );
    // Denied databases are as unknown as missing ones.
    let _ = env.run(&["db", "connect", "secret"]).fails(12);
}

#[test]
fn refused_roles_and_users_name_the_allowed_ones() {
    let env = TestEnv::logged_in("alice");
    let stderr = env
        .run(&["db", "connect", "orders", "--db-roles", "owner"])
        .fails(14);
    assert!(
        stderr.contains("owner") && stderr.contains("reader") && stderr.contains("writer"),
        "{stderr}"
    );
    let stderr = env
        .run(&["db", "connect", "orders", "--db-user", "postgres"])
        .fails(14);
    assert!(stderr.contains("alice"), "{stderr}");
    let stderr = env
        .run(&[
            "db",
            "connect",
            "app",
            "--db-user",
            "root",
            "--db-name",
            "app",
        ])
        .fails(14);
    assert!(
        stderr.contains("app") && stderr.contains("postgres"),
        "{stderr}"
    );
    for odd in ["a b", "a\"b", "na'me", "ä@ö", ";drop"] {
        let stderr = env
            .run(&["db", "connect", "orders", "--db-roles", odd])
            .fails(14);
        // Quoted as Teleport quotes it.
        assert!(
            stderr.contains(&odd.replace('"', "\\\"")),
            "{odd}: {stderr}"
        );
    }
}

#[test]
fn user_and_name_are_asked_for_at_once() {
    let env = TestEnv::logged_in("alice");
    let error = env.run(&["db", "connect", "app", "--format", "json"]);
    let error = if error.code == 2 && error.stderr.contains("unexpected argument") {
        env.run(&["db", "connect", "app"])
    } else {
        error
    };
    assert_ne!(error.code, 0);
    for want in ["--db-user", "--db-name", "app", "postgres"] {
        assert!(error.stderr.contains(want), "{want}: {error}");
    }
}

#[test]
fn shared_account() {
    let env = TestEnv::logged_in("alice");
    let out = connect(
        &env,
        &["app", "--db-user", "app", "--db-name", "app"],
        "select current_user || ' ' || current_database()",
    );
    assert_eq!(out.ok().trim(), "app app");
}

#[test]
fn second_factor_database_is_exit_11() {
    let env = TestEnv::logged_in("carol");
    let stderr = env
        .run(&[
            "db",
            "connect",
            "vault",
            "--db-user",
            "app",
            "--db-name",
            "app",
        ])
        .fails(11);
    assert!(stderr.contains("second factor"), "{stderr}");
}

#[test]
fn dead_database_names_the_hop() {
    let env = TestEnv::logged_in("alice");
    let stderr = connect(
        &env,
        &["dead", "--db-user", "app", "--db-name", "app"],
        "select 1",
    )
    .fails(2);
    assert!(
        stderr.contains("connection refused") && stderr.contains("dead"),
        "{stderr}"
    );
}

#[test]
fn psqls_exit_code_and_arguments_pass_through() {
    let env = TestEnv::logged_in("alice");
    let _guard = crate::common::exclusive("alice");
    let out = env.run(&[
        "db",
        "connect",
        "orders",
        "--",
        "-X",
        "-v",
        "ON_ERROR_STOP=1",
        "-f",
        "/nonexistent",
    ]);
    assert_eq!(out.code, 1, "{out}");
    let mut command = env.postern(&[
        "db",
        "connect",
        "orders",
        "--",
        "-X",
        "-v",
        "ON_ERROR_STOP=1",
    ]);
    command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), b"select 1/0;\n")
        .expect("input");
    let out = Ran::end_of(child);
    assert_eq!(out.code, 3, "{out}");
    assert!(out.stderr.contains("division by zero"), "{out}");
}

#[test]
fn the_shells_postgres_variables_do_not_interfere() {
    let env = TestEnv::logged_in("alice");
    let _guard = crate::common::exclusive("alice");
    let mut command = env.postern(&[
        "db",
        "connect",
        "orders",
        "--",
        "-X",
        "-A",
        "-t",
        "-c",
        "select current_user",
    ]);
    for (name, value) in [
        ("PGHOST", "nowhere.invalid"),
        ("PGHOSTADDR", "192.0.2.1"),
        ("PGPORT", "1"),
        ("PGUSER", "mallory"),
        ("PGDATABASE", "nothing"),
        ("PGSSLMODE", "verify-full"),
        ("PGSSLROOTCERT", "/nonexistent"),
        ("PGGSSENCMODE", "require"),
        ("PGCHANNELBINDING", "require"),
        ("PGREQUIREAUTH", "scram-sha-256"),
        ("PGTARGETSESSIONATTRS", "read-only"),
        ("PGSERVICE", "nothing"),
        ("OPENSSL_CONF", "/nonexistent/openssl.cnf"),
        ("SSLKEYLOGFILE", "/nonexistent/keys"),
    ] {
        command.env(name, value);
    }
    let out = Ran::of(&mut command);
    assert_eq!(out.ok().trim(), "alice");
}

#[test]
fn missing_psql_is_exit_16_and_says_how_to_get_it() {
    let env = TestEnv::logged_in("alice");
    let mut command = env.postern(&["db", "connect", "orders"]);
    command.env("PATH", "/nonexistent");
    let out = Ran::of(&mut command);
    let stderr = out.fails(16);
    assert!(
        stderr.contains("psql") && stderr.contains("install"),
        "{stderr}"
    );
}

#[test]
fn a_program_that_never_connects_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let env = TestEnv::logged_in("alice");
    let bin = env.home.path().join("bin");
    std::fs::create_dir(&bin).expect("a directory");
    let fake = bin.join("psql");
    std::fs::write(
        &fake,
        "#!/bin/sh\n[ \"$1\" = --version ] && { echo 'psql (PostgreSQL) 8.4'; exit 0; }\nexit 2\n",
    )
    .expect("a script");
    std::fs::set_permissions(&fake, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    let mut command = env.postern(&["db", "connect", "orders"]);
    command.env("PATH", format!("{}:/usr/bin:/bin", bin.display()));
    let out = Ran::of(&mut command);
    let stderr = out.fails(2);
    assert!(
        stderr.contains(fake.to_str().expect("text")) && stderr.contains("8.4"),
        "{stderr}"
    );
}

#[test]
fn a_database_that_does_not_exist_there_is_the_databases_own_error() {
    let env = TestEnv::logged_in("alice");
    let stderr = connect(&env, &["orders", "--db-name", "no such \"db'"], "select 1").fails(2);
    assert!(
        stderr.contains("no such \"db'") && stderr.contains("does not exist"),
        "{stderr}"
    );
}
