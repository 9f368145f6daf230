//! The memory engine passes the suite.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tautline_engine::Engine;
use tautline_engine::conformance::Subject;
use tautline_engine::memory::{ManualClock, MemoryEngine, MemoryLimits};
use tautline_protocol::model::Timestamp;

struct InMemory {
    engine: Arc<MemoryEngine>,
    clock: ManualClock,
}

fn in_memory() -> InMemory {
    let clock = ManualClock::new(Timestamp(1_800_000_000_000));
    let engine = MemoryEngine::new(MemoryLimits::default(), Arc::new(clock.clone()));
    let engine = Arc::new(engine);
    InMemory { engine, clock }
}

impl Subject for InMemory {
    fn engine(&self) -> Arc<dyn Engine> {
        Arc::<MemoryEngine>::clone(&self.engine)
    }

    fn moment(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn advance(&self, by: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.clock.advance(by);
        self.engine.sweep();
        Box::pin(std::future::ready(()))
    }
}

tautline_engine::conformance_tests!(in_memory);
