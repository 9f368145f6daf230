//! What is counted across connections and shards: handshakes, addresses, users, rooms, and what waits.
//!
//! Every count is of this node. What belongs to one connection alone is counted by its session.

mod addresses;
mod newcomers;
mod places;
mod rooms;
mod stripes;
mod users;

use std::sync::Arc;

use tautline_hub::Memory;

use self::addresses::Addresses;
use self::newcomers::Newcomers;
use self::rooms::Rooms;
use self::users::Users;
use crate::config::Limits;

pub(crate) use addresses::{AddressPlace, TooMuch};
pub(crate) use places::{Place, Places};
pub(crate) use users::UserPlace;

/// Everything that is counted on this node.
pub(crate) struct Counts {
    /// Handshakes that go on.
    pub(crate) handshakes: Places,
    pub(crate) newcomers: Newcomers,
    pub(crate) addresses: Arc<Addresses>,
    pub(crate) users: Arc<Users>,
    pub(crate) rooms: Rooms,
    pub(crate) memory: Arc<Memory>,
}

impl Counts {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            handshakes: Places::new(limits.handshakes_max),
            newcomers: Newcomers::new(limits.accepts),
            addresses: Addresses::new(limits.addresses.clone()),
            users: Users::new(limits.user_connections_max),
            rooms: Rooms::default(),
            memory: Arc::new(Memory::new(limits.memory_bytes)),
        }
    }
}
