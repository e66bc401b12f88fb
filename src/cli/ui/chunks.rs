//! Gathers the many small writes of a serializer, without asking for each of them where it goes.

use std::io::{self, Write};

/// How much is gathered before it is handed on, bytes.
const CHUNK: usize = 1 << 16;

/// Bytes on their way to `to`, which gets them when there are many, and the rest by [`Write::flush`].
pub(super) struct Chunks<'w> {
    bytes: Vec<u8>,
    to: &'w mut dyn Write,
}

impl<'w> Chunks<'w> {
    /// Nothing yet.
    pub(super) fn new(to: &'w mut dyn Write) -> Self {
        Self {
            bytes: Vec::with_capacity(2 * CHUNK),
            to,
        }
    }

    #[cold]
    fn hand_on(&mut self) -> io::Result<()> {
        let done = self.to.write_all(&self.bytes);
        self.bytes.clear();
        done
    }
}

impl Write for Chunks<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() < CHUNK {
            return Ok(());
        }
        self.hand_on()
    }

    fn flush(&mut self) -> io::Result<()> {
        self.hand_on()?;
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_arrives_in_order_and_none_of_it_twice() {
        let mut arrived = Vec::new();
        let mut wanted = Vec::new();
        let mut chunks = Chunks::new(&mut arrived);
        for n in 0..50_000_u32 {
            chunks.write_all(&n.to_be_bytes()).expect("a write");
            wanted.extend(n.to_be_bytes());
        }
        chunks.flush().expect("a flush");
        chunks.flush().expect("a flush");
        assert_eq!(arrived, wanted);
    }
}
