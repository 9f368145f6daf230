//! Somebody who has nothing to do with it.

use super::{Client, Server};

/// Where nobody else is.
const ROOM: &str = "bystander";

/// A member of a room of their own in development mode, who is served whatever others do.
pub(crate) struct Bystander(Client);

impl Bystander {
    pub(crate) fn of(server: &Server) -> Self {
        Self(Client::member(server.address(), ROOM).0)
    }

    /// What is published arrives, and newcomers are let in.
    pub(crate) fn assert_served(&mut self, server: &Server) {
        self.0.chat(ROOM, "still here");
        assert_eq!(self.0.expect("chat")["text"], "still here");
        Client::known(server.address());
    }
}
