//! A subscription to several rooms, on its way from one join to the next.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::model::{Publication, RoomName};
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
    /// The rooms that are new, and what they kept.
    pub(super) joined: Vec<(RoomName, Option<Vec<Arc<Publication>>>)>,
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
