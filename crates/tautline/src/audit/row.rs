//! What a row of the audit log says, and the bytes that its hash is made of.

use std::borrow::Cow;

use serde_json::Value;

use super::chain::Hash;
use crate::plain::escape_json;

/// What a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The server began to write.
    Started,
    /// The server ended in order. A start without a stop before it follows a crash.
    Stopped,
    /// A handshake was refused, but not for its token.
    Refused,
    Connected,
    Authenticated,
    /// Who came could not prove who it is.
    AuthFailed,
    /// A connection may not do what it asked for.
    Denied,
    Joined,
    Left,
    Published,
    Ended,
    /// An operator, or a back end, did something.
    Operated,
    /// So many events have no row.
    Lost,
    /// The oldest file was deleted, as `audit.files_max` says.
    Removed,
}

impl Kind {
    /// All kinds, in the order of a connection's life.
    pub(super) const ALL: [Self; 14] = [
        Self::Started,
        Self::Stopped,
        Self::Refused,
        Self::Connected,
        Self::Authenticated,
        Self::AuthFailed,
        Self::Denied,
        Self::Joined,
        Self::Left,
        Self::Published,
        Self::Ended,
        Self::Operated,
        Self::Lost,
        Self::Removed,
    ];

    /// The name in the log.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Stopped => "stopped",
            Self::Refused => "refused",
            Self::Connected => "connected",
            Self::Authenticated => "authenticated",
            Self::AuthFailed => "auth_failed",
            Self::Denied => "denied",
            Self::Joined => "joined",
            Self::Left => "left",
            Self::Published => "published",
            Self::Ended => "ended",
            Self::Operated => "operated",
            Self::Lost => "lost",
            Self::Removed => "removed",
        }
    }
}

/// What a row says, without its place in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Milliseconds since 1970.
    pub(super) time: u64,
    /// The name of a [`Kind`]; what is read back may be anything.
    pub(super) kind: Cow<'static, str>,
    pub(super) connection: Option<String>,
    pub(super) user: Option<String>,
    pub(super) address: Option<String>,
    pub(super) room: Option<String>,
    /// What else is known: an object of JSON.
    pub(super) detail: String,
}

/// An entry at its place in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) sequence: u64,
    pub(super) entry: Entry,
    pub(super) hash: Hash,
}

/// How the bytes below are laid out; another layout has another number.
const LAYOUT: u8 = 1;

impl Entry {
    /// An entry that says no more than that. What a client chose is plain in its detail from the beginning,
    /// so that an export can repeat it as it is.
    pub(super) fn new(time: u64, kind: Kind, detail: &Value) -> Self {
        Self {
            time,
            kind: kind.name().into(),
            connection: None,
            user: None,
            address: None,
            room: None,
            detail: escape_json(&detail.to_string()),
        }
    }

    /// The bytes that stand for this entry as row `sequence`, and for no other entry or row: each text has
    /// its length before it, and a text that is absent is not an empty one.
    pub(super) fn canonical(&self, sequence: u64) -> Vec<u8> {
        let texts = [
            Some(&*self.kind),
            self.connection.as_deref(),
            self.user.as_deref(),
            self.address.as_deref(),
            self.room.as_deref(),
            Some(&*self.detail),
        ];
        let mut bytes = vec![LAYOUT];
        bytes.extend(sequence.to_be_bytes());
        bytes.extend(self.time.to_be_bytes());
        for text in texts {
            bytes.push(u8::from(text.is_some()));
            if let Some(text) = text {
                let length = u64::try_from(text.len()).expect("a length fits 64 bits");
                bytes.extend(length.to_be_bytes());
                bytes.extend(text.as_bytes());
            }
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// Few letters, and one that a naive layout would take for its own, so that entries would collide.
    const TEXTS: [Option<&str>; 4] = [None, Some(""), Some("a"), Some("a\u{1}")];

    /// Every entry that can be made of these texts.
    fn entries() -> impl Iterator<Item = Entry> {
        (0..TEXTS.len().pow(6)).map(|number| {
            let text = |place: u32| TEXTS[number / TEXTS.len().pow(place) % TEXTS.len()];
            let owned = |place| text(place).map(str::to_owned);
            Entry {
                time: 1,
                kind: text(0).unwrap_or("b").into(),
                connection: owned(1),
                user: owned(2),
                address: owned(3),
                room: owned(4),
                detail: text(5).unwrap_or("b").to_owned(),
            }
        })
    }

    #[test]
    fn different_entries_have_different_bytes() {
        let mut seen = HashSet::new();
        for entry in entries() {
            for sequence in [1, 256] {
                assert!(seen.insert(entry.canonical(sequence)), "{entry:?}");
            }
            let later = Entry { time: 256, ..entry };
            assert!(seen.insert(later.canonical(1)), "{later:?}");
        }
    }
}
