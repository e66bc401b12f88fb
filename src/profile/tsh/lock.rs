//! tsh's own locks: `flock` on the file itself (credentials.md 3.5).

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use super::TshError;

/// How long to wait for tsh to end its writing, which takes it milliseconds. tsh itself gives up after 200 ms.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two tries.
const NAP: Duration = Duration::from_millis(10);

/// Waits for a lock that is taken without blocking, since a blocking one has no deadline.
fn wait(
    path: &Path,
    attempt: impl Fn() -> Result<(), std::fs::TryLockError>,
) -> Result<(), TshError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match attempt() {
            Ok(()) => return Ok(()),
            Err(std::fs::TryLockError::WouldBlock) if Instant::now() < deadline => {
                std::thread::sleep(NAP);
            }
            Err(std::fs::TryLockError::WouldBlock) => {
                return Err(TshError::Locked {
                    path: path.to_owned(),
                });
            }
            Err(std::fs::TryLockError::Error(error)) => return Err(TshError::io(path, &error)),
        }
    }
}

/// Takes a file's lock alone; released when the file is closed.
pub(super) fn exclusive(file: &File, path: &Path) -> Result<(), TshError> {
    wait(path, || file.try_lock())
}

/// Takes a file's lock together with other readers; released when the file is closed.
pub(super) fn shared(file: &File, path: &Path) -> Result<(), TshError> {
    wait(path, || file.try_lock_shared())
}
