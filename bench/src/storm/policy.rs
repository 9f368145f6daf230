//! When a client comes back that has lost its connection: the rules of Tautline's clients, and the defaults of libraries that
//! people use instead.
//!
//! These are the rules, and not the libraries: a function each, of what a client knows when it has to wait.

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
    pub(super) told: Told,
}

/// What the server has told a client of coming back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    /// `retry.firstWindowMs` of the last `welcome`.
    pub(super) first_window: Duration,
    /// `retry.capMs` of it.
    pub(super) cap: Duration,
    /// `Retry-After` of the refusal that was just heard, or `afterMs` of the `bye`.
    pub(super) after: Option<Duration>,
}

/// A rule.
#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) name: &'static str,
    /// Whose rule it is, and as of which version.
    pub(crate) of: &'static str,
    /// How long to wait; nothing if it gives up.
    pub(super) wait: fn(Setback) -> Option<Duration>,
    /// An attempt that takes longer is given up.
    pub(super) patience: Duration,
}

impl Policy {
    /// Whether it is ours, and held to the bounds.
    pub(crate) fn is_ours(&self) -> bool {
        self.name == ALL[0].name
    }
}

/// Where a library has no limit of its own, the browser's holds, which is longer than any run.
const BROWSER: Duration = Duration::from_mins(4);

/// Ours first.
pub(super) const ALL: [Policy; 7] = [
    Policy {
        name: "tautline",
        of: "protocol/README.md, Coming back",
        wait: tautline,
        patience: Duration::from_secs(15),
    },
    // build/esm/contrib/backo2.js and manager.js: the jitter is put on before the cap.
    Policy {
        name: "socket.io",
        of: "socket.io-client 4.8.4",
        wait: socket_io,
        patience: Duration::from_secs(20),
    },
    // build/index.js, backoff().
    Policy {
        name: "centrifuge",
        of: "centrifuge 5.8.0",
        wait: centrifuge,
        patience: Duration::from_secs(5),
    },
    // dist/client.js, randomisedExponentialBackoff().
    Policy {
        name: "graphql-ws",
        of: "graphql-ws 6.4.2",
        wait: graphql_ws,
        patience: BROWSER,
    },
    // dist/ws.js, _getNextDelay().
    Policy {
        name: "partysocket",
        of: "partysocket 1.3.0",
        wait: partysocket,
        patience: Duration::from_secs(4),
    },
    // src/DefaultReconnectPolicy.ts, with withAutomaticReconnect(); the handshake's timeout.
    Policy {
        name: "signalr",
        of: "@microsoft/signalr 10.0.11",
        wait: signalr,
        patience: Duration::from_secs(15),
    },
    // assets/js/phoenix/socket.js, reconnectAfterMs().
    Policy {
        name: "phoenix",
        of: "phoenix 1.8.16",
        wait: phoenix,
        patience: BROWSER,
    },
];

/// The first attempt at a random point of the announced window; later ones above a floor, each up to twice as late
/// as the one before, and up to that window at the least: those who were too many at first are not fewer the second time.
/// What the server says overrides both.
fn tautline(setback: Setback) -> Option<Duration> {
    const FLOOR: Duration = Duration::from_millis(250);
    const BASE: Duration = Duration::from_secs(1);
    let Setback {
        failures,
        random,
        told,
    } = setback;
    if let Some(after) = told.after {
        return Some(after + (after / 2).max(FLOOR).mul_f64(random));
    }
    let Some(exponent) = failures.checked_sub(1) else {
        return Some(told.first_window.mul_f64(random));
    };
    let doubled = BASE.saturating_mul(1_u32.checked_shl(exponent).unwrap_or(u32::MAX));
    let ceiling = doubled.min(told.cap).max(told.first_window);
    Some(FLOOR + ceiling.saturating_sub(FLOOR).mul_f64(random))
}

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
        let told = Told {
            first_window: Duration::from_secs(5),
            cap: Duration::from_secs(30),
            after: None,
        };
        let wait = |failures| {
            let setback = Setback {
                failures,
                random,
                told,
            };
            (policy.wait)(setback).map(|wait| wait.as_millis())
        };
        (0..8).map_while(wait).collect()
    }

    #[test]
    fn ours_begins_within_the_window_and_goes_up_to_the_cap() {
        let earliest = [0, 250, 250, 250, 250, 250, 250, 250];
        assert_eq!(waits("tautline", 0.0), earliest);
        let latest = [5000, 5000, 5000, 5000, 8000, 16_000, 30_000, 30_000];
        assert_eq!(waits("tautline", 1.0), latest);
    }

    #[test]
    fn ours_heeds_what_it_is_told() {
        let told = Told {
            first_window: Duration::from_secs(5),
            cap: Duration::from_secs(30),
            after: Some(Duration::from_secs(2)),
        };
        let latest = tautline(Setback {
            failures: 3,
            random: 1.0,
            told,
        });
        assert_eq!(latest, Some(Duration::from_secs(3)));
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
