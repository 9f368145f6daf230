//! The cases: what befalls the server, and how many have to come back.

use std::time::Duration;

/// What befalls the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blow {
    /// It is killed, and started anew after this.
    Kill { outage: Duration },
    /// It is told to end, and started anew when it has.
    Drain,
}

/// How the crowd came together, which decides what its members were told of coming back: a window for as many as were there
/// when each of them came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum House {
    /// All have come one after another since the server was started: the first were told of a small house.
    JustFilled,
    /// As after some hours, in which people come and go: everybody came to a full house.
    Settled,
}

/// One case.
#[derive(Debug)]
pub(crate) struct Ordeal {
    pub(crate) name: &'static str,
    pub(crate) clients: usize,
    pub(crate) house: House,
    pub(crate) blow: Blow,
}

/// Every case.
pub(crate) const ALL: [Ordeal; 4] = [
    Ordeal {
        name: "storm",
        clients: 5000,
        house: House::Settled,
        blow: SHORT,
    },
    Ordeal {
        name: "storm-again",
        clients: 5000,
        house: House::JustFilled,
        blow: SHORT,
    },
    Ordeal {
        name: "storm-long",
        clients: 5000,
        house: House::Settled,
        blow: Blow::Kill {
            outage: Duration::from_secs(30),
        },
    },
    Ordeal {
        name: "drain",
        clients: 2000,
        house: House::Settled,
        blow: Blow::Drain,
    },
];

/// A crash, and a supervisor that starts the server anew.
const SHORT: Blow = Blow::Kill {
    outage: Duration::from_millis(1500),
};
