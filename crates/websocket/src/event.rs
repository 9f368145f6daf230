//! What a peer said: a whole message or a control frame.

use crate::Violation;
use crate::header::Opcode;

/// One thing that arrived, borrowed from the input, the decoder or the inflater until the next call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'d> {
    /// A text message.
    Text(&'d str),
    /// A binary message.
    Binary(&'d [u8]),
    /// A ping, to be answered by a pong with the same payload; of several, the last is enough.
    Ping(&'d [u8]),
    /// A pong.
    Pong(&'d [u8]),
    /// The peer closes: answer with a close if none was sent. Whatever follows is ignored.
    Close {
        /// Why, if the peer said it: a code that may travel (RFC 6455, section 7.4).
        code: Option<u16>,
        /// Words for a log; often empty.
        reason: &'d str,
    },
}

impl<'d> Event<'d> {
    /// Makes an event of a complete payload. The opcode is that of the message's first frame.
    pub(crate) fn new(opcode: Opcode, payload: &'d [u8]) -> Result<Self, Violation> {
        match opcode {
            Opcode::Continuation => Err(Violation::NothingToContinue),
            Opcode::Text => Ok(Self::Text(parse_text(payload)?)),
            Opcode::Binary => Ok(Self::Binary(payload)),
            Opcode::Ping => Ok(Self::Ping(payload)),
            Opcode::Pong => Ok(Self::Pong(payload)),
            Opcode::Close => Self::close(payload),
        }
    }

    fn close(payload: &'d [u8]) -> Result<Self, Violation> {
        let Some((&code, reason)) = payload.split_first_chunk() else {
            return match payload {
                [] => Ok(Self::Close {
                    code: None,
                    reason: "",
                }),
                _ => Err(Violation::CloseTruncated),
            };
        };
        let code = u16::from_be_bytes(code);
        if !may_travel(code) {
            return Err(Violation::CloseCodeInvalid);
        }
        let reason = parse_text(reason)?;
        Ok(Self::Close {
            code: Some(code),
            reason,
        })
    }
}

fn parse_text(payload: &[u8]) -> Result<&str, Violation> {
    str::from_utf8(payload).or(Err(Violation::NotUtf8))
}

/// The codes that RFC 6455 and the IANA registry allow in a close frame: 1004, 1005, 1006 and 1015 are
/// reserved for use within a program, 1016 to 2999 for future standards.
fn may_travel(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_codes_follow_the_registry() {
        for code in 0..=u16::MAX {
            let allowed = match code {
                1004..=1006 | 1015 => false,
                1000..=1014 | 3000..=4999 => true,
                _ => false,
            };
            let payload = code.to_be_bytes();
            let event = Event::new(Opcode::Close, &payload).map_err(|v| v.close_code());
            let close = Event::Close {
                code: Some(code),
                reason: "",
            };
            assert_eq!(event, if allowed { Ok(close) } else { Err(1002) });
        }
    }
}
