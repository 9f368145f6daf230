//! How messages become bytes.

use bytes::Bytes;
use tautline_protocol::wire::Message;

/// Connections of one variant get the very same bytes: same protocol version, encoding, framing and
/// compression. Which variants there are is the encoder's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variant(pub u8);

/// Turns a message into bytes that every connection of a variant can be sent as they are.
pub trait Encode {
    /// The bytes of `message`, framed, and compressed where the variant asks for it; none if the variant's version has
    /// no words for it, which publications never meet.
    fn encode(&self, variant: Variant, message: &Message<'_>) -> Bytes;
}
