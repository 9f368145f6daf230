//! What waits to be written to one connection: the only place where slowness is decided.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::rc::Rc;
use std::time::Instant;

use bytes::{Buf, Bytes};
use tautline_protocol::model::RoomName;

use crate::Sink;
use crate::casts::{Casts, Topic};

/// How much may wait for one connection.
#[derive(Debug, Clone, Copy)]
pub struct OutboxLimits {
    /// In bytes.
    pub bytes_max: usize,
    /// In messages.
    pub messages_max: u32,
    /// Of what waits as the newest of its kind: casts of a connection, and publications of a room in a shard.
    pub latest_max: u32,
}

impl Default for OutboxLimits {
    fn default() -> Self {
        Self {
            bytes_max: 1024 * 1024,
            messages_max: 1024,
            latest_max: 128,
        }
    }
}

/// What an outbox has seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// The bytes that were written.
    pub bytes_written: u64,
    /// The most bytes that ever waited.
    pub bytes_queued_peak: usize,
    /// When bytes were written last.
    pub written_at: Option<Instant>,
}

/// A bounded queue of shared frames.
#[derive(Debug)]
pub(crate) struct Outbox {
    queue: VecDeque<Entry>,
    bytes: usize,
    /// How many of them are beside the bounds: history, and casts that are the newest of their topics.
    beside_bytes: usize,
    messages: u32,
    /// What is appended when nearly nothing else waits; none for nearly everyone.
    casts: Option<Box<Casts>>,
    /// Whether a part of the first entry is written: the rest must follow, or the peer loses the frames' borders.
    begun: bool,
    traffic: Traffic,
    /// What waits in all outboxes of the shard.
    waiting: Rc<Cell<usize>>,
}

/// Frames that were joined because the same connections get all of them.
#[derive(Debug)]
struct Entry {
    bytes: Bytes,
    messages: u32,
    is_beside: bool,
}

/// The peer takes less than it is sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Overflow(pub(crate) Bytes);

/// How far a flush got.
#[derive(Debug)]
pub(crate) enum Flushed {
    /// Nothing waits any more.
    All,
    /// The peer takes no more now.
    Blocked,
    /// The peer is gone.
    Broken(io::Error),
}

/// One system call takes so many slices at most.
const SLICES_MAX: usize = 64;

/// Catching up adds nothing to more than this.
const LOW_BYTES: usize = 64 * 1024;

/// An empty queue keeps no more room than this: what a burst needed is given back.
const IDLE_ENTRIES: usize = 4;

impl Outbox {
    /// An outbox whose bytes count among those that are `waiting` in the shard.
    pub(crate) fn new(waiting: Rc<Cell<usize>>) -> Self {
        Self {
            queue: VecDeque::new(),
            bytes: 0,
            beside_bytes: 0,
            messages: 0,
            casts: None,
            begun: false,
            traffic: Traffic::default(),
            waiting,
        }
    }

    /// Appends frames, or gives them back if the bounds do not allow it.
    pub(crate) fn push(
        &mut self,
        bytes: Bytes,
        messages: u32,
        limits: &OutboxLimits,
    ) -> Result<(), Overflow> {
        let queued = self.bytes - self.beside_bytes + bytes.len();
        // One push is let into an empty outbox whatever its size: the codec bounds a message, and
        // the shard bounds what it joins.
        if !self.queue.is_empty()
            && (queued > limits.bytes_max || self.messages + messages > limits.messages_max)
        {
            return Err(Overflow(bytes));
        }
        self.append(Entry {
            bytes,
            messages,
            is_beside: false,
        });
        Ok(())
    }

    /// Appends a room's history, beside the bounds: what comes live behind it has as much room as ever. Its reader
    /// keeps it small, and does not read the next before this one is nearly written.
    pub(crate) fn push_history(&mut self, bytes: Bytes) {
        self.beside_bytes += bytes.len();
        self.append(Entry {
            bytes,
            messages: 1,
            is_beside: true,
        });
    }

    /// Keeps a cast until nearly nothing else waits, in the place of an older one of its topic.
    pub(crate) fn hold(&mut self, topic: &Rc<Topic>, frame: Bytes, limits: &OutboxLimits) {
        self.change_casts(|casts| casts.put(topic, frame, limits));
    }

    /// Forgets the casts of a room that wait to be appended.
    pub(crate) fn forget_casts(&mut self, room: &RoomName) {
        if self.casts.is_some() {
            self.change_casts(|casts| casts.forget(room));
        }
    }

    /// Whether casts wait to be appended.
    pub(crate) fn has_casts(&self) -> bool {
        self.casts.is_some()
    }

    /// Appends the casts that wait, if nearly nothing else does.
    pub(crate) fn release_casts(&mut self, limits: &OutboxLimits) {
        if self.casts.is_none() || !self.is_low(limits) {
            return;
        }
        for bytes in self.drop_casts().into_frames() {
            self.beside_bytes += bytes.len();
            self.append(Entry {
                bytes,
                messages: 0,
                is_beside: true,
            });
        }
    }

    /// Appends a last frame, whatever the bounds.
    pub(crate) fn push_last(&mut self, bytes: Bytes) {
        self.drop_casts();
        self.append(Entry {
            bytes,
            messages: 1,
            is_beside: false,
        });
    }

    /// Forgets what was not begun to be written, so that a last word can be said.
    pub(crate) fn clear_unbegun(&mut self) {
        self.drop_casts();
        self.queue.truncate(usize::from(self.begun));
        let left = self.queue.iter().map(|entry| entry.bytes.len()).sum();
        self.set_bytes(left);
        let beside = self.queue.iter().filter(|entry| entry.is_beside);
        self.beside_bytes = beside.map(|entry| entry.bytes.len()).sum();
        self.messages = self.queue.iter().map(|entry| entry.messages).sum();
    }

    /// Writes what waits, as far as the peer takes it.
    pub(crate) fn flush(&mut self, sink: &dyn Sink, now: Instant) -> Flushed {
        loop {
            let Some(first) = self.queue.front() else {
                match sink.try_flush() {
                    Ok(()) => break,
                    Err(error) => match blocked_or_broken(error) {
                        Some(flushed) => return flushed,
                        None => continue,
                    },
                }
            };
            let written = if self.queue.len() == 1 {
                sink.try_write(&[IoSlice::new(&first.bytes)])
            } else {
                let mut slices = [IoSlice::new(&[]); SLICES_MAX];
                let count = self.queue.len().min(SLICES_MAX);
                for (slice, entry) in slices.iter_mut().zip(&self.queue) {
                    *slice = IoSlice::new(&entry.bytes);
                }
                sink.try_write(slices.get(..count).unwrap_or_default())
            };
            match written {
                Ok(0) => return Flushed::Broken(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    self.traffic.written_at = Some(now);
                    self.consume(written);
                }
                Err(error) => {
                    if let Some(flushed) = blocked_or_broken(error) {
                        return flushed;
                    }
                }
            }
        }
        if self.queue.capacity() > IDLE_ENTRIES {
            self.queue.shrink_to(IDLE_ENTRIES);
        }
        Flushed::All
    }

    pub(crate) fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// Whether so little waits that more may be fetched for it.
    pub(crate) fn is_low(&self, limits: &OutboxLimits) -> bool {
        let queued = self.bytes - self.casts_bytes();
        self.queue.is_empty()
            || queued < LOW_BYTES.min(limits.bytes_max / 2)
                && self.messages < limits.messages_max / 2
    }

    /// Whether nothing waits but casts.
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// The bytes that wait.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    fn casts_bytes(&self) -> usize {
        self.casts.as_ref().map_or(0, |casts| casts.bytes())
    }

    fn change_casts(&mut self, change: impl FnOnce(&mut Casts)) {
        let before = self.casts_bytes();
        change(self.casts.get_or_insert_default());
        let now = self.casts_bytes();
        self.beside_bytes = self.beside_bytes - before + now;
        self.set_bytes(self.bytes - before + now);
        self.traffic.bytes_queued_peak = self.traffic.bytes_queued_peak.max(self.bytes);
    }

    fn drop_casts(&mut self) -> Casts {
        let casts = self
            .casts
            .take()
            .map_or_else(Casts::default, |casts| *casts);
        self.beside_bytes -= casts.bytes();
        self.set_bytes(self.bytes - casts.bytes());
        casts
    }

    fn set_bytes(&mut self, bytes: usize) {
        self.waiting.set(self.waiting.get() - self.bytes + bytes);
        self.bytes = bytes;
    }

    fn append(&mut self, entry: Entry) {
        self.set_bytes(self.bytes + entry.bytes.len());
        self.messages += entry.messages;
        self.traffic.bytes_queued_peak = self.traffic.bytes_queued_peak.max(self.bytes);
        self.queue.push_back(entry);
    }

    fn consume(&mut self, mut written: usize) {
        self.set_bytes(self.bytes - written);
        self.traffic.bytes_written += written as u64;
        while let Some(first) = self.queue.front_mut() {
            if first.is_beside {
                self.beside_bytes -= written.min(first.bytes.len());
            }
            if written < first.bytes.len() {
                self.begun |= written > 0;
                first.bytes.advance(written);
                return;
            }
            written -= first.bytes.len();
            self.messages -= first.messages;
            self.begun = false;
            self.queue.pop_front();
        }
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.set_bytes(0);
    }
}

/// What an error of a sink means; none if it is to be tried again at once.
fn blocked_or_broken(error: io::Error) -> Option<Flushed> {
    let kind = error.kind();
    if kind == io::ErrorKind::WouldBlock {
        return Some(Flushed::Blocked);
    }
    (kind != io::ErrorKind::Interrupted).then_some(Flushed::Broken(error))
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    /// Takes a fixed number of bytes, then blocks.
    struct Narrow {
        takes: RefCell<usize>,
        taken: RefCell<Vec<u8>>,
    }

    impl Narrow {
        fn new(takes: usize) -> Self {
            Self {
                takes: RefCell::new(takes),
                taken: RefCell::default(),
            }
        }
    }

    impl Sink for Narrow {
        fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
            let mut takes = self.takes.borrow_mut();
            if *takes == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let all: Vec<u8> = slices
                .iter()
                .flat_map(|slice| slice.iter().copied())
                .collect();
            let written = all.len().min(*takes);
            *takes -= written;
            self.taken.borrow_mut().extend(&all[..written]);
            Ok(written)
        }
    }

    const LIMITS: OutboxLimits = OutboxLimits {
        bytes_max: 10,
        messages_max: 3,
        latest_max: 2,
    };

    fn push(outbox: &mut Outbox, text: &'static str) -> Result<(), Overflow> {
        outbox.push(Bytes::from_static(text.as_bytes()), 1, &LIMITS)
    }

    #[test]
    fn bytes_and_messages_are_bounded() {
        let mut outbox = Outbox::new(Rc::default());
        assert_eq!(push(&mut outbox, "12345"), Ok(()));
        assert!(push(&mut outbox, "123456").is_err());
        assert_eq!(push(&mut outbox, "1"), Ok(()));
        assert_eq!(push(&mut outbox, "1"), Ok(()));
        assert!(push(&mut outbox, "1").is_err());
    }

    #[test]
    fn one_large_message_fits_into_an_empty_outbox_only() {
        let mut outbox = Outbox::new(Rc::default());
        assert_eq!(
            push(&mut outbox, "a message of more than ten bytes"),
            Ok(())
        );
        assert!(push(&mut outbox, "1").is_err());
    }

    #[test]
    fn history_takes_nothing_of_the_room_of_what_is_live() {
        let (mut outbox, sink) = (Outbox::new(Rc::default()), Narrow::new(8));
        push(&mut outbox, "12345").unwrap();
        outbox.push_history(Bytes::from_static(b"a long history"));
        assert!(!outbox.is_low(&LIMITS));
        assert_eq!(push(&mut outbox, "67890"), Ok(()));
        assert!(push(&mut outbox, "1").is_err(), "ten are live");
        assert!(matches!(
            outbox.flush(&sink, Instant::now()),
            Flushed::Blocked
        ));
        assert_eq!((outbox.bytes, outbox.beside_bytes), (16, 11));
        assert_eq!(push(&mut outbox, "12345"), Ok(()));
        assert!(push(&mut outbox, "1").is_err());
        outbox.clear_unbegun();
        assert_eq!((outbox.bytes, outbox.beside_bytes), (11, 11));
        *sink.takes.borrow_mut() = 100;
        assert!(matches!(outbox.flush(&sink, Instant::now()), Flushed::All));
        assert_eq!((outbox.bytes, outbox.beside_bytes), (0, 0));
        assert_eq!(*sink.taken.borrow(), b"12345a long history");
    }

    #[test]
    fn writing_makes_room_again() {
        let (mut outbox, sink) = (Outbox::new(Rc::default()), Narrow::new(7));
        push(&mut outbox, "12345").unwrap();
        push(&mut outbox, "67890").unwrap();
        assert!(matches!(
            outbox.flush(&sink, Instant::now()),
            Flushed::Blocked
        ));
        push(&mut outbox, "abc").unwrap();
        *sink.takes.borrow_mut() = 100;
        assert!(matches!(outbox.flush(&sink, Instant::now()), Flushed::All));
        assert_eq!(*sink.taken.borrow(), b"1234567890abc");
        assert_eq!(
            (
                outbox.traffic().bytes_written,
                outbox.traffic().bytes_queued_peak
            ),
            (13, 10)
        );
    }

    #[test]
    fn a_frame_that_was_begun_is_finished_before_the_last_word() {
        let (mut outbox, sink) = (Outbox::new(Rc::default()), Narrow::new(2));
        push(&mut outbox, "12345").unwrap();
        push(&mut outbox, "678").unwrap();
        assert!(matches!(
            outbox.flush(&sink, Instant::now()),
            Flushed::Blocked
        ));
        outbox.clear_unbegun();
        push(&mut outbox, "bye").unwrap();
        *sink.takes.borrow_mut() = 100;
        assert!(matches!(outbox.flush(&sink, Instant::now()), Flushed::All));
        assert_eq!(*sink.taken.borrow(), b"12345bye");
    }

    /// Takes everything, and passes it on only where it is let.
    struct Holding {
        passes: Cell<bool>,
        holds: Cell<bool>,
    }

    impl Sink for Holding {
        fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
            self.holds.set(true);
            Ok(slices.iter().map(|slice| slice.len()).sum())
        }

        fn try_flush(&self) -> io::Result<()> {
            if !self.passes.get() && self.holds.get() {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            self.holds.set(false);
            Ok(())
        }
    }

    #[test]
    fn nothing_waits_only_when_nothing_waits_inside_the_sink() {
        let sink = Holding {
            passes: Cell::new(false),
            holds: Cell::new(false),
        };
        let mut outbox = Outbox::new(Rc::default());
        push(&mut outbox, "12345").unwrap();
        for _ in 0..2 {
            assert!(matches!(
                outbox.flush(&sink, Instant::now()),
                Flushed::Blocked
            ));
        }
        sink.passes.set(true);
        assert!(matches!(outbox.flush(&sink, Instant::now()), Flushed::All));
        assert!(!sink.holds.get());
    }

    #[test]
    fn a_burst_gives_its_room_back() {
        let (mut outbox, sink) = (Outbox::new(Rc::default()), Narrow::new(usize::MAX));
        let limits = OutboxLimits {
            bytes_max: 1 << 20,
            messages_max: 1000,
            latest_max: 128,
        };
        for _ in 0..1000 {
            outbox.push(Bytes::from_static(b"x"), 1, &limits).unwrap();
        }
        assert!(matches!(outbox.flush(&sink, Instant::now()), Flushed::All));
        assert_eq!(sink.taken.borrow().len(), 1000);
        assert!(outbox.queue.capacity() <= IDLE_ENTRIES);
    }
}
