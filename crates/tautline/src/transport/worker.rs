//! What the connections of one shard share, and the loop that takes in new ones.

use std::cell::{Cell, RefCell};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream as StdStream};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::StatusCode;
use tautline_engine::{Draft, Engine, EngineError, Published};
use tautline_hub::{Closing, Parting, Shard, Variant};
use tautline_protocol::model::{Acks, ConnectionId, Identity, RoomName, RoomRule, SlowConsumers};
use tautline_protocol::server::{Ask, Denied, Reply, Settings};
use tautline_protocol::wire::{ErrorCode, Token, Version};
use tautline_websocket::{Decoder, Deflate, Inflater, Limits, Role};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::spawn_local;
use tokio::time::{Instant, sleep_until};

use super::Stay;
use super::connection::Connection;
use super::encoder::{Encoder, Format};
use super::handshake::{self, Agreed};
use super::origin::Origins;
use super::tls::Buffers;
use crate::audit::Audit;
use crate::auth::Verifier;
use crate::cause::{Cause, Refused};
use crate::certificate::Certificate;
use crate::config::{Mode, Transport};
use crate::inquiry::{Found, Inquiry};
use crate::lifecycle::{Lifecycle, Observer, Observers, Party, Release};
use crate::limits::{Counts, Place};
use crate::metrics::Clocked;
use crate::terms::{self, NotNow};

/// A read takes so many bytes at most; one buffer for all connections of a shard.
const SCRATCH_BYTES: usize = 64 * 1024;

/// The address of a place that was never taken.
const UNKNOWN: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// What all shards share.
pub(crate) struct Shared {
    pub(crate) mode: Mode,
    pub(crate) session: Arc<Settings>,
    pub(crate) transport: Transport,
    pub(crate) origins: Origins,
    pub(crate) verifier: Verifier,
    pub(crate) engine: Arc<dyn Engine>,
    /// Without one, plain text is spoken.
    pub(crate) certificate: Option<Arc<Certificate>>,
    pub(crate) observer: Observers,
    pub(crate) audit: Option<Arc<Audit>>,
    /// Whether new connections are welcome: not while the server goes away.
    pub(crate) ready: AtomicBool,
    /// What is counted on this node.
    pub(crate) counts: Arc<Counts>,
}

impl Shared {
    /// Tells that somebody was not let in, and what they were answered, if they were.
    pub(crate) fn refused(&self, from: IpAddr, refused: &Refused, status: Option<StatusCode>) {
        self.observer.observe(&Lifecycle::Refused {
            from,
            cause: refused.cause,
            status,
            detail: &refused.problem.detail,
        });
    }
}

/// What a shard is told.
#[derive(Debug)]
pub(crate) enum Intake {
    /// Here is another one.
    Stream(Arrival),
    /// Answer this.
    Inquire(Inquiry),
    /// Close everyone within this time.
    Drain(Duration),
    /// Let everything go.
    End,
}

/// A socket that was accepted.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) stream: StdStream,
    pub(crate) peer: SocketAddr,
    pub(crate) place: Place,
    /// How many were there before, on this node.
    pub(crate) present: usize,
    /// When that was.
    pub(crate) at: std::time::Instant,
}

/// The server goes away.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leaving {
    /// Until then who is told of it begins to open another connection.
    pub(super) move_until: std::time::Instant,
    /// Until then all are closed.
    pub(super) ends: std::time::Instant,
}

impl Leaving {
    /// How long it takes until all are closed.
    pub(super) fn left(self, now: std::time::Instant) -> Duration {
        self.ends.saturating_duration_since(now)
    }
}

/// What the connections of one shard share. Never leaves its thread.
pub(crate) struct Worker {
    pub(super) shared: Arc<Shared>,
    pub(super) shard: Rc<Shard>,
    pub(super) encoder: Rc<Encoder>,
    pub(super) scratch: RefCell<Box<[u8]>>,
    pub(super) inflater: RefCell<Inflater>,
    pub(super) tls_buffers: Rc<RefCell<Buffers>>,
    /// Where each connection comes from, by its place in the shard's table.
    addresses: RefCell<Vec<IpAddr>>,
    /// Set when the server goes away.
    pub(super) leaving: Cell<Option<Leaving>>,
    pub(super) clocked: Arc<Clocked>,
}

impl Worker {
    pub(crate) fn new(
        shared: Arc<Shared>,
        shard: Rc<Shard>,
        encoder: Rc<Encoder>,
        clocked: Arc<Clocked>,
    ) -> Rc<Self> {
        Rc::new(Self {
            shared,
            shard,
            encoder,
            scratch: vec![0; SCRATCH_BYTES].into_boxed_slice().into(),
            inflater: RefCell::default(),
            tls_buffers: Rc::default(),
            addresses: RefCell::default(),
            leaving: Cell::default(),
            clocked,
        })
    }

    /// Takes in every socket that comes, until it is told to end. While the shard drains,
    /// who comes is told that the server is not ready, instead of nothing.
    pub(crate) async fn run(self: Rc<Self>, mut intake: mpsc::Receiver<Intake>) {
        while let Some(told) = intake.recv().await {
            match told {
                Intake::Stream(arrival) => {
                    spawn_local(Rc::clone(&self).open(arrival));
                }
                Intake::Inquire(inquiry) => self.answer(inquiry),
                Intake::Drain(window) => {
                    spawn_local(Rc::clone(&self).drain(window));
                }
                Intake::End => return,
            }
        }
    }

    /// Shakes hands with a new socket. What that takes is given back before the connection begins,
    /// which is a task of its own.
    async fn open(self: Rc<Self>, arrival: Arrival) {
        let Ok(stream) = TcpStream::from_std(arrival.stream) else {
            return;
        };
        let Some(opened) = self.shake_hands(stream, arrival.peer).await else {
            return;
        };
        self.clocked.handshakes.observe(arrival.at.elapsed());
        let Agreed {
            version,
            deflate,
            admitted,
        } = opened.agreed;
        let stay = Stay::new(arrival.place, admitted.address, admitted.user);
        let worker = Rc::clone(&self);
        let accepted = (
            version,
            self.shared.counts.newcomers.window(arrival.present),
        );
        let mut connection = Connection::new(worker, opened.socket, (accepted, deflate), stay);
        self.note_address(connection.id(), admitted.from);
        self.observe(&Lifecycle::Connected {
            connection: connection.id(),
            from: admitted.from,
        });
        connection.begin(admitted.identity, &opened.early);
        if !self.is_ready() {
            self.shard.close(connection.id(), Closing::Drain);
        }
        spawn_local(connection);
    }

    async fn shake_hands(&self, stream: TcpStream, peer: SocketAddr) -> Option<handshake::Opened> {
        let peer = self.shared.transport.proxies.peer(peer);
        let Some(_place) = self.shared.counts.handshakes.take() else {
            let refused = Cause::Handshakes.because("too many handshakes at once");
            self.shared.refused(peer.address, &refused, None);
            return None;
        };
        handshake::open(self, stream, peer).await
    }

    /// Tells of the shard. Who has asked may have gone meanwhile.
    fn answer(&self, inquiry: Inquiry) {
        match inquiry {
            Inquiry::Connections {
                wanted,
                limit,
                answer,
            } => {
                let sights = self.shard.census(&wanted, limit).into_iter();
                let found = sights.map(|sight| Found {
                    from: self.address(sight.id),
                    sight,
                });
                drop(answer.send(found.collect()));
            }
            Inquiry::Rooms { page, answer } => {
                let after = page.after.as_ref();
                drop(answer.send(self.shard.rooms(&page.prefix, after, page.limit)));
            }
            Inquiry::Has(id, answer) => drop(answer.send(self.shard.has(id))),
        }
    }

    fn note_address(&self, id: ConnectionId, from: IpAddr) {
        let mut addresses = self.addresses.borrow_mut();
        let slot = id.slot as usize;
        if addresses.len() <= slot {
            addresses.resize(slot + 1, UNKNOWN);
        }
        if let Some(address) = addresses.get_mut(slot) {
            *address = from;
        }
    }

    fn address(&self, id: ConnectionId) -> IpAddr {
        let addresses = self.addresses.borrow();
        addresses.get(id.slot as usize).copied().unwrap_or(UNKNOWN)
    }

    /// Closes everyone within the window, one after another. Those who speak a version that has words for it are told
    /// at once, and have half of the window to move before the first of them is closed: three quarters of that to begin,
    /// and the rest to arrive for who begins last.
    async fn drain(self: Rc<Self>, window: Duration) {
        let begin = Instant::now();
        let first_is_closed = begin + window / 2;
        self.leaving.set(Some(Leaving {
            move_until: (begin + window / 8 * 3).into_std(),
            ends: (begin + window).into_std(),
        }));
        let (told, others) = self.shard.connections();
        for id in &told {
            self.shard.wake_at(*id, begin.into_std());
        }
        tokio::join!(
            self.close_all(&others, (begin, window)),
            self.close_all(&told, (first_is_closed, window / 2)),
        );
    }

    /// Closes these from then on, one after another within the window.
    async fn close_all(&self, ids: &[ConnectionId], (begin, window): (Instant, Duration)) {
        let count = u32::try_from(ids.len()).unwrap_or(u32::MAX).max(1);
        for (nth, id) in (0..).zip(ids) {
            sleep_until(begin + window.mul_f64(f64::from(nth) / f64::from(count))).await;
            self.shard.close(*id, Closing::Drain);
        }
    }

    /// Whom a token proves. `current` is who the connection belongs to.
    pub(super) fn verify(
        &self,
        token: &Token,
        current: Option<&Identity>,
    ) -> Result<Identity, Denied> {
        let begun = Instant::now();
        let verdict = self.shared.verifier.verify(token, current);
        self.clocked.verifications.observe(begun.elapsed());
        verdict
    }

    /// Asks the rooms in the name of a connection, by what was read at `read_at`.
    pub(super) async fn ask(
        self: Rc<Self>,
        id: ConnectionId,
        user: Option<Arc<str>>,
        (ask, read_at): (Ask, std::time::Instant),
    ) -> Reply {
        let party = Party {
            connection: id,
            user: user.as_ref(),
        };
        let answer = match ask {
            Ask::Join { room } => self.join(party, &room).await,
            Ask::History { room } => self.history(id, &room).await,
            Ask::Leave { room } => {
                self.leave(party, &room);
                Ok(Reply::Left)
            }
            Ask::Publish {
                room,
                event,
                data,
                tag,
            } => {
                let draft = Draft {
                    event,
                    data,
                    user: user.clone(),
                    tag,
                    key: None,
                };
                let placed = self.place(party, &room, draft).await;
                self.clocked.publishes.observe(read_at.elapsed());
                Ok(placed.map_or_else(
                    |unplaced| {
                        let (code, message) = unplaced.told();
                        Reply::Failed { code, message }
                    },
                    |_published| Reply::Published,
                ))
            }
        };
        answer.unwrap_or_else(|error| failed(&error))
    }

    /// Publishes, or answers why not, for programs and for people.
    pub(super) async fn place(
        &self,
        party: Party<'_>,
        room: &RoomName,
        draft: Draft,
    ) -> Result<Published, Unplaced> {
        let rule = self.rule(room);
        let asked = (&*self.shared.counts, self.shared.audit.as_deref());
        let terms = terms::of(rule, room, asked);
        let terms = terms.map_err(Unplaced::NotNow)?;
        let (event, data) = (draft.event.clone(), draft.data.clone());
        let published = self.shared.engine.publish(room, draft, terms).await;
        let published = published.map_err(Unplaced::Refused)?;
        let release = Release {
            room,
            event: &event,
            data: &data,
            user: party.user,
            published,
        };
        self.observe(&Lifecycle::Published(party, &release));
        Ok(published)
    }

    /// Takes a connection out of a room.
    pub(super) fn leave(&self, party: Party<'_>, room: &RoomName) {
        let announced = self.rule(room).is_some_and(|rule| rule.presence);
        let parting = if announced {
            Parting::Told
        } else {
            Parting::Silent
        };
        self.shard.leave(party.connection, room, parting);
        self.observe(&Lifecycle::Left(party, room));
    }

    async fn join(&self, party: Party<'_>, room: &RoomName) -> Result<Reply, EngineError> {
        self.shard.join(party.connection, room, None).await?;
        self.observe(&Lifecycle::Joined(party, room));
        Ok(Reply::Joined)
    }

    async fn history(&self, id: ConnectionId, room: &RoomName) -> Result<Reply, EngineError> {
        let kept = self.rule(room).map_or(0, |rule| rule.history.count);
        let joined = self.shard.join(id, room, Some(kept)).await?;
        Ok(Reply::History(joined.history.unwrap_or_default()))
    }

    pub(super) fn variant(&self, version: Version, deflate: Option<Deflate>) -> Variant {
        self.encoder.variant(Format { version, deflate })
    }

    pub(super) fn decoder(&self, version: Version, deflate: Option<Deflate>) -> Decoder {
        let transport = &self.shared.transport;
        let bytes_max = match version {
            Version::V1 => self.shared.session.v1_frame_bytes_max,
            Version::V2(_) => self.shared.session.v2.message_bytes_max,
        };
        let limits = Limits {
            frame_bytes_max: bytes_max.min(transport.message_bytes_max),
            message_bytes_max: bytes_max.min(transport.message_bytes_max),
            fragments_max: transport.fragments_max,
        };
        Decoder::new(Role::Server, limits, deflate)
    }

    /// Where the pings of a connection begin in their interval.
    pub(super) fn seed() -> u64 {
        // Without random numbers pings are less spread, and all else goes on.
        getrandom::u64().unwrap_or_default()
    }

    pub(super) fn is_ready(&self) -> bool {
        self.shared.ready.load(Ordering::Relaxed)
    }

    pub(super) fn observe(&self, event: &Lifecycle<'_>) {
        self.shared.observer.observe(event);
    }

    /// What becomes of a room's members who take less than they are sent.
    pub(super) fn slow_consumers(&self, room: &RoomName) -> SlowConsumers {
        self.rule(room)
            .map_or_else(SlowConsumers::default, |rule| rule.slow_consumers)
    }

    /// How a room asks for acknowledgements, if it does.
    pub(super) fn acks(&self, room: &RoomName) -> Option<Acks> {
        self.rule(room)?.acks
    }

    fn rule(&self, room: &RoomName) -> Option<&RoomRule> {
        self.shared.session.rules.of(room)
    }
}

/// Why something is not published.
pub(super) enum Unplaced {
    /// It may be later.
    NotNow(NotNow),
    /// The engine does not take it.
    Refused(EngineError),
}

impl Unplaced {
    /// For programs and for people.
    pub(super) fn told(&self) -> (ErrorCode, String) {
        match self {
            Self::NotNow(not_now) => (not_now.code(), not_now.to_string()),
            Self::Refused(error) => terms::refusal(error),
        }
    }
}

/// What the engine refuses, as the client hears it.
fn failed(error: &EngineError) -> Reply {
    let (code, message) = terms::refusal(error);
    Reply::Failed { code, message }
}
