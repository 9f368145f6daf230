//! The chance of a run: all of it follows from one seed.

use std::time::Duration;

use tautline_protocol::model::Chance;

/// The chance of a run.
#[derive(Debug)]
pub(crate) struct Dice(Chance);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Chance::new(seed))
    }

    /// A number below `count`.
    pub(crate) fn below(&mut self, count: u32) -> u32 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "what is drawn is at least 0 and below 1"
        )]
        let drawn = (self.0.draw() * f64::from(count)) as u32;
        drawn
    }

    /// Whether something happens that happens so often.
    pub(crate) fn is(&mut self, probability: f64) -> bool {
        self.0.draw() < probability
    }

    pub(crate) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        let at = self.below(u32::try_from(items.len()).expect("a short list"));
        items[usize::try_from(at).expect("an index")]
    }

    pub(crate) fn index(&mut self, len: usize) -> usize {
        let at = self.below(u32::try_from(len).expect("a short list"));
        usize::try_from(at).expect("an index")
    }

    pub(crate) fn between(&mut self, from: Duration, to: Duration) -> Duration {
        self.0.between(from, to)
    }

    /// A time up to so many milliseconds.
    pub(crate) fn within(&mut self, ms: u64) -> Duration {
        self.0.between(Duration::ZERO, Duration::from_millis(ms))
    }

    pub(crate) fn seed(&mut self) -> u64 {
        u64::from(self.below(u32::MAX))
    }
}
