//! The identity of a connection.

use std::fmt;

/// The identity of one life of a node: drawn at random when the process starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NodeId(pub u32);

/// Names a connection in the whole cluster, and says where it is found.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConnectionId {
    /// The node that owns it.
    pub node: NodeId,
    /// The shard of that node.
    pub shard: u16,
    /// Its place in the shard's table.
    pub slot: u32,
    /// Counts the shard's connections, so that a reused place is told from the one before.
    pub serial: u32,
}

impl ConnectionId {
    /// The name as text has so many digits: of the node, the shard, the slot and the serial.
    const DIGITS: [usize; 4] = [8, 4, 8, 8];

    /// Takes a text, as [`fmt::Display`] writes it, for a connection's name.
    pub fn parse(text: &str) -> Option<Self> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != Self::DIGITS.iter().sum::<usize>() || !text.bytes().all(is_digit) {
            return None;
        }
        let mut rest = text;
        let mut next = |digits| {
            let (part, behind) = rest.split_at(digits);
            rest = behind;
            u32::from_str_radix(part, 16).ok()
        };
        let [node, shard, slot, serial] = Self::DIGITS.map(&mut next);
        Some(Self {
            node: NodeId(node?),
            shard: u16::try_from(shard?).ok()?,
            slot: slot?,
            serial: serial?,
        })
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:08x}{:04x}{:08x}{:08x}",
            self.node.0, self.shard, self.slot, self.serial
        )
    }
}

impl fmt::Debug for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let id = ConnectionId {
            node: NodeId(0xdead_beef),
            shard: 3,
            slot: 0x10,
            serial: u32::MAX,
        };
        assert_eq!(id.to_string(), "deadbeef000300000010ffffffff");
        assert_eq!(ConnectionId::parse(&id.to_string()), Some(id));
        for bad in [
            "",
            "deadbeef000300000010fffffff",
            "deadbeef000300000010fffffffff",
            "DEADBEEF000300000010FFFFFFFF",
            "+eadbeef000300000010ffffffff",
            "deadbeef0003000000é10ffffff",
        ] {
            assert_eq!(ConnectionId::parse(bad), None, "{bad}");
        }
    }
}
