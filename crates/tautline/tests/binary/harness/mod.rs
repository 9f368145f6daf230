//! What the tests of the binary are made with: the process, and the two ends of its sockets that
//! a test can hold: a client that behaves, and a stream that need not.

mod answer;
mod bystander;
mod client;
mod directory;
mod operators;
mod pair;
mod process;
mod relay;
mod secure;
mod server;
mod speaker;
mod stream;
mod terminal;
mod token;
mod tool;
mod trail;
mod watched;

use std::time::Duration;

pub(crate) use answer::Answer;
pub(crate) use bystander::Bystander;
pub(crate) use client::Client;
pub(crate) use directory::Directory;
pub(crate) use operators::Operators;
pub(crate) use pair::{Pair, replace};
pub(crate) use process::Process;
pub(crate) use relay::Relay;
pub(crate) use secure::{Secure, SecureClient, secure, shake_hands, shake_hands_saying, trusting};
pub(crate) use server::Server;
pub(crate) use speaker::{Speaker, hello};
pub(crate) use stream::{Frame, Stream, client_frame, text_frame, upgrade};
pub(crate) use terminal::Terminal;
pub(crate) use token::{NEVER, SECRET, forge, now, production, token};
pub(crate) use tool::{Tool, tool};
pub(crate) use trail::Trail;
pub(crate) use watched::Watched;

/// Far longer than anything here takes: only a hang reaches it.
pub(crate) const HANG: Duration = Duration::from_secs(30);
