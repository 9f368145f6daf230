//! What a shard does when the engine tells it something.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use tautline_engine::{Cast, Event, MemberChange, Signal};
use tautline_protocol::model::{
    ConnectionId, GapReason, Member, Position, Publication, PublicationId, RoomName, SlowConsumers,
};
use tautline_protocol::wire::Message;

use crate::casts::Topic;
use crate::fanout::Frames;
use crate::room::Heard;
use crate::shard::{State, now};
use crate::{Closing, OnGap, Shard};

/// So many publications are joined for the same subscribers at most.
const RUN_MESSAGES_MAX: usize = 64;
/// So many bytes of data are.
const RUN_BYTES_MAX: usize = 64 * 1024;
/// And no more than such a part of what an outbox may hold, so that its bounds are met in small steps.
const RUN_SHARE: usize = 4;

/// Publications of one room, one after another.
#[derive(Default)]
struct Run {
    publications: Vec<(Arc<Publication>, Instant)>,
    bytes: usize,
    /// Where the room stood before the first.
    begins_behind: Option<Position>,
}

impl Shard {
    pub(crate) fn handle_events(self: &Rc<Self>, heard: &mut Vec<Event>) {
        let mut events = heard.drain(..).peekable();
        let mut run = Run::default();
        let outbox = &self.limits.outbox;
        let bytes_max = RUN_BYTES_MAX.min(outbox.bytes_max / RUN_SHARE);
        let messages_max = RUN_MESSAGES_MAX.min(outbox.messages_max as usize / RUN_SHARE);
        while let Some(event) = events.next() {
            match event {
                Event::Published {
                    publication,
                    previous,
                    at,
                } => {
                    let (room, position) = (publication.room.clone(), publication.position);
                    let (stood, heard) = self.hear(&publication, previous);
                    if matches!(heard, Heard::Next | Heard::Awaited) {
                        run.begins_behind = run.begins_behind.or(stood);
                        run.bytes += publication.data.len();
                        run.publications.push((publication, at));
                    }
                    let goes_on = matches!(events.peek(), Some(Event::Published { publication, .. }) if publication.room == room);
                    let is_full = run.publications.len() >= messages_max || run.bytes >= bytes_max;
                    if !goes_on || is_full || matches!(heard, Heard::Awaited | Heard::Gap) {
                        self.fan_out(&room, &std::mem::take(&mut run));
                    }
                    if heard == Heard::Gap {
                        self.break_off(&room, Some(position));
                    }
                }
                Event::Members {
                    room,
                    change,
                    count,
                } => self.tell_members(&room, &change, count),
                Event::Gap { room } => self.break_off(&room, None),
                Event::Cast { room, cast } => self.relay(&room, &cast),
                Event::Signal(signal) => self.obey(&signal),
            }
        }
    }

    /// Takes a publication to its room, and says where that stood before.
    fn hear(
        &self,
        publication: &Publication,
        previous: PublicationId,
    ) -> (Option<Position>, Heard) {
        let mut state = self.state.borrow_mut();
        let Some(room) = state.rooms.get_mut(&publication.room) else {
            return (None, Heard::Nothing);
        };
        let stood = room.head();
        (stood, room.handle_publication(publication, previous))
    }

    /// Appends publications, one after another in the room, to the outboxes of its live subscribers.
    fn fan_out(self: &Rc<Self>, name: &RoomName, run: &Run) {
        let mut borrowed = self.state.borrow_mut();
        let state = &mut *borrowed;
        let (behind, owing) = self.deliver(state, name, run);
        let Some(room) = state.rooms.get_mut(name) else {
            return;
        };
        room.wake_waiting();
        if let Some(begins_behind) = run.begins_behind {
            for id in &behind {
                if let Some(subscription) = room.subscription(id.slot) {
                    subscription.fall_back(begins_behind, GapReason::SlowConsumer);
                }
            }
            if room.slow_consumers == SlowConsumers::Latest {
                let publications = run.publications.iter().map(|(publication, _)| publication);
                let bounds = (&self.limits.outbox, &state.waiting);
                room.note_newest(begins_behind, publications, bounds);
            }
        }
        for id in owing {
            let ids = run.publications.iter();
            let ids = ids.map(|(publication, _)| publication.position.id);
            self.note_given(state, id, name, ids);
        }
        drop(borrowed);
        for id in behind {
            self.go_on(id, name);
        }
    }

    /// Answers who is behind and stays all the same, and who owes an acknowledgement.
    fn deliver(
        &self,
        state: &mut State,
        name: &RoomName,
        run: &Run,
    ) -> (Vec<ConnectionId>, Vec<ConnectionId>) {
        let (mut behind, mut owing) = (Vec::new(), Vec::new());
        let Some(room) = state
            .rooms
            .get(name)
            .filter(|_| !run.publications.is_empty())
        else {
            return (behind, owing);
        };
        let publications = run.publications.iter();
        let messages: Vec<Message<'_>> = publications
            .map(|(publication, _)| Message::Publication(publication))
            .collect();
        let mut frames = Frames::new(&*self.encode, &messages);
        let (recipients, policy) = (room.len(), room.slow_consumers);
        let mut delivered = 0;
        for slot in room.live() {
            let Some(connection) = state.connections.get_mut(slot as usize) else {
                continue;
            };
            let id = self.name(slot, connection.serial);
            let left = room.left(slot);
            if left.is_some_and(|left| left < run.publications.len()) {
                behind.push(id);
                continue;
            }
            let offered = (frames.of(connection.manner.variant), frames.count());
            if connection.offer_where(policy, offered, &self.limits.outbox) {
                delivered += u64::from(frames.count());
                if left.is_some() {
                    owing.push(id);
                }
            } else if left.is_some() || connection.may_skip(policy) {
                behind.push(id);
            } else {
                connection.close(Closing::SlowConsumer);
            }
            if !std::mem::replace(&mut connection.queued, true) {
                state.flush.push(slot, recipients);
            }
        }
        self.stats.delivered(delivered);
        if delivered > 0 {
            for (_, at) in &run.publications {
                state.flush.measure(*at, recipients);
            }
        }
        (behind, owing)
    }

    /// Has everyone in a room that goes on elsewhere catch up from where they stood, or ends them.
    fn break_off(self: &Rc<Self>, name: &RoomName, head: Option<Position>) {
        let mut state = self.state.borrow_mut();
        let State {
            connections, rooms, ..
        } = &mut *state;
        let Some(room) = rooms.get_mut(name) else {
            return;
        };
        let mut fallen = room.break_off(head).into_iter().peekable();
        let mut behind = Vec::new();
        for slot in room.everyone() {
            let has_fallen = fallen.next_if_eq(&slot).is_some();
            let Some(connection) = connections.get_mut(slot as usize) else {
                continue;
            };
            match connection.manner.on_gap {
                OnGap::Close => connection.close(Closing::Gap),
                OnGap::Tell if has_fallen => behind.push(self.name(slot, connection.serial)),
                OnGap::Tell => {}
            }
        }
        drop(state);
        for id in behind {
            self.go_on(id, name);
        }
    }

    fn tell_members(&self, name: &RoomName, change: &MemberChange, count: u32) {
        let now = now();
        let mut borrowed = self.state.borrow_mut();
        let state = &mut *borrowed;
        let Some(room) = state.rooms.get_mut(name) else {
            return;
        };
        let is_small = count <= self.limits.presence_events_max;
        if !is_small
            || room
                .told_of_members
                .take(now, self.limits.presence_rate)
                .is_err()
        {
            if room.count_to_tell.replace(count).is_none() {
                let at = now + self.limits.member_count_every;
                state.counts.push_back((at, name.clone()));
            }
            return;
        }
        // A count that waits would come later, and must not be older.
        if let Some(to_tell) = &mut room.count_to_tell {
            *to_tell = count;
        }
        drop(borrowed);
        let room = name;
        let message = match change {
            MemberChange::Joined(member) => Message::MemberJoined {
                room,
                member,
                count,
            },
            MemberChange::Left(member) => Message::MemberLeft {
                room,
                member,
                count,
            },
            MemberChange::Changed(member) => Message::MemberChanged {
                room,
                member,
                was: None,
            },
            MemberChange::Returned { member, was } => Message::MemberChanged {
                room,
                member,
                was: Some(*was),
            },
        };
        self.tell(name, &message);
        if let MemberChange::Returned { member, .. } = change {
            self.greet(name, member, &message, count);
        }
    }

    /// Who is back hears of itself as everyone who comes does, also where its version has no words for the way.
    fn greet(&self, room: &RoomName, member: &Member, told: &Message<'_>, count: u32) {
        let id = member.connection;
        let variant = self
            .is_mine(id)
            .then(|| self.with(id, |it| it.manner.variant));
        let Some(variant) = variant.flatten() else {
            return;
        };
        if self.encode.encode(variant, told).is_empty() {
            let joined = Message::MemberJoined {
                room,
                member,
                count,
            };
            self.send(id, self.encode.encode(variant, &joined));
        }
    }

    /// Passes on what nobody keeps.
    fn relay(&self, room: &RoomName, cast: &Cast) {
        let message = Message::Cast {
            room,
            event: &cast.event,
            data: &cast.data,
            user: cast.user.as_deref(),
        };
        let topic = Topic::of(room, cast).map(Rc::new);
        let patience = topic.as_ref().map_or(Patience::None, Patience::Newest);
        self.tell_with(patience, room, &message);
    }

    /// Appends a message that has no place in the room's order to the outboxes of those who follow it.
    pub(crate) fn tell(&self, name: &RoomName, message: &Message<'_>) {
        self.tell_with(Patience::Full, name, message);
    }

    /// Does so for those whose version has words for it, as patiently as it deserves.
    fn tell_with(&self, patience: Patience<'_>, name: &RoomName, message: &Message<'_>) {
        let state = &mut *self.state.borrow_mut();
        let Some(room) = state.rooms.get(name) else {
            return;
        };
        let mut frames = Frames::new(&*self.encode, std::slice::from_ref(message));
        let recipients = room.len();
        for slot in room.following() {
            let Some(connection) = state.connections.get_mut(slot as usize) else {
                continue;
            };
            let frame = frames.of(connection.manner.variant);
            if frame.is_empty() {
                continue;
            }
            match patience {
                Patience::Full => connection.push(frame, 1, &self.limits.outbox),
                Patience::None if connection.blocked => continue,
                Patience::None => {
                    // Nobody is ended because of what may be lost.
                    let _is_taken = connection.offer(frame, 1, &self.limits.outbox);
                }
                Patience::Newest(topic) => connection.hold(topic, frame, &self.limits.outbox),
            }
            if !std::mem::replace(&mut connection.queued, true) {
                state.flush.push(slot, recipients);
            }
        }
    }

    fn obey(&self, signal: &Signal) {
        match signal {
            Signal::Disconnect(id) if self.is_mine(*id) => {
                self.close(*id, Closing::Disconnect);
            }
            Signal::Disconnect(_) => {}
            Signal::DisconnectUser(user) => {
                let mut state = self.state.borrow_mut();
                for (_, connection) in &mut state.connections {
                    if connection.about.user.as_ref() == Some(user) {
                        connection.close(Closing::Disconnect);
                    }
                }
            }
        }
    }
}

/// Whether a message waits for who does not take it now.
#[derive(Clone, Copy)]
enum Patience<'t> {
    /// It waits, within the bounds.
    Full,
    /// It is for who is there now; for others it is lost.
    None,
    /// It waits until a newer one of its topic takes its place.
    Newest(&'t Rc<Topic>),
}
