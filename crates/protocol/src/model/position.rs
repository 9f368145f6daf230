//! Where in a room's order a publication stands.

use std::fmt;

/// One life of a room's order. A new epoch means that earlier offsets say nothing any more.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Epoch(pub u64);

/// The identity of one publication: a UUID, ordered by time.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct PublicationId(pub [u8; 16]);

/// A point in a room's order: the publication with this `offset`, and its `id` as proof.
///
/// Offsets are contiguous from 1 within an epoch; offset 0, with the zero id, is before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The life of the order that `offset` counts in.
    pub epoch: Epoch,
    /// How many publications the room had seen with this one.
    pub offset: u64,
    /// The id of the publication at `offset`.
    pub id: PublicationId,
}

impl Epoch {
    /// Takes a text, as [`fmt::Display`] writes it, for an epoch.
    pub fn parse(text: &str) -> Option<Self> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let is_epoch = text.len() == 16 && text.bytes().all(is_digit);
        is_epoch
            .then(|| u64::from_str_radix(text, 16).ok().map(Self))
            .flatten()
    }
}

impl PublicationId {
    /// Takes a text, as [`fmt::Display`] writes it, for an id.
    pub fn parse(text: &str) -> Option<Self> {
        let id = Self(uuid::Uuid::try_parse(text).ok()?.into_bytes());
        (id.to_string() == text).then_some(id)
    }
}

impl Position {
    /// Takes a text, as [`fmt::Display`] writes it, for a position.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let (epoch, offset, id) = (parts.next()?, parts.next()?, parts.next()?);
        let position = Self {
            epoch: Epoch::parse(epoch)?,
            offset: offset.parse().ok()?,
            id: PublicationId::parse(id)?,
        };
        (position.to_string() == text).then_some(position)
    }

    /// The position before a room's first publication.
    pub fn start(epoch: Epoch) -> Self {
        Self {
            epoch,
            offset: 0,
            id: PublicationId::default(),
        }
    }
}

/// Epoch, offset and id, with colons between them.
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.epoch, self.offset, self.id)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for PublicationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        uuid::Uuid::from_bytes(self.0).hyphenated().fmt(f)
    }
}

impl fmt::Debug for PublicationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let position = Position {
            epoch: Epoch(0xfeed),
            offset: 17,
            id: PublicationId([0xab; 16]),
        };
        let text = "000000000000feed:17:abababab-abab-abab-abab-abababababab";
        assert_eq!(position.to_string(), text);
        assert_eq!(Position::parse(text), Some(position));
        let start = Position::start(Epoch(1));
        assert_eq!(Position::parse(&start.to_string()), Some(start));
        for bad in [
            "",
            "17",
            "feed:17:abababab-abab-abab-abab-abababababab",
            "000000000000feed:+17:abababab-abab-abab-abab-abababababab",
            "000000000000feed:17:abababababababababababababababab",
            "000000000000feed:17:abababab-abab-abab-abab-abababababab:",
        ] {
            assert_eq!(Position::parse(bad), None, "{bad}");
        }
    }
}
