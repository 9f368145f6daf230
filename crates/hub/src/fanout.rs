//! One message, or several for the same subscribers, made into bytes once for each variant.

use bytes::{Bytes, BytesMut};
use tautline_protocol::wire::Message;

use crate::{Encode, Variant};

/// The bytes of a run of messages that go to the same subscribers, joined, made when first asked for.
pub(crate) struct Frames<'a> {
    encode: &'a dyn Encode,
    messages: &'a [Message<'a>],
    made: Vec<Option<Bytes>>,
}

impl<'a> Frames<'a> {
    pub(crate) fn new(encode: &'a dyn Encode, messages: &'a [Message<'a>]) -> Self {
        Self {
            encode,
            messages,
            made: Vec::new(),
        }
    }

    /// How many messages the bytes hold.
    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.messages.len()).unwrap_or(u32::MAX)
    }

    /// The bytes for one variant, shared.
    pub(crate) fn of(&mut self, variant: Variant) -> Bytes {
        let at = usize::from(variant.0);
        if self.made.len() <= at {
            self.made.resize(at + 1, None);
        }
        let (encode, messages) = (self.encode, self.messages);
        let make = || match messages {
            [message] => encode.encode(variant, message),
            messages => {
                let mut joined = BytesMut::new();
                for message in messages {
                    joined.extend_from_slice(&encode.encode(variant, message));
                }
                joined.freeze()
            }
        };
        self.made
            .get_mut(at)
            .map_or_else(make, |made| made.get_or_insert_with(make).clone())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tautline_protocol::model::RoomName;

    use super::*;

    #[derive(Default)]
    struct Counting(Cell<u32>);

    impl Encode for Counting {
        fn encode(&self, variant: Variant, message: &Message<'_>) -> Bytes {
            self.0.set(self.0.get() + 1);
            let Message::MemberCount { count, .. } = message else {
                panic!("not a count")
            };
            Bytes::from(format!("{}:{count} ", variant.0))
        }
    }

    #[test]
    fn a_run_is_encoded_once_per_variant_and_joined() {
        let (encode, room) = (Counting::default(), RoomName::parse("r").unwrap());
        let messages = [1, 2, 3].map(|count| Message::MemberCount { room: &room, count });
        let mut frames = Frames::new(&encode, &messages);
        for _ in 0..100 {
            assert_eq!(frames.of(Variant(0)), "0:1 0:2 0:3 ");
            assert_eq!(frames.of(Variant(2)), "2:1 2:2 2:3 ");
        }
        assert_eq!((encode.0.get(), frames.count()), (6, 3));
        assert_eq!(
            frames.of(Variant(0)).as_ptr(),
            frames.of(Variant(0)).as_ptr()
        );
    }
}
