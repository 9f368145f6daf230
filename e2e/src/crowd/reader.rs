//! Reads what rooms have in the end, beside all faults.

use std::net::SocketAddr;

use tautline_protocol::model::{Position, RoomName};
use tautline_protocol::wire::Token;
use tautline_protocol::wire::v2::{
    Client as Program, ClientMessage, Empty, Encoding, Envelope, Hello, History, Label, Message,
    ReadHistory, ServerMessage,
};

use super::key_of;
use super::link::{Link, Lost};
use crate::history::{Log, Promise};

/// So many publications are asked for at once.
const PAGE: u32 = 300;

/// Who reads rooms' histories.
#[derive(Debug)]
pub struct Reader {
    link: Link,
}

impl Reader {
    /// Comes to this address, and proves with `token` that it may read.
    pub async fn open(address: SocketAddr, token: &str) -> Result<Self, Lost> {
        let mut link = Link::open(address, Encoding::Json).await?;
        let name = |text| Label::new(text).expect("a short name");
        let hello = Hello {
            token: Some(Token::new(token)),
            client: Program {
                name: name("prove"),
                version: name("1"),
            },
            producer: name("reader"),
            report: None,
            rooms: Vec::new(),
        };
        link.say(&ClientMessage::Hello(hello).into()).await?;
        loop {
            let payload = link.hear().await?;
            match super::witness::read(link.encoding(), &payload)?.message {
                ServerMessage::Welcome(_) => return Ok(Self { link }),
                // A busy server may ask first.
                ServerMessage::Ping(_) => link.say(&ClientMessage::Pong(Empty {}).into()).await?,
                ServerMessage::Bye(_) => return Err(Lost::Ended("bye".to_owned())),
                other => return Err(Lost::Nonsense(format!("{other:?} instead of a welcome"))),
            }
        }
    }

    /// Where a room stands.
    pub async fn head(&mut self, room: &RoomName) -> Result<Position, Lost> {
        let ask = ReadHistory {
            room: room.clone(),
            before: None,
            after: None,
            limit: 1,
        };
        self.read(ask, |history| history.position).await
    }

    /// All that a room has.
    pub async fn log(&mut self, room: &RoomName, promise: Promise) -> Result<Log, Lost> {
        let head = self.head(room).await?;
        let mut after = Position::start(head.epoch);
        let mut publications = Vec::new();
        loop {
            let ask = ReadHistory {
                room: room.clone(),
                before: None,
                after: Some(after),
                limit: PAGE,
            };
            let (epoch, mut page, more) = self
                .read(ask, |history| {
                    let epoch = history.position.epoch;
                    let place = |message: &Message<'_>| {
                        let position = Position {
                            epoch,
                            offset: message.offset,
                            id: message.id,
                        };
                        (position, key_of(message.data.as_json().as_bytes()))
                    };
                    (
                        epoch,
                        history.messages.iter().map(place).collect(),
                        history.more,
                    )
                })
                .await?;
            if epoch != head.epoch {
                return Err(Lost::Nonsense(
                    "a room's epoch changed while nobody did anything".to_owned(),
                ));
            }
            publications.append(&mut page);
            match publications.last() {
                Some((last, _)) if more => after = *last,
                _ => break,
            }
        }
        let behind = publications
            .first()
            .map_or(head.offset, |(first, _)| first.offset - 1);
        Ok(Log {
            room: room.as_str().into(),
            promise,
            behind: Position {
                offset: behind,
                ..Position::start(head.epoch)
            },
            publications,
        })
    }

    async fn read<T>(
        &mut self,
        ask: ReadHistory,
        take: impl Fn(&History<'_>) -> T,
    ) -> Result<T, Lost> {
        self.link.say(&ClientMessage::History(ask).into()).await?;
        loop {
            let payload = self.link.hear().await?;
            let answer: Envelope<ServerMessage<'_>> =
                Envelope::decode(self.link.encoding(), &payload)
                    .map_err(|malformed| Lost::Nonsense(format!("{malformed:?}")))?;
            match answer.message {
                ServerMessage::History(history) => return Ok(take(&history)),
                // Who reads for long is asked whether it is there, and says so by asking on.
                ServerMessage::Ping(_) => {}
                ServerMessage::Bye(_) => return Err(Lost::Ended("bye".to_owned())),
                other => return Err(Lost::Nonsense(format!("{other:?} instead of a history"))),
            }
        }
    }
}
