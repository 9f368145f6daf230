//! What happens in a room.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use parking_lot::Mutex;
use tautline_protocol::client::{Joining, RoomEvent};

use crate::join::JoinError;
use crate::mailbox::Mailbox;
use crate::room::Room;

/// What happens in a room, in order: messages, each once; a gap where some are missing; how the membership stands. The
/// membership holds across lost connections, and ends when this is dropped.
///
/// It is a `Stream`, and has a `next` of its own for who needs no more:
///
/// ```no_run
/// use tautline_client::{RoomEvent, RoomStream};
///
/// async fn follow(mut events: RoomStream) -> Result<(), Box<dyn std::error::Error>> {
///     while let Some(event) = events.next().await {
///         match event {
///             RoomEvent::Message(message) => {
///                 println!("{}", message.decode::<String>()?);
///                 events.room().acknowledge(&message);
///             }
///             RoomEvent::Gap(gap) => println!("{} to {} are missing: {:?}", gap.from, gap.to, gap.reason),
///             RoomEvent::Presence(_) | RoomEvent::Cast(_) | RoomEvent::Status(_) => {}
///         }
///     }
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct RoomStream {
    room: Room,
    /// Its own: after the client was closed, the room may be joined again while this is still read.
    mailbox: Arc<Mutex<Mailbox>>,
    /// Taken out by who joined, and not yet by the application.
    first: Option<RoomEvent>,
}

impl RoomStream {
    pub(crate) fn open(room: Room, joining: Joining) -> Result<Self, JoinError> {
        let mailbox = Arc::new(Mutex::new(Mailbox::new(room.client.events_max())));
        room.client.shared().command(|desk, now| {
            // The first event is told before this returns, so that the mailbox is there before.
            desk.session.may_join(&room.name)?;
            desk.mailboxes
                .insert(room.name.clone(), Arc::clone(&mailbox));
            let joined = desk.session.join(now, room.name.clone(), joining);
            if joined.is_err() {
                desk.mailboxes.remove(&room.name);
            }
            joined
        })?;
        Ok(Self {
            room,
            mailbox,
            first: None,
        })
    }

    /// The room.
    pub fn room(&self) -> &Room {
        &self.room
    }

    /// The next event; none when the client is closed. Cancel-safe: nothing is taken out before it is returned.
    pub async fn next(&mut self) -> Option<RoomEvent> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    pub(crate) fn put_back(&mut self, event: RoomEvent) {
        self.first = Some(event);
    }
}

impl Stream for RoomStream {
    type Item = RoomEvent;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<RoomEvent>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(first));
        }
        self.mailbox.lock().poll(context)
    }
}

impl Drop for RoomStream {
    fn drop(&mut self) {
        let name = &self.room.name;
        self.room.client.shared().command(|desk, now| {
            let is_ours = |known: &Arc<_>| Arc::ptr_eq(known, &self.mailbox);
            if desk.mailboxes.get(name).is_some_and(is_ours) {
                desk.session.leave(now, name);
                desk.mailboxes.remove(name);
            }
        });
    }
}
