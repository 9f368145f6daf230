//! One member with the real client, as an application would use it: it joins a room, reads its stream, and publishes with keys.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;
use tautline_client::{
    Client, ConnectionState, EndingKind, Endpoint, PublishError, Room, RoomEvent, RoomStatus,
    RoomStream,
};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval_at, sleep};

use super::diary::Step;
use super::notes::{News, Pen};
use super::words::said;
use super::{EVERY, MEMBERS, room};
use crate::attack::of_bystander;

/// What the client has given up is published again, with its key, after this.
const PUBLISH_AGAIN: Duration = Duration::from_millis(100);

/// One member. What it does is done by tasks of the runtime in which it came.
#[derive(Debug)]
pub(super) struct Guest {
    room: Room,
    pen: Pen,
    listening: JoinHandle<()>,
}

impl Guest {
    /// Comes, with a client that has all its defaults.
    pub(super) fn come(server: SocketAddr, token: &str, pen: Pen) -> Result<Self> {
        let dialing = pen.clone();
        let client = Client::builder(&format!("ws://{server}/ws"))
            .token(token)
            .connector(move |_: Endpoint| dial(server, dialing.clone()))
            .spawn()?;
        let state = client.state();
        let room = client.room(&room(pen.who / MEMBERS))?;
        let events = room.join().stream()?;
        let listening = tokio::spawn(listen(events, state, pen.clone()));
        Ok(Self {
            room,
            pen,
            listening,
        })
    }

    /// Goes for good: another one may come in its place.
    pub(super) fn go(self) {
        self.listening.abort();
        self.pen.note(News::Step(Step::IsLost));
    }

    /// Begins to publish after a while, until there is to be silence.
    pub(super) fn talk(&self, after: Duration, silence: &Arc<AtomicBool>) {
        let (room, pen) = (self.room.clone(), self.pen.clone());
        tokio::spawn(talk(room, pen, after, Arc::clone(silence)));
    }
}

/// Connects, and says what the proxy says.
async fn dial(server: SocketAddr, pen: Pen) -> io::Result<TcpStream> {
    pen.note(News::Step(Step::Dials));
    let mut stream = TcpStream::connect(server).await?;
    // None of many thousands may keep a port for a minute.
    stream.set_zero_linger()?;
    stream.set_nodelay(true)?;
    stream.write_all(of_bystander(pen.who).as_bytes()).await?;
    Ok(stream)
}

/// Writes down what the client tells, until it is over.
async fn listen(mut events: RoomStream, mut state: watch::Receiver<ConnectionState>, pen: Pen) {
    let mut is_inside = false;
    let mut has_begun = false;
    loop {
        // What happened in the room comes first: it was before the connection was lost.
        tokio::select! {
            biased;
            event = events.next() => match event {
                Some(RoomEvent::Status(RoomStatus::Live { position, .. })) => {
                    if !std::mem::replace(&mut has_begun, true) {
                        pen.note(News::Begins(position.offset));
                    }
                    if !std::mem::replace(&mut is_inside, true) {
                        pen.note(News::Step(Step::Enters));
                    }
                }
                Some(event) => tell(&event, &pen),
                None => {
                    pen.note(News::Step(Step::IsLost));
                    pen.note(News::Step(Step::GivesUp));
                    return;
                }
            },
            Ok(()) = state.changed() => {
                let now = state.borrow_and_update();
                if let ConnectionState::Reconnecting { retry_at, cause, .. } = &*now {
                    if std::mem::take(&mut is_inside) {
                        pen.note(News::Step(Step::IsLost));
                    }
                    // The same cause is told again when the attempt begins.
                    if let Some(at) = retry_at {
                        if let EndingKind::Refused { status, .. } = cause.kind {
                            pen.note(News::Step(Step::IsRefused(status)));
                        }
                        pen.note(News::DialsAt(*at));
                    }
                }
            }
        }
    }
}

/// Writes down what happened in the room.
fn tell(event: &RoomEvent, pen: &Pen) {
    match event {
        RoomEvent::Message(message) => {
            let data: Option<Value> = message.decode().ok();
            let number = data.and_then(|data| data.get("number")?.as_u64());
            pen.note(match number {
                Some(number) => News::Hears {
                    offset: message.position.offset,
                    number,
                },
                None => News::Fails(format!("a message without a number: {message:?}")),
            });
        }
        RoomEvent::Gap(gap) => pen.note(News::Misses(format!("{gap:?}"))),
        RoomEvent::Status(RoomStatus::Denied { code, message }) => {
            pen.note(News::Fails(format!("{}: {message}", code.name())));
        }
        RoomEvent::Status(RoomStatus::Joining | RoomStatus::Live { .. } | RoomStatus::Left)
        | RoomEvent::Cast(_)
        | RoomEvent::Presence(_) => {}
    }
}

/// Publishes one after another, each with its number as its key, whether there is a connection or not.
async fn talk(room: Room, pen: Pen, after: Duration, silence: Arc<AtomicBool>) {
    let mut due = interval_at(tokio::time::Instant::now() + after, EVERY);
    due.set_missed_tick_behavior(MissedTickBehavior::Skip);
    for number in 1.. {
        due.tick().await;
        if silence.load(Ordering::Relaxed) {
            return;
        }
        pen.note(News::Publishes);
        let news = publish(&room, number).await;
        pen.note(news);
    }
}

/// Publishes until the server has answered.
async fn publish(room: &Room, number: u64) -> News {
    let (key, data) = (number.to_string(), said(number));
    loop {
        let published = match room.enqueue_with_key(&key, "said", &data) {
            Ok(pending) => pending.await,
            Err(error) => Err(error),
        };
        match published {
            Ok(answer) => {
                let offset = answer.position.offset;
                return News::IsAnswered { offset, number };
            }
            Err(
                PublishError::NotSent(_)
                | PublishError::Unknown(_)
                | PublishError::Refused {
                    retryable: true, ..
                },
            ) => {
                sleep(PUBLISH_AGAIN).await;
            }
            Err(error @ PublishError::Refused { .. }) => return News::Fails(error.to_string()),
        }
    }
}
