//! Bounds of a link, the same at both ends.

use std::time::Duration;

/// Streams on one link at the same time.
pub const STREAMS: u32 = 512;
/// Bytes on the way on one stream, each direction, before the sender waits.
pub const STREAM_WINDOW: u32 = 256 * 1024;
/// As many streams as there may be, so that one which is not read never stops the others.
pub(super) const CONNECTION_WINDOW: u32 = STREAMS * STREAM_WINDOW;
/// Time without a frame after which a ping is sent.
pub(super) const KEEPALIVE: Duration = Duration::from_secs(10);
/// How long its answer may take.
pub(super) const KEEPALIVE_LIMIT: Duration = Duration::from_secs(15);
