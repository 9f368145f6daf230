//! The Rust client of Tautline: rooms over WebSocket that survive the network.
//! The guide is `docs/guide/rust-client.md`; each part of it is tried against the real server.
//!
//! ```no_run
//! use tautline_client::{Client, RoomEvent};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::builder("wss://rt.example.com/ws").token("your-token").spawn()?;
//! let room = client.room("doc:42")?;
//! let mut events = room.join().last(20).await?;
//! room.publish("edit", &"hello").await?;
//! while let Some(event) = events.next().await {
//!     match event {
//!         RoomEvent::Message(message) => println!("{}", message.decode::<String>()?),
//!         RoomEvent::Gap(gap) => println!("{} to {} are missing: load them anew", gap.from, gap.to),
//!         RoomEvent::Status(status) => println!("{status:?}"),
//!         RoomEvent::Cast(_) | RoomEvent::Presence(_) => {}
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What holds
//!
//! - The connection is opened again whenever it is lost, at a random point of the window that the server announced,
//!   and the rooms are restored where they stood.
//! - Each message of a room comes once and in order, or a [`Gap`] says which are missing and why.
//! - A publication is sent again, in order, until it is acknowledged, and is published once. If its time is over or
//!   the client is closed it fails, and the error says whether it may have been published.
//! - Everything that waits has a bound: [`QueueBounds`], [`Timeouts`], [`Builder::events_max`].
//! - Every future may be dropped at any point. What that does stands beside each; nothing is lost by it.
//!
//! # How it is built
//!
//! Three layers, each of which knows only those below it: the *link* is one WebSocket connection that
//! carries whole messages; the *driver* is the task that owns the links and does what the client's machine of
//! `tautline_protocol` says; [`Client`], [`Room`] and [`RoomStream`] are what an application holds.

mod builder;
mod call;
mod client;
mod clocks;
mod connector;
mod driver;
mod ended;
mod endpoint;
mod handshake;
mod headers;
mod join;
mod link;
mod mailbox;
mod open_error;
mod outgoing;
mod provider;
mod publishing;
mod refusal;
mod room;
mod shared;
mod stream;
mod tcp;
#[cfg(test)]
mod tests;
mod tls;

pub use builder::{BuildError, Builder};
pub use call::RequestError;
pub use client::{Client, Closed};
pub use connector::{BoxedStream, Connecting, Connector, Stream};
pub use ended::{EndKind, Ended};
pub use endpoint::{Endpoint, EndpointError};
pub use headers::{HeaderError, Headers};
pub use join::{Join, JoinError};
pub use open_error::{OpenError, UpgradeFault};
pub use publishing::Pending;
pub use refusal::Refusal;
pub use room::Room;
pub use stream::RoomStream;
pub use tcp::Tcp;
pub use tls::Tls;

pub use tautline_protocol::client::{
    Acknowledged, CallError, Cast, ConnectionState, Ending, EndingKind, Gap, GapReason,
    HistoryPage, PresenceEvent, PublishError, QueueBounds, Retry, RoomEvent, RoomStatus, Timeouts,
    TokenFailure, TokenReason,
};
pub use tautline_protocol::model::{
    ConnectionId, Epoch, EventName, InvalidRoomName, Member, Position, Publication, PublicationId,
    RoomName, Timestamp,
};
pub use tautline_protocol::wire::ErrorCode;
pub use tautline_protocol::wire::v2::{Encoding, Level, Part};
