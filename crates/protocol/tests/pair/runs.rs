//! The runs themselves: many, each from its seed, over all threads.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use crate::trace::Trace;
use crate::world::World;

/// So many runs are made.
const RUNS: u64 = 100_000;

#[test]
fn pairs_keep_their_promises() {
    if let Some(seed) = number("PAIR_SEED") {
        replay(seed);
        return;
    }
    let runs = number("PAIR_RUNS").unwrap_or(RUNS);
    let (next, is_failed) = (AtomicU64::new(0), AtomicBool::new(false));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let failed = std::thread::scope(|scope| {
        let work = || {
            while !is_failed.load(Ordering::Relaxed) {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= runs {
                    break;
                }
                if run(seed, &Trace::off()).is_err() {
                    is_failed.store(true, Ordering::Relaxed);
                    return Some(seed);
                }
            }
            None
        };
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let ends = threads
            .into_iter()
            .map(|thread| thread.join().expect("it catches panics"));
        ends.flatten().min()
    });
    if let Some(seed) = failed {
        replay(seed);
    }
}

/// Makes one run, and shows how it went if it fails.
fn replay(seed: u64) {
    let trace = Trace::on();
    if let Err(why) = run(seed, &trace) {
        panic!(
            "{}\n\nrun {seed} fails: {why}\nagain: PAIR_SEED={seed} cargo test -p tautline-protocol --test pair",
            trace.text()
        );
    }
}

fn run(seed: u64, trace: &Trace) -> Result<(), String> {
    let run = || World::new(seed, start(), trace.clone()).run();
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.unwrap_or_else(|| {
            panic
                .downcast_ref::<&str>()
                .copied()
                .unwrap_or_default()
                .to_owned()
        })
    })
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().expect("a number"))
}

#[expect(
    clippy::disallowed_methods,
    reason = "any instant will do, and there is no other way to get one"
)]
fn start() -> Instant {
    Instant::now()
}
