//! Bytes that were read from a connection and are not yet decoded.

use std::mem;

/// A chunk of read bytes, used up from its front. Payloads are unmasked where they lie, so that a
/// whole frame is lent out without a copy.
#[derive(Debug)]
pub struct Input<'b> {
    rest: &'b mut [u8],
}

impl<'b> Input<'b> {
    /// Takes a chunk exactly as it was read, however it is split.
    pub fn new(bytes: &'b mut [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The bytes that are not yet decoded.
    pub fn rest(&self) -> &[u8] {
        self.rest
    }

    /// Whether everything is decoded, or kept inside the decoder.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Uses up `count` bytes, or all if there are fewer.
    pub(crate) fn take(&mut self, count: usize) -> &'b mut [u8] {
        let rest = mem::take(&mut self.rest);
        let count = count.min(rest.len());
        let (taken, rest) = rest.split_at_mut(count);
        self.rest = rest;
        taken
    }
}
