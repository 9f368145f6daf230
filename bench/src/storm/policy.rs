//! When a client comes back that has lost its connection: Tautline's own client, and the defaults of libraries that people use
//! instead.
//!
//! Ours is the client itself. The others are their rules, and not the libraries: a function each, of what a client knows when it
//! has to wait.

#![expect(
    clippy::unnecessary_wraps,
    reason = "a rule that never gives up answers like one that does"
)]

use std::time::Duration;

/// What a client knows when it has to wait.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setback {
    /// How many attempts have failed since the connection was lost.
    pub(super) failures: u32,
    /// A random number from 0 to 1, drawn for this wait.
    pub(super) random: f64,
}

/// A way of coming back.
#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) name: &'static str,
    /// Whose it is, and as of which version.
    pub(crate) of: &'static str,
    pub(super) player: Player,
}

/// Who plays a crowd with this policy.
#[derive(Debug)]
pub(super) enum Player {
    /// The client that people use.
    RealClient,
    /// The light crowd, which follows a rule.
    Light(Rule),
}

/// A rule.
#[derive(Debug)]
pub(super) struct Rule {
    /// How long to wait; nothing if it gives up.
    pub(super) wait: fn(Setback) -> Option<Duration>,
    /// An attempt that takes longer is given up.
    pub(super) patience: Duration,
}

impl Policy {
    /// Whether it is ours, and held to the bounds.
    pub(crate) fn is_ours(&self) -> bool {
        matches!(self.player, Player::RealClient)
    }
}

/// Where a library has no limit of its own, the browser's holds, which is longer than any run.
const BROWSER: Duration = Duration::from_mins(4);

/// Ours first.
pub(super) const ALL: [Policy; 7] = [
    Policy {
        name: "tautline",
        of: concat!("tautline-client ", env!("CARGO_PKG_VERSION")),
        player: Player::RealClient,
    },
    // build/esm/contrib/backo2.js and manager.js: the jitter is put on before the cap.
    Policy {
        name: "socket.io",
        of: "socket.io-client 4.8.4",
        player: Player::Light(Rule {
            wait: socket_io,
            patience: Duration::from_secs(20),
        }),
    },
    // build/index.js, backoff().
    Policy {
        name: "centrifuge",
        of: "centrifuge 5.8.0",
        player: Player::Light(Rule {
            wait: centrifuge,
            patience: Duration::from_secs(5),
        }),
    },
    // dist/client.js, randomisedExponentialBackoff().
    Policy {
        name: "graphql-ws",
        of: "graphql-ws 6.4.2",
        player: Player::Light(Rule {
            wait: graphql_ws,
            patience: BROWSER,
        }),
    },
    // dist/ws.js, _getNextDelay().
    Policy {
        name: "partysocket",
        of: "partysocket 1.3.0",
        player: Player::Light(Rule {
            wait: partysocket,
            patience: Duration::from_secs(4),
        }),
    },
    // src/DefaultReconnectPolicy.ts, with withAutomaticReconnect(); the handshake's timeout.
    Policy {
        name: "signalr",
        of: "@microsoft/signalr 10.0.11",
        player: Player::Light(Rule {
            wait: signalr,
            patience: Duration::from_secs(15),
        }),
    },
    // assets/js/phoenix/socket.js, reconnectAfterMs().
    Policy {
        name: "phoenix",
        of: "phoenix 1.8.16",
        player: Player::Light(Rule {
            wait: phoenix,
            patience: BROWSER,
        }),
    },
];

fn socket_io(setback: Setback) -> Option<Duration> {
    let (random, delay) = (setback.random, doubled(1000.0, setback.failures));
    let deviation = (random * 0.5 * delay).floor();
    let is_earlier = (random * 10.0).floor() % 2.0 == 0.0;
    let delay = if is_earlier {
        delay - deviation
    } else {
        delay + deviation
    };
    milliseconds(delay.min(5000.0))
}

fn centrifuge(setback: Setback) -> Option<Duration> {
    const MAX: f64 = 20_000.0;
    const MIN: f64 = 500.0;
    let interval = doubled(MIN, setback.failures).min(MAX) * setback.random;
    milliseconds((MIN + interval).min(MAX))
}

fn graphql_ws(setback: Setback) -> Option<Duration> {
    const ATTEMPTS: u32 = 5;
    if setback.failures >= ATTEMPTS {
        return None;
    }
    milliseconds(doubled(1000.0, setback.failures) + 300.0 + setback.random * 2700.0)
}

fn partysocket(setback: Setback) -> Option<Duration> {
    let grown = 1.3_f64.powf(f64::from(setback.failures));
    milliseconds((3000.0 * grown).min(10_000.0))
}

fn signalr(setback: Setback) -> Option<Duration> {
    const DELAYS: [u64; 4] = [0, 2, 10, 30];
    let delay = DELAYS.get(setback.failures as usize)?;
    Some(Duration::from_secs(*delay))
}

fn phoenix(setback: Setback) -> Option<Duration> {
    const DELAYS: [u64; 9] = [10, 50, 100, 150, 200, 250, 500, 1000, 2000];
    let delay = DELAYS.get(setback.failures as usize).unwrap_or(&5000);
    Some(Duration::from_millis(*delay))
}

/// So many milliseconds, doubled with each failure.
fn doubled(base: f64, failures: u32) -> f64 {
    base * 2_f64.powf(f64::from(failures.min(31)))
}

fn milliseconds(delay: f64) -> Option<Duration> {
    Some(Duration::from_secs_f64(delay / 1000.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The waits of a rule in milliseconds, one after another, with this draw.
    fn waits(policy: &str, random: f64) -> Vec<u128> {
        let policy = ALL.iter().find(|one| one.name == policy).unwrap();
        let Player::Light(rule) = &policy.player else {
            panic!("{} is no rule", policy.name);
        };
        let wait = |failures| {
            let setback = Setback { failures, random };
            (rule.wait)(setback).map(|wait| wait.as_millis())
        };
        (0..8).map_while(wait).collect()
    }

    #[test]
    fn others_wait_as_their_defaults_say() {
        assert_eq!(waits("socket.io", 0.0)[..4], [1000, 2000, 4000, 5000]);
        assert_eq!(waits("socket.io", 0.9)[..3], [1450, 2900, 5000]);
        assert_eq!(waits("centrifuge", 1.0)[..3], [1000, 1500, 2500]);
        assert_eq!(waits("centrifuge", 1.0)[7], 20_000);
        assert_eq!(waits("partysocket", 0.5)[..3], [3000, 3900, 5070]);
        assert_eq!(waits("phoenix", 0.5)[..3], [10, 50, 100]);
    }

    #[test]
    fn two_of_them_give_up() {
        assert_eq!(waits("signalr", 0.5), [0, 2000, 10_000, 30_000]);
        assert_eq!(waits("graphql-ws", 0.0), [1300, 2300, 4300, 8300, 16_300]);
    }
}
