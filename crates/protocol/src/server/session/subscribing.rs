//! A subscription to several rooms, on its way from one join to the next, and rooms on their way to be followed.

use std::collections::VecDeque;

use crate::model::RoomName;
use crate::wire::{Refusal, RequestId};

/// What has become of a subscription's rooms so far.
#[derive(Debug)]
pub(super) struct Subscribing {
    /// The rooms that have not been asked for yet.
    pub(super) waiting: VecDeque<RoomName>,
    /// The rooms that the connection is a member of now, or was before.
    pub(super) accepted: Vec<RoomName>,
    /// Why the other rooms were refused.
    pub(super) refused: Vec<Refusal>,
    /// The rooms that are new.
    pub(super) joined: Vec<RoomName>,
    /// The client's name for the message.
    pub(super) request: Option<RequestId>,
}

impl Subscribing {
    /// A subscription of which nothing is decided.
    pub(super) fn new(topics: Vec<RoomName>, request: Option<RequestId>) -> Self {
        Self {
            waiting: topics.into(),
            accepted: Vec::new(),
            refused: Vec::new(),
            joined: Vec::new(),
            request,
        }
    }
}

/// What has become of rooms that were joined by one message: first each is read, then all are followed.
#[derive(Debug)]
pub(super) struct Opening {
    /// The rooms whose history was not asked for yet.
    pub(super) unread: VecDeque<RoomName>,
    /// All of them.
    pub(super) rooms: Vec<RoomName>,
    /// The client's name for the message.
    pub(super) request: Option<RequestId>,
}

impl Opening {
    /// Rooms of which nothing was read.
    pub(super) fn new(rooms: Vec<RoomName>, request: Option<RequestId>) -> Self {
        Self {
            unread: rooms.clone().into(),
            rooms,
            request,
        }
    }
}
