//! Why a peer's bytes are refused, and the code and reason to close with.

use thiserror::Error;

/// A breach of the protocol or of a limit by the peer. The connection cannot go on: send a close
/// frame with [`close_code`](Self::close_code) and [`reason`](Self::reason), then end it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{}", self.reason())]
#[non_exhaustive]
pub enum Violation {
    /// A reserved bit is set that no negotiated extension gives a meaning.
    ReservedBits,
    /// The opcode is one of those that RFC 6455 reserves.
    UnknownOpcode,
    /// A client sent a frame without a mask.
    MaskMissing,
    /// A server sent a frame with a mask.
    MaskUnexpected,
    /// The length is written in more bytes than it needs.
    LengthNotMinimal,
    /// The length has its highest bit set.
    LengthOverflow,
    /// A ping, pong or close carries more than 125 bytes.
    ControlTooLong,
    /// A ping, pong or close is fragmented.
    ControlFragmented,
    /// A continuation frame came while no message was open.
    NothingToContinue,
    /// A new message began before the previous one was finished.
    MessageUnfinished,
    /// A close frame has a payload of one byte, which cannot hold a code.
    CloseTruncated,
    /// A close frame carries a code that must not travel.
    CloseCodeInvalid,
    /// Text, or the reason of a close, is not UTF-8.
    NotUtf8,
    /// Compressed data do not inflate, or end in the middle of a block.
    CorruptDeflate,
    /// A frame declares more than [`Limits::frame_bytes_max`](crate::Limits::frame_bytes_max).
    FrameTooBig,
    /// A message declares, or inflates to, more than
    /// [`Limits::message_bytes_max`](crate::Limits::message_bytes_max).
    MessageTooBig,
    /// A message has more frames than [`Limits::fragments_max`](crate::Limits::fragments_max).
    TooManyFragments,
}

impl Violation {
    /// The code to close with: 1002 (protocol), 1007 (payload) or 1009 (size).
    pub fn close_code(&self) -> u16 {
        match self {
            Self::ReservedBits
            | Self::UnknownOpcode
            | Self::MaskMissing
            | Self::MaskUnexpected
            | Self::LengthNotMinimal
            | Self::LengthOverflow
            | Self::ControlTooLong
            | Self::ControlFragmented
            | Self::NothingToContinue
            | Self::MessageUnfinished
            | Self::CloseTruncated
            | Self::CloseCodeInvalid => 1002,
            Self::NotUtf8 | Self::CorruptDeflate => 1007,
            Self::FrameTooBig | Self::MessageTooBig | Self::TooManyFragments => 1009,
        }
    }

    /// The reason for the close frame: what is wrong, in words for the peer's developer. It fits
    /// into a control frame.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::ReservedBits => "reserved bit set: no negotiated extension uses it",
            Self::UnknownOpcode => "unknown opcode: use 0, 1, 2, 8, 9 or 10",
            Self::MaskMissing => "frame not masked: clients must mask every frame",
            Self::MaskUnexpected => "frame masked: servers must not mask",
            Self::LengthNotMinimal => "length not minimal: use the shortest form",
            Self::LengthOverflow => "length overflow: the highest bit must be 0",
            Self::ControlTooLong => "control frame too long: at most 125 bytes",
            Self::ControlFragmented => "control frame fragmented: send it whole",
            Self::NothingToContinue => "continuation without a message: begin with text or binary",
            Self::MessageUnfinished => "new message inside an unfinished one: continue it first",
            Self::CloseTruncated => "close payload of 1 byte: send none, or a code of 2 bytes",
            Self::CloseCodeInvalid => "close code not allowed on the wire: use 1000 or 3000-4999",
            Self::NotUtf8 => "text is not UTF-8: send other data as binary",
            Self::CorruptDeflate => "compressed data are corrupt or incomplete",
            Self::FrameTooBig => "frame too big",
            Self::MessageTooBig => "message too big",
            Self::TooManyFragments => "too many fragments: send the message in fewer frames",
        }
    }
}
