//! psql at work, fed line by line.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// How long an answer may take on a busy machine.
const SOON: Duration = Duration::from_secs(60);

/// A running program that reads statements and prints rows; ends with the test.
pub(crate) struct Fed {
    child: Child,
    input: ChildStdin,
    lines: mpsc::Receiver<String>,
}

impl Fed {
    /// Starts `command`, which runs psql with `-XAtq`.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let (give, lines) = mpsc::channel();
        let pass = |from: Box<dyn Read + Send>, give: mpsc::Sender<String>| {
            std::thread::spawn(move || {
                for line in BufReader::new(from).lines().map_while(Result::ok) {
                    let _ = give.send(line);
                }
            });
        };
        pass(Box::new(out.expect("a pipe")), give.clone());
        pass(Box::new(err.expect("a pipe")), give);
        let input = child.stdin.take().expect("a pipe");
        Self {
            child,
            input,
            lines,
        }
    }

    /// Types a line. One that nobody reads any more shows in what is heard next.
    pub(crate) fn say(&mut self, sql: &str) {
        let _ = writeln!(self.input, "{sql}");
    }

    /// The next line that holds `text`, in either output; else all that came before the end.
    pub(crate) fn listen(&mut self, text: &str) -> Result<String, Vec<String>> {
        let mut before = Vec::new();
        loop {
            match self.lines.recv_timeout(SOON) {
                Ok(line) if line.contains(text) => return Ok(line),
                Ok(line) => before.push(line),
                Err(_) => return Err(before),
            }
        }
    }

    /// The same, which must come.
    #[track_caller]
    pub(crate) fn hears(&mut self, text: &str) -> String {
        self.listen(text)
            .unwrap_or_else(|before| panic!("no {text:?} but {before:?}"))
    }

    /// The process on the server; what was said instead when there is no session.
    pub(crate) fn pid(&mut self) -> Result<String, Vec<String>> {
        self.say("select 'process ' || pg_backend_pid();");
        let line = self.listen("process ")?;
        Ok(line.trim_start_matches("process ").to_owned())
    }
}

impl Drop for Fed {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let _ = self.child.wait();
    }
}
