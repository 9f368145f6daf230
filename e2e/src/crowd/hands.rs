//! What a member acts with: a client that people use, whichever it is.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use serde_json::value::RawValue;
use tautline_protocol::model::Position;

use super::native::Native;
use super::script::Script;
use super::{Notice, Person, Sort};
use crate::history::{Key, Missed};

/// A client that people use. Rooms are known by their numbers among those of the [`Person`].
#[derive(Debug)]
pub struct Hands(Client);

#[derive(Debug)]
enum Client {
    Native(Native),
    Script(Box<Script>),
}

/// What happens to who uses a client.
#[derive(Debug)]
pub(super) enum Happening {
    /// The connection is in another state.
    Standing(Standing),
    /// Something happened in a room.
    Heard(usize, Heard),
    /// What became of a publication: where, which, and the place that it has got or why it has none.
    Settled(usize, u64, Result<Position, String>),
    /// Nothing else had happened when this was asked for.
    Quiet,
}

/// How the connection stands.
#[derive(Debug)]
pub(super) enum Standing {
    Connected,
    /// There is none, perhaps because of what was found out.
    Away(Option<Notice>),
    /// There is none because of what the server said.
    Nonsense(String),
    /// It is over.
    Closed(String),
}

/// What is heard of a room.
#[derive(Debug, Clone)]
pub(super) enum Heard {
    Joining,
    Live {
        position: Position,
        recovered: bool,
        wants_acks: bool,
    },
    Denied(String),
    Message(Position, Option<Key>),
    Gap(Missed),
    /// Nothing more will be heard of it.
    Over,
}

impl Hands {
    /// The Rust client, on its way to this address. Must be called within a runtime.
    pub fn native(person: &Person, address: SocketAddr) -> io::Result<Self> {
        let native = Native::new(person, address).map_err(io::Error::other)?;
        Ok(Self(Client::Native(native)))
    }

    /// A client in another language, by a script for Node. Must be called within a runtime.
    pub fn script(program: &Path, person: &Person, address: SocketAddr) -> io::Result<Self> {
        let script = Script::start(program, person, address)?;
        Ok(Self(Client::Script(Box::new(script))))
    }

    pub(super) fn sort(&self) -> Sort {
        match self.0 {
            Client::Native(_) => Sort::Native,
            Client::Script(_) => Sort::Script,
        }
    }

    /// Leaves a room and joins it as somebody who knows nothing of it.
    pub(super) fn join_anew(&mut self, at: usize) {
        match &mut self.0 {
            Client::Native(native) => native.join_anew(at),
            Client::Script(script) => script.join_anew(at),
        }
    }

    /// Publishes with this number as the key.
    pub(super) fn publish(
        &mut self,
        at: usize,
        sequence: u64,
        content: &RawValue,
    ) -> Result<(), String> {
        match &mut self.0 {
            Client::Native(native) => native.publish(at, sequence, content),
            Client::Script(script) => {
                script.publish(at, sequence, content);
                Ok(())
            }
        }
    }

    pub(super) fn acknowledge(&mut self, at: usize, position: Position) {
        match &mut self.0 {
            Client::Native(native) => native.acknowledge(at, position),
            Client::Script(script) => script.acknowledge(at, position),
        }
    }

    /// Has [`Happening::Quiet`] come behind everything that has happened.
    pub(super) fn ask_whether_quiet(&mut self) {
        match &mut self.0 {
            Client::Native(native) => native.ask_whether_quiet(),
            Client::Script(script) => script.ask_whether_quiet(),
        }
    }

    /// What happens next. May be dropped and asked again.
    pub(super) async fn next(&mut self) -> Happening {
        match &mut self.0 {
            Client::Native(native) => native.next().await,
            Client::Script(script) => script.next().await,
        }
    }
}
