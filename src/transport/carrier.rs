//! What carries a TLS connection: TCP, or something with layers of its own.

use tokio::net::TcpStream;
use tokio_util::either::Either;

use super::BoxStream;
use crate::readahead::ReadAhead;

/// What carries a TLS connection: TCP on the left, so that the common case has no indirect calls; on the right something with
/// layers of its own.
pub type Carrier = Either<ReadAhead<TcpStream>, BoxStream>;
