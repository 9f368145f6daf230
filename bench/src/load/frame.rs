//! WebSocket frames, as little of them as a load client and a bare server need: no extensions, and
//! fragments only as an attack sends them.
//!
//! Written apart from Tautline's own codec, so that a fault there cannot hide here.

/// A part of a message behind its first one.
pub(crate) const CONTINUATION: u8 = 0x0;
/// A text frame.
pub(crate) const TEXT: u8 = 0x1;
/// A binary frame.
pub(crate) const BINARY: u8 = 0x2;
/// A close frame.
pub(crate) const CLOSE: u8 = 0x8;
/// A ping frame.
pub(crate) const PING: u8 = 0x9;
/// A pong frame.
pub(crate) const PONG: u8 = 0xA;

/// In the first byte of a frame: no other one belongs to its message.
const FINAL: u8 = 0x80;
/// The length byte of a frame whose length follows in two bytes.
const MEDIUM: u8 = 0x7E;
/// The length byte of a frame whose length follows in eight bytes.
const LONG: u8 = 0x7F;

/// The key of every frame that the client masks: a server has to undo it all the same.
const MASK: [u8; 4] = [0x5A, 0xC3, 0x96, 0x3C];

/// A frame as a server sends it.
pub(crate) fn from_server(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(payload.len() + 10);
    append_header(&mut frame, FINAL | opcode, payload.len(), 0);
    frame.extend_from_slice(payload);
    frame
}

/// A frame as a client sends it: masked.
pub(crate) fn from_client(opcode: u8, payload: &[u8]) -> Vec<u8> {
    starting_with(FINAL | opcode, payload)
}

/// A part of a client's message that is not its last one: `opcode` is that of the message in the
/// first part, and zero in those behind it.
pub(crate) fn part_from_client(opcode: u8, payload: &[u8]) -> Vec<u8> {
    starting_with(opcode, payload)
}

fn starting_with(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(payload.len() + 14);
    append_header(&mut frame, first, payload.len(), 0x80);
    frame.extend_from_slice(&MASK);
    append_masked(&mut frame, MASK, payload);
    frame
}

fn append_header(frame: &mut Vec<u8>, first: u8, length: usize, masked: u8) {
    frame.push(first);
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ ..126), _) => frame.push(masked | short),
        (_, Ok(medium)) => {
            frame.push(masked | MEDIUM);
            frame.extend_from_slice(&medium.to_be_bytes());
        }
        _ => {
            frame.push(masked | LONG);
            frame.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}

/// Appends the payload with its mask put on or taken off, which is the same.
fn append_masked(bytes: &mut Vec<u8>, key: [u8; 4], payload: &[u8]) {
    let begin = bytes.len();
    bytes.extend_from_slice(payload);
    // Blocks of four words, so that the compiler uses wide registers: the bare server must not lose
    // time here.
    let [a, b, c, d] = key;
    let wide = [a, b, c, d, a, b, c, d, a, b, c, d, a, b, c, d];
    let (blocks, rest) = bytes
        .get_mut(begin..)
        .unwrap_or_default()
        .as_chunks_mut::<16>();
    for block in blocks {
        for (byte, key) in block.iter_mut().zip(wide) {
            *byte ^= key;
        }
    }
    for (byte, key) in rest.iter_mut().zip(wide) {
        *byte ^= key;
    }
}

/// One whole frame at the start of some bytes.
#[derive(Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) opcode: u8,
    pub(crate) mask: Option<[u8; 4]>,
    /// Still masked, where there is a mask.
    pub(crate) payload: &'a [u8],
    /// Header and payload together.
    pub(crate) size: usize,
}

impl<'a> Frame<'a> {
    /// The first frame, or `None` while it is not whole.
    pub(crate) fn first(bytes: &'a [u8]) -> Option<Self> {
        let (&[start, second], rest) = bytes.split_first_chunk::<2>()?;
        let (length, rest) = match second & LONG {
            MEDIUM => rest
                .split_first_chunk::<2>()
                .map(|(n, rest)| (usize::from(u16::from_be_bytes(*n)), rest))?,
            LONG => {
                let (n, rest) = rest.split_first_chunk::<8>()?;
                (usize::try_from(u64::from_be_bytes(*n)).ok()?, rest)
            }
            short => (usize::from(short), rest),
        };
        let (mask, rest) = match second & 0x80 {
            0 => (None, rest),
            _ => rest
                .split_first_chunk::<4>()
                .map(|(key, rest)| (Some(*key), rest))?,
        };
        let payload = rest.get(..length)?;
        let size = bytes.len() - rest.len() + length;
        Some(Self {
            opcode: start & 0x0F,
            mask,
            payload,
            size,
        })
    }

    /// The payload without its mask.
    pub(crate) fn unmasked(&self) -> Vec<u8> {
        let mut payload = Vec::with_capacity(self.payload.len());
        append_masked(&mut payload, self.mask.unwrap_or_default(), self.payload);
        payload
    }

    /// One byte of the payload without its mask.
    pub(crate) fn byte(&self, at: usize) -> Option<u8> {
        let key = self.mask.unwrap_or_default();
        Some(self.payload.get(at)? ^ key.get(at % 4)?)
    }

    /// Appends the same message as a server sends it.
    pub(crate) fn append_answer(&self, bytes: &mut Vec<u8>) {
        append_header(bytes, FINAL | self.opcode, self.payload.len(), 0);
        append_masked(bytes, self.mask.unwrap_or_default(), self.payload);
    }
}

/// Where the head of an HTTP message ends, the empty line included.
pub(crate) fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .map(|at| at + 4)
}

/// Whether `needle` occurs in `bytes`.
pub(crate) fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_round_trip(length: usize) {
        let payload: Vec<u8> = (0..length)
            .map(|n| u8::try_from(n % 251).unwrap())
            .collect();
        for (bytes, masked) in [
            (from_server(TEXT, &payload), false),
            (from_client(TEXT, &payload), true),
        ] {
            let frame = Frame::first(&bytes).unwrap();
            assert_eq!(frame.mask.is_some(), masked);
            assert_eq!((frame.opcode, frame.size), (TEXT, bytes.len()));
            assert_eq!(frame.unmasked(), payload);
            assert_eq!(frame.byte(length - 1), payload.last().copied());
            let mut answer = Vec::new();
            frame.append_answer(&mut answer);
            assert_eq!(answer, from_server(TEXT, &payload));
            assert!(Frame::first(&bytes[..bytes.len() - 1]).is_none());
        }
    }

    #[test]
    fn a_frame_of_every_length_class_survives_the_round_trip() {
        for length in [1, 125, 126, 65_535, 65_536] {
            check_round_trip(length);
        }
    }

    #[test]
    fn a_partial_header_is_no_frame() {
        let bytes = from_client(TEXT, &[7; 300]);
        for cut in 0..8 {
            assert!(Frame::first(&bytes[..cut]).is_none());
        }
    }
}
