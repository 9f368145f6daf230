//! How much is done in one run.

use std::time::Duration;

use super::Blows;

/// How much is done in one run.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// How many clients there are.
    pub clients: u32,
    /// How many rooms of each kind.
    pub rooms: usize,
    /// In how many of all rooms each client is.
    pub seats: usize,
    /// How long each client waits between publications.
    pub pace: Duration,
    /// How many faults there have to be.
    pub faults: u64,
    /// How many messages have to come.
    pub deliveries: u64,
    /// What has to happen to the server, and how often.
    pub blows: Blows,
    /// Every so many kills it goes on with an older copy of its disk.
    pub rewind_every: u32,
    /// One in so many turns it is stopped or drained, and neither killed nor cut off.
    pub interlude_every: u32,
    /// How long it lives, about.
    pub life: Duration,
    /// By then everybody has come to the end, once there are no more faults.
    pub calm: Duration,
}

impl Scale {
    /// Somewhat more than a minute.
    pub const QUICK: Self = Self {
        clients: 12,
        rooms: 2,
        seats: 3,
        pace: Duration::from_millis(10),
        faults: 500,
        deliveries: 50_000,
        blows: Blows {
            kills: 8,
            stops: 2,
            drains: 2,
        },
        rewind_every: 4,
        interlude_every: 4,
        life: Duration::from_secs(4),
        calm: Duration::from_mins(2),
    };

    /// As long as it takes to find what is badly broken: nobody waits for silence to be noticed.
    pub const SHORT: Self = Self {
        clients: 10,
        rooms: 1,
        seats: 3,
        pace: Duration::from_millis(5),
        faults: 50,
        deliveries: 5_000,
        blows: Blows {
            kills: 5,
            stops: 0,
            drains: 0,
        },
        rewind_every: 2,
        interlude_every: 4,
        life: Duration::from_millis(1500),
        calm: Duration::from_secs(20),
    };

    /// Ten thousand faults, two million messages.
    pub const LONG: Self = Self {
        clients: 24,
        rooms: 4,
        seats: 6,
        pace: Duration::from_millis(10),
        faults: 10_000,
        deliveries: 2_000_000,
        blows: Blows {
            kills: 100,
            stops: 8,
            drains: 8,
        },
        rewind_every: 10,
        interlude_every: 8,
        life: Duration::from_secs(5),
        calm: Duration::from_mins(2),
    };
}
