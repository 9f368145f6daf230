//! What one connection may make the decoder keep.

/// The bounds of a peer's frames and messages; whatever exceeds one is closed with 1009.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes that the payload of one frame may have, as declared in its header.
    pub frame_bytes_max: usize,
    /// The most bytes that a message may have: on the wire, and again once inflated.
    pub message_bytes_max: usize,
    /// The most frames that one message may consist of.
    pub fragments_max: u32,
}

impl Default for Limits {
    /// 64 KiB per frame and per message, 64 fragments.
    fn default() -> Self {
        Self {
            frame_bytes_max: 64 * 1024,
            message_bytes_max: 64 * 1024,
            fragments_max: 64,
        }
    }
}
