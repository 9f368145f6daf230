//! The cases: what befalls the server, and how many have to come back.

use std::time::Duration;

/// What befalls the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blow {
    /// It is killed, and started anew after this long.
    Kill { outage: Duration },
    /// It is told to end, and started anew when it has.
    Drain,
}

/// One case.
#[derive(Debug)]
pub(crate) struct Ordeal {
    pub(crate) name: &'static str,
    pub(crate) clients: usize,
    pub(crate) blow: Blow,
}

/// Every case.
pub(crate) const ALL: [Ordeal; 3] = [
    Ordeal {
        name: "storm",
        clients: 5000,
        blow: Blow::Kill {
            outage: Duration::from_millis(1500),
        },
    },
    Ordeal {
        name: "storm-long",
        clients: 5000,
        blow: Blow::Kill {
            outage: Duration::from_secs(30),
        },
    },
    Ordeal {
        name: "drain",
        clients: 2000,
        blow: Blow::Drain,
    },
];
