//! One writer at a time.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use super::files::{ProfileError, open_private};

/// How long to wait for another process that is writing; writers need milliseconds.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// Held while state is written; released when dropped or when the process ends.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "held for its drop")] File);

impl Lock {
    /// Takes the lock, waiting at most `patience`.
    pub(super) fn take(path: &Path, patience: Duration) -> Result<Self, ProfileError> {
        let io = |error: std::io::Error| ProfileError::io("lock", path, &error);
        let mut file = open_private(path).map_err(io)?;
        let deadline = Instant::now() + patience;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(std::fs::TryLockError::WouldBlock) if Instant::now() < deadline => {
                    // Advisory locks have no "wait until"; a short nap is the only way to a bounded wait.
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(std::fs::TryLockError::WouldBlock) => {
                    let mut holder = String::new();
                    // On Windows the locked file cannot be read; then the holder stays unnamed.
                    let _ = file.read_to_string(&mut holder);
                    return Err(ProfileError::Locked {
                        path: path.to_owned(),
                        holder: holder.trim().parse().ok(),
                    });
                }
                Err(std::fs::TryLockError::Error(error)) => return Err(io(error)),
            }
        }
        // Who holds it, for whoever waits in vain.
        file.set_len(0).map_err(io)?;
        file.rewind().map_err(io)?;
        write!(file, "{}", std::process::id()).map_err(io)?;
        Ok(Self(file))
    }
}
