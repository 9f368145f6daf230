//! WebSocket frames without I/O: RFC 6455 in both roles, and RFC 7692 (permessage-deflate).
//!
//! Bytes that were read go into a [`Decoder`], which lends out [`Event`]s or names the one
//! [`Violation`] to close with. Frames to send are made by [`frame`] (server), [`client_frame`]
//! (client) and [`Deflater`] (server, compressed): each is one [`bytes::Bytes`] with header and payload,
//! encoded once and shared by all its recipients.
//!
//! ```
//! use tautline_websocket::{Decoder, Event, Inflater, Input, Limits, Role, client_frame};
//!
//! let mut inflater = Inflater::default(); // one per thread
//! let mut decoder = Decoder::new(Role::Server, Limits::default(), None); // one per connection
//! let mut read = client_frame::text("hello", [1, 2, 3, 4]).to_vec();
//!
//! let mut input = Input::new(&mut read);
//! while let Some(event) = decoder.next(&mut input, &mut inflater)? {
//!     assert_eq!(event, Event::Text("hello"));
//! }
//! # Ok::<(), tautline_websocket::Violation>(())
//! ```
//!
//! What lives elsewhere: sockets, clocks, time-outs, answering pings and closes, the HTTP upgrade
//! (only its two computations are here, in [`handshake`] and [`Deflate::negotiate`]), and everything
//! that knows what a message means.

pub mod client_frame;
mod decoder;
mod deflate;
mod event;
mod extension;
pub mod frame;
pub mod handshake;
mod header;
mod inflate;
mod input;
mod limits;
mod mask;
mod message;
mod negotiation;
mod utf8;
mod violation;

pub use decoder::{Decoder, Role};
pub use deflate::Deflater;
pub use event::Event;
pub use inflate::Inflater;
pub use input::Input;
pub use limits::Limits;
pub use negotiation::Deflate;
pub use violation::Violation;
