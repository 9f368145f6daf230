//! Randomness that is an argument: a seed, and what follows from it.

use std::time::Duration;

/// A sequence of numbers that one seed decides (`SplitMix64`: one word of state, and any seed is a good one).
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number, from 0 to below 1.
    pub fn draw(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        let top = u32::try_from(bits >> 32).expect("half of 64 bits is 32");
        f64::from(top) / (f64::from(u32::MAX) + 1.0)
    }

    /// A random point between two times; the first if they are not in order.
    pub fn between(&mut self, from: Duration, to: Duration) -> Duration {
        from + to.saturating_sub(from).mul_f64(self.draw())
    }
}
