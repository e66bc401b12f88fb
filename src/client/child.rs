//! A program in the foreground: signals are its own, and it never outlives us.
//!
//! SIGINT and SIGQUIT: when a terminal is involved, it delivers them to the whole foreground group, the program included,
//! so they are swallowed here, however many come; passing them on would deliver each twice. Without any terminal the program
//! gets a process group of its own and every SIGINT that reaches us is passed on, so that both `kill -INT PID` and
//! `kill -INT -PGID` reach it exactly once. SIGTERM and SIGHUP always end the program and then us.
//! What tsh does instead: db-client.md 12.

use std::io;
use std::process::ExitStatus;

use tokio::process::Command;

/// How the program ended, in the shell's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself: its own exit code, or 128 + the signal that killed it.
    Itself(u8),
    /// Because this signal told us to end: 15 or 1.
    Told(u8),
}

fn code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return u8::try_from(128 + signal).unwrap_or(u8::MAX);
    }
    // Windows has codes of 32 bits; 255 stands for those that do not fit.
    status
        .code()
        .map_or(u8::MAX, |code| u8::try_from(code).unwrap_or(u8::MAX))
}

/// Starts the program on our own standard streams and waits for its end.
///
/// # Errors
/// The program cannot be started or waited for.
#[cfg(unix)]
pub async fn run(command: Command) -> io::Result<Ended> {
    use std::io::IsTerminal;

    let terminal =
        io::stdin().is_terminal() || io::stdout().is_terminal() || io::stderr().is_terminal();
    run_with(command, terminal).await
}

#[cfg(unix)]
async fn run_with(mut command: Command, terminal: bool) -> io::Result<Ended> {
    use tokio::signal::unix::{SignalKind, signal};

    if !terminal {
        command.process_group(0);
    }
    // Caught, not ignored: an ignored signal would stay ignored in the program. Installed before it starts, so that none is
    // missed.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut quit = signal(SignalKind::quit())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let mut child = command.kill_on_drop(true).spawn()?;
    loop {
        tokio::select! {
            status = child.wait() => return Ok(Ended::Itself(code(status?))),
            _ = interrupt.recv() => if !terminal { send(&child, rustix::process::Signal::INT) },
            _ = quit.recv() => if !terminal { send(&child, rustix::process::Signal::QUIT) },
            _ = terminate.recv() => return end(child, rustix::process::Signal::TERM, 15).await,
            _ = hangup.recv() => return end(child, rustix::process::Signal::HUP, 1).await,
        }
    }
}

/// How long the program may take to end when told to, before it is killed.
#[cfg(unix)]
const GRACE: std::time::Duration = std::time::Duration::from_secs(5);

#[cfg(unix)]
async fn end(
    mut child: tokio::process::Child,
    signal: rustix::process::Signal,
    number: u8,
) -> io::Result<Ended> {
    send(&child, signal);
    if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
        child.kill().await?;
    }
    Ok(Ended::Told(number))
}

/// A program that has just ended needs no signal, so a failure is none.
#[cfg(unix)]
fn send(child: &tokio::process::Child, signal: rustix::process::Signal) {
    let pid = child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .and_then(rustix::process::Pid::from_raw);
    if let Some(pid) = pid {
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// Starts the program on our own standard streams and waits for its end. Ctrl+C reaches it through the console.
///
/// # Errors
/// The program cannot be started or waited for.
#[cfg(not(unix))]
pub async fn run(mut command: Command) -> io::Result<Ended> {
    let mut child = command.kill_on_drop(true).spawn()?;
    loop {
        tokio::select! {
            status = child.wait() => return Ok(Ended::Itself(code(status?))),
            _ = tokio::signal::ctrl_c() => {}
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::time::Duration;

    use super::*;

    fn sh(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    /// Signals reach every listener of this process, so only one test at a time may send some.
    static ONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

    async fn until_exists(path: &std::path::Path) {
        let wait = async {
            while !path.exists() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait)
            .await
            .expect("the script starts");
    }

    fn to_us(signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::getpid(), signal)
            .expect("a signal to ourselves");
    }

    #[tokio::test]
    async fn its_own_code_comes_back_and_a_signal_as_the_shell_says_it() {
        let _one = ONE.lock().await;
        for (script, code) in [
            ("exit 0", 0),
            ("exit 3", 3),
            ("kill -KILL $$", 137),
            ("kill -TERM $$", 143),
        ] {
            assert_eq!(
                run(sh(script)).await.expect("it runs"),
                Ended::Itself(code),
                "{script}"
            );
        }
        let none = run(Command::new("/nonexistent/psql"))
            .await
            .expect_err("no program");
        assert_eq!(none.kind(), io::ErrorKind::NotFound);
    }

    #[tokio::test]
    async fn interrupts_are_the_programs_own_and_do_not_end_us() {
        let _one = ONE.lock().await;
        let dir = tempfile::tempdir().expect("a directory");
        let (ready, got) = (dir.path().join("ready"), dir.path().join("got"));
        let script = format!(
            "trap ': > {}; exit 7' INT; : > {}; while :; do sleep 0.05; done",
            got.display(),
            ready.display()
        );
        let interrupting = async {
            until_exists(&ready).await;
            to_us(rustix::process::Signal::INT);
        };
        let (ended, ()) = tokio::join!(run_with(sh(&script), false), interrupting);
        assert_eq!(
            ended.expect("it runs"),
            Ended::Itself(7),
            "without a terminal it is passed on"
        );
        assert!(got.exists());

        std::fs::remove_file(&ready).expect("the mark");
        let go = dir.path().join("go");
        let script = format!(
            "trap 'exit 7' INT; : > {}; until [ -e {} ]; do sleep 0.05; done; exit 5",
            ready.display(),
            go.display()
        );
        let interrupting = async {
            until_exists(&ready).await;
            for _ in 0..10 {
                to_us(rustix::process::Signal::INT);
                tokio::task::yield_now().await;
            }
            std::fs::write(&go, "").expect("the mark");
        };
        let (ended, ()) = tokio::join!(run_with(sh(&script), true), interrupting);
        assert_eq!(
            ended.expect("it runs"),
            Ended::Itself(5),
            "on a terminal it is not sent twice"
        );
    }

    #[tokio::test]
    async fn told_to_end_it_ends_the_program_first() {
        let _one = ONE.lock().await;
        let dir = tempfile::tempdir().expect("a directory");
        for (signal, number) in [
            (rustix::process::Signal::TERM, 15),
            (rustix::process::Signal::HUP, 1),
        ] {
            let (ready, gone) = (
                dir.path().join(format!("ready{number}")),
                dir.path().join(format!("gone{number}")),
            );
            let script = format!(
                "trap ': > {}; exit 0' TERM HUP; : > {}; while :; do sleep 0.05; done",
                gone.display(),
                ready.display()
            );
            let telling = async {
                until_exists(&ready).await;
                to_us(signal);
            };
            let (ended, ()) = tokio::join!(run_with(sh(&script), true), telling);
            assert_eq!(ended.expect("it runs"), Ended::Told(number));
            assert!(gone.exists(), "the program was told");
        }
    }

    #[tokio::test]
    async fn one_that_does_not_listen_is_killed() {
        let dir = tempfile::tempdir().expect("a directory");
        let ready = dir.path().join("ready");
        let script = format!(
            "trap '' TERM; : > {}; while :; do sleep 0.05; done",
            ready.display()
        );
        let child = sh(&script).kill_on_drop(true).spawn().expect("it starts");
        until_exists(&ready).await;
        // The clock jumps over the grace while nothing else happens.
        tokio::time::pause();
        let ended = end(child, rustix::process::Signal::TERM, 15)
            .await
            .expect("it ends");
        assert_eq!(ended, Ended::Told(15));
    }
}
