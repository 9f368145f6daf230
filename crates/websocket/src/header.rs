//! The head of a frame: 2 to 14 bytes, read and written here only.

use crate::{Role, Violation};

/// The longest head: two bytes, a length of eight, a mask of four.
pub(crate) const HEADER_BYTES_MAX: usize = 14;
/// The longest payload of a ping, pong or close.
pub(crate) const CONTROL_BYTES_MAX: usize = 125;

/// FIN: the frame is the last of its message.
const FIN: u8 = 0x80;
/// RSV1: the message is compressed (RFC 7692).
const COMPRESSED: u8 = 0x40;
/// RSV2 and RSV3, which no extension that we know uses.
const RESERVED: u8 = 0x30;
const MASKED: u8 = 0x80;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opcode {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Opcode {
    fn parse(bits: u8) -> Result<Self, Violation> {
        match bits {
            0 => Ok(Self::Continuation),
            1 => Ok(Self::Text),
            2 => Ok(Self::Binary),
            8 => Ok(Self::Close),
            9 => Ok(Self::Ping),
            10 => Ok(Self::Pong),
            _ => Err(Violation::UnknownOpcode),
        }
    }

    fn bits(self) -> u8 {
        match self {
            Self::Continuation => 0,
            Self::Text => 1,
            Self::Binary => 2,
            Self::Close => 8,
            Self::Ping => 9,
            Self::Pong => 10,
        }
    }

    pub(crate) fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// A head that was read completely and is right by itself.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) opcode: Opcode,
    pub(crate) fin: bool,
    pub(crate) compressed: bool,
    /// The mask of a client's frame; zeros, which change nothing, for a server's.
    pub(crate) mask: [u8; 4],
    /// The declared length of the payload: a claim of the peer, not a reason to allocate.
    pub(crate) length: u64,
    /// How many bytes the head itself takes.
    pub(crate) size: usize,
}

impl Header {
    /// Reads the head at the front of `bytes` as `role` receives it; `None` if it is not yet
    /// complete. Checks go in the order of the bytes, so that a split changes no verdict.
    pub(crate) fn parse(bytes: &[u8], role: Role) -> Result<Option<Self>, Violation> {
        let Some((&[first, second], after)) = bytes.split_first_chunk() else {
            return Ok(None);
        };
        if first & RESERVED != 0 {
            return Err(Violation::ReservedBits);
        }
        let (fin, compressed) = (first & FIN != 0, first & COMPRESSED != 0);
        let opcode = Opcode::parse(first & 0x0f)?;
        if opcode.is_control() && !fin {
            return Err(Violation::ControlFragmented);
        }
        match (role, second & MASKED != 0) {
            (Role::Server, false) => return Err(Violation::MaskMissing),
            (Role::Client, true) => return Err(Violation::MaskUnexpected),
            (Role::Server, true) | (Role::Client, false) => {}
        }
        let short = second & !MASKED;
        if opcode.is_control() && usize::from(short) > CONTROL_BYTES_MAX {
            return Err(Violation::ControlTooLong);
        }
        let Some((length, after)) = parse_length(short, after)? else {
            return Ok(None);
        };
        let (mask, after) = match (role, after.split_first_chunk()) {
            (Role::Client, _) => ([0; 4], after),
            (Role::Server, Some((&mask, after))) => (mask, after),
            (Role::Server, None) => return Ok(None),
        };
        let size = bytes.len() - after.len();
        Ok(Some(Self {
            opcode,
            fin,
            compressed,
            mask,
            length,
            size,
        }))
    }
}

/// The length that the seven bits `short` announce, and what follows it.
fn parse_length(short: u8, after: &[u8]) -> Result<Option<(u64, &[u8])>, Violation> {
    let (length, minimum, after) = match short {
        126 => match after.split_first_chunk() {
            Some((&length, after)) => (u16::from_be_bytes(length).into(), 126, after),
            None => return Ok(None),
        },
        127 => match after.split_first_chunk() {
            Some((&length, after)) => (u64::from_be_bytes(length), 1 << 16, after),
            None => return Ok(None),
        },
        _ => (short.into(), 0, after),
    };
    if length > i64::MAX as u64 {
        return Err(Violation::LengthOverflow);
    }
    if length < minimum {
        return Err(Violation::LengthNotMinimal);
    }
    Ok(Some((length, after)))
}

/// Writes the head of an unfragmented frame.
pub(crate) fn write(frame: &mut Vec<u8>, opcode: Opcode, compressed: bool, length: usize) {
    frame.push(FIN | if compressed { COMPRESSED } else { 0 } | opcode.bits());
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ ..=125), _) => frame.push(short),
        (_, Ok(medium)) => {
            frame.push(126);
            frame.extend(medium.to_be_bytes());
        }
        _ => {
            frame.push(127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
}

/// Says in a head just written to `frame` that the payload is masked, and adds the key.
pub(crate) fn write_mask(frame: &mut Vec<u8>, key: [u8; 4]) {
    if let Some(second) = frame.get_mut(1) {
        *second |= MASKED;
    }
    frame.extend(key);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_never_from_less() {
        for length in [0, 125, 126, 65_535, 65_536, 1 << 40] {
            let mut bytes = Vec::new();
            write(&mut bytes, Opcode::Binary, true, length);
            write_mask(&mut bytes, [1, 2, 3, 4]);
            for end in 0..bytes.len() {
                assert_eq!(Header::parse(&bytes[..end], Role::Server), Ok(None));
            }
            let header = Header {
                opcode: Opcode::Binary,
                fin: true,
                compressed: true,
                mask: [1, 2, 3, 4],
                length: length as u64,
                size: bytes.len(),
            };
            assert_eq!(Header::parse(&bytes, Role::Server), Ok(Some(header)));
        }
    }
}
