//! One run of a label's command. Texts are those that a real cluster shows as the label's value (asked on 18.3.0).

use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// How long a command may take.
const TIME: Duration = Duration::from_secs(30);
/// Most bytes of output that count.
const OUTPUT: u64 = 4096;

/// Runs a program with its arguments and gives what it prints, without the blanks around it. A failure is a value too:
/// `exit status 1 output: …`. Output beyond 4 KiB is cut, and a command that takes longer than 30 s is killed.
pub(super) async fn run(command: &[String]) -> String {
    let Some((program, arguments)) = command.split_first() else {
        return String::new();
    };
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        // A group of its own, so that what a shell started ends with it.
        .process_group(0)
        .kill_on_drop(true)
        .spawn();
    let mut child = match child {
        Ok(child) => Group(child),
        Err(error) => return failed(&not_started(program, &error), &[]),
    };
    let mut output = Vec::new();
    let finished = timeout(TIME, async {
        if let Some(pipe) = child.0.stdout.take() {
            let mut pipe = pipe.take(OUTPUT);
            pipe.read_to_end(&mut output).await?;
            // The rest is read and forgotten: a full pipe would stop the command.
            tokio::io::copy(&mut pipe.into_inner(), &mut tokio::io::sink()).await?;
        }
        child.0.wait().await
    })
    .await;
    match finished {
        Ok(Ok(status)) if status.success() => text(&output).trim().to_owned(),
        Ok(Ok(status)) => failed(&describe(status), &output),
        Ok(Err(error)) => failed(&error.to_string(), &output),
        Err(_) => failed("the command takes longer than 30 s", &output),
    }
}

/// Kills the whole process group when it is dropped before the command ended.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        // Without an ID it was waited for already.
        let id = self.0.id().and_then(|id| i32::try_from(id).ok());
        if let Some(pid) = id.and_then(Pid::from_raw) {
            // Gone already means the same.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

fn not_started(program: &str, error: &std::io::Error) -> String {
    if error.kind() == ErrorKind::NotFound && !program.contains('/') {
        format!("exec: {program:?}: executable file not found in $PATH")
    } else {
        let reason = match error.kind() {
            ErrorKind::NotFound => "no such file or directory".to_owned(),
            ErrorKind::PermissionDenied => "permission denied".to_owned(),
            _ => error.to_string(),
        };
        format!("fork/exec {program}: {reason}")
    }
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "ended in an unknown way".to_owned(),
    }
}

fn failed(what: &str, output: &[u8]) -> String {
    format!("{what} output: {}", text(output))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
