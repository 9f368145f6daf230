//! What happens to one connection.

use std::time::Duration;

use fastrand::Rng;

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

/// What happens to one connection. The usual one is left alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The client is reset as soon as it is there.
    pub refuses: bool,
    /// The client is let in, and never hears or reaches anybody.
    pub is_silent: bool,
    /// Bytes come so much later.
    pub delay: Duration,
    /// By so much more or less, and still in order.
    pub jitter: Duration,
    /// So many bytes pass in a second, each way.
    pub bytes_per_second: Option<u32>,
    /// Each byte passes alone.
    pub slices: bool,
    /// One direction ends behind so many bytes.
    pub end: Option<(Direction, u64, End)>,
}

/// How a direction ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// What is sent goes nowhere from then on, and nobody is told. The other direction goes on.
    Stall,
    /// Both sides are told that the other one sends no more.
    Cut,
    /// Both sides are reset.
    Reset,
}

/// A fault comes behind so many bytes at most: in the handshake, between messages, or far into them.
const END_BYTES_MAX: u64 = 20_000;
const HANDSHAKE_BYTES: u64 = 400;
const DELAY_MS_MAX: u64 = 40;
/// Slow enough to be felt, and fast enough for a handshake within its time.
const SLOW_BYTES_PER_SECOND: std::ops::Range<u32> = 4_000..64_000;

impl Plan {
    /// Some plan; about every fourth connection has no end but its own.
    pub fn random(random: &mut Rng) -> Self {
        let mut plan = Self::default();
        match random.u8(..100) {
            0..4 => plan.refuses = true,
            4..7 => plan.is_silent = true,
            7..30 => {
                plan.delay = Duration::from_millis(random.u64(1..DELAY_MS_MAX));
                plan.jitter = plan.delay.mul_f64(random.f64());
            }
            30..40 => plan.bytes_per_second = Some(random.u32(SLOW_BYTES_PER_SECOND)),
            40..50 => plan.slices = true,
            _ => {}
        }
        let is_early = random.u8(..4) == 0;
        let bytes_max = if is_early {
            HANDSHAKE_BYTES
        } else {
            END_BYTES_MAX
        };
        let direction = if random.bool() {
            Direction::Up
        } else {
            Direction::Down
        };
        let end = match random.u8(..100) {
            0..25 => return plan,
            25..35 => End::Stall,
            35..70 => End::Cut,
            _ => End::Reset,
        };
        plan.end = Some((direction, random.u64(..bytes_max), end));
        plan
    }
}
