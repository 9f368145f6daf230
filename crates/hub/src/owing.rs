//! Rooms that ask for acknowledgements: how far their members are given, and what they are given again.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use tautline_engine::Range;
use tautline_protocol::model::{
    Acks, ConnectionId, Epoch, Position, Publication, PublicationId, RoomName,
};
use tautline_protocol::wire::Message;

use crate::Shard;
use crate::follow::PAGE_MESSAGES_MAX;
use crate::ledger::Due;
use crate::shard::{State, now};

/// What a connection owes in a room, from one join to the next.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    id: ConnectionId,
    room: RoomName,
    number: u64,
}

impl Shard {
    /// Has a connection that has just joined a room acknowledge what it is given there: `given`, behind `settled`,
    /// and what follows.
    pub fn owe(
        &self,
        id: ConnectionId,
        name: &RoomName,
        (acks, settled): (Acks, Position),
        given: &[Arc<Publication>],
    ) {
        let state = &mut *self.state.borrow_mut();
        if state.connection(id).is_none() {
            return;
        }
        if let Some(room) = state.rooms.get_mut(name) {
            let ledger = room.ledger.get_or_insert_default();
            state.accounts += 1;
            ledger.open(id.slot, state.accounts, (acks, settled));
        }
        let ids = given.iter().map(|publication| publication.position.id);
        self.note_given(state, id, name, ids);
    }

    /// The place with this offset, if the connection was given it and has not acknowledged it.
    pub fn owed(
        &self,
        id: ConnectionId,
        name: &RoomName,
        (epoch, offset): (Epoch, u64),
    ) -> Option<Position> {
        let mut state = self.state.borrow_mut();
        state.connection(id)?;
        let ledger = state.rooms.get(name)?.ledger.as_ref()?;
        ledger.find(id.slot, epoch, offset)
    }

    /// What a connection was given up to there is acknowledged: it may be given more.
    pub fn settle(self: &Rc<Self>, id: ConnectionId, name: &RoomName, until: Position) {
        let state = &mut *self.state.borrow_mut();
        if state.connection(id).is_none() {
            return;
        }
        let Some(room) = state.rooms.get_mut(name) else {
            return;
        };
        if let Some(ledger) = &mut room.ledger {
            ledger.settle(id.slot, until, now());
        }
        let subscription = room.subscription(id.slot);
        if subscription.is_some_and(|subscription| subscription.is_held()) {
            let (shard, name) = (Rc::clone(self), name.clone());
            tokio::task::spawn_local(async move { shard.go_on(id, &name) });
        }
    }

    /// Notes that a subscriber was given publications, and has a timer look after them.
    pub(crate) fn note_given(
        &self,
        state: &mut State,
        id: ConnectionId,
        name: &RoomName,
        given: impl IntoIterator<Item = PublicationId>,
    ) {
        let ledger = state.rooms.get_mut(name).map(|room| &mut room.ledger);
        let Some(Some(ledger)) = ledger else {
            return;
        };
        let (now, mut timer) = (now(), None);
        for publication in given {
            timer = ledger.give(id.slot, publication, now).or(timer);
        }
        if let Some((at, number)) = timer {
            let room = name.clone();
            self.look_at(state, at, Account { id, room, number });
        }
    }

    fn look_at(&self, state: &mut State, at: Instant, account: Account) {
        state.debts.set(at, account);
        self.stir();
    }

    /// A timer has fired: gives a connection again what it has not acknowledged for too long.
    pub(crate) async fn collect(self: Rc<Self>, account: Account) {
        if !self.is_open(&account) {
            return;
        }
        let Account { id, room: name, .. } = &account;
        let (id, name) = (*id, name.clone());
        // Another connection of the user may have acknowledged it.
        let user = self.with(id, |connection| connection.about.user.clone());
        if let Some(user) = user.flatten()
            && let Ok(Some(cursor)) = self.engine.cursor(&name, &user).await
        {
            self.settle(id, &name, cursor);
        }
        let Some((after, owed)) = self.look(&account) else {
            return;
        };
        let range = Range::After {
            position: after,
            limit: owed.min(PAGE_MESSAGES_MAX),
        };
        // If it cannot be read now, the next timer tries again.
        let Ok(page) = self.engine.read(&name, range).await else {
            return;
        };
        if let Some(missing) = page.missing {
            // It cannot be given again. Who comes back from where the cursor stands is told so.
            self.settle(id, &name, missing.last);
        }
        for publication in &page.publications {
            self.drained(id).await;
            let Position { epoch, offset, .. } = publication.position;
            if self.is_open(&account)
                && self.owed(id, &name, (epoch, offset)) == Some(publication.position)
            {
                self.give_again(id, publication);
            }
        }
    }

    /// What is to be given again now, if anything, and has the next timer set.
    fn look(&self, account: &Account) -> Option<(Position, u32)> {
        let state = &mut *self.state.borrow_mut();
        let slot = account.id.slot;
        // Who does not take what waits for it already is given nothing twice.
        let takes = !state.connection(account.id)?.blocked;
        let room = state.rooms.get_mut(&account.room)?;
        let is_following = room.subscription(slot)?.is_following();
        let ledger = room.ledger.as_mut()?;
        let (next, again) = match ledger.look(slot, account.number, now()) {
            Due::Nothing => return None,
            Due::Later(at) => (at, None),
            Due::Again { after, count, next } => (next, Some((after, count))),
        };
        self.look_at(state, next, account.clone());
        again.filter(|_| takes && is_following)
    }

    fn is_open(&self, account: &Account) -> bool {
        let mut state = self.state.borrow_mut();
        state.connection(account.id).is_some()
            && state
                .rooms
                .get(&account.room)
                .and_then(|room| room.ledger.as_ref())
                .is_some_and(|ledger| ledger.is_open(account.id.slot, account.number))
    }

    fn give_again(&self, id: ConnectionId, publication: &Publication) {
        self.with(id, |connection| {
            let message = Message::Publication(publication);
            let frame = self.encode.encode(connection.manner.variant, &message);
            connection.push(frame, 1, &self.limits.outbox);
        });
        self.enqueue(id);
    }
}
