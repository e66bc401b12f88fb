//! How signals end a command while no program of somebody else runs.

use super::CliError;

/// Ends a step by Ctrl+C, SIGTERM or SIGHUP in good order, also after a prompt has taken Ctrl+C over: dropping the step puts
/// the terminal back. Not for the time while psql runs.
///
/// # Errors
/// Those of the step, and [`super::Kind::Interrupted`] or [`super::Kind::Terminated`].
pub(super) async fn interruptible<T>(
    step: impl Future<Output = Result<T, CliError>>,
) -> Result<T, CliError> {
    tokio::select! {
        // The prompt's own reaction comes first: it puts the terminal back.
        biased;
        result = step => result,
        _ = tokio::signal::ctrl_c() => Err(CliError::interrupted()),
        () = terminated() => Err(CliError::terminated()),
    }
}

/// Waits for SIGTERM or SIGHUP.
#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut hangup)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::hangup()),
    ) else {
        // They end the program without us.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
}

/// Other systems have no such signals.
#[cfg(not(unix))]
async fn terminated() {
    std::future::pending().await
}
