//! Single sign-on as a person sees it: which browser opens, what is printed, where the browser comes back to. The web port is
//! the tests' own and speaks the recorded wire; a real cluster and a real browser are in tests/live/sso.rs.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rexpect::session::PtySession;
use rustix::process::{Pid, Signal, kill_process};

use crate::common::env::TestEnv;
use crate::common::ran::Ran;
use crate::common::sso_web::{SsoWeb, visit};
use crate::common::wait_for;

const PATIENCE: Duration = Duration::from_secs(60);

/// Somebody without a login, and a folder of programs of their own, first in `PATH`.
struct Person {
    env: TestEnv,
    web: SsoWeb,
}

impl Person {
    fn before(web: SsoWeb) -> Self {
        let env = TestEnv::new();
        std::fs::create_dir(env.home.path().join("bin")).expect("a directory");
        std::fs::write(env.home.path().join("ca.pem"), &web.ca).expect("written");
        Self { env, web }
    }

    /// `login` at the web port and nothing else, with these flags.
    fn login(&self, flags: &[&str]) -> Command {
        let ca = self.env.home.path().join("ca.pem");
        let mut command = self.env.postern(&["login", "--proxy", &self.web.addr]);
        command.arg("--ca-file").arg(ca);
        command.args(["--key-store", "file"]).args(flags);
        self.own_path(&mut command);
        command
    }

    fn own_path(&self, command: &mut Command) {
        let path = std::env::var("PATH").unwrap_or_default();
        let bin = self.env.home.path().join("bin");
        command.env("PATH", format!("{}:{path}", bin.display()));
    }

    /// A browser that only writes down where it was sent. Gives its path, and that of its file.
    fn browser(&self, name: &str) -> (String, PathBuf) {
        let file = self.env.home.path().join(format!("{name}.address"));
        let program = self.env.home.path().join("bin").join(name);
        // Whole or not at all.
        let script = format!(
            "#!/bin/sh\nprintf '%s' \"$*\" >\"{0}.new\" && mv \"{0}.new\" \"{0}\"\n",
            file.display()
        );
        std::fs::write(&program, script).expect("written");
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).expect("a program");
        (program.display().to_string(), file)
    }

    /// The login on a terminal, in a shell that says the exit code.
    fn on_terminal(&self, flags: &[&str], vars: &[(&str, &str)]) -> PtySession {
        let login = self.login(flags);
        let mut shell = self.env.command("sh");
        shell
            .args(["-c", "\"$@\"; echo \"code=$?\"", "sh"])
            .arg(login.get_program())
            .args(login.get_args());
        self.own_path(&mut shell);
        shell.envs(vars.iter().copied());
        self.env.terminal(shell)
    }

    fn user(&self) -> serde_json::Value {
        let status = self.env.run(&["status", "--format", "json"]).json();
        status["user"].clone()
    }
}

/// A login without a terminal that waits for its browser.
struct Waiting {
    child: Child,
    link: String,
    stderr: Arc<Mutex<String>>,
    reader: std::thread::JoinHandle<()>,
}

impl Waiting {
    fn start(mut login: Command) -> Self {
        let mut child = login
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("postern starts");
        let stderr = Arc::new(Mutex::new(String::new()));
        let (to, from) = (Arc::clone(&stderr), child.stderr.take().expect("a pipe"));
        let reader = std::thread::spawn(move || {
            let mut lines = BufReader::new(from);
            let mut line = String::new();
            while lines.read_line(&mut line).is_ok_and(|n| n > 0) {
                to.lock().expect("no panic").push_str(&line);
                line.clear();
            }
        });
        let link = wait_for("the address", PATIENCE, || {
            let text = stderr.lock().expect("no panic").clone();
            if let Ok(Some(status)) = child.try_wait() {
                panic!("ended with {status}: {text}");
            }
            link_in(&text)
        });
        Self {
            child,
            link,
            stderr,
            reader,
        }
    }

    fn end(mut self) -> Ran {
        let mut stdout = String::new();
        let mut pipe = self.child.stdout.take().expect("a pipe");
        pipe.read_to_string(&mut stdout).expect("text");
        let ran = Ran::end_of(self.child);
        self.reader.join().expect("no panic");
        let stderr = self.stderr.lock().expect("no panic").clone();
        Ran {
            code: ran.code,
            stdout,
            stderr,
        }
    }
}

/// The address of the login: a whole line, with a random path of 36 characters.
fn link_in(text: &str) -> Option<String> {
    let (whole, _) = text.rsplit_once('\n')?;
    let lines = whole.lines().map(str::trim);
    let mut links = lines.filter(|line| line.starts_with("http") && line.len() > 36);
    links.next().map(str::to_owned)
}

fn read_when_there(file: &PathBuf) -> String {
    wait_for("a browser to open", PATIENCE, || {
        std::fs::read_to_string(file).ok()
    })
}

/// Reads on to the address.
fn printed(tty: &mut PtySession) -> String {
    let before = tty
        .exp_regex("https?://[^/\r\n]+/[0-9a-f-]{36}\r")
        .expect("the address");
    before.1.trim().to_owned()
}

fn port_of(link: &str) -> u16 {
    let url = reqwest::Url::parse(link).expect("a URL");
    url.port().expect("a port")
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

#[test]
fn where_it_is_the_clusters_default_nothing_has_to_be_said() {
    for kind in ["github", "oidc", "saml"] {
        let person = Person::before(SsoWeb::start(kind));
        let (browser, file) = person.browser("recorder");
        let mut login = person.login(&["--format", "json"]);
        // Without a terminal nothing is opened, whatever the environment names.
        login.env("BROWSER", &browser).env("DISPLAY", ":0");
        let waiting = Waiting::start(login);
        let end = visit(&waiting.link, None);
        let ran = waiting.end();
        assert_eq!(ran.code, 0, "{ran}");
        assert_eq!(
            end,
            format!("https://{}/web/msg/info/login_success", person.web.addr)
        );
        assert!(!file.exists(), "{ran}");
        assert!(ran.stderr.contains("Corp"), "{ran}");
        let out: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON and no more");
        assert_eq!(out["user"], "carol", "{ran}");
        assert_eq!(person.user(), "carol");
        let starts = person.web.starts();
        let [(path, body)] = starts.as_slice() else {
            panic!("{starts:?}")
        };
        assert_eq!(*path, format!("/webapi/{kind}/login/console"));
        assert_eq!(body["connector_id"], "corp");
        // A second login has nothing to do; a forced one goes the same way.
        let again = Ran::of(&mut person.login(&[]));
        assert!(again.stderr.contains("already logged in"), "{again}");
        let waiting = Waiting::start(person.env.postern(&["login", "--force"]));
        let _ = visit(&waiting.link, None);
        let ran = waiting.end();
        assert_eq!((ran.code, person.web.starts().len()), (0, 2), "{ran}");
    }
}

#[test]
fn browser_is_opened_on_a_terminal_and_the_address_printed_too() {
    let person = Person::before(SsoWeb::start("oidc"));
    let (browser, file) = person.browser("recorder");
    // The first is not there, the third not needed.
    let (_, third) = person.browser("third");
    let list = format!("/nowhere/browser:{browser} --new-window %s:third");
    let mut tty = person.on_terminal(&[], &[("BROWSER", &list)]);
    let link = printed(&mut tty);
    assert_eq!(read_when_there(&file), format!("--new-window {link}"));
    let _ = visit(&link, None);
    tty.exp_string("Logged in to root.example.com as carol")
        .expect("the result");
    tty.exp_string("code=0").expect("the exit code");
    assert!(!third.exists());
    assert_eq!(person.user(), "carol");
}

#[test]
fn the_systems_own_browser_opens_where_it_would_be_seen() {
    // Variables, the program that opens it, and what is said where none does.
    type Case = (
        &'static [(&'static str, &'static str)],
        Option<&'static str>,
        &'static str,
    );
    let cases: [Case; 5] = [
        (&[("DISPLAY", ":0")], Some("xdg-open"), ""),
        (&[("WAYLAND_DISPLAY", "wayland-0")], Some("xdg-open"), ""),
        (&[("WSL_DISTRO_NAME", "Debian")], Some("wslview"), ""),
        (
            &[
                ("DISPLAY", "localhost:10.0"),
                ("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.2 22"),
            ],
            None,
            "ssh -L PORT:127.0.0.1:PORT HOST",
        ),
        (&[], None, "Open this address in a browser"),
    ];
    for (vars, opens, said) in cases {
        let person = Person::before(SsoWeb::start("github"));
        let files = ["xdg-open", "wslview"].map(|name| (name, person.browser(name).1));
        let mut tty = person.on_terminal(&[], vars);
        let mut text = tty
            .exp_regex("https?://[^/\r\n]+/[0-9a-f-]{36}\r")
            .expect("the address");
        let link = text.1.trim().to_owned();
        for (name, file) in &files {
            if opens == Some(name) {
                assert_eq!(read_when_there(file), link, "{vars:?}");
            }
        }
        let _ = visit(&link, None);
        text.0 += &tty.exp_string("code=0").expect("the exit code");
        let said = said.replace("PORT", &port_of(&link).to_string());
        assert!(text.0.contains(&said), "{vars:?}: {}", text.0);
        for (name, file) in &files {
            assert_eq!(file.exists(), opens == Some(name), "{vars:?}: {name}");
        }
    }
}

#[test]
fn a_browser_that_is_named_opens_anywhere_and_none_is_none() {
    let person = Person::before(SsoWeb::start("oidc"));
    let (browser, file) = person.browser("recorder");
    let with_spaces = format!("'{browser}' 'a  b' %s c");
    for (flags, var) in [
        (vec!["--browser", with_spaces.as_str()], None),
        (
            vec![],
            Some(("POSTERN_LOGIN_BROWSER", with_spaces.as_str())),
        ),
        (
            vec![],
            Some(("TELEPORT_LOGIN_BROWSER", with_spaces.as_str())),
        ),
    ] {
        let mut login = person.login(&[&["--force"], &flags[..]].concat());
        login.envs(var);
        let waiting = Waiting::start(login);
        assert_eq!(read_when_there(&file), format!("a  b {} c", waiting.link));
        std::fs::remove_file(&file).expect("removed");
        let _ = visit(&waiting.link, None);
        let ran = waiting.end();
        assert_eq!(ran.code, 0, "{ran}");
    }
    // "none" against everything that would open one.
    let vars = [("BROWSER", browser.as_str()), ("DISPLAY", ":0")];
    let mut tty = person.on_terminal(&["--force", "--browser", "none"], &vars);
    let link = printed(&mut tty);
    let _ = visit(&link, None);
    tty.exp_string("code=0").expect("the exit code");
    assert!(!file.exists());
    // One that is not there is said, and the address can still be opened.
    let mut login = person.login(&["--force", "--browser", "/nowhere/browser"]);
    login.env("DISPLAY", ":0");
    let waiting = Waiting::start(login);
    wait_for("the warning", PATIENCE, || {
        let text = waiting.stderr.lock().expect("no panic").clone();
        text.contains("no browser could be started: /nowhere/browser")
            .then_some(())
    });
    let _ = visit(&waiting.link, None);
    let ran = waiting.end();
    assert_eq!(ran.code, 0, "{ran}");
}

#[test]
fn bind_addr_says_where_the_browser_comes_back_to() {
    let person = Person::before(SsoWeb::start("oidc"));
    let at = format!("127.0.0.1:{}", free_port());
    for (flags, var) in [
        (vec!["--bind-addr", at.as_str()], None),
        (vec![], Some(("TELEPORT_LOGIN_BIND_ADDR", at.as_str()))),
    ] {
        let mut login = person.login(&[&["--force"], &flags[..]].concat());
        login.envs(var);
        let waiting = Waiting::start(login);
        assert!(
            waiting.link.starts_with(&format!("http://{at}/")),
            "{}",
            waiting.link
        );
        let _ = visit(&waiting.link, None);
        let ran = waiting.end();
        assert_eq!(ran.code, 0, "{ran}");
        let starts = person.web.starts();
        let back = starts.last().expect("a start").1["redirect_url"].clone();
        let back = back.as_str().expect("text").to_owned();
        assert!(
            back.starts_with(&format!("http://{at}/callback?secret_key=")),
            "{back}"
        );
    }
    let before = person.web.starts().len();
    // A port that is taken.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = taken.local_addr().expect("an address").to_string();
    let err = Ran::of(&mut person.login(&["--force", "--bind-addr", &addr])).fails(1);
    assert!(
        err.contains(&addr) && err.contains("--bind-addr 127.0.0.1:PORT"),
        "{err}"
    );
    assert_eq!(person.web.starts().len(), before);
    // All addresses are none that a cluster lets a browser go back to.
    let err = Ran::of(&mut person.login(&["--force", "--bind-addr", "0.0.0.0:0"])).fails(1);
    assert!(
        err.contains("disallowed callback URL") && err.contains("client_redirect_settings"),
        "{err}"
    );
}

#[test]
fn another_host_as_callback_is_asked_about() {
    let person = Person::before(SsoWeb::to_anywhere("oidc"));
    let at = format!("127.0.0.1:{}", free_port());
    let flags = [
        "--force",
        "--bind-addr",
        &at,
        "--callback",
        "https://dev.example.com",
    ];
    // Nobody to ask: nothing is sent.
    let err = Ran::of(&mut person.login(&flags)).fails(2);
    assert!(
        err.contains("https://dev.example.com")
            && err.contains("POSTERN_LOGIN_SKIP_REMOTE_HOST_WARNING=1"),
        "{err}"
    );
    let err = Ran::of(person.login(&flags[..1]).args(&flags[3..])).fails(2);
    assert!(err.contains("--bind-addr"), "{err}");
    for (answer, code) in [("", 1), ("n", 1), ("y", 0)] {
        let mut tty = person.on_terminal(&flags, &[]);
        let risk = tty.exp_string("Continue? [y/N]").expect("a question");
        assert!(
            risk.contains("https://dev.example.com") && risk.contains(&at),
            "{risk}"
        );
        assert_eq!(person.web.starts(), [], "nothing is sent before the answer");
        tty.send_line(answer).expect("input");
        if code == 0 {
            let link = printed(&mut tty);
            assert!(link.starts_with("https://dev.example.com/"), "{link}");
            let _ = visit(&link, Some(&at));
        } else {
            tty.exp_string("login cancelled").expect("the end");
        }
        tty.exp_string(&format!("code={code}"))
            .expect("the exit code");
    }
    let back = person.web.starts()[0].1["redirect_url"].clone();
    let back = back.as_str().expect("text").to_owned();
    assert!(
        back.starts_with("https://dev.example.com/callback?secret_key="),
        "{back}"
    );
    // Agreed to for good; and an address of this computer needs no agreement.
    let mut agreed = person.login(&flags);
    agreed.env("TELEPORT_LOGIN_SKIP_REMOTE_HOST_WARNING", "true");
    let here = [
        "--force",
        "--bind-addr",
        &at,
        "--callback",
        "http://localhost:1",
    ];
    for login in [agreed, person.login(&here)] {
        let waiting = Waiting::start(login);
        let _ = visit(&waiting.link, Some(&at));
        let ran = waiting.end();
        assert_eq!(ran.code, 0, "{ran}");
    }
}

#[test]
fn a_refusal_of_the_provider_is_told_and_changes_nothing() {
    let person = Person::before(SsoWeb::start("github"));
    person.web.unwilling();
    let waiting = Waiting::start(person.login(&[]));
    let end = visit(&waiting.link, None);
    assert!(end.ends_with("/web/msg/error/login"), "{end}");
    let err = waiting.end().fails(1);
    assert!(
        err.contains("GitHub returned error: no [access_denied]"),
        "{err}"
    );
    let _ = person.env.run(&["status"]).fails(10);
}

#[test]
fn what_does_not_go_with_a_browser_is_said() {
    let person = Person::before(SsoWeb::start("oidc"));
    let err = Ran::of(&mut person.login(&["--password-stdin"])).fails(2);
    assert!(
        err.contains("Corp") && err.contains("--auth local"),
        "{err}"
    );
    let err = Ran::of(&mut person.login(&["--non-interactive"])).fails(11);
    assert!(err.contains("Corp"), "{err}");
    assert_eq!(person.web.starts(), []);
    let waiting = Waiting::start(person.login(&["--user", "alice"]));
    let _ = visit(&waiting.link, None);
    let ran = waiting.end();
    assert!(
        ran.code == 0 && ran.stderr.contains("--user alice is ignored"),
        "{ran}"
    );
    assert_eq!(person.user(), "carol");
}

#[test]
fn ctrl_c_ends_the_wait() {
    let person = Person::before(SsoWeb::start("oidc"));
    let waiting = Waiting::start(person.login(&[]));
    kill_process(Pid::from_child(&waiting.child), Signal::INT).expect("a signal");
    let link = waiting.link.clone();
    let ran = waiting.end();
    assert_eq!(ran.code, 130, "{ran}");
    let at = ("127.0.0.1", port_of(&link));
    assert!(std::net::TcpStream::connect(at).is_err(), "nobody listens");
    let _ = person.env.run(&["status"]).fails(10);
}
