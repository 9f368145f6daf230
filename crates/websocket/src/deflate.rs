//! Compressing messages once for all their recipients.

use bytes::Bytes;
use flate2::{Compress, Compression, FlushCompress};

use crate::header::Opcode;
use crate::{Deflate, frame};

/// Messages below this size are sent plain unless another threshold is set: compressing a small
/// one costs more than it saves.
const THRESHOLD_BYTES: usize = 1024;
/// A message is compressed once however many recipients it has, so that the ratio matters more than
/// the effort: level 6 takes twice the time of level 1 and saves another third of a 1 KiB message.
const LEVEL: u32 = 6;
/// How a sync flush ends, which RFC 7692 (section 7.2.1) has the sender cut off.
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];
/// The most scratch capacity that outlives a message.
const SCRATCH_BYTES_KEPT: usize = 64 * 1024;

/// The deflate contexts of a thread, one for each window size in use (up to 312 KB each). Unused,
/// it costs nothing.
#[derive(Debug)]
pub struct Deflater {
    contexts: [Option<Compress>; Deflate::WINDOW_SIZES],
    scratch: Vec<u8>,
    threshold: usize,
}

impl Default for Deflater {
    fn default() -> Self {
        Self::with_threshold(THRESHOLD_BYTES)
    }
}

impl Deflater {
    /// A deflater that sends messages below `threshold` bytes plain.
    pub fn with_threshold(threshold: usize) -> Self {
        Self {
            contexts: Default::default(),
            scratch: Vec::new(),
            threshold,
        }
    }

    /// A text message for those recipients that negotiated `deflate`: compressed, or plain where it
    /// is below the threshold or would not become smaller. The frame may be shared by all of them.
    pub fn text(&mut self, payload: impl AsRef<[u8]>, deflate: Deflate) -> Bytes {
        self.encode(Opcode::Text, payload.as_ref(), deflate)
    }

    /// A binary message, as [`text`](Self::text).
    pub fn binary(&mut self, payload: impl AsRef<[u8]>, deflate: Deflate) -> Bytes {
        self.encode(Opcode::Binary, payload.as_ref(), deflate)
    }

    fn encode(&mut self, opcode: Opcode, payload: &[u8], deflate: Deflate) -> Bytes {
        let frame = match self.compress(payload, deflate) {
            Some(compressed) => frame::encode_compressed(opcode, compressed),
            None => frame::encode(opcode, payload, None),
        };
        self.scratch.clear();
        self.scratch.shrink_to(SCRATCH_BYTES_KEPT);
        frame
    }

    /// The compressed payload, if that pays.
    fn compress(&mut self, payload: &[u8], deflate: Deflate) -> Option<&[u8]> {
        if payload.len() < self.threshold {
            return None;
        }
        let context = self
            .contexts
            .get_mut(deflate.window_index())?
            .get_or_insert_with(|| deflate.context(Compression::new(LEVEL)));
        context.reset();
        // Room for no more than the payload: what does not fit would not pay.
        self.scratch.reserve(payload.len() + TAIL.len());
        context
            .compress_vec(payload, &mut self.scratch, FlushCompress::Sync)
            .ok()?;
        let is_whole = context.total_in() == payload.len() as u64
            && self.scratch.len() < self.scratch.capacity();
        self.scratch
            .strip_suffix(&TAIL)
            .filter(|compressed| is_whole && compressed.len() < payload.len())
    }
}
