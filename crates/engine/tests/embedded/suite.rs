//! The embedded engine passes the suite: rooms that are durable, and rooms that are not.

use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tautline_engine::Engine;
use tautline_engine::conformance::Subject;
use tautline_engine::embedded::EmbeddedEngine;

use crate::at_disk::AtDisk;
use crate::disk::Disk;

struct OnDisk {
    // Ends before its directory does.
    engine: Arc<EmbeddedEngine>,
    durable: bool,
    disk: Disk,
}

impl OnDisk {
    fn new(disk: Disk, durable: bool) -> Self {
        Self {
            engine: Arc::new(disk.open()),
            durable,
            disk,
        }
    }
}

impl Subject for OnDisk {
    fn engine(&self) -> Arc<dyn Engine> {
        let engine = Arc::clone(&self.engine);
        if self.durable {
            Arc::new(AtDisk(engine))
        } else {
            engine
        }
    }

    fn moment(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn advance(&self, by: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.disk.clock.advance(by);
        self.engine.sweep();
        Box::pin(ready(()))
    }
}

mod durable_rooms {
    use super::{Disk, OnDisk};

    fn subject() -> OnDisk {
        OnDisk::new(Disk::new(), true)
    }

    tautline_engine::conformance_tests!(subject);
}

mod durable_rooms_with_little_memory {
    use super::{Disk, OnDisk};

    fn subject() -> OnDisk {
        OnDisk::new(Disk::with_ring(2), true)
    }

    tautline_engine::conformance_tests!(subject);
}

mod rooms_in_memory {
    use super::{Disk, OnDisk};

    fn subject() -> OnDisk {
        OnDisk::new(Disk::new(), false)
    }

    tautline_engine::conformance_tests!(subject);
}
