//! What a crowd does, whoever its members are.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::Record;

/// While a crowd gathers, one comes after another: below the rate at which the server takes them in.
pub(super) const GATHER_EVERY: Duration = Duration::from_micros(1250);
/// The longest wait, and how often is looked whether it is over.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A crowd that has gathered. Its members do something only while it lives.
pub(super) trait Crowd {
    /// Has everybody go and come again, one after another.
    fn renew(&mut self, record: &mut Record, patience: Duration) -> Result<()>;

    /// The publishers begin, one room after another, evenly.
    fn begin_to_talk(&mut self);

    /// Lives on until that is so, or until patience ends; whether it was so.
    fn live(
        &mut self,
        record: &mut Record,
        patience: Duration,
        until: &mut dyn FnMut(&Record) -> bool,
    ) -> Result<bool>;

    /// Publishes nothing more, and waits until everybody who is inside has heard everything.
    fn fall_silent(&mut self, record: &mut Record, patience: Duration) -> Result<bool>;

    /// Lives on until everybody is inside.
    fn wait_for_all(&mut self, record: &mut Record, patience: Duration) -> Result<()> {
        self.live(record, patience, &mut |record| record.diary.is_settled())?;
        let (present, size) = (record.diary.present, record.diary.size());
        ensure!(
            present == size,
            "only {present} of {size} came in within {patience:?}"
        );
        Ok(())
    }
}
