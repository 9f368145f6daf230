//! Rooms on this machine's disk, in one `SQLite` database.
//!
//! A room is in memory as the [`crate::memory`] engine has it, and that is what has been told. A
//! publication that is to reach the disk waits for the one thread that writes: it takes its place
//! in the order of the calls, is written together with all that waits, and is told and answered when
//! the disk has it. From its first such publication on, all of a room goes that way; a room that
//! was never published to durably has nothing to do with the disk, whatever is the matter with it.
//!
//! The newest publications of a room in use are in memory. Older ones are read by a thread of their
//! own. Every row has a checksum of its own: what is damaged is never handed out, but given up, so
//! that whoever comes back from before it is told of a gap.

mod call;
mod clock;
mod copies;
mod fault;
mod figures;
mod keep;
mod limits;
mod load;
mod members;
mod past;
mod place;
mod queue;
mod reader;
mod shared;
mod staging;
mod store_error;
mod sum;
mod survey;
mod tables;
mod upkeep;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tautline_protocol::model::{Position, RoomName};
use tokio::sync::mpsc::{self, error::TrySendError};

pub use copies::{backup, compact, restore};
pub use figures::StoreFigures;
pub use limits::EmbeddedLimits;
pub use store_error::StoreError;
pub use survey::{StoreStats, Survey, stats, survey};

use crate::memory::anchor::Where;
use crate::memory::room::Stamp;
use crate::memory::rooms::new_id;
use crate::memory::{Clock, MemoryEngine, answer};
use crate::{
    Answer, Capabilities, Cast, Draft, Engine, EngineError, Inbox, Level, Listener, Page,
    Published, Range, Recipient, Signal, Terms,
};
use call::{Asker, Call};
use load::{Loaded, check, load};
use place::Place;
use queue::{Queue, ended, queue};
use reader::Read;
use shared::Shared;

/// Keeps the rooms of this process, and durable ones on its disk.
#[derive(Debug)]
pub struct EmbeddedEngine {
    shared: Arc<Shared>,
    /// None once the engine ends: the threads then do what waits, and end, too.
    ways: Option<Ways>,
    writer: Option<JoinHandle<()>>,
    reader: Option<JoinHandle<()>>,
    _place: Place,
}

/// How calls reach the threads.
#[derive(Debug)]
struct Ways {
    queue: Queue,
    reads: mpsc::Sender<Read>,
}

impl EmbeddedEngine {
    /// Opens the store in a directory, which is made if need be, and goes on where it ended.
    pub fn open(
        directory: &Path,
        limits: EmbeddedLimits,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let place = Place::lock(directory)?;
        let database = place.database();
        let writing = place.write(limits.bytes_max)?;
        check(&writing, database, limits.checked_bytes_max).map_err(StoreError::fault(database))?;
        let loaded = load(&writing, &limits, clock);
        let Loaded { memory, keys } = loaded.map_err(StoreError::fault(database))?;
        let reading = place.read()?;
        let shared = Arc::new(Shared::new(memory, limits));
        let (queue, calls) = queue(&limits);
        let (reads, waiting_reads) = mpsc::channel(limits.reads_max);
        let writer = {
            let shared = Arc::clone(&shared);
            thread::Builder::new()
                .name("store-writer".to_owned())
                .spawn(move || writer::run(&shared, &writing, keys, calls))
        };
        let reader = {
            let (shared, queue) = (Arc::clone(&shared), queue.clone());
            thread::Builder::new()
                .name("store-reader".to_owned())
                .spawn(move || reader::run(&shared, &reading, queue, waiting_reads))
        };
        let writer = writer.map_err(StoreError::disk(database))?;
        let reader = reader.map_err(StoreError::disk(database))?;
        Ok(Self {
            shared,
            ways: Some(Ways { queue, reads }),
            writer: Some(writer),
            reader: Some(reader),
            _place: place,
        })
    }

    /// Lets go of what has ended, in memory as [`MemoryEngine::sweep`] does, and on the disk:
    /// to be called once a second or so, from any one thread.
    pub fn sweep(&self) {
        let mut rooms = Vec::new();
        let ttl = self.shared.limits.stored_room_ttl;
        self.shared.memory.sweep_with(|room, now| {
            if room.settle(now, ttl) {
                rooms.push(room.name().clone());
            }
        });
        // If there is no place for it, the next sweep does it.
        drop(self.push(Call::Tidy(rooms)));
    }

    /// What somebody should know: damage that was found, and what the disk refused. Each is told once.
    pub fn take_notices(&self) -> Vec<String> {
        self.shared.take_notices()
    }

    /// Why nothing is written any more, once the disk has failed to keep what it was given. What was
    /// answered is true still; only a new process can find out how much of the rest is there.
    pub fn failure(&self) -> Option<&str> {
        let said = self.shared.failure.get().map(String::as_str);
        let threads = [&self.writer, &self.reader];
        let gone = threads.into_iter().flatten().any(JoinHandle::is_finished);
        said.or_else(|| gone.then_some("a thread of the store has ended"))
    }

    /// What it counts of itself.
    pub fn figures(&self) -> &Arc<StoreFigures> {
        &self.shared.figures
    }

    /// How much history is in memory.
    pub fn budget(&self) -> &Arc<crate::memory::Budget> {
        self.shared.memory.budget()
    }

    fn push(&self, call: Call) -> Result<(), EngineError> {
        let ways = self.ways.as_ref().ok_or_else(ended)?;
        if !call.is_awaited() {
            return ways.queue.push(call);
        }
        let figures = &self.shared.figures;
        figures.asked_once();
        ways.queue
            .push(call)
            .inspect_err(|_| figures.refused_all(1))
    }

    fn push_read(&self, read: Read) -> Result<(), EngineError> {
        let ways = self.ways.as_ref().ok_or_else(ended)?;
        ways.reads.try_send(read).map_err(|refused| match refused {
            TrySendError::Full(_) => EngineError::Stalled("too many reads wait for the disk"),
            TrySendError::Closed(_) => ended(),
        })
    }

    fn memory(&self) -> &MemoryEngine {
        &self.shared.memory
    }
}

impl Drop for EmbeddedEngine {
    fn drop(&mut self) {
        // A thread that panicked has said so.
        let end = |thread: Option<JoinHandle<()>>| drop(thread.map(JoinHandle::join));
        let Some(Ways { queue, reads }) = self.ways.take() else {
            return;
        };
        drop(reads);
        end(self.reader.take());
        // Last, so that whoever closes the database may write: all of it is then in one file.
        drop(queue);
        end(self.writer.take());
    }
}

impl Engine for EmbeddedEngine {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            history: true,
            level: Level::Disk,
            cluster: false,
        }
    }

    fn attach(&self, inbox: Inbox) -> Listener {
        self.memory().attach(inbox)
    }

    fn publish<'a>(
        &'a self,
        room: &'a RoomName,
        draft: Draft,
        terms: Terms,
    ) -> Answer<'a, Published> {
        let keys_max = self.memory().limits.keys_max;
        let opened = self.memory().open(room, |found, ids, now| {
            if terms.level == Level::Memory && !found.is_anchored() {
                let id = new_id(now.wall, ids);
                let stamp = Stamp { id, now };
                return answer(found.publish(draft, terms, stamp, keys_max));
            }
            let (asker, answered) = Asker::new();
            let room = room.clone();
            let call = Call::Publish {
                room,
                draft,
                terms,
                asker,
            };
            // Under the room's lock, so that the calls have one order.
            match self.push(call) {
                Ok(()) => {
                    found.wait();
                    answered
                }
                Err(why) => answer(Err(why)),
            }
        });
        opened.unwrap_or_else(|why| answer(Err(why)))
    }

    fn relay<'a>(&'a self, room: &'a RoomName, cast: Cast) -> Answer<'a, ()> {
        let found = self.memory().rooms.find(room, |found| {
            if !found.is_waiting() {
                found.relay(cast);
                return answer(Ok(()));
            }
            // Behind what its caller has published.
            let (asker, answered) = Asker::new();
            let room = room.clone();
            match self.push(Call::Relay { room, cast, asker }) {
                Ok(()) => {
                    found.wait();
                    answered
                }
                Err(why) => answer(Err(why)),
            }
        });
        found.unwrap_or_else(|| answer(Ok(())))
    }

    fn signal(&self, recipient: Recipient, signal: Signal) -> Answer<'_, ()> {
        self.memory().signal(recipient, signal)
    }

    fn read<'a>(&'a self, room: &'a RoomName, range: Range) -> Answer<'a, Page> {
        let found = self
            .memory()
            .open(room, |room, _, now| room.look(range, now.monotonic));
        match found {
            Ok(Where::Page(page)) => answer(Ok(page)),
            Ok(Where::Disk(_)) => {
                let (asker, answered) = Asker::new();
                let room = room.clone();
                match self.push_read(Read { room, range, asker }) {
                    Ok(()) => answered,
                    Err(why) => answer(Err(why)),
                }
            }
            Err(why) => answer(Err(why)),
        }
    }

    fn head<'a>(&'a self, room: &'a RoomName) -> Answer<'a, Position> {
        self.memory().head(room)
    }

    fn watch<'a>(&'a self, listener: Listener, room: &'a RoomName) -> Answer<'a, Position> {
        self.memory().watch(listener, room)
    }

    fn unwatch(&self, listener: Listener, room: &RoomName) {
        self.memory().unwatch(listener, room);
    }
}
