//! What a finished program left behind.

use std::fmt;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// How long a program may run; the longest test takes a tenth of it.
const LIMIT: Duration = Duration::from_secs(180);

/// Exit status and both outputs of a finished program; a test must look at it.
#[must_use]
pub(crate) struct Ran {
    /// Exit code; 128 + signal when a signal ended it.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
}

impl From<Output> for Ran {
    fn from(out: Output) -> Self {
        use std::os::unix::process::ExitStatusExt;
        let code = out
            .status
            .code()
            .unwrap_or_else(|| 128 + out.status.signal().unwrap_or(0));
        Self {
            code,
            stdout: String::from_utf8_lossy(&out.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&out.stderr).into_owned(),
        }
    }
}

impl Ran {
    /// Runs a program to its end.
    ///
    /// Panics when it has not ended after [`LIMIT`]; it is killed then.
    #[track_caller]
    pub(crate) fn of(command: &mut Command) -> Self {
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("{command:?}: {e}"));
        Self::end_of(child)
    }

    /// Waits for the end of a program, as [`Self::of`] does.
    #[track_caller]
    pub(crate) fn end_of(child: Child) -> Self {
        let pid = Pid::from_child(&child);
        let (ended, watch) = mpsc::channel::<()>();
        let watchdog = std::thread::spawn(move || {
            let late = watch.recv_timeout(LIMIT) == Err(mpsc::RecvTimeoutError::Timeout);
            if late {
                let _ = kill_process(pid, Signal::KILL);
            }
            late
        });
        let output = child.wait_with_output();
        drop(ended);
        let late = watchdog.join().expect("the watchdog");
        let ran = Self::from(output.expect("an end"));
        assert!(!late, "not ended after {LIMIT:?}: {ran}");
        ran
    }

    /// Asserts success and gives standard output.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "{self}");
        self.stdout
    }

    /// Asserts the exit code and gives standard error.
    #[track_caller]
    pub(crate) fn fails(self, code: i32) -> String {
        assert_eq!(self.code, code, "{self}");
        self.stderr
    }

    /// Asserts success and parses standard output as JSON.
    #[track_caller]
    pub(crate) fn json(self) -> serde_json::Value {
        let text = self.ok();
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("not JSON ({e}): {text}"))
    }

    /// Asserts the exit code and parses the one JSON object on standard error.
    #[track_caller]
    pub(crate) fn json_error(self, code: i32) -> serde_json::Value {
        let text = self.fails(code);
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("not one JSON object ({e}): {text}"))
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}------- stderr -------\n{}[exit status: {}]",
            self.stdout, self.stderr, self.code
        )
    }
}
