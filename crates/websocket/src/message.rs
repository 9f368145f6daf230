//! A data message of which only a part has arrived.

use crate::header::Opcode;
use crate::utf8;
use crate::{Limits, Violation};

/// The bytes of an unfinished message. Its capacity follows what has arrived, never what was declared.
#[derive(Debug)]
pub(crate) struct Message {
    /// Text or binary, as the first frame says.
    pub(crate) opcode: Opcode,
    pub(crate) compressed: bool,
    fragments: u32,
    /// Of plain text: how many bytes are known to be whole characters.
    valid: usize,
    bytes: Vec<u8>,
}

impl Message {
    pub(crate) fn new(opcode: Opcode, compressed: bool) -> Self {
        Self {
            opcode,
            compressed,
            fragments: 1,
            valid: 0,
            bytes: Vec::new(),
        }
    }

    /// Adds what has arrived, and checks plain text as far as it goes.
    pub(crate) fn append(&mut self, part: &[u8]) -> Result<(), Violation> {
        self.bytes.extend_from_slice(part);
        if self.opcode == Opcode::Text && !self.compressed {
            self.valid = utf8::advance(&self.bytes, self.valid)?;
        }
        Ok(())
    }

    /// Counts one more frame. Empty ones count too: they cost as much as others.
    pub(crate) fn add_fragment(&mut self, limits: &Limits) -> Result<(), Violation> {
        self.fragments += 1;
        if self.fragments > limits.fragments_max {
            return Err(Violation::TooManyFragments);
        }
        Ok(())
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }
}
