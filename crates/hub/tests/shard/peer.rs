//! The other end of a connection, in memory, and the words that it is sent.

use std::cell::{Cell, RefCell};
use std::io::{self, IoSlice};
use std::rc::Rc;

use bytes::Bytes;
use tautline_hub::{Encode, Sink, Variant};
use tautline_protocol::wire::Message;

/// How much a peer takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    All,
    Bytes(usize),
    Nothing,
    Broken,
}

/// Keeps what it is sent.
pub(crate) struct Peer {
    pub(crate) takes: Cell<Takes>,
    /// How many calls took something.
    pub(crate) writes: Cell<u32>,
    /// What this peer writes down in the order of all peers' writes.
    name: u32,
    order: Rc<RefCell<Vec<u32>>>,
    taken: RefCell<Vec<u8>>,
}

impl Peer {
    pub(crate) fn new(name: u32, order: Rc<RefCell<Vec<u32>>>) -> Self {
        Self {
            takes: Cell::new(Takes::All),
            writes: Cell::new(0),
            name,
            order,
            taken: RefCell::default(),
        }
    }

    /// Everything that came, line by line. The last line may have come in part only.
    pub(crate) fn lines(&self) -> Vec<String> {
        let taken = self.taken.borrow();
        let text = std::str::from_utf8(&taken).unwrap();
        text.split_inclusive('\n').map(str::to_owned).collect()
    }

    /// The offsets of a room's publications that came, in their order.
    pub(crate) fn offsets(&self, room: &str) -> Vec<u64> {
        let publications = self.lines();
        publications
            .iter()
            .filter(|line| line.ends_with('\n'))
            .filter_map(|line| line.strip_prefix(&format!("p {room} ")))
            .map(|rest| rest.split(' ').next().unwrap().parse().unwrap())
            .collect()
    }

    /// What came of a room's order, publications and gaps.
    pub(crate) fn order(&self) -> Vec<String> {
        let of_order = |line: &String| line.starts_with("p ") || line.starts_with("g ");
        self.lines()
            .into_iter()
            .filter(of_order)
            .map(|line| line.trim_end().to_owned())
            .collect()
    }

    /// The lines about a room's members.
    pub(crate) fn members(&self) -> Vec<String> {
        let about_members = |line: &String| line.starts_with(['+', '-', '#', '~']);
        let lines = self.lines().into_iter().filter(about_members);
        lines.map(|line| line.trim_end().to_owned()).collect()
    }
}

impl Sink for Peer {
    fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let all: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
        let takes = match self.takes.get() {
            Takes::All => all.len(),
            Takes::Bytes(takes) => takes.min(all.len()),
            Takes::Nothing => 0,
            Takes::Broken => return Err(io::ErrorKind::ConnectionReset.into()),
        };
        if takes == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        if let Takes::Bytes(left) = self.takes.get() {
            self.takes.set(Takes::Bytes(left - takes));
        }
        self.writes.set(self.writes.get() + 1);
        self.order.borrow_mut().push(self.name);
        self.taken.borrow_mut().extend(&all[..takes]);
        Ok(takes)
    }
}

/// Who is of this variant has no words for casts, and for members who are changed.
pub(crate) const WORDLESS: Variant = Variant(7);

/// Makes a message one line, and notes for which variants it was asked to.
#[derive(Default)]
pub(crate) struct Lines {
    pub(crate) made: RefCell<Vec<Variant>>,
}

impl Encode for Lines {
    fn encode(&self, variant: Variant, message: &Message<'_>) -> Bytes {
        self.made.borrow_mut().push(variant);
        let line = if let Message::Publication(publication) = message {
            let data = std::str::from_utf8(&publication.data).unwrap();
            let (room, offset) = (&publication.room, publication.position.offset);
            format!("p {room} {offset} {data}\n")
        } else if let Message::MemberJoined {
            room,
            member,
            count,
        } = message
        {
            format!("+ {room} {} {count}\n", member.user)
        } else if let Message::MemberLeft {
            room,
            member,
            count,
        } = message
        {
            format!("- {room} {} {count}\n", member.user)
        } else if let Message::MemberChanged { room, member, was } = message {
            if variant == WORDLESS {
                return Bytes::new();
            }
            format!("~ {room} {} {}\n", member.user, was.is_some())
        } else if let Message::Gap { room, gap } = message {
            let (from, until) = (gap.from, gap.until.offset);
            format!("g {room} {from} {until} {:?}\n", gap.reason)
        } else if let Message::MemberCount { room, count } = message {
            format!("# {room} {count}\n")
        } else if let Message::Cast { room, data, .. } = message {
            if variant == WORDLESS {
                return Bytes::new();
            }
            format!("c {room} {}\n", std::str::from_utf8(data).unwrap())
        } else {
            panic!("a shard says nothing else")
        };
        line.into()
    }
}
