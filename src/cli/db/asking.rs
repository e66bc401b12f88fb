//! The session that `db ps` and `db cancel` ask in: the same target, certificate and way as `db connect`, without psql.

use std::sync::{Arc, Mutex, PoisonError};

use super::choose::{Program, TargetArgs};
use super::connect;
use crate::cli::{CliError, Cx};
use crate::flow::ask::Asker;
use crate::flow::target::Target;
use crate::flow::tunnel::Tunnel;

/// Opens it.
///
/// # Errors
/// Those of `db connect`, and what the database says.
pub(super) async fn open(
    cx: &mut Cx,
    args: &TargetArgs,
    program: Program,
) -> Result<(Asker, Target), CliError> {
    let (tunnel, target) = Box::pin(connect::prepare(cx, args, program)).await?;
    let asker = session(cx, tunnel, &target).await?;
    Ok((asker, target))
}

/// Opens it through a tunnel that is there.
///
/// # Errors
/// What the way or the database says.
pub(super) async fn session(
    cx: &mut Cx,
    tunnel: Tunnel,
    target: &Target,
) -> Result<Asker, CliError> {
    let notes: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = Arc::clone(&notes);
    let note = move |text: &str| {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push(text.to_owned());
    };
    let opened = Asker::open(tunnel, target, "postern", Arc::new(note)).await;
    if opened.is_ok() {
        // With a failure they would say the same once more.
        for note in notes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .drain(..)
        {
            cx.ui.warn(&note);
        }
    }
    Ok(opened.map_err(|failed| failed.error)?)
}
