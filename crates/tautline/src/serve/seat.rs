//! The threads of the shards, seen from outside.

use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context;
use tautline_engine::{Events, Listener, inbox};
use tautline_hub::{Shard, ShardLimits};
use tautline_protocol::model::NodeId;
use tokio::sync::{Notify, mpsc};
use tokio::task::LocalSet;

use crate::inquiry::Way;
use crate::limits::Places;
use crate::metrics::Metrics;
use crate::transport::{Encoder, Intake, Shared, Worker};

/// So many events wait for a shard; more become a gap.
const INBOX_EVENTS: usize = 16 * 1024;
/// So many sockets wait for a shard to take them in; more are refused.
const INTAKE_SOCKETS: usize = 1024;
/// How often the end of others is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A shard, seen from outside its thread.
pub(super) struct Seat {
    pub(super) intake: mpsc::Sender<Intake>,
    /// How many connections it has, those in their handshake too.
    pub(super) taken: Places,
    thread: JoinHandle<()>,
}

impl Seat {
    /// The way for questions. One whose intake is full is not asked.
    pub(super) fn way(&self) -> Way {
        let intake = self.intake.clone();
        Box::new(move |inquiry| intake.try_send(Intake::Inquire(inquiry)).is_ok())
    }

    pub(super) fn start(
        shared: &Arc<Shared>,
        metrics: &Arc<Metrics>,
        ((node, index), limits): ((NodeId, usize), ShardLimits),
        broken: &Arc<Notify>,
    ) -> anyhow::Result<Self> {
        let (intake, sockets) = mpsc::channel(INTAKE_SOCKETS);
        let (inbox, events) = inbox(INBOX_EVENTS);
        let listener = shared.engine.attach(inbox);
        let name = (
            node,
            u16::try_from(index).context("more shards than 65,535")?,
        );
        let (shared, metrics) = (Arc::clone(shared), Arc::clone(metrics));
        let alarm = Alarm(Arc::clone(broken));
        let thread = std::thread::Builder::new()
            .name(format!("shard-{index}"))
            .spawn(move || {
                let _alarm = alarm;
                run_shard(
                    (&shared, &metrics),
                    name,
                    (listener, events),
                    (sockets, limits),
                );
            })
            .context("cannot start a shard's thread")?;
        Ok(Self {
            intake,
            taken: Places::new(usize::MAX),
            thread,
        })
    }
}

/// Tells when the thread that has it ends, also by a panic.
struct Alarm(Arc<Notify>);

impl Drop for Alarm {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// One shard's thread, from beginning to end.
fn run_shard(
    (shared, metrics): (&Arc<Shared>, &Metrics),
    name: (NodeId, u16),
    (listener, events): (Listener, Events),
    (sockets, limits): (mpsc::Receiver<Intake>, ShardLimits),
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.expect("a second runtime can be made where the first was");
    let encoder = Rc::new(Encoder::new(shared.transport.compress_from));
    let engine = Arc::clone(&shared.engine);
    let memory = Arc::clone(&shared.counts.memory);
    let shard = Shard::new(
        name,
        (engine, listener),
        Rc::clone(&encoder) as _,
        limits,
        memory,
    );
    let clocked = metrics.watch(shard.stats());
    let worker = Worker::new(Arc::clone(shared), Rc::clone(&shard), encoder, clocked);
    LocalSet::new().block_on(&runtime, async move {
        let fan_out = tokio::task::spawn_local(async move { shard.run(events).await });
        tokio::select! {
            () = worker.run(sockets) => {}
            ended = fan_out => ended.expect("a shard without its fan-out is broken"),
        }
    });
}

/// Tells every shard something. One whose intake is full is not told; the deadline is for that too.
pub(super) fn tell(shards: &[Seat], what: impl Fn() -> Intake) {
    for shard in shards {
        drop(shard.intake.try_send(what()));
    }
}

/// Nobody is connected any more; who is in a handshake is turned away.
pub(super) async fn emptied(shards: &[Seat], handshakes: &Places) {
    let taken = || shards.iter().map(|seat| seat.taken.taken()).sum::<usize>();
    while taken() > handshakes.taken() {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// No shard runs any more.
pub(super) async fn ended(shards: &[Seat]) {
    while shards.iter().any(|seat| !seat.thread.is_finished()) {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_thread_that_panics_is_noticed() {
        let broken = Arc::new(Notify::new());
        let alarm = Alarm(Arc::clone(&broken));
        let panics = std::thread::spawn(move || {
            let _alarm = alarm;
            assert!(std::hint::black_box(false), "as a bug would");
        });
        assert!(panics.join().is_err());
        broken.notified().await;
    }
}
