//! One room: a machine without a clock, a lock or chance.

use std::sync::Arc;
use std::time::Duration;

use tautline_protocol::model::{
    ConnectionId, Epoch, Member, NodeId, Position, Publication, PublicationId, Retention, RoomName,
};

use super::anchor::Anchor;
use super::clock::Now;
use super::cursors::{Cursors, Step};
use super::expiring::Expiring;
use super::log::Log;
use super::roster::Roster;
use super::{Budget, MemoryLimits};
use crate::{
    Cast, Draft, EngineError, Event, Inbox, Level, Listener, MemberChange, Page, Published, Range,
    Terms,
};

/// Everything that the engine knows of one room. Whoever holds it exclusively may call it; what it
/// tells goes straight to its watchers' inboxes, which never wait.
#[derive(Debug)]
pub(crate) struct Room {
    pub(super) name: RoomName,
    pub(super) log: Log,
    pub(super) keys: Expiring<KeyOfUser, Seen>,
    watchers: Vec<Watcher>,
    roster: Roster,
    pub(super) cursors: Cursors,
    pub(super) anchor: Anchor,
    pub(super) used: Duration,
}

/// What the driver adds to a draft: chance and time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stamp {
    pub(crate) id: PublicationId,
    pub(crate) now: Now,
}

/// A key in its user's name space; none is the backend's.
pub(crate) type KeyOfUser = (Option<Arc<str>>, Arc<str>);

/// The first publication with a key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) position: Position,
    pub(crate) content: u64,
}

#[derive(Debug)]
struct Watcher {
    listener: Listener,
    inbox: Inbox,
}

impl Room {
    pub(crate) fn new(name: RoomName, epoch: Epoch, budget: Arc<Budget>) -> Self {
        Self {
            name,
            log: Log::new(epoch, budget),
            keys: Expiring::default(),
            watchers: Vec::new(),
            roster: Roster::default(),
            cursors: Cursors::default(),
            anchor: Anchor::default(),
            used: Duration::ZERO,
        }
    }

    /// Says that the room is in use, so that it is not forgotten for a while.
    pub(crate) fn touch(&mut self, now: Duration) {
        self.used = now;
    }

    pub(crate) fn publish(
        &mut self,
        draft: Draft,
        terms: Terms,
        stamp: Stamp,
        keys_max: usize,
    ) -> Result<Published, EngineError> {
        let now = stamp.now.monotonic;
        let position = self.log.next(stamp.id);
        if let Some(key) = &draft.key {
            let key = (draft.user.clone(), Arc::clone(&key.0));
            let content = draft.content();
            if let Some(seen) = self.keys.get(&key, now) {
                return seen.answer(content, Level::Memory);
            }
            self.keys.expire(now);
            if self.keys.len() >= keys_max {
                return Err(EngineError::Full("this room remembers no more keys"));
            }
            let seen = Seen { position, content };
            self.keys.insert(key, seen, now, terms.key_window);
        }
        let publication = Arc::new(Publication {
            room: self.name.clone(),
            position,
            event: draft.event,
            data: draft.data,
            user: draft.user,
            tag: draft.tag,
            sent_at: stamp.now.wall,
        });
        self.take(publication, terms.history, stamp.now);
        Ok(Published {
            position,
            duplicate: false,
            level: Level::Memory,
        })
    }

    /// Takes the publication at the next place, and tells who watches.
    pub(crate) fn take(&mut self, publication: Arc<Publication>, history: Retention, now: Now) {
        let previous = self.log.head().id;
        self.log.append(&publication, history, now.monotonic);
        self.tell(&Event::Published {
            publication,
            previous,
            at: now.at,
        });
    }

    pub(crate) fn relay(&self, cast: Cast) {
        self.tell(&Event::Cast {
            room: self.name.clone(),
            cast: Arc::new(cast),
        });
    }

    pub(crate) fn read(&mut self, range: Range, now: Duration) -> Page {
        self.log.read(range, now)
    }

    pub(crate) fn watch(&mut self, listener: Listener, inbox: &Inbox) -> Position {
        if !self
            .watchers
            .iter()
            .any(|watcher| watcher.listener == listener)
        {
            let inbox = inbox.clone();
            self.watchers.push(Watcher { listener, inbox });
        }
        self.log.head()
    }

    pub(crate) fn unwatch(&mut self, listener: Listener) {
        self.watchers.retain(|watcher| watcher.listener != listener);
    }

    pub(crate) fn enter(&mut self, member: Member, members_max: usize) -> Result<u32, EngineError> {
        if !self.roster.has_place_of(&member) && self.roster.len() >= members_max {
            return Err(EngineError::Full("this room has no place for more members"));
        }
        if let Some(change) = self.roster.add(member) {
            self.tell_members(change);
        }
        Ok(self.members_count())
    }

    pub(crate) fn leave(&mut self, connection: ConnectionId) -> u32 {
        if let Some(member) = self.roster.remove(connection) {
            self.tell_members(MemberChange::Left(member));
        }
        self.members_count()
    }

    /// Has a member wait for its user, if it is one.
    pub(crate) fn lose(&mut self, connection: ConnectionId) -> bool {
        self.roster.lose(connection)
    }

    /// Takes away the members of a node whose lease has ended.
    pub(crate) fn leave_with(&mut self, node: NodeId) {
        for connection in self.roster.of_node(node) {
            self.leave(connection);
        }
    }

    pub(crate) fn go(
        &mut self,
        user: &str,
        step: Step,
        cursors_max: usize,
    ) -> Result<Position, EngineError> {
        let current = self.log.head().epoch;
        self.cursors
            .go(user, step, current, cursors_max)
            .ok_or(EngineError::Full("this room keeps no more cursors"))
    }

    /// Lets go of what has ended. Whether the room may be forgotten then.
    pub(crate) fn sweep(&mut self, now: Duration, limits: &MemoryLimits) -> bool {
        self.log.trim(now);
        self.log.shrink();
        self.keys.expire(now);
        let idle = self.is_idle();
        if !idle {
            self.touch(now);
        }
        idle && !self.anchor.holds() && now.saturating_sub(self.used) >= limits.idle_room_ttl
    }

    /// Whether it might never have been: nobody is here, and nothing has happened.
    pub(crate) fn is_blank(&self) -> bool {
        self.is_idle() && self.log.head().offset == 0 && !self.anchor.holds()
    }

    pub(super) fn is_watched(&self) -> bool {
        !self.watchers.is_empty()
    }

    /// Whether nobody is here, and nothing is kept.
    pub(super) fn is_idle(&self) -> bool {
        self.watchers.is_empty()
            && self.log.is_empty()
            && self.keys.len() == 0
            && self.roster.len() == 0
            && self.cursors.is_empty()
    }

    pub(crate) fn head(&self) -> Position {
        self.log.head()
    }

    pub(crate) fn members(&self) -> Vec<Member> {
        self.roster.to_vec()
    }

    pub(crate) fn members_count(&self) -> u32 {
        u32::try_from(self.roster.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn cursor(&self, user: &str) -> Option<Position> {
        self.cursors.get(user)
    }

    fn tell_members(&self, change: MemberChange) {
        self.tell(&Event::Members {
            room: self.name.clone(),
            change,
            count: self.members_count(),
        });
    }

    fn tell(&self, event: &Event) {
        for watcher in &self.watchers {
            watcher.inbox.push(event.clone());
        }
    }
}

impl Seen {
    /// What a later publication with the key is answered if its content is this.
    pub(crate) fn answer(self, content: u64, level: Level) -> Result<Published, EngineError> {
        if self.content == content {
            Ok(Published {
                position: self.position,
                duplicate: true,
                level,
            })
        } else {
            Err(EngineError::Conflict)
        }
    }
}
