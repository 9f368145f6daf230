//! Whatever was answered or told is there when the process, the power or the disk ended a moment later.
//!
//! Without arguments it kills: it starts itself as a child that publishes to a store, kills it after some answers, opens
//! what is left, and compares. The next child goes on with the same store. `KILLS` says how often.
//!
//! With `power` it has the power fail instead (`POWER_CUTS` says how often), and then the disk; that takes root and
//! loop devices: `cargo test -p tautline-engine --test ends -- power`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod child;
mod failing;
mod judge;
mod kill;
mod power;
mod said;
mod volume;

use std::env;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tautline_engine::embedded::{EmbeddedEngine, EmbeddedLimits};
use tautline_engine::memory::SystemClock;
use tautline_engine::{Draft, Key, Level, Terms};
use tautline_protocol::model::{EventName, Retention, RoomName};

const ROOMS: usize = 3;
const PUBLISHERS: usize = 8;

/// No child is let say more than this before it ends.
const WORDS_MAX: u128 = 2_000;

const TERMS: Terms = Terms {
    history: Retention {
        count: 1_000_000,
        age: Duration::from_hours(1),
    },
    level: Level::Disk,
    key_window: Duration::from_hours(1),
};

fn main() {
    let mut arguments = env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("child"), Some(directory)) => child::publish_for_ever(Path::new(&directory)),
        (Some("power"), None) => volume::unshared("power unshared"),
        (Some("power unshared"), None) => {
            power::judge(count("POWER_CUTS", 5));
            failing::judge();
        }
        // What the test runner passes on is for others.
        (Some(_) | None, _) => kill::judge(count("KILLS", 20)),
    }
}

/// What a variable says, or what CI does.
fn count(variable: &str, usual: u64) -> u64 {
    env::var(variable).map_or(usual, |count| count.parse().unwrap())
}

fn open(directory: &Path) -> EmbeddedEngine {
    let clock = Arc::new(SystemClock::default());
    EmbeddedEngine::open(directory, EmbeddedLimits::default(), clock).unwrap()
}

fn room(number: usize) -> RoomName {
    RoomName::parse(&format!("room:{}", number % ROOMS)).unwrap()
}

fn draft(key: &str) -> Draft {
    Draft {
        event: EventName::chat(),
        data: format!("\"{key}\"").into(),
        user: Some("ann".into()),
        tag: None,
        key: Some(Key(key.into())),
    }
}

fn tell(line: &str) {
    drop(writeln!(io::stdout().lock(), "{line}"));
}
