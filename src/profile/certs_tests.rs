//! What is kept, for whom, and when it goes.

use super::*;

const NOW: i64 = 1_790_000_000;
const PROXY: &str = "proxy.example.com:443";

fn home() -> (tempfile::TempDir, Home) {
    let dir = tempfile::tempdir().expect("a directory");
    let home = Home::new(dir.path().join("postern"));
    (dir, home)
}

fn cert(database: &str, user: &str) -> KeptCert {
    KeptCert {
        target: KeptTarget {
            cluster: "root".to_owned(),
            database: database.to_owned(),
            protocol: "postgres".to_owned(),
            user: user.to_owned(),
            name: "postgres".to_owned(),
            roles: Vec::new(),
        },
        cert_pem: format!("{database} {user}"),
        not_after: NOW + 3600,
        ..KeptCert::default()
    }
}

fn wish(database: &str) -> KeptWish {
    KeptWish {
        cluster: "root".to_owned(),
        database: database.to_owned(),
        ..KeptWish::default()
    }
}

#[test]
fn each_is_for_one_login_and_one_whole_target() {
    let (_dir, home) = home();
    let certs = home.certs(PROXY, b"login");
    let kept = cert("orders", "alice");
    certs.keep(&kept, NOW).expect("a file");
    let got = certs.get(&kept.target, NOW).expect("it is kept");
    assert_eq!(got.cert_pem, kept.cert_pem);
    let differing: [fn(&mut KeptTarget); 6] = [
        |t| t.cluster = "leaf".to_owned(),
        |t| t.database = "order".to_owned(),
        |t| t.protocol = "mysql".to_owned(),
        |t| t.user = "bob".to_owned(),
        |t| t.name = "other".to_owned(),
        |t| t.roles = vec!["reader".to_owned()],
    ];
    for change in differing {
        let mut other = kept.target.clone();
        change(&mut other);
        assert_eq!(certs.get(&other, NOW), None, "{other:?}");
    }
    assert_eq!(home.certs(PROXY, b"next login").all(NOW), []);
    assert_eq!(home.certs("other:443", b"login").all(NOW), []);
    assert_eq!(certs.get(&kept.target, kept.not_after), None);
    certs.remove(&kept.target);
    assert_eq!(certs.all(NOW), []);
}

#[test]
fn the_same_words_lead_to_the_newest_target() {
    let (_dir, home) = home();
    let certs = home.certs(PROXY, b"login");
    let mut first = cert("orders", "alice");
    first.add_wish(&wish("orders"));
    certs.keep(&first, NOW).expect("a file");
    let found = |wish: &KeptWish| certs.for_wish(wish, NOW).map(|kept| kept.target.user);
    assert_eq!(found(&wish("orders")).as_deref(), Some("alice"));
    assert_eq!(found(&wish("order")), None);
    let named = KeptWish {
        user: Some("alice".to_owned()),
        ..wish("orders")
    };
    assert_eq!(found(&named), None);
    let mut second = cert("orders", "app");
    second.add_wish(&wish("orders"));
    certs.keep(&second, NOW).expect("a file");
    assert_eq!(found(&wish("orders")).as_deref(), Some("app"));
    assert!(certs.get(&first.target, NOW).is_some(), "it is kept still");
}

#[test]
fn neither_certificates_nor_wishes_pile_up() {
    let (_dir, home) = home();
    let certs = home.certs(PROXY, b"login");
    for n in 0..i64::try_from(MOST).expect("small") + 5 {
        let mut kept = cert(&format!("db{n:03}"), "app");
        kept.not_after += n;
        certs.keep(&kept, NOW).expect("a file");
    }
    let names: Vec<String> = certs
        .all(NOW)
        .into_iter()
        .map(|k| k.target.database)
        .collect();
    assert_eq!(names.len(), MOST);
    assert_eq!(names[0], "db005", "those that end first go");
    let late = NOW + 7200;
    let mut kept = cert("orders", "app");
    kept.not_after = late + 1;
    for n in 0..MOST_WISHES + 3 {
        kept.add_wish(&wish(&n.to_string()));
        kept.add_wish(&wish("orders"));
    }
    assert_eq!(kept.wishes.len(), MOST_WISHES);
    assert!(kept.wishes.contains(&wish("orders")));
    certs.keep(&kept, late).expect("a file");
    assert_eq!(certs.files().len(), 1, "what has expired goes");
}

#[test]
fn damaged_files_count_as_none() {
    let (_dir, home) = home();
    let certs = home.certs(PROXY, b"login");
    let kept = cert("orders", "alice");
    certs.keep(&kept, NOW).expect("a file");
    let path = certs.path(&kept.target);
    let whole = fs::read(&path).expect("the file");
    for bad in [&whole[..whole.len() / 2], b"", b"{\"version\":1}", b"\xff"] {
        fs::write(&path, bad).expect("a file");
        assert_eq!(certs.get(&kept.target, NOW), None);
        assert_eq!(certs.all(NOW), []);
    }
    certs.keep(&kept, NOW).expect("it can be written anew");
    assert_eq!(certs.all(NOW).len(), 1);
}

#[cfg(unix)]
#[test]
fn files_and_directories_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let (_dir, home) = home();
    let certs = home.certs(PROXY, b"login");
    let kept = cert("orders", "alice");
    certs.keep(&kept, NOW).expect("a file");
    let mode = |path: &Path| {
        fs::metadata(path)
            .expect("it is there")
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode(&certs.path(&kept.target)), 0o600);
    assert_eq!(mode(&certs.dir), 0o700);
    assert_eq!(mode(certs.dir.parent().expect("certs")), 0o700);
}
