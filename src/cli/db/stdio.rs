//! `postern proxy db --stdio`: one connection over standard input and output, for programs that bring their own pipes.
//!
//! There is no listener, so nobody else can reach it. What the tunnel has to say goes to standard error; the client itself is
//! told of errors as on any connection. The end of standard input is the client's end, and Ctrl+C is the client's own: with
//! the client the pipes end.

use std::io::{self, IsTerminal};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncWrite, Stdout, join};
use tokio::sync::{mpsc, oneshot};

use super::choose::{Program, TargetArgs};
use super::connect;
use super::proxy::Signals;
use crate::cli::signals::interruptible;
use crate::cli::{CliError, Cx, Exit, Kind};
use crate::proxy::{self, Options};

/// Serves the connection to its end.
///
/// # Errors
/// Everything that can be found out before the first byte is read; [`Kind::Failed`] for a session that was refused, whose
/// client knows why.
pub(super) async fn run(cx: &mut Cx, args: &TargetArgs) -> Result<Exit, CliError> {
    if io::stdin().is_terminal() || io::stdout().is_terminal() {
        return Err(CliError::new(
            Kind::Usage,
            "--stdio speaks PostgreSQL's protocol with the program that starts it, not with a terminal",
        )
        .hint("postern db connect starts psql; postern proxy db without --stdio listens on a port"));
    }
    let mut signals = Signals::new()?;
    let (tunnel, _) = interruptible(Box::pin(connect::prepare(cx, args, Program::Tunnel))).await?;
    let (note, mut notes) = mpsc::unbounded_channel();
    let options = Options {
        // Whoever started us decides when to begin.
        first_packet: Duration::MAX,
        // Whoever started us says what it wants, and nothing was announced: the cluster decides.
        any_target: true,
        // Nobody listens any more only when we end.
        note: Arc::new(move |text: &str| drop(note.send(text.to_owned()))),
        ..Options::default()
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let client = join(tokio::io::stdin(), Out(tokio::io::stdout()));
    let serving = proxy::serve_one(client, Arc::new(tunnel), options, async {
        let _ = stopped.await;
    });
    let mut serving = std::pin::pin!(serving);
    let mut stop = Some(stop);
    let mut told = None;
    let report = loop {
        tokio::select! {
            report = &mut serving => break report,
            exit = signals.next(), if told.is_none() => {
                if exit != Exit::Interrupted {
                    told = Some(exit);
                    stop.take();
                }
            }
            Some(text) = notes.recv() => cx.ui.warn(&text),
        }
    };
    while let Ok(text) = notes.try_recv() {
        cx.ui.warn(&text);
    }
    Ok(match told {
        Some(exit) => exit,
        None if report.refused > 0 => Exit::Failed,
        None => Exit::Done,
    })
}

/// Standard output that can be ended before the program is.
struct Out(Stdout);

impl AsyncWrite for Out {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.0).poll_flush(cx))?;
        Poll::Ready(end_of_output())
    }
}

/// Lets the reader of standard output see the end. Nothing can be written there afterwards.
#[cfg(unix)]
fn end_of_output() -> io::Result<()> {
    // A socket may be open as standard input too; no other file knows this call, which is no failure.
    let _ = socket2::SockRef::from(&io::stdout()).shutdown(std::net::Shutdown::Write);
    let nowhere = std::fs::File::options().write(true).open("/dev/null")?;
    Ok(rustix::stdio::dup2_stdout(nowhere)?)
}

/// The end of the program is the end of its output.
#[cfg(not(unix))]
fn end_of_output() -> io::Result<()> {
    Ok(())
}
