//! What Tautline has to reach, and what it reached.

use crate::report::Report;
use crate::sample::Row;
use crate::system::System::{self, Engine, Limit, LimitCoalesced, NodeWs, Sqlite, Tautline};

/// Resident bytes that an idle connection may have.
const IDLE_MAX: f64 = 3.0 * 1024.0;
/// Growth by a large message that counts as none: less than the smallest buffer that anybody would
/// keep.
const UNCHANGED: f64 = 256.0;

/// Durable publications in a second, in units of those of a bare writer with as many sockets: one for the engine, …
const ENGINE_MIN: f64 = 0.8;
/// … and one for each publisher for the server.
const SERVER_MIN: f64 = 0.85;
/// A tick in `MessagePack`, in units of one in JSON.
const PACKED_MAX: f64 = 0.6;

/// One goal; nothing is reached where the rows for it were not measured.
#[derive(Debug)]
pub(crate) struct Goal {
    pub(crate) text: String,
    pub(crate) reached: Option<String>,
    pub(crate) met: Option<bool>,
}

impl Goal {
    fn at_most(text: &str, reached: Option<f64>, most: f64) -> Self {
        Self {
            text: text.to_owned(),
            reached: reached.map(|reached| format!("{reached:.2} ×")),
            met: reached.map(|reached| reached <= most),
        }
    }
}

/// All goals.
pub(crate) fn goals(report: &Report) -> Vec<Goal> {
    let ratio = |case, to| report.ratio_of(case, [Tautline, to]);
    let cheaper = ratio("fanout-1000-burst16", NodeWs).map(|ratio| 1.0 / ratio);
    let huge = ratio("fanout-10000-burst16", LimitCoalesced);
    let small = ratio("fanout-100-burst16", LimitCoalesced);
    let growth = huge.zip(small).map(|(huge, small)| huge / small);
    let mut goals = vec![
        Goal::at_most(
            "bursts of 16 to 1,000: at most 1.3 × the coalesced limit",
            ratio("fanout-1000-burst16", LimitCoalesced),
            1.3,
        ),
        Goal::at_most(
            "single messages to 1,000: at most 1.15 × the bare limit",
            ratio("fanout-1000-burst1", Limit),
            1.15,
        ),
        Goal {
            text: "bursts of 16 to 1,000: at least 10 × less CPU than Node ws".to_owned(),
            reached: cheaper.map(|cheaper| format!("{cheaper:.1} × less")),
            met: cheaper.map(|cheaper| cheaper >= 10.0),
        },
        Goal::at_most(
            "the ratio to the coalesced limit at 10,000: at most 1.2 × the ratio at 100",
            growth,
            1.2,
        ),
    ];
    goals.push(Goal::at_most(
        "a tick in MessagePack: at most 0.6 × its bytes in JSON",
        packed(report),
        PACKED_MAX,
    ));
    goals.extend(
        ["durable-1", "durable-16", "durable-256"]
            .map(|case| durable(report, case))
            .into_iter()
            .flatten(),
    );
    goals.extend(["idle-5000", "idle-15000"].map(|case| idle(report, case)));
    goals
}

fn packed(report: &Report) -> Option<f64> {
    let bytes = |case| report.row(case, Tautline).and_then(Row::frame_bytes);
    Some(bytes("ticks-msgpack")? / bytes("ticks-json")?)
}

/// The engine and the server, each beside what has as many sockets; and the server beside the bare writer with one,
/// which is what it was to reach at first.
fn durable(report: &Report, case: &str) -> [Goal; 3] {
    let goal = |text: String, [system, to]: [System; 2], least: f64| {
        let pace = report.row(case, system);
        let pace = pace.and_then(|row| report.pace(row, to));
        Goal {
            text: format!("{case}: {text}"),
            reached: pace.map(|pace| format!("{pace:.2} ×")),
            met: pace.map(|pace| pace >= least),
        }
    };
    [
        goal(
            format!("the engine, at least {ENGINE_MIN} × the bare writer to SQLite"),
            [Engine, Sqlite],
            ENGINE_MIN,
        ),
        goal(
            format!("the server, at least {SERVER_MIN} × the bare loop with the same writer"),
            [Tautline, Limit],
            SERVER_MIN,
        ),
        goal(
            format!(
                "the server, at least {ENGINE_MIN} × the bare writer (the first goal, kept for comparison)"
            ),
            [Tautline, Sqlite],
            ENGINE_MIN,
        ),
    ]
}

fn idle(report: &Report, case: &str) -> Goal {
    let memory = report.row(case, Tautline).and_then(Row::memory);
    let memory = memory.and_then(|memory| Some((memory.idle, memory.after_large?)));
    Goal {
        text: format!("{case}: at most 3 KB per connection, unchanged after 60 KB"),
        reached: memory.map(|(idle, after)| format!("{idle:.0} B, then {after:.0} B")),
        met: memory.map(|(idle, after)| idle <= IDLE_MAX && after <= idle + UNCHANGED),
    }
}
