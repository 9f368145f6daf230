//! What happened, as the shards hand it over: nothing is written, counted or cut on their threads that can
//! be left to the writer's.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use hyper::StatusCode;
use serde_json::{Map, Value, json};
use tautline_engine::Published;
use tautline_protocol::model::{ConnectionId, EventName, RoomName};

use super::log::now;
use super::row::{Entry, Kind};
use crate::cause::Cause;
use crate::ending::{By, Ending, How};
use crate::lifecycle::{Act, Lifecycle, Party, Release};

/// A user's id is cut to so many bytes in a row.
const USER_BYTES_MAX: usize = 128;

/// What happened, and when.
#[derive(Debug)]
pub(super) struct Event {
    /// Milliseconds since 1970.
    time: u64,
    what: What,
}

#[derive(Debug)]
enum What {
    Started,
    Stopped,
    Refused(Refusal),
    Connected(ConnectionId, IpAddr),
    Authenticated(Who),
    Denied(Who, Denial),
    Joined(Who, RoomName),
    Left(Who, RoomName),
    Published(Who, Publication),
    Ended(Box<End>),
    Operated(Operation),
}

/// Handshakes of one address that were refused for one cause.
#[derive(Debug, Clone, Copy)]
struct Refusal {
    from: IpAddr,
    cause: Cause,
    status: Option<StatusCode>,
    times: u64,
}

#[derive(Debug)]
struct Who {
    connection: ConnectionId,
    user: Option<Arc<str>>,
}

#[derive(Debug)]
struct Denial {
    refusal: &'static str,
    is_of_identity: bool,
    room: Option<RoomName>,
}

struct Publication {
    room: RoomName,
    event: EventName,
    published: Published,
    bytes: usize,
    payload: Option<Bytes>,
    /// In whose name; of a connection's publication the connection's user.
    user: Option<Arc<str>>,
}

#[derive(Debug)]
struct Operation {
    operator: Box<str>,
    act: &'static str,
    connection: Option<ConnectionId>,
    publication: Option<Publication>,
}

#[derive(Debug)]
struct End {
    who: Who,
    by: By,
    how: How,
    code: Option<u16>,
    reason: Option<String>,
    age_ms: u64,
    rooms: usize,
    bytes_written: u64,
    draining: bool,
}

impl Event {
    pub(super) fn started() -> Self {
        Self::now(What::Started)
    }

    pub(super) fn stopped() -> Self {
        Self::now(What::Stopped)
    }

    /// Takes what is to be known of an event; the payload of a publication only if that `is_asked`.
    pub(super) fn of(event: &Lifecycle<'_>, is_asked: impl Fn(&RoomName) -> bool) -> Self {
        Self::now(match event {
            // The detail may have words of the peer, and the cause says enough.
            Lifecycle::Refused {
                from,
                cause,
                status,
                ..
            } => What::Refused(Refusal {
                from: *from,
                cause: *cause,
                status: *status,
                times: 1,
            }),
            Lifecycle::Connected { connection, from } => What::Connected(*connection, *from),
            Lifecycle::Authenticated(party) => What::Authenticated(Who::of(party)),
            Lifecycle::Denied(party, refusal) => {
                let denial = Denial {
                    refusal: refusal.name(),
                    is_of_identity: refusal.is_of_identity(),
                    room: refusal.room().cloned(),
                };
                What::Denied(Who::of(party), denial)
            }
            Lifecycle::Joined(party, room) => What::Joined(Who::of(party), (*room).clone()),
            Lifecycle::Left(party, room) => What::Left(Who::of(party), (*room).clone()),
            Lifecycle::Published(party, release) => {
                let publication = Publication::of(release, is_asked(release.room));
                What::Published(Who::of(party), publication)
            }
            Lifecycle::Ended(ending) => What::Ended(Box::new(End::of(ending))),
            Lifecycle::Operated { operator, act } => {
                let (connection, publication) = match act {
                    Act::Disconnect(connection) => (Some(*connection), None),
                    Act::Publish(release) => {
                        let is_asked = is_asked(release.room);
                        (None, Some(Publication::of(release, is_asked)))
                    }
                };
                What::Operated(Operation {
                    operator: (*operator).into(),
                    act: act.name(),
                    connection,
                    publication,
                })
            }
        })
    }

    /// The memory that it holds while it waits.
    pub(super) fn weight(&self) -> usize {
        let more = match &self.what {
            What::Published(_, publication) => publication.weight(),
            What::Ended(_) => size_of::<End>(),
            What::Operated(operation) => {
                let publication = operation.publication.as_ref();
                operation.operator.len() + publication.map_or(0, Publication::weight)
            }
            What::Started
            | What::Stopped
            | What::Refused(..)
            | What::Connected(..)
            | What::Authenticated(_)
            | What::Denied(..)
            | What::Joined(..)
            | What::Left(..) => 0,
        };
        size_of::<Self>() + more
    }

    /// What a row says of it.
    pub(super) fn into_entry(self) -> Entry {
        let time = self.time;
        match self.what {
            What::Started => {
                let detail = json!({"version": env!("CARGO_PKG_VERSION")});
                Entry::new(time, Kind::Started, &detail)
            }
            What::Stopped => Entry::new(time, Kind::Stopped, &json!({})),
            What::Refused(refusal) => refusal.into_entry(time),
            What::Connected(connection, from) => {
                let mut entry = Entry::new(time, Kind::Connected, &json!({}));
                entry.connection = Some(connection.to_string());
                entry.address = Some(from.to_string());
                entry
            }
            What::Authenticated(who) => who.entry(time, Kind::Authenticated, &json!({})),
            What::Denied(who, denial) => {
                let kind = if denial.is_of_identity {
                    Kind::AuthFailed
                } else {
                    Kind::Denied
                };
                let detail = json!({"refusal": denial.refusal});
                who.entry(time, kind, &detail).within(denial.room)
            }
            What::Joined(who, room) => who.entry(time, Kind::Joined, &json!({})).within(Some(room)),
            What::Left(who, room) => who.entry(time, Kind::Left, &json!({})).within(Some(room)),
            What::Published(who, publication) => {
                let detail = Value::Object(publication.detail());
                let entry = who.entry(time, Kind::Published, &detail);
                entry.within(Some(publication.room))
            }
            What::Ended(end) => {
                let detail = end.detail();
                end.who.entry(time, Kind::Ended, &detail)
            }
            What::Operated(operation) => operation.into_entry(time),
        }
    }

    fn now(what: What) -> Self {
        let time = now();
        Self { time, what }
    }
}

/// Makes one of all refusals of one address for one cause: whoever knocks all the time does not fill the disk.
pub(super) fn merge(events: Vec<Event>) -> Vec<Event> {
    let mut firsts: HashMap<(IpAddr, Cause), usize> = HashMap::new();
    let mut merged: Vec<Event> = Vec::with_capacity(events.len());
    for event in events {
        if let What::Refused(refusal) = &event.what {
            let next = merged.len();
            let first = *firsts.entry((refusal.from, refusal.cause)).or_insert(next);
            if let Some(What::Refused(first)) = merged.get_mut(first).map(|event| &mut event.what) {
                first.times += refusal.times;
                continue;
            }
        }
        merged.push(event);
    }
    merged
}

impl Refusal {
    fn into_entry(self, time: u64) -> Entry {
        let kind = if matches!(self.cause, Cause::Token | Cause::OperatorKey) {
            Kind::AuthFailed
        } else {
            Kind::Refused
        };
        let status = self.status.map(|status| status.as_u16());
        let detail = json!({"refusal": self.cause.name(), "status": status, "times": self.times});
        let mut entry = Entry::new(time, kind, &detail);
        entry.address = Some(self.from.to_string());
        entry
    }
}

impl Who {
    fn of(party: &Party<'_>) -> Self {
        Self {
            connection: party.connection,
            user: party.user.cloned(),
        }
    }

    fn entry(&self, time: u64, kind: Kind, detail: &Value) -> Entry {
        let mut entry = Entry::new(time, kind, detail);
        entry.connection = Some(self.connection.to_string());
        entry.user = self.user.as_deref().map(cut);
        entry
    }
}

impl Entry {
    fn within(mut self, room: Option<RoomName>) -> Self {
        self.room = room.map(|room| room.as_str().to_owned());
        self
    }
}

impl Operation {
    fn into_entry(self, time: u64) -> Entry {
        let mut detail = self
            .publication
            .as_ref()
            .map(Publication::detail)
            .unwrap_or_default();
        detail.insert("operator".to_owned(), (*self.operator).into());
        detail.insert("act".to_owned(), self.act.into());
        let mut entry = Entry::new(time, Kind::Operated, &Value::Object(detail));
        entry.connection = self.connection.map(|connection| connection.to_string());
        let user = self
            .publication
            .as_ref()
            .and_then(|publication| publication.user.as_deref());
        entry.user = user.map(cut);
        entry.within(self.publication.map(|publication| publication.room))
    }
}

impl Publication {
    fn of(release: &Release<'_>, with_payload: bool) -> Self {
        Self {
            room: release.room.clone(),
            event: release.event.clone(),
            published: release.published,
            bytes: release.data.len(),
            payload: with_payload.then(|| release.data.clone()),
            user: release.user.cloned(),
        }
    }

    /// The memory that it holds beyond itself.
    fn weight(&self) -> usize {
        self.payload.as_ref().map_or(0, Bytes::len)
    }

    fn detail(&self) -> Map<String, Value> {
        let position = &self.published.position;
        let mut detail = Map::new();
        detail.insert("event".to_owned(), self.event.as_str().into());
        detail.insert("offset".to_owned(), position.offset.into());
        detail.insert("id".to_owned(), position.id.to_string().into());
        detail.insert("bytes".to_owned(), self.bytes.into());
        if let Some(payload) = &self.payload {
            let text = String::from_utf8_lossy(payload);
            detail.insert("payload".to_owned(), text.into());
        }
        detail
    }
}

/// Never shows what was published.
impl std::fmt::Debug for Publication {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes in {}", self.bytes, self.room)
    }
}

impl End {
    fn of(ending: &Ending) -> Self {
        Self {
            who: Who {
                connection: ending.connection,
                user: ending.user.clone(),
            },
            by: ending.by,
            how: ending.how,
            code: ending.code,
            reason: ending.told_reason().map(str::to_owned),
            age_ms: u64::try_from(ending.times.age.as_millis()).unwrap_or(u64::MAX),
            rooms: ending.rooms,
            bytes_written: ending.traffic.bytes_written,
            draining: ending.draining,
        }
    }

    fn detail(&self) -> Value {
        let by = match self.by {
            By::Server => "server",
            By::Client => "client",
            By::Network => "network",
        };
        let how = match self.how {
            How::CloseFrame => "close_frame",
            How::CloseNotify => "close_notify",
            How::Fin => "fin",
            How::Reset => "reset",
        };
        json!({
            "by": by, "how": how, "code": self.code, "reason": self.reason, "age_ms": self.age_ms,
            "rooms": self.rooms, "bytes_written": self.bytes_written, "draining": self.draining,
        })
    }
}

fn cut(user: &str) -> String {
    user.get(..user.floor_char_boundary(USER_BYTES_MAX))
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_user_is_cut_between_characters() {
        assert_eq!(cut("ann"), "ann");
        assert_eq!(cut(&"é".repeat(100)), "é".repeat(64));
        assert_eq!(cut(&format!("a{}", "é".repeat(100))).len(), 127);
    }
}
