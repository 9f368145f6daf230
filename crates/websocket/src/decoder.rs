//! The machine that turns the bytes of one connection into events.

use crate::header::{HEADER_BYTES_MAX, Header, Opcode};
use crate::message::Message;
use crate::{Deflate, Event, Inflater, Input, Limits, Violation, mask};

/// Which side of the connection decodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Receives the masked frames of a client.
    Server,
    /// Receives the unmasked frames of a server.
    Client,
}

/// The receiving half of a connection: bytes in, [`Event`]s out.
///
/// Call [`next`](Self::next) with each chunk that was read until it returns `None`. A frame that lies whole
/// in the chunk and is its whole message is lent out where it lies; anything else is gathered
/// in a buffer, which exists only until its event was seen. Between messages the decoder owns no
/// heap memory. After a close or a violation it ignores what follows.
#[derive(Debug)]
pub struct Decoder {
    limits: Limits,
    /// The frame whose payload is being read.
    frame: Option<Frame>,
    /// The data message that is being gathered, or is lent out.
    message: Option<Box<Message>>,
    /// The payload of a control frame that is being gathered, or is lent out.
    control: Vec<u8>,
    /// The part of a header that has arrived.
    head: [u8; HEADER_BYTES_MAX],
    head_bytes: u8,
    role: Role,
    deflate: Option<Deflate>,
    phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// The caller has seen the gathered message, which can be dropped now.
    MessageLent,
    /// The caller has seen the gathered control frame, which can be dropped now.
    ControlLent,
    /// A close was received, or the peer broke the protocol.
    Ended,
}

#[derive(Debug)]
struct Frame {
    remaining: usize,
    /// The key as it applies to the next byte.
    mask: [u8; 4],
    opcode: Opcode,
    fin: bool,
    compressed: bool,
}

/// A complete payload: what it is and where it lies.
struct Payload<'b>(Opcode, Place<'b>);

enum Place<'b> {
    Input(&'b [u8]),
    Message,
    Control,
    Inflater,
}

impl Decoder {
    /// A decoder at the beginning of a connection, after the handshake. `deflate` is what was
    /// negotiated.
    pub fn new(role: Role, limits: Limits, deflate: Option<Deflate>) -> Self {
        Self {
            limits,
            frame: None,
            message: None,
            control: Vec::new(),
            head: [0; HEADER_BYTES_MAX],
            head_bytes: 0,
            role,
            deflate,
            phase: Phase::Open,
        }
    }

    /// The next event; `None` when `input` is used up (a partial frame is kept inside).
    ///
    /// `inflater` may be shared by all connections of a thread, even between the parts of a message.
    pub fn next<'d>(
        &'d mut self,
        input: &'d mut Input<'_>,
        inflater: &'d mut Inflater,
    ) -> Result<Option<Event<'d>>, Violation> {
        self.release();
        inflater.release();
        if self.phase == Phase::Ended {
            input.take(usize::MAX);
            return Ok(None);
        }
        let Payload(opcode, place) = match self.advance(input, inflater) {
            Ok(Some(payload)) => payload,
            Ok(None) => return Ok(None),
            Err(violation) => {
                self.phase = Phase::Ended;
                self.release();
                return Err(violation);
            }
        };
        // Text that was gathered is validated a second time here: without `unsafe`, validating is
        // the only way to a `str`.
        let event = match place {
            Place::Input(bytes) => Event::new(opcode, bytes),
            Place::Message => {
                self.phase = Phase::MessageLent;
                let bytes = self.message.as_deref().map_or(&[][..], Message::bytes);
                Event::new(opcode, bytes)
            }
            Place::Control => {
                self.phase = Phase::ControlLent;
                Event::new(opcode, &self.control)
            }
            Place::Inflater => Event::new(opcode, inflater.output()),
        };
        if matches!(event, Err(_) | Ok(Event::Close { .. })) {
            self.phase = Phase::Ended;
        }
        event.map(Some)
    }

    /// Whether a frame or a message is incomplete, so that the rest is due.
    pub fn is_partial(&self) -> bool {
        match self.phase {
            Phase::Ended | Phase::MessageLent => false,
            Phase::Open | Phase::ControlLent => {
                self.head_bytes > 0 || self.frame.is_some() || self.message.is_some()
            }
        }
    }

    /// Reads on until a payload is complete or the input is used up.
    fn advance<'b>(
        &mut self,
        input: &mut Input<'b>,
        inflater: &mut Inflater,
    ) -> Result<Option<Payload<'b>>, Violation> {
        loop {
            let frame = match self.frame.take() {
                Some(frame) => Some(frame),
                None => self.open_frame(input)?,
            };
            let Some(mut frame) = frame else {
                return Ok(None);
            };
            let part = frame.take(input);
            let payload = if frame.opcode.is_control() {
                self.add_to_control(&frame, part)
            } else {
                self.add_to_message(&frame, part, inflater)?
            };
            if frame.remaining > 0 {
                self.frame = Some(frame);
                return Ok(None);
            }
            if payload.is_some() {
                return Ok(payload);
            }
        }
    }

    /// Reads a header and checks it against limits and the state of the message; `None` if it is
    /// incomplete.
    fn open_frame(&mut self, input: &mut Input<'_>) -> Result<Option<Frame>, Violation> {
        let (kept, free) = self.head.split_at_mut(self.head_bytes.into());
        let kept_bytes = kept.len();
        let arrived = free.len().min(input.rest().len());
        for (to, from) in free.iter_mut().zip(input.rest()) {
            *to = *from;
        }
        let head = self.head.get(..kept_bytes + arrived).unwrap_or(&self.head);
        let Some(header) = Header::parse(head, self.role)? else {
            input.take(arrived);
            self.head_bytes = u8::try_from(head.len()).expect("a header has at most 14 bytes");
            return Ok(None);
        };
        input.take(header.size - kept_bytes);
        self.head_bytes = 0;

        let remaining = self.check_frame(&header)?;
        let Header {
            opcode,
            fin,
            compressed,
            mask,
            ..
        } = header;
        Ok(Some(Frame {
            remaining,
            mask,
            opcode,
            fin,
            compressed,
        }))
    }

    /// Returns the length of the payload if the frame may come now.
    fn check_frame(&mut self, header: &Header) -> Result<usize, Violation> {
        let begins = matches!(header.opcode, Opcode::Text | Opcode::Binary);
        if header.compressed && !(begins && self.deflate.is_some()) {
            return Err(Violation::ReservedBits);
        }
        if begins && self.message.is_some() {
            return Err(Violation::MessageUnfinished);
        }
        let mut gathered = 0;
        if header.opcode == Opcode::Continuation {
            let message = self.message.as_mut().ok_or(Violation::NothingToContinue)?;
            message.add_fragment(&self.limits)?;
            gathered = message.bytes().len();
        }
        let length = usize::try_from(header.length).unwrap_or(usize::MAX);
        if header.opcode.is_control() {
            return Ok(length);
        }
        if length > self.limits.frame_bytes_max {
            return Err(Violation::FrameTooBig);
        }
        if length > self.limits.message_bytes_max.saturating_sub(gathered) {
            return Err(Violation::MessageTooBig);
        }
        Ok(length)
    }

    fn add_to_control<'b>(&mut self, frame: &Frame, part: &'b [u8]) -> Option<Payload<'b>> {
        let opcode = frame.opcode;
        if frame.remaining == 0 && self.control.is_empty() {
            return Some(Payload(opcode, Place::Input(part)));
        }
        self.control.extend_from_slice(part);
        (frame.remaining == 0).then_some(Payload(opcode, Place::Control))
    }

    fn add_to_message<'b>(
        &mut self,
        frame: &Frame,
        part: &'b [u8],
        inflater: &mut Inflater,
    ) -> Result<Option<Payload<'b>>, Violation> {
        let is_last = frame.fin && frame.remaining == 0;
        let limit = self.limits.message_bytes_max;
        if is_last && self.message.is_none() {
            let opcode = frame.opcode;
            if frame.compressed {
                inflater.inflate(part, opcode == Opcode::Text, limit)?;
                return Ok(Some(Payload(opcode, Place::Inflater)));
            }
            return Ok(Some(Payload(opcode, Place::Input(part))));
        }

        if part.is_empty() && frame.remaining > 0 {
            return Ok(None);
        }
        let message = self
            .message
            .get_or_insert_with(|| Box::new(Message::new(frame.opcode, frame.compressed)));
        message.append(part)?;
        if !is_last {
            return Ok(None);
        }
        let opcode = message.opcode;
        if message.compressed {
            inflater.inflate(message.bytes(), opcode == Opcode::Text, limit)?;
            self.message = None;
            return Ok(Some(Payload(opcode, Place::Inflater)));
        }
        Ok(Some(Payload(opcode, Place::Message)))
    }

    /// Drops the buffer of an event that the caller has seen, and all of them at the end.
    fn release(&mut self) {
        match self.phase {
            Phase::Open => {}
            Phase::MessageLent => {
                self.message = None;
                self.phase = Phase::Open;
            }
            Phase::ControlLent => {
                self.control = Vec::new();
                self.phase = Phase::Open;
            }
            Phase::Ended => {
                self.message = None;
                self.control = Vec::new();
            }
        }
    }
}

impl Frame {
    /// The part of the payload that has arrived, unmasked where it lies.
    fn take<'b>(&mut self, input: &mut Input<'b>) -> &'b [u8] {
        let part = input.take(self.remaining);
        mask::apply(part, self.mask);
        self.mask = mask::rotate(self.mask, part.len());
        self.remaining -= part.len();
        part
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame;

    fn hear(decoder: &mut Decoder, bytes: &[u8]) -> usize {
        let mut bytes = bytes.to_vec();
        let (mut input, mut inflater) = (Input::new(&mut bytes), Inflater::default());
        let mut heard = 0;
        while decoder.next(&mut input, &mut inflater) != Ok(None) {
            heard += 1;
        }
        heard
    }

    #[test]
    fn memory_follows_what_arrived_and_goes_with_the_event() {
        let mut decoder = Decoder::new(Role::Client, Limits::default(), None);
        let frame = frame::binary(vec![0; 60_000]);
        let (begun, rest) = frame.split_at(100);
        assert_eq!(hear(&mut decoder, begun), 0);
        let gathered = decoder
            .message
            .as_ref()
            .map_or(0, |message| message.capacity());
        assert!((96..=200).contains(&gathered), "{gathered}");
        assert_eq!(hear(&mut decoder, rest), 1);
        assert!(decoder.message.is_none());

        let ping = frame::ping([0; 100]);
        let (begun, rest) = ping.split_at(50);
        assert_eq!(hear(&mut decoder, begun), 0);
        assert!((48..=100).contains(&decoder.control.capacity()));
        assert_eq!(hear(&mut decoder, rest), 1);
        assert_eq!(decoder.control.capacity(), 0);
    }

    #[test]
    fn a_header_and_a_whole_frame_take_no_memory() {
        let mut decoder = Decoder::new(Role::Client, Limits::default(), None);
        let frame = frame::binary([0; 100]);
        let (header, payload) = frame.split_at(2);
        for part in [header, payload] {
            hear(&mut decoder, part);
            assert!(decoder.message.is_none());
        }
    }
}
