//! Messages as frames, for each variant of connections.

use std::cell::RefCell;

use bytes::Bytes;
use tautline_hub::{Encode, Variant};
use tautline_protocol::wire::v2::Encoding;
use tautline_protocol::wire::{self, Message, Version};
use tautline_websocket::{Deflate, Deflater, frame};

/// What the bytes of a connection depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Format {
    pub(super) version: Version,
    pub(super) deflate: Option<Deflate>,
}

/// Makes frames for the formats that connections of this shard have negotiated so far.
///
/// There are as many as versions times window sizes, and one more each for no compression.
#[derive(Debug)]
pub(crate) struct Encoder {
    formats: RefCell<Vec<Format>>,
    deflater: RefCell<Deflater>,
}

impl Encoder {
    /// An encoder that compresses messages of `threshold` bytes and more, where that was negotiated.
    pub(crate) fn new(threshold: Option<usize>) -> Self {
        let deflater = threshold.map_or_else(Deflater::default, Deflater::with_threshold);
        Self {
            formats: RefCell::default(),
            deflater: deflater.into(),
        }
    }

    /// The variant of a format: the same for the same.
    pub(super) fn variant(&self, format: Format) -> Variant {
        let mut formats = self.formats.borrow_mut();
        let known = formats.iter().position(|known| *known == format);
        let at = known.unwrap_or_else(|| {
            formats.push(format);
            formats.len() - 1
        });
        Variant(u8::try_from(at).expect("there are few versions and eight window sizes"))
    }

    /// One message as a frame, of the kind that its format travels in.
    pub(super) fn frame(&self, variant: Variant, message: &[u8]) -> Bytes {
        let Format { version, deflate } = self.format(variant);
        let is_binary = version == Version::V2(Encoding::MessagePack);
        match deflate {
            Some(deflate) if is_binary => self.deflater.borrow_mut().binary(message, deflate),
            Some(deflate) => self.deflater.borrow_mut().text(message, deflate),
            None if is_binary => frame::binary(message),
            None => frame::text(message),
        }
    }

    fn format(&self, variant: Variant) -> Format {
        let formats = self.formats.borrow();
        let plain = Format {
            version: Version::V1,
            deflate: None,
        };
        formats
            .get(usize::from(variant.0))
            .copied()
            .unwrap_or(plain)
    }
}

impl Encode for Encoder {
    fn encode(&self, variant: Variant, message: &Message<'_>) -> Bytes {
        let bytes = wire::encode(self.format(variant).version, message);
        if bytes.is_empty() {
            return Bytes::new();
        }
        self.frame(variant, &bytes)
    }
}
