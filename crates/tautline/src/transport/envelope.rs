//! What a session of v2 asks of the rooms, and how they answer.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tautline_engine::{Cast, Draft, EngineError, Key, Level, Page, Range};
use tautline_protocol::model::{ConnectionId, Epoch, Member, Publication, RoomName};
use tautline_protocol::server::v2::{Ask, Past, Placed, Reply};
use tautline_protocol::wire::ErrorCode;
use tautline_protocol::wire::v2::{self, Part};

use super::Worker;
use super::worker::Unplaced;
use crate::lifecycle::Party;
use crate::terms::{self, NotNow};

/// In whose name something is asked.
pub(super) struct Asker {
    pub(super) id: ConnectionId,
    pub(super) user: Option<Arc<str>>,
    pub(super) name: Option<Arc<str>>,
}

impl Asker {
    pub(super) fn party(&self) -> Party<'_> {
        Party {
            connection: self.id,
            user: self.user.as_ref(),
        }
    }

    pub(super) fn user(&self) -> &str {
        self.user.as_deref().unwrap_or_default()
    }
}

impl Worker {
    /// Asks the rooms in the name of a connection, by what was read at `read_at`. A join has a box of its own: the
    /// others, most of which are publications, need far less.
    pub(super) async fn answer_v2(
        self: Rc<Self>,
        asker: Asker,
        ask: Ask,
        read_at: Instant,
    ) -> Reply {
        let engine = &self.shared.engine;
        let answer = match ask {
            Ask::Join {
                room,
                begin,
                bytes_max,
                members,
            } => Box::pin(self.enter(&asker, &room, (begin, bytes_max), members)).await,
            Ask::Leave { room } => {
                self.leave(asker.party(), &room);
                Ok(Reply::Left)
            }
            Ask::Publish {
                room,
                event,
                data,
                key,
                producer,
            } => {
                let draft = Draft {
                    event,
                    data,
                    user: asker.user.clone(),
                    tag: producer,
                    key: key.map(Key),
                };
                let answer = self.publish(&asker, &room, draft).await;
                self.clocked.publishes.observe(read_at.elapsed());
                Ok(answer)
            }
            Ask::Cast {
                room,
                event,
                data,
                conflate,
            } => {
                let user = asker.user.clone();
                let cast = Cast {
                    event,
                    data,
                    user,
                    conflate,
                };
                engine.relay(&room, cast).await.map(|()| Reply::Relayed)
            }
            Ask::Ack {
                room,
                epoch,
                offset,
            } => self.acknowledge(&asker, &room, (epoch, offset)).await,
            Ask::History { room, part, limit } => self.past(&room, part, limit).await,
            Ask::Members { room } => self.present(&room).await,
            Ask::Presence { room, state } => {
                let member = Member {
                    connection: asker.id,
                    user: asker.user.unwrap_or_default(),
                    name: asker.name.unwrap_or_default(),
                    state: Some(state),
                };
                let entered = engine.enter(&room, member).await;
                entered.map(|_count| Reply::PresenceSet)
            }
        };
        answer.unwrap_or_else(|error| {
            let (code, message) = terms::refusal(&error);
            Reply::Failed { code, message }
        })
    }

    async fn publish(&self, asker: &Asker, room: &RoomName, draft: Draft) -> Reply {
        let placed = self.place(asker.party(), room, draft).await;
        match placed {
            Ok(published) => Reply::Published(Placed {
                position: published.position,
                duplicate: published.duplicate,
                level: level(published.level),
            }),
            Err(Unplaced::NotNow(NotNow::TooOften { wait_ms, .. })) => Reply::TooOften {
                wait: Duration::from_millis(wait_ms),
            },
            Err(unplaced) => {
                let (code, message) = unplaced.told();
                Reply::Failed { code, message }
            }
        }
    }

    async fn past(&self, room: &RoomName, part: Part, limit: u32) -> Result<Reply, EngineError> {
        let bytes_max = self.shared.session.v2.page_bytes_max;
        let range = match part {
            Part::Newest => Range::Last { limit },
            Part::Before(offset) => Range::Before { offset, limit },
            Part::After(position) => Range::After { position, limit },
        };
        let Page {
            publications,
            head,
            more,
            ..
        } = self.shared.engine.read(room, range).await?;
        let (messages, is_cut) = if let Part::After(_) = part {
            oldest(publications, bytes_max)
        } else {
            newest(publications, bytes_max)
        };
        Ok(Reply::History(Box::new(Past {
            position: head,
            messages,
            more: more || is_cut,
        })))
    }

    async fn present(&self, room: &RoomName) -> Result<Reply, EngineError> {
        Ok(match self.listed(room).await {
            Ok(members) => Reply::Members(members),
            Err(Unlisted::TooMany(count)) => Reply::Failed {
                code: ErrorCode::TooLarge,
                message: format!(
                    "{room} has {count} members, too many to be listed; go by memberCount"
                ),
            },
            Err(Unlisted::Engine(error)) => return Err(error),
        })
    }

    /// Notes that a user has received what a connection of theirs was given up to there. Who acknowledges something else
    /// is behind or ahead of what was given, and nothing is noted.
    async fn acknowledge(
        &self,
        asker: &Asker,
        room: &RoomName,
        up_to: (Epoch, u64),
    ) -> Result<Reply, EngineError> {
        if let Some(owed) = self.shard.owed(asker.id, room, up_to) {
            let engine = &self.shared.engine;
            engine.advance(room, asker.user(), owed).await?;
            self.shard.settle(asker.id, room, owed);
        }
        Ok(Reply::Acked)
    }

    /// Who is present, if they are few enough to be listed.
    pub(super) async fn listed(&self, room: &RoomName) -> Result<Vec<Member>, Unlisted> {
        let members = self.shared.engine.members(room).await;
        let members = members.map_err(Unlisted::Engine)?;
        if members.len() > self.shared.session.v2.members_max {
            return Err(Unlisted::TooMany(members.len()));
        }
        Ok(members)
    }
}

/// Why members are not listed.
pub(super) enum Unlisted {
    TooMany(usize),
    Engine(EngineError),
}

type Cut = (Vec<Arc<Publication>>, bool);

/// The last of these that fit, and whether others did not.
pub(super) fn newest(mut publications: Vec<Arc<Publication>>, bytes_max: usize) -> Cut {
    let fitting = count_fitting(publications.iter().rev(), bytes_max);
    let cut = publications.len() - fitting;
    publications.drain(..cut);
    (publications, cut > 0)
}

/// The first of these that fit, and whether others did not.
fn oldest(mut publications: Vec<Arc<Publication>>, bytes_max: usize) -> Cut {
    let fitting = count_fitting(publications.iter(), bytes_max);
    let is_cut = fitting < publications.len();
    publications.truncate(fitting);
    (publications, is_cut)
}

/// How many fit; one always does, or nobody would come past it.
fn count_fitting<'p>(
    publications: impl Iterator<Item = &'p Arc<Publication>>,
    bytes_max: usize,
) -> usize {
    let mut bytes = 0;
    let fits = |(nth, publication): &(usize, &Arc<Publication>)| {
        bytes += publication.data.len();
        *nth == 0 || bytes <= bytes_max
    };
    publications.enumerate().take_while(fits).count()
}

fn level(level: Level) -> v2::Level {
    match level {
        Level::Memory => v2::Level::Memory,
        Level::Broker => v2::Level::Broker,
        Level::Disk => v2::Level::Disk,
    }
}
