//! Stops the server when this process dies without doing so itself, however it dies.

use std::process::{Child, Stdio};

use super::PostgresError;
use super::find::Programs;
use super::place::Place;

/// A shell that waits for the end of its standard input, which only this process holds open, and then stops the server.
#[derive(Debug)]
pub struct Watchdog {
    child: Child,
}

impl Watchdog {
    /// Starts it.
    ///
    /// # Errors
    /// When the shell cannot be started.
    pub fn start(programs: &Programs, place: &Place) -> Result<Self, PostgresError> {
        let shell = std::path::Path::new("/bin/sh");
        let child = place
            .command(shell)
            .arg("-c")
            // A line, as opposed to the end of input, means: not needed any more.
            .arg("if read -r line; then exit 0; fi; \
                  for i in 1 2 3; do \"$1\" stop -D \"$2\" -m fast -t 30 -s && exit 0; sleep 1; done")
            .arg("postern-watchdog")
            .arg(programs.path("pg_ctl"))
            .arg(&place.data)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| PostgresError::Program { program: shell.display().to_string(), message: e.to_string() })?;
        Ok(Self { child })
    }

    /// Ends it without stopping the server, which has stopped already.
    pub fn dismiss(mut self) {
        use std::io::Write;
        if let Some(mut stdin) = self.child.stdin.take() {
            // A watchdog that is gone already needs no message.
            let _ = stdin.write_all(b"stopped\n");
        }
        let _ = self.child.wait();
    }
}
