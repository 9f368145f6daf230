//! The typed envelope, `{ type, requestId?, payload }`: one dialect with two encodings.
//!
//! `protocol/README.md` is its normative text, `protocol/vectors/v2` shows every message in both encodings, and
//! `protocol/schema/v2.json` is made of the definitions here. Both ways are here, for a server and for a client.

mod answer;
mod client;
mod data;
mod envelope;
mod fault;
mod fields;
mod json;
mod msgpack;
mod nouns;
#[cfg(test)]
mod schema;
mod server;
mod text;
mod told;

pub use answer::{Answer, answer, answer_stranger, bye};
pub use client::{
    Ack, Cast, Client, ClientMessage, HELLO_ROOMS_MAX, Hello, Join, KeyText, Label, Leave, Part,
    Presence, Publish, ReadHistory, ReadMembers, Refresh, Report, Request, Wanted,
};
pub use data::{Data, Empty, InvalidData};
pub use envelope::{Encoding, Envelope};
pub use fault::{Fault, Malformed, Mistake};
pub use server::{
    Acknowledging, Bye, Details, Expiring, Failure, Gap, GapReason, Goaway, History, Joined, Left,
    Level, Limits, Member, MemberChange, MemberChanged, MemberCount, Members, Message, Missing,
    PresenceSet, Published, Refreshed, Relayed, Removed, Response, Restored, RetryWindow,
    ServerMessage, Welcome,
};
pub use text::{Text, Words};
