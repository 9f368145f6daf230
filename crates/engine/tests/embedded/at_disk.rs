//! An engine whose rooms are all durable.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tautline_engine::embedded::EmbeddedEngine;
use tautline_engine::{
    Answer, Capabilities, Cast, Draft, Engine, Inbox, Keep, Level, Listener, Members, Page,
    Published, Range, Recipient, Signal, Terms,
};
use tautline_protocol::model::{ConnectionId, Member, NodeId, Position, RoomName};

/// Asks for the disk whatever it is asked for.
#[derive(Debug)]
pub(crate) struct AtDisk(pub(crate) Arc<EmbeddedEngine>);

impl Engine for AtDisk {
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    fn attach(&self, inbox: Inbox) -> Listener {
        self.0.attach(inbox)
    }

    fn publish<'a>(
        &'a self,
        room: &'a RoomName,
        draft: Draft,
        terms: Terms,
    ) -> Answer<'a, Published> {
        let terms = Terms {
            level: Level::Disk,
            ..terms
        };
        self.0.publish(room, draft, terms)
    }

    fn relay<'a>(&'a self, room: &'a RoomName, cast: Cast) -> Answer<'a, ()> {
        self.0.relay(room, cast)
    }

    fn signal(&self, recipient: Recipient, signal: Signal) -> Answer<'_, ()> {
        self.0.signal(recipient, signal)
    }

    fn read<'a>(&'a self, room: &'a RoomName, range: Range) -> Answer<'a, Page> {
        self.0.read(room, range)
    }

    fn head<'a>(&'a self, room: &'a RoomName) -> Answer<'a, Position> {
        self.0.head(room)
    }

    fn watch<'a>(&'a self, listener: Listener, room: &'a RoomName) -> Answer<'a, Position> {
        self.0.watch(listener, room)
    }

    fn unwatch(&self, listener: Listener, room: &RoomName) {
        self.0.unwatch(listener, room);
    }
}

impl Members for AtDisk {
    fn renew(&self, node: NodeId, lease: Duration) -> Answer<'_, ()> {
        self.0.renew(node, lease)
    }

    fn enter<'a>(&'a self, room: &'a RoomName, member: Member) -> Answer<'a, u32> {
        self.0.enter(room, member)
    }

    fn leave<'a>(&'a self, room: &'a RoomName, connection: ConnectionId) -> Answer<'a, u32> {
        self.0.leave(room, connection)
    }

    fn lose<'a>(
        &'a self,
        room: &'a RoomName,
        connection: ConnectionId,
        grace: Duration,
    ) -> Answer<'a, u32> {
        self.0.lose(room, connection, grace)
    }

    fn members<'a>(&'a self, room: &'a RoomName) -> Answer<'a, Vec<Member>> {
        self.0.members(room)
    }
}

impl Keep for AtDisk {
    fn cursor<'a>(&'a self, room: &'a RoomName, user: &'a str) -> Answer<'a, Option<Position>> {
        self.0.cursor(room, user)
    }

    fn begin<'a>(
        &'a self,
        room: &'a RoomName,
        user: &'a str,
        at: Position,
    ) -> Answer<'a, Position> {
        self.0.begin(room, user, at)
    }

    fn advance<'a>(
        &'a self,
        room: &'a RoomName,
        user: &'a str,
        to: Position,
    ) -> Answer<'a, Position> {
        self.0.advance(room, user, to)
    }

    fn put_if_absent<'a>(&'a self, key: &'a str, value: Bytes, ttl: Duration) -> Answer<'a, bool> {
        self.0.put_if_absent(key, value, ttl)
    }

    fn get<'a>(&'a self, key: &'a str) -> Answer<'a, Option<Bytes>> {
        self.0.get(key)
    }
}
