//! How much is done in one run.

use std::time::Duration;

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
    /// How often the server has to be killed.
    pub kills: u32,
    /// Every so many kills it goes on with an older copy of its disk.
    pub rewind_every: u32,
    /// How long it lives, about.
    pub life: Duration,
    /// By then everybody has come to the end, once there are no more faults.
    pub calm: Duration,
}

impl Scale {
    /// About a minute.
    pub const QUICK: Self = Self {
        clients: 12,
        rooms: 2,
        seats: 3,
        pace: Duration::from_millis(10),
        faults: 500,
        deliveries: 50_000,
        kills: 8,
        rewind_every: 4,
        life: Duration::from_secs(4),
        calm: Duration::from_mins(2),
    };

    /// As long as it takes to find what is badly broken.
    pub const SHORT: Self = Self {
        clients: 10,
        rooms: 1,
        seats: 3,
        pace: Duration::from_millis(5),
        faults: 50,
        deliveries: 5_000,
        kills: 5,
        rewind_every: 2,
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
        kills: 100,
        rewind_every: 10,
        life: Duration::from_secs(5),
        calm: Duration::from_mins(2),
    };
}
