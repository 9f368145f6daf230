//! Those who come to the server, and write down everything that they do and see.
//!
//! A [`Member`] has a client that people use: the Rust client, or a script with another one. A [`Witness`] is a small one without anything of ours but the wire's words,
//! so that what one hides the other sees. The [`Reader`] looks at what the rooms have in the end.

mod hands;
mod link;
mod member;
mod native;
mod notice;
mod place;
mod reader;
mod script;
mod seat;
mod witness;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::time::Duration;

use fastrand::Rng;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use tautline_protocol::model::Position;
use tautline_protocol::wire::CloseCode;
use tautline_protocol::wire::v2::Encoding;

use crate::history::{History, Key, Room};

pub use self::hands::Hands;
pub use self::link::Lost;
pub use self::member::Member;
pub use self::notice::{Notice, Notices, Sort};
pub use self::reader::Reader;
pub use self::witness::Witness;

/// A step towards a connection takes so long at most: faults are found quickly, …
const STEP: Duration = Duration::from_secs(4);
/// … silence is, …
const SILENCE: Duration = Duration::from_secs(3);
/// … and everybody is soon back: a run is to see many of them.
const RETRY_EVERY: Duration = Duration::from_millis(250);
/// So many publications, and bytes of them, wait at most: more than are ever published at once.
const QUEUE_MAX: (usize, usize) = (1024, 1 << 22);
/// Nothing that is published is given up while a run lasts, nor do keys end.
const TTL: Duration = Duration::from_mins(9);

/// The code with which a server closes that goes away.
const GOING_AWAY: u16 = CloseCode::GoingAway as u16;

/// What makes a message longer: some are, and some are not.
const PADDING_MAX: usize = 600;

/// What all clients are to do.
#[derive(Debug, Clone, Default)]
pub enum Order {
    /// Publish, and follow.
    #[default]
    Work,
    /// Publish nothing new.
    Settle,
    /// End, once everything up to there has come.
    Finish(Arc<HashMap<Room, Position>>),
    /// End at once, whatever is missing.
    Stop,
}

/// What is known of all clients while they run.
#[derive(Debug, Default)]
pub struct Progress {
    /// Publications that were acknowledged.
    pub acknowledged: AtomicU64,
    /// Messages that came.
    pub delivered: AtomicU64,
    /// Connections that were welcomed.
    pub welcomes: AtomicU64,
    /// Clients that have publications which are not acknowledged.
    pub unsettled: AtomicUsize,
    /// How often the server has gone back to an older copy of its disk. Counted while it does not run.
    pub era: AtomicUsize,
    /// The number of the pause in which the server is dead and members read what has come.
    pub pause: AtomicUsize,
    /// How many members have read everything in it.
    pub pausing: AtomicUsize,
    /// What they have found out about the server.
    pub notices: Notices,
}

/// Who a client is.
#[derive(Debug, Clone)]
pub struct Person {
    /// Its number, which its publications bear.
    pub number: u32,
    /// What it proves itself with.
    pub token: String,
    /// How it writes.
    pub encoding: Encoding,
    /// Where it is a member and publishes.
    pub rooms: Vec<String>,
    /// How long it waits between publications.
    pub pace: Duration,
}

/// What a client has seen, and what it has heard that no server may say.
#[derive(Debug)]
pub struct Told {
    /// For the check.
    pub history: History,
    /// What no server may say.
    pub faults: Vec<String>,
}

/// What is published: which publication it is, and something to make it long.
#[derive(Debug, Serialize, Deserialize)]
struct Content {
    key: String,
    padding: String,
}

impl Content {
    /// The same for the same key, whenever it is sent.
    fn of(key: Key) -> Self {
        let mut shape = Rng::with_seed(key.sequence ^ u64::from(key.producer).rotate_left(32));
        Self {
            key: key.to_string(),
            padding: "x".repeat(shape.usize(..PADDING_MAX)),
        }
    }

    fn to_json(&self) -> Box<RawValue> {
        to_raw_value(self).expect("two texts can be written")
    }
}

/// Which publication this is; none if nobody of us wrote it.
fn key_of(data: &[u8]) -> Option<Key> {
    let content: Content = serde_json::from_slice(data).ok()?;
    parse(&content.key)
}

fn parse(text: &str) -> Option<Key> {
    let (producer, sequence) = text.split_once(':')?;
    Some(Key {
        producer: producer.parse().ok()?,
        sequence: sequence.parse().ok()?,
    })
}
