//! Inflating compressed messages, one context per thread.

use flate2::{Decompress, FlushDecompress, Status};

use crate::{Violation, utf8};

/// What the sender cut off each message (RFC 7692, section 7.2.2), and an empty last block: only data that
/// are complete make the stream end exactly there.
const TAIL: [u8; 6] = [0, 0, 0xff, 0xff, 3, 0];
/// The smallest room for output, and the step to begin with.
const OUTPUT_BYTES_MIN: usize = 4 * 1024;
/// The most output capacity that outlives a message.
const OUTPUT_BYTES_KEPT: usize = 64 * 1024;

/// The inflate context and output buffer of a thread, for all its connections: since no message refers to
/// an earlier one, no connection needs its own. Unused, it costs nothing.
#[derive(Debug, Default)]
pub struct Inflater {
    context: Option<Decompress>,
    output: Vec<u8>,
}

impl Inflater {
    /// Inflates a whole message into [`output`](Self::output). Stops at the byte that exceeds
    /// `limit`, and if the message is text, in the step that brings a byte that is not UTF-8.
    pub(crate) fn inflate(
        &mut self,
        payload: &[u8],
        is_text: bool,
        limit: usize,
    ) -> Result<(), Violation> {
        self.output.clear();
        // Strictly an empty message is a block of one zero byte; some senders leave that out too.
        if payload.is_empty() {
            return Ok(());
        }
        let context = self.context.get_or_insert_with(|| Decompress::new(false));
        context.reset(false);
        let mut inflation = Inflation {
            context,
            output: &mut self.output,
            limit,
            is_text,
            valid: 0,
        };
        if inflation.run(payload)? {
            return Ok(());
        }
        if inflation.run(&TAIL)? {
            return Ok(());
        }
        Err(Violation::CorruptDeflate)
    }

    /// The message that was inflated last, until [`release`](Self::release).
    pub(crate) fn output(&self) -> &[u8] {
        &self.output
    }

    /// Gives back the memory of a large message.
    pub(crate) fn release(&mut self) {
        if self.output.capacity() > OUTPUT_BYTES_KEPT {
            self.output = Vec::new();
        }
    }
}

struct Inflation<'a> {
    context: &'a mut Decompress,
    output: &'a mut Vec<u8>,
    limit: usize,
    is_text: bool,
    valid: usize,
}

impl Inflation<'_> {
    /// Inflates all of `input` and returns whether the stream ended exactly with it.
    fn run(&mut self, mut input: &[u8]) -> Result<bool, Violation> {
        loop {
            self.make_room();
            let (consumed_before, produced_before) = (self.context.total_in(), self.output.len());
            let status = self
                .context
                .decompress_vec(input, self.output, FlushDecompress::None)
                .or(Err(Violation::CorruptDeflate))?;
            let consumed = self.context.total_in() - consumed_before;
            let consumed = usize::try_from(consumed).expect("no more than the slice's length");
            input = input.get(consumed..).unwrap_or_default();
            self.check_output()?;

            if status == Status::StreamEnd {
                if input.is_empty() {
                    return Ok(true);
                }
                // A sender may end blocks with BFINAL; what follows is a stream of its own.
                self.context.reset(false);
            } else if self.output.len() < self.output.capacity() {
                // There was room, so everything that could be inflated is.
                return if input.is_empty() {
                    Ok(false)
                } else {
                    Err(Violation::CorruptDeflate)
                };
            } else if consumed == 0 && self.output.len() == produced_before {
                return Err(Violation::CorruptDeflate);
            }
        }
    }

    /// Doubles the room, but to no more than one byte above the limit.
    fn make_room(&mut self) {
        let length = self.output.len();
        if length == self.output.capacity() {
            let wanted = (2 * length)
                .max(OUTPUT_BYTES_MIN)
                .min(self.limit.saturating_add(1));
            self.output.reserve_exact(wanted - length);
        }
    }

    fn check_output(&mut self) -> Result<(), Violation> {
        if self.output.len() > self.limit {
            return Err(Violation::MessageTooBig);
        }
        if self.is_text {
            self.valid = utf8::advance(self.output, self.valid)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use flate2::{Compress, Compression, FlushCompress};

    use super::*;

    fn compress(payload: &[u8]) -> Vec<u8> {
        let mut compressed = Vec::with_capacity(payload.len() + 100);
        Compress::new(Compression::default(), false)
            .compress_vec(payload, &mut compressed, FlushCompress::Sync)
            .expect("valid use");
        compressed.truncate(compressed.len() - 4);
        compressed
    }

    #[test]
    fn memory_ends_at_the_limit_and_most_of_it_goes_with_the_message() {
        let mut inflater = Inflater::default();
        let bomb = compress(&vec![0; 1 << 20]);
        let violation = inflater.inflate(&bomb, false, 300_000);
        assert_eq!(violation, Err(Violation::MessageTooBig));
        assert_eq!(inflater.output.capacity(), 300_001);
        inflater.release();
        assert!(inflater.output.capacity() <= OUTPUT_BYTES_KEPT);
    }

    #[test]
    fn a_stream_may_end_within_a_message_and_begin_anew() {
        let mut inflater = Inflater::default();
        let first = b"\xf3\x48\xcd\xc9\xc9\x07\x00"; // "Hello", BFINAL
        let both = [&first[..], &compress(b", you")].concat();
        assert_eq!(inflater.inflate(&both, true, 10), Ok(()));
        assert_eq!(inflater.output(), b"Hello, you");
        assert_eq!(
            inflater.inflate(&both, true, 9),
            Err(Violation::MessageTooBig)
        );
    }
}
