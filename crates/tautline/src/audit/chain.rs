//! The chain: each row's hash covers the row and the hash before it, so that nothing before a hash that
//! somebody has kept can change unseen. Pure.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};

use super::row::{Entry, Row};

/// A SHA-256, shown in hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Hash(pub(super) [u8; 32]);

/// Where the chain stands: the number and the hash of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) sequence: u64,
    pub(super) hash: Hash,
}

impl Hash {
    /// Takes what [`Hash`](struct@Hash) is shown as.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if text.len() != 64 || !is_hex {
            return None;
        }
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Head {
    /// Before the first row of all.
    pub(super) const START: Self = Self {
        sequence: 0,
        hash: Hash([0; 32]),
    };

    /// Where the chain stands when `entry` is its next row.
    pub(super) fn after(self, entry: &Entry) -> Self {
        let sequence = self.sequence + 1;
        let mut bytes = self.hash.0.to_vec();
        bytes.extend(entry.canonical(sequence));
        let mut hash = Hash([0; 32]);
        hash.0.copy_from_slice(digest(&SHA256, &bytes).as_ref());
        Self { sequence, hash }
    }

    /// Where the chain stands behind `row`; none if the row does not belong there.
    pub(super) fn follow(self, row: &Row) -> Option<Self> {
        let next = self.after(&row.entry);
        (next == row.head()).then_some(next)
    }
}

impl Row {
    /// Where the chain stands with this row.
    pub(super) fn head(&self) -> Head {
        Head {
            sequence: self.sequence,
            hash: self.hash,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::audit::row::Kind;

    fn rows() -> Vec<Row> {
        let mut head = Head::START;
        let mut rows = Vec::new();
        for time in 0..5 {
            let mut entry = Entry::new(time, Kind::Joined, &json!({"n": time}));
            entry.user = Some("ann".to_owned());
            entry.room = Some("room".to_owned());
            head = head.after(&entry);
            rows.push(Row {
                sequence: head.sequence,
                entry,
                hash: head.hash,
            });
        }
        rows
    }

    fn is_whole(rows: &[Row]) -> bool {
        rows.iter().try_fold(Head::START, Head::follow).is_some()
    }

    #[test]
    fn any_change_of_any_field_of_any_row_is_found() {
        let changes: [fn(&mut Row); 9] = [
            |row| row.sequence += 1,
            |row| row.entry.time += 1,
            |row| row.entry.kind = "left".into(),
            |row| row.entry.connection = Some(String::new()),
            |row| row.entry.user = None,
            |row| row.entry.address = Some("127.0.0.1".to_owned()),
            |row| row.entry.room = Some("rooms".to_owned()),
            |row| row.entry.detail.push(' '),
            |row| row.hash.0[31] ^= 1,
        ];
        assert!(is_whole(&rows()));
        for at in 0..rows().len() {
            for (number, change) in changes.iter().enumerate() {
                let mut changed = rows();
                change(&mut changed[at]);
                assert!(!is_whole(&changed), "row {at}, change {number}");
            }
        }
    }

    #[test]
    fn a_row_that_is_missing_doubled_or_moved_is_found() {
        for at in 0..4 {
            let (mut missing, mut doubled, mut moved) = (rows(), rows(), rows());
            missing.remove(at);
            doubled.insert(at, doubled[at].clone());
            moved.swap(at, at + 1);
            for changed in [missing, doubled, moved] {
                assert!(!is_whole(&changed), "at {at}");
            }
        }
    }

    #[test]
    fn a_hash_is_read_as_it_is_shown() {
        let hash = rows()[2].hash;
        assert_eq!(Hash::parse(&hash.to_string()), Some(hash));
        for wrong in ["", "ab", &"g".repeat(64), &"a".repeat(63), &"é".repeat(32)] {
            assert_eq!(Hash::parse(wrong), None, "{wrong}");
        }
    }

    /// Whoever checks an export by other means needs this to stay so.
    #[test]
    fn the_first_hash_is_what_the_documentation_says() {
        let first = Head::START.after(&Entry::new(0, Kind::Started, &json!({})));
        let known = "f0f4bcabdaa41e783bd28896167f670932e2c0f260bf2f747ee5904f31d8f229";
        assert_eq!(first.hash.to_string(), known);
    }
}
