//! One room: a machine without a clock, a lock or chance.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use tautline_protocol::model::{
    ConnectionId, Epoch, Member, NodeId, Position, Publication, PublicationId, RoomName,
};

use super::clock::Now;
use super::cursors::Cursors;
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
pub(super) struct Room {
    name: RoomName,
    log: Log,
    keys: Expiring<KeyOfUser, Seen>,
    watchers: Vec<Watcher>,
    roster: Roster,
    cursors: Cursors,
    used: Duration,
}

/// What the driver adds to a draft: chance and time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stamp {
    pub(super) id: PublicationId,
    pub(super) now: Now,
}

/// A key in its user's name space; none is the backend's.
type KeyOfUser = (Option<Arc<str>>, Arc<str>);

#[derive(Debug)]
struct Seen {
    position: Position,
    content: u64,
}

#[derive(Debug)]
struct Watcher {
    listener: Listener,
    inbox: Inbox,
}

impl Room {
    pub(super) fn new(name: RoomName, epoch: Epoch, budget: Arc<Budget>) -> Self {
        Self {
            name,
            log: Log::new(epoch, budget),
            keys: Expiring::default(),
            watchers: Vec::new(),
            roster: Roster::default(),
            cursors: Cursors::default(),
            used: Duration::ZERO,
        }
    }

    /// Says that the room is in use, so that it is not forgotten for a while.
    pub(super) fn touch(&mut self, now: Duration) {
        self.used = now;
    }

    pub(super) fn publish(
        &mut self,
        draft: Draft,
        terms: Terms,
        stamp: Stamp,
        keys_max: usize,
    ) -> Result<Published, EngineError> {
        let now = stamp.now.monotonic;
        let position = self.log.next(stamp.id);
        let previous = self.log.head().id;
        if let Some(key) = &draft.key {
            let key = (draft.user.clone(), Arc::clone(&key.0));
            let content = content_of(&draft);
            if let Some(seen) = self.keys.get(&key, now) {
                return seen.answer(content);
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
        self.log.append(&publication, terms.history, now);
        self.tell(&Event::Published {
            publication,
            previous,
            at: stamp.now.at,
        });
        Ok(Published {
            position,
            duplicate: false,
            level: Level::Memory,
        })
    }

    pub(super) fn relay(&self, cast: Cast) {
        self.tell(&Event::Cast {
            room: self.name.clone(),
            cast: Arc::new(cast),
        });
    }

    pub(super) fn read(&mut self, range: Range, now: Duration) -> Page {
        self.log.read(range, now)
    }

    pub(super) fn watch(&mut self, listener: Listener, inbox: &Inbox) -> Position {
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

    pub(super) fn unwatch(&mut self, listener: Listener) {
        self.watchers.retain(|watcher| watcher.listener != listener);
    }

    pub(super) fn enter(&mut self, member: Member, members_max: usize) -> Result<u32, EngineError> {
        if !self.roster.contains(member.connection) && self.roster.len() >= members_max {
            return Err(EngineError::Full("this room has no place for more members"));
        }
        if self.roster.add(member.clone()) {
            self.tell_members(MemberChange::Joined(member));
        }
        Ok(self.members_count())
    }

    pub(super) fn leave(&mut self, connection: ConnectionId) -> u32 {
        if let Some(member) = self.roster.remove(connection) {
            self.tell_members(MemberChange::Left(member));
        }
        self.members_count()
    }

    /// Takes away the members of a node whose lease has ended.
    pub(super) fn leave_with(&mut self, node: NodeId) {
        for connection in self.roster.of_node(node) {
            self.leave(connection);
        }
    }

    pub(super) fn advance(
        &mut self,
        user: &str,
        to: Position,
        cursors_max: usize,
    ) -> Result<Position, EngineError> {
        let current = self.log.head().epoch;
        self.cursors
            .advance(user, to, current, cursors_max)
            .ok_or(EngineError::Full("this room keeps no more cursors"))
    }

    /// Lets go of what has ended. Whether the room may be forgotten then.
    pub(super) fn sweep(&mut self, now: Duration, limits: &MemoryLimits) -> bool {
        self.log.trim(now);
        self.log.shrink();
        self.keys.expire(now);
        let idle = self.is_idle();
        if !idle {
            self.touch(now);
        }
        idle && now.saturating_sub(self.used) >= limits.idle_room_ttl
    }

    /// Whether it might never have been: nobody is here, and nothing has happened.
    pub(super) fn is_blank(&self) -> bool {
        self.is_idle() && self.log.head().offset == 0
    }

    /// Whether nobody is here, and nothing is kept.
    fn is_idle(&self) -> bool {
        self.watchers.is_empty()
            && self.log.is_empty()
            && self.keys.len() == 0
            && self.roster.len() == 0
            && self.cursors.is_empty()
    }

    pub(super) fn head(&self) -> Position {
        self.log.head()
    }

    pub(super) fn members(&self) -> Vec<Member> {
        self.roster.to_vec()
    }

    pub(super) fn members_count(&self) -> u32 {
        u32::try_from(self.roster.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn cursor(&self, user: &str) -> Option<Position> {
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
    fn answer(&self, content: u64) -> Result<Published, EngineError> {
        if self.content == content {
            Ok(Published {
                position: self.position,
                duplicate: true,
                level: Level::Memory,
            })
        } else {
            Err(EngineError::Conflict)
        }
    }
}

/// What makes two drafts with one key the same. The tag is the attempt's own.
fn content_of(draft: &Draft) -> u64 {
    let mut hasher = DefaultHasher::new();
    draft.event.hash(&mut hasher);
    draft.data.hash(&mut hasher);
    hasher.finish()
}
