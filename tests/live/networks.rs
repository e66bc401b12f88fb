//! The same commands for the same users through what stands between them and real clusters: nginx that ends TLS, squid, and
//! ports of their own for each protocol. tsh goes the same way beside.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::lab::{Live, live, own};
use super::listing::compare;
use super::matrix::everything;
use super::tsh::Tsh;
use super::way::Way;
use crate::common::middle::{Authority, Middle, Nginx, find, passing, squid};
use crate::common::ran::Ran;
use crate::common::wait_for;

const USERS: [&str; 3] = ["alice", "bob", "carol"];
/// The name of every pair's root proxy.
const HOST: &str = "proxy.root.test";

/// Every command of every user on this way, and what tsh lists on the same one.
fn all_users(way: &Way<'_>) {
    std::thread::scope(|scope| {
        for user in USERS {
            scope.spawn(move || {
                everything(way, user);
                as_tsh_lists(way, user);
            });
        }
    });
}

fn as_tsh_lists(way: &Way<'_>, user: &str) {
    let Some(mut tsh) = Tsh::new(way.proxy(), &way.ca_file) else {
        return;
    };
    tsh.environment.clone_from(&way.environment);
    let password = way.live.env["password"].as_str().expect("password");
    tsh.log_in_with_code(user, password, || way.live.code(user));
    for cluster in ["root", "leaf"] {
        let args = ["db", "ls", "--format", "json", "--cluster", cluster];
        let (theirs, ours) = (tsh.run(&args).json(), way.run(user, &args).json());
        let mut compared = 0;
        compare(&format!("{user}@{cluster}"), &theirs, &ours, &mut compared);
        assert!(compared >= 10, "{user}@{cluster}: {compared}");
    }
}

/// Without what stands there, nothing goes: every command took this way.
fn only_way(way: &Way<'_>, hop: &str) {
    let error = way
        .run("alice", &["db", "ls", "--format", "json"])
        .json_error(15);
    assert_eq!(error["hop"], hop, "{error}");
}

/// What the login of this user knows of the way.
fn network(way: &Way<'_>, user: &str) -> Value {
    let mut profiles = std::fs::read_dir(way.home_of(user).join("profiles")).expect("profiles");
    let path = profiles
        .next()
        .expect("a profile")
        .expect("an entry")
        .path();
    let text = std::fs::read_to_string(path).expect("a file");
    serde_json::from_str::<Value>(&text).expect("JSON")["network"].clone()
}

/// A pair whose root announces an address at which anything can stand, one thing at a time.
struct Fronted {
    live: Live,
    /// `host:port` that the root announces.
    announced: String,
    /// Where its front listens.
    listen: String,
    /// Where its web port is.
    web: String,
    /// Who vouches for a front that ends TLS.
    authority: Authority,
    /// Held while something stands in front.
    place: Mutex<()>,
}

/// The port of a front, after the first one of a pair.
const FRONT: u16 = 9;

impl Fronted {
    /// Starts a pair with these settings of its root, given its first port.
    fn start(root: impl Fn(u16) -> Value, tunnel: u16) -> Option<Self> {
        find("nginx")?;
        let authority = Authority::new();
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), &authority.pem).expect("a file");
        // Database services find out once, when they start, whether something ends TLS before the announced address.
        let mut first = None;
        let (live, base) = own(|base| {
            let listen = format!("127.0.0.1:{}", base + FRONT);
            first = front(&listen, "").start_with(&format!("127.0.0.1:{base}"), &authority);
            let mut root = root(base);
            let proxy = &mut root["proxy_service"];
            proxy["public_addr"] = format!("{HOST}:{}", base + FRONT).into();
            proxy["tunnel_public_addr"] = format!("{HOST}:{}", base + tunnel).into();
            json!({
                "root": root,
                "tunnel_addr": format!("{HOST}:{}", base + tunnel),
                "authority": file.path(),
            })
        })?;
        drop(first);
        Some(Self {
            live,
            announced: format!("{HOST}:{}", base + FRONT),
            listen: format!("127.0.0.1:{}", base + FRONT),
            web: format!("127.0.0.1:{base}"),
            authority,
            place: Mutex::default(),
        })
    }

    fn place(&self) -> MutexGuard<'_, ()> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// nginx that ends TLS, and the way over it. The front is there until the guard is gone.
    fn nginx(&self, name: &'static str, location: &str) -> Option<(Middle, Way<'_>)> {
        let nginx = front(&self.listen, location).start_with(&self.web, &self.authority)?;
        let mut way = Way::to(&self.live, name, &self.announced);
        way.ca_file = path(&nginx, "ca.pem");
        Some((nginx, way))
    }
}

/// nginx there, as that proxy.
fn front(listen: &str, location: &str) -> Nginx {
    Nginx {
        listen: listen.to_owned(),
        names: vec![HOST.to_owned()],
        location: location.to_owned(),
        ..Nginx::new(0)
    }
}

fn path(middle: &Middle, name: &str) -> String {
    middle.path(name).display().to_string()
}

fn log(middle: &Middle, name: &str) -> String {
    let path: PathBuf = middle.path(name);
    std::fs::read_to_string(path).expect("a log")
}

/// A session of bob's that does nothing.
fn app() -> Vec<&'static str> {
    let words = "db connect app --db-user app --db-name app -- -X -c \\q";
    words.split(' ').collect()
}

/// Waits until the database service, which goes to the announced address as well, is back after its front was changed.
fn served(way: &Way<'_>) {
    way.log_in("bob");
    let mut last = None;
    let limit = Instant::now() + Duration::from_secs(120);
    while last.as_ref().is_none_or(|out: &Ran| out.code != 0) {
        if let Some(out) = last.filter(|_| Instant::now() > limit) {
            panic!("the database service does not come back: {out}");
        }
        last = Some(way.run("bob", &app()));
    }
}

/// A pair with one port that announces the address of a load balancer.
fn balanced() -> Option<&'static Fronted> {
    static PAIR: OnceLock<Option<Fronted>> = OnceLock::new();
    PAIR.get_or_init(|| Fronted::start(|_| json!({"proxy_service": {}}), 0))
        .as_ref()
}

/// A pair with a port for each protocol.
fn separate() -> Option<&'static Fronted> {
    static PAIR: OnceLock<Option<Fronted>> = OnceLock::new();
    PAIR.get_or_init(|| {
        let root = |base| {
            let listen = |more| format!("127.0.0.1:{}", base + more);
            json!({
                "auth_service": {"proxy_listener_mode": "separate"},
                "proxy_service": {
                    "listen_addr": listen(3),
                    "tunnel_listen_addr": listen(4),
                    "postgres_listen_addr": listen(5),
                },
            })
        };
        Fronted::start(root, 4)
    })
    .as_ref()
}

const UPGRADED: &str = "GET /webapi/connectionupgrade HTTP/1.1\" 101";

#[test]
fn through_nginx_that_ends_tls() {
    let Some(pair) = balanced() else { return };
    let _place = pair.place();
    let Some((nginx, way)) = pair.nginx("nginx", "") else {
        return;
    };
    served(&way);
    all_users(&way);
    for user in USERS {
        assert_eq!(network(&way, user), json!({"upgrade": "websocket"}));
    }
    let seen = log(&nginx, "access.log");
    assert!(seen.contains(UPGRADED), "{seen}");
    drop(nginx);
    only_way(&way, &format!("proxy {}", pair.announced));
}

/// The type of upgrade that proxies before 15.1 know, as 18 still serves it. Its own database service knows WebSockets only.
#[test]
fn through_nginx_where_websockets_are_unknown() {
    let Some(pair) = balanced() else { return };
    let _place = pair.place();
    let unknown = "set $what $http_upgrade; if ($http_user_agent !~ postern) { set $what theirs; } \
                   if ($what = websocket) { return 404; }";
    let Some((nginx, way)) = pair.nginx("legacy", unknown) else {
        return;
    };
    served(&way);
    everything(&way, "bob");
    assert_eq!(network(&way, "bob"), json!({"upgrade": "legacy"}));
    let seen = log(&nginx, "access.log");
    assert!(seen.contains(UPGRADED), "{seen}");
}

#[test]
fn through_squid() {
    let Some(live) = live() else { return };
    let proxy = live.env["proxy"].as_str().expect("proxy");
    for (name, credentials, before) in [
        ("squid", None, ""),
        ("password", Some(("kim", "s3cret:@")), "kim:s3cret%3A%40@"),
    ] {
        let Some(squid) = squid(&[("127.0.0.1", HOST)], credentials) else {
            return;
        };
        let mut way = Way::to(live, name, proxy);
        let url = format!("http://{before}127.0.0.1:{}", squid.port);
        way.environment.push(("HTTPS_PROXY".to_owned(), url));
        all_users(&way);
        let seen = log(&squid, "access.log");
        let who = credentials.map_or("-", |(user, _)| user);
        let connects = seen
            .lines()
            .filter(|line| line.contains(&format!("CONNECT {proxy} {who} ")));
        // Two connections for each database with a session, at least.
        assert!(connects.count() > 40, "{seen}");
        let hop = format!("HTTP proxy 127.0.0.1:{}", squid.port);
        drop(squid);
        only_way(&way, &hop);
    }
}

#[test]
fn separate_ports_with_databases_on_the_web_port() {
    let Some(pair) = separate() else { return };
    let _place = pair.place();
    let Some(front) = passing(&pair.listen, &pair.web, "no-such-protocol") else {
        return;
    };
    let way = Way::to(&pair.live, "open", &pair.announced);
    all_users(&way);
    for user in USERS {
        let network = network(&way, user);
        assert_eq!(network["upgrade"], "none", "{network}");
        assert!(network["postgres"].is_string(), "{network}");
    }
    let seen = log(&front, "connections");
    let databases = format!("teleport-postgres-ping,teleport-postgres {} 200", pair.web);
    assert!(seen.contains(&databases), "{seen}");
    drop(front);
    only_way(&way, &format!("proxy {}", pair.announced));
}

/// A firewall that knows the protocols lets no databases through: they have a port of their own.
#[test]
fn separate_ports_with_databases_on_theirs_only() {
    let Some(pair) = separate() else { return };
    let _place = pair.place();
    let Some(front) = passing(&pair.listen, &pair.web, "teleport-postgres") else {
        return;
    };
    let way = Way::to(&pair.live, "closed", &pair.announced);
    all_users(&way);
    let seen = log(&front, "connections");
    let refused = "teleport-postgres-ping,teleport-postgres 127.0.0.1:1 502";
    assert!(seen.contains(refused), "{seen}");
    let through = format!("teleport-postgres {} ", pair.web);
    assert!(!seen.contains(&through), "{seen}");
}

/// nginx ends TLS in front of the web port, as is usual for the web pages, and passes WebSockets on for them.
#[test]
fn separate_ports_with_nginx_that_ends_tls_before_the_web_port() {
    let Some(pair) = separate() else { return };
    let _place = pair.place();
    let Some((nginx, way)) = pair.nginx("ended", "") else {
        return;
    };
    everything(&way, "alice");
    let network = network(&way, "alice");
    assert_eq!(network["upgrade"], "websocket", "{network}");
    assert!(network["postgres"].is_string(), "{network}");
    let seen = log(&nginx, "access.log");
    assert!(seen.contains(UPGRADED), "{seen}");
}

/// A database service that has lost its way to the proxy, while its databases are still listed.
#[test]
fn a_closed_database_service_is_named() {
    let Some(pair) = balanced() else { return };
    let _place = pair.place();
    let theirs = "if ($http_user_agent !~ postern) { return 403; }";
    let Some((_nginx, way)) = pair.nginx("unserved", theirs) else {
        return;
    };
    way.log_in("bob");
    let out = wait_for("the service to be gone", Duration::from_secs(60), || {
        let out = way.run("bob", &app());
        (out.code != 0).then_some(out)
    });
    assert_eq!(out.code, 2, "{out}");
    for text in [
        "failed to connect to any of the database servers",
        "failed at: database app",
        "no database service that serves \"app\" is reachable",
    ] {
        assert!(out.stderr.contains(text), "{out}");
    }
    let listed = way.run("bob", &["db", "ls", "--format", "names"]).ok();
    assert!(listed.lines().any(|name| name == "app"), "{listed}");
}
