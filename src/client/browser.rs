//! Opening an address in a browser: which program does it on this computer, and whether it would be in front of the person.

use std::io;
use std::process::Stdio;

use tokio::process::Command;

/// What is known about this computer and this session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Somebody is there: standard input and error are terminals.
    pub terminal: bool,
    /// The session came by ssh: a browser here is not where the person is.
    pub ssh: bool,
    /// There is a screen: X11 or Wayland; always on Windows and macOS.
    pub screen: bool,
    /// Linux inside Windows.
    pub wsl: bool,
    /// `BROWSER`: commands, separated by colons.
    pub browser: Option<String>,
}

/// What the user wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Wish {
    /// Whatever fits.
    #[default]
    Any,
    /// None.
    Nothing,
    /// This command, wherever.
    Command(String),
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Try these until one starts.
    Open(Vec<Opener>),
    /// Leave it to the person.
    Leave(Why),
}

/// Why no browser is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The user said so.
    Wished,
    /// Nobody is there.
    NoTerminal,
    /// The person sits elsewhere.
    Ssh,
    /// No screen.
    NoScreen,
}

/// A way to open an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opener {
    /// A program and the arguments before the address.
    Program(&'static str, &'static [&'static str]),
    /// A command line of the user's; `%s` in it is the address, else it comes last.
    Line(String),
}

/// Windows' own, seen from Linux: what wslu brings, else what is there always.
const WSL: [Opener; 4] = [
    Opener::Program("wslview", &[]),
    Opener::Program(
        "powershell.exe",
        &["-NoProfile", "-NonInteractive", "-Command", "Start-Process"],
    ),
    Opener::Program("cmd.exe", &["/c", "start", ""]),
    Opener::Program("/mnt/c/Windows/System32/cmd.exe", &["/c", "start", ""]),
];

/// Decides. A command that was named is used anywhere; `BROWSER` wherever somebody is, since programs that forward it to
/// another computer announce themselves so; the system's own only where the person would see it.
pub fn plan(wish: &Wish, here: &Surroundings) -> Plan {
    match wish {
        Wish::Nothing => return Plan::Leave(Why::Wished),
        Wish::Command(line) => return Plan::Open(vec![Opener::Line(line.clone())]),
        Wish::Any => {}
    }
    if !here.terminal {
        return Plan::Leave(Why::NoTerminal);
    }
    if let Some(browser) = &here.browser {
        let commands = browser.split(':').filter(|command| !command.is_empty());
        return Plan::Open(commands.map(|c| Opener::Line(c.to_owned())).collect());
    }
    if here.ssh {
        return Plan::Leave(Why::Ssh);
    }
    let own = if cfg!(windows) {
        Opener::Program("rundll32", &["url.dll,FileProtocolHandler"])
    } else if cfg!(target_os = "macos") {
        Opener::Program("open", &[])
    } else {
        Opener::Program("xdg-open", &[])
    };
    match (here.wsl, here.screen) {
        // A browser of Linux may be there as well, and is where Windows' programs are not: in a container.
        (true, true) => Plan::Open(WSL.into_iter().chain([own]).collect()),
        (true, false) => Plan::Open(WSL.to_vec()),
        (false, true) => Plan::Open(vec![own]),
        (false, false) => Plan::Leave(Why::NoScreen),
    }
}

/// Starts the openers in turn until one is there to start, silently and apart from this terminal's signals. Ends when that one
/// does, which may be hours later: whoever has something else to do does it meanwhile. Dropped, it leaves the browser running.
///
/// # Errors
/// The last one's, when none is there.
pub async fn open(openers: &[Opener], url: &str) -> io::Result<()> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "no browser is named");
    for opener in openers {
        let mut command = command(opener, url);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        #[cfg(unix)]
        command.process_group(0);
        match command.spawn() {
            Ok(mut child) => match (opener, child.wait().await?.code()) {
                // What a shell says of a command that is not there.
                (Opener::Line(line), Some(126 | 127)) => {
                    let text = format!("{line}: not found, or no program");
                    last = io::Error::new(io::ErrorKind::NotFound, text);
                }
                // Whatever it says itself, a browser may be open.
                _ => return Ok(()),
            },
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn command(opener: &Opener, url: &str) -> Command {
    match opener {
        Opener::Program(program, before) => {
            let mut command = Command::new(program);
            command.args(*before).arg(url);
            command
        }
        Opener::Line(line) => of_line(line, url),
    }
}

/// The address is a parameter of the shell's, never part of its text.
#[cfg(unix)]
fn of_line(line: &str, url: &str) -> Command {
    let text = if line.contains("%s") {
        line.replace("%s", "\"$1\"")
    } else {
        format!("{line} \"$1\"")
    };
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &text, "sh", url]);
    command
}

/// Words are separated by spaces; a program whose path has some goes into quotes.
#[cfg(not(unix))]
fn of_line(line: &str, url: &str) -> Command {
    let (program, rest) = match line.trim().strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
        None => line.trim().split_once(' ').unwrap_or((line.trim(), "")),
    };
    let mut command = Command::new(program);
    let mut named = false;
    for word in rest.split_whitespace() {
        named |= word.contains("%s");
        command.arg(word.replace("%s", url));
    }
    if !named {
        command.arg(url);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    const DESKTOP: Surroundings = Surroundings {
        terminal: true,
        ssh: false,
        screen: true,
        wsl: false,
        browser: None,
    };

    #[test]
    fn a_browser_opens_only_where_the_person_sees_it() {
        let opens = |here: &Surroundings| matches!(plan(&Wish::Any, here), Plan::Open(_));
        assert!(opens(&DESKTOP));
        for (here, why) in [
            (
                Surroundings {
                    terminal: false,
                    ..DESKTOP
                },
                Why::NoTerminal,
            ),
            (
                Surroundings {
                    ssh: true,
                    ..DESKTOP
                },
                Why::Ssh,
            ),
            (
                Surroundings {
                    screen: false,
                    ..DESKTOP
                },
                Why::NoScreen,
            ),
        ] {
            assert_eq!(plan(&Wish::Any, &here), Plan::Leave(why));
            // Whoever names a command means it.
            let named = Wish::Command("w3m".to_owned());
            assert_eq!(
                plan(&named, &here),
                Plan::Open(vec![Opener::Line("w3m".to_owned())])
            );
        }
        assert_eq!(plan(&Wish::Nothing, &DESKTOP), Plan::Leave(Why::Wished));
    }

    #[test]
    fn what_the_environment_names_comes_before_the_systems_own() {
        let here = Surroundings {
            ssh: true,
            screen: false,
            browser: Some("one:two --new %s".to_owned()),
            ..DESKTOP
        };
        assert_eq!(
            plan(&Wish::Any, &here),
            Plan::Open(vec![
                Opener::Line("one".to_owned()),
                Opener::Line("two --new %s".to_owned())
            ])
        );
    }

    #[test]
    fn linux_inside_windows_takes_the_browser_of_windows() {
        let here = Surroundings {
            wsl: true,
            screen: false,
            ..DESKTOP
        };
        assert_eq!(plan(&Wish::Any, &here), Plan::Open(WSL.to_vec()));
        let Plan::Open(openers) = plan(
            &Wish::Any,
            &Surroundings {
                wsl: true,
                ..DESKTOP
            },
        ) else {
            panic!("there is a screen")
        };
        assert_eq!(
            (&openers[..WSL.len()], openers.len()),
            (&WSL[..], WSL.len() + 1)
        );
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_command_that_is_not_there_is_followed_by_the_next() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("address");
        let line = |text: &str| Opener::Line(text.to_owned());
        let missing = line("/nowhere/browser --new %s");
        let writes = line(&format!("printf %s >{} ", file.display()));
        open(&[missing.clone(), writes], "http://x/")
            .await
            .expect("the second is there");
        assert_eq!(
            std::fs::read_to_string(&file).expect("written"),
            "http://x/"
        );
        let error = open(&[missing], "http://x/")
            .await
            .expect_err("nothing is there");
        assert!(error.to_string().contains("/nowhere/browser"), "{error}");
        // One that says no has been there all the same.
        open(
            &[line("false"), line(&format!("rm {}; true", file.display()))],
            "http://x/",
        )
        .await
        .expect("the first is there");
        assert!(file.exists());
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn the_address_reaches_the_command_as_one_word() {
        let url = "http://127.0.0.1:1/a;touch b?c=$(d)&e='f'";
        for (line, before, after) in [
            ("echo", "", ""),
            ("echo 'a  b'", "a  b ", ""),
            ("echo one=%s two", "one=", " two"),
        ] {
            let mut command = command(&Opener::Line(line.to_owned()), url);
            let out = command.output().await.expect("a shell");
            assert_eq!(
                String::from_utf8_lossy(&out.stdout),
                format!("{before}{url}{after}\n")
            );
        }
    }
}
