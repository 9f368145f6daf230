//! The checksum of a row.
//!
//! The database finds no flipped bit in a value. Each row has a CRC-32 over all its fields, its table
//! and its place, so that a row that was changed, or that stands for another, is found when it is read.

use super::fault::Fault;

/// Sums up a row, field by field.
#[derive(Debug)]
pub(super) struct Sum(crc32fast::Hasher);

impl Sum {
    /// The sum of a row of this table.
    pub(super) fn of(table: &str) -> Self {
        Self(crc32fast::Hasher::new()).text(table)
    }

    pub(super) fn number(mut self, number: i64) -> Self {
        self.0.update(&number.to_le_bytes());
        self
    }

    pub(super) fn bytes(self, bytes: &[u8]) -> Self {
        let length = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        let mut sum = self.number(length);
        sum.0.update(bytes);
        sum
    }

    pub(super) fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    pub(super) fn maybe(self, text: Option<&str>) -> Self {
        match text {
            None => self.number(-1),
            Some(text) => self.text(text),
        }
    }

    pub(super) fn end(self) -> u32 {
        self.0.finalize()
    }

    /// Compares the sum with the one that was stored. `what` names the row, without its content.
    pub(super) fn check(self, stored: i64, what: impl FnOnce() -> String) -> Result<(), Fault> {
        if i64::from(self.end()) == stored {
            Ok(())
        } else {
            Err(Fault::Damaged(format!(
                "{} does not match its checksum",
                what()
            )))
        }
    }
}
