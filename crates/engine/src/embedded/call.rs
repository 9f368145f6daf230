//! What waits for the disk.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tautline_protocol::model::{Position, RoomName};
use tokio::sync::oneshot;

use super::queue::ended;
use crate::memory::cursors::Step;
use crate::{Answer, Cast, Draft, EngineError, Published, Terms};

/// Where an answer is awaited, and the answer that waits for the commit.
#[derive(Debug)]
pub(super) struct Asker<T> {
    sender: oneshot::Sender<Result<T, EngineError>>,
    answer: Option<Result<T, EngineError>>,
}

/// Something that the writer is to do, in the order in which it was asked.
#[derive(Debug)]
pub(super) enum Call {
    Publish {
        room: RoomName,
        draft: Draft,
        terms: Terms,
        asker: Asker<Published>,
    },
    Relay {
        room: RoomName,
        cast: Cast,
        asker: Asker<()>,
    },
    Go {
        room: RoomName,
        user: Box<str>,
        step: Step,
        asker: Asker<Position>,
    },
    Put {
        key: Arc<str>,
        value: Bytes,
        ttl: Duration,
        asker: Asker<bool>,
    },
    /// To look after what has ended.
    Tidy(Vec<RoomName>),
    /// To give up what a room keeps up to an offset: it is damaged.
    GiveUp { room: RoomName, to: u64 },
}

impl<T: Send> Asker<T> {
    /// One whose answer comes when it comes.
    pub(super) fn new<'a>() -> (Self, Answer<'a, T>)
    where
        T: 'a,
    {
        let (sender, receiver) = oneshot::channel();
        let asker = Self {
            sender,
            answer: None,
        };
        let answer = async move { receiver.await.unwrap_or_else(|_gone| Err(ended())) };
        (asker, Box::pin(answer))
    }

    /// Has this be the answer, once everything before it is on the disk.
    pub(super) fn prepare(&mut self, answer: Result<T, EngineError>) {
        self.answer = Some(answer);
    }

    /// Answers what was prepared. Whoever asked may have gone.
    pub(super) fn answer(self) {
        drop(
            self.sender
                .send(self.answer.unwrap_or_else(|| Err(ended()))),
        );
    }

    fn refuse(self, why: &EngineError) {
        drop(self.sender.send(Err(why.clone())));
    }
}

impl Call {
    /// The memory that its content takes, about.
    pub(super) fn weight(&self) -> usize {
        let content = match self {
            Self::Publish { draft, .. } => draft.data.len(),
            Self::Relay { cast, .. } => cast.data.len(),
            Self::Put { value, .. } => value.len(),
            Self::Go { .. } | Self::GiveUp { .. } => 0,
            Self::Tidy(rooms) => size_of::<RoomName>() * rooms.len(),
        };
        size_of::<Self>() + content
    }

    /// Answers what was prepared.
    pub(super) fn answer(self) {
        match self {
            Self::Publish { asker, .. } => asker.answer(),
            Self::Relay { asker, .. } => asker.answer(),
            Self::Go { asker, .. } => asker.answer(),
            Self::Put { asker, .. } => asker.answer(),
            Self::Tidy(_) | Self::GiveUp { .. } => (),
        }
    }

    /// Answers that nothing was changed.
    pub(super) fn refuse(self, why: &EngineError) {
        match self {
            Self::Publish { asker, .. } => asker.refuse(why),
            Self::Relay { asker, .. } => asker.refuse(why),
            Self::Go { asker, .. } => asker.refuse(why),
            Self::Put { asker, .. } => asker.refuse(why),
            Self::Tidy(_) | Self::GiveUp { .. } => (),
        }
    }

    /// Whether somebody waits for what comes of it.
    pub(super) fn is_awaited(&self) -> bool {
        !matches!(self, Self::Tidy(_) | Self::GiveUp { .. })
    }

    /// The room whose order it is part of.
    pub(super) fn room(&self) -> Option<&RoomName> {
        match self {
            Self::Publish { room, .. } | Self::Relay { room, .. } | Self::Go { room, .. } => {
                Some(room)
            }
            Self::Put { .. } | Self::Tidy(_) | Self::GiveUp { .. } => None,
        }
    }
}
