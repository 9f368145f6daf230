//! `tautline sub`: what happens in rooms, printed, and acknowledged where that is asked for.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tautline_client::{
    Client, ConnectionState, Part, Position, Room, RoomEvent, RoomName, RoomStatus, RoomStream,
};
use tokio::time::timeout;

use super::access::{self, Stdin};
use super::failure::Failure;
use super::output::{Printed, print};
use super::screen::missing;
use super::view::View;
use super::watch::{News, Watch, until};
use crate::cli::exit::Exit;
use crate::cli::terminal::SubArguments;
use crate::plain::escape;

/// So many events of a room wait while standard output is held up; messages beyond that are a gap.
const EVENTS_MAX: usize = 8_192;
/// So many events are written at once.
const BATCH_MAX: usize = 256;
/// How long the server has to hear of the last acknowledgements.
const ACK_PATIENCE: Duration = Duration::from_secs(2);

/// What is followed.
struct Subscription<'a> {
    arguments: &'a SubArguments,
    client: Client,
    watch: Watch,
    view: View,
    memberships: Vec<Membership>,
    /// So many messages are still to come, if they are counted.
    left: Option<u64>,
    /// A room in which something was acknowledged.
    acknowledged: Option<Room>,
}

/// One of the rooms.
struct Membership {
    name: RoomName,
    stream: RoomStream,
    /// The last that is printed and not acknowledged.
    printed: Option<Position>,
}

/// Events, each with the place of its room among the memberships.
type Batch = Vec<(usize, RoomEvent)>;

/// Follows rooms until enough has come, or something ends it.
pub(super) async fn run(arguments: &SubArguments) -> Result<Exit, Failure> {
    let mut rooms = arguments.rooms.clone();
    rooms.sort();
    rooms.dedup();
    if arguments.since.is_some() && rooms.len() > 1 {
        let fix = "--since is a place in one room; follow the others by a command of their own";
        return Err(Failure::usage(fix));
    }
    let builder = access::builder(&arguments.access, Stdin::Free)?;
    let client = access::spawn(builder.events_max(EVENTS_MAX))?;
    let mut subscription = Subscription::new(client, &rooms, arguments)?;
    let ended = subscription.follow().await;
    subscription.leave().await;
    ended
}

impl<'a> Subscription<'a> {
    fn new(
        client: Client,
        rooms: &[RoomName],
        arguments: &'a SubArguments,
    ) -> Result<Self, Failure> {
        let watch = Watch::new(&client, arguments.timeout)?;
        let memberships: Result<Vec<_>, _> = rooms
            .iter()
            .map(|name| join(&client, name, arguments))
            .collect();
        Ok(Self {
            arguments,
            watch,
            view: View::new(&arguments.access, rooms, arguments.ack),
            memberships: memberships?,
            left: arguments.count.map(u64::from),
            acknowledged: None,
            client,
        })
    }

    async fn follow(&mut self) -> Result<Exit, Failure> {
        loop {
            let redraws_at = self.view.redraws_at();
            let text = tokio::select! {
                biased;
                news = self.watch.next() => match news {
                    News::State(state) => self.view.state(Instant::now(), &state),
                    News::Ended(failure) if failure.exit == Exit::Stopped => return self.stop(),
                    News::Ended(failure) => return self.finish(failure).await,
                },
                batch = next_batch(&mut self.memberships) => match self.show(batch).await? {
                    Some(exit) => return Ok(exit),
                    None => continue,
                },
                () = until(redraws_at) => self.view.compose(Instant::now(), String::new()),
            };
            if let Some(exit) = self.print(text).await? {
                return Ok(exit);
            }
        }
    }

    /// Shows events. How the command ends, if one of them ends it.
    async fn show(&mut self, batch: Batch) -> Result<Option<Exit>, Failure> {
        let mut lines = String::new();
        let mut end = None;
        for (at, event) in batch {
            let Some(membership) = self.memberships.get(at).filter(|_| self.shows(&event)) else {
                continue;
            };
            lines.push_str(&self.view.event(&membership.name, &event));
            end = self.consider(at, &event);
            if end.is_some() {
                break;
            }
        }
        let text = self.view.compose(Instant::now(), lines);
        if let Some(exit) = self.print(text).await? {
            return Ok(Some(exit));
        }
        self.acknowledge();
        end.transpose()
    }

    fn shows(&self, event: &RoomEvent) -> bool {
        match event {
            RoomEvent::Message(_) | RoomEvent::Gap(_) => true,
            RoomEvent::Status(status) => *status != RoomStatus::Left,
            RoomEvent::Cast(_) => self.arguments.besides.casts,
            RoomEvent::Presence(_) => self.arguments.besides.presence,
        }
    }

    /// Notes what is shown, and says whether that is the end.
    fn consider(&mut self, at: usize, event: &RoomEvent) -> Option<Result<Exit, Failure>> {
        match event {
            RoomEvent::Message(message) => {
                if let Some(membership) = self.memberships.get_mut(at) {
                    membership.printed = Some(message.position);
                }
                let left = self.left.as_mut()?;
                *left = left.saturating_sub(1);
                (*left == 0).then_some(Ok(Exit::Done))
            }
            RoomEvent::Gap(gap) if self.arguments.fail_on_gap => {
                Some(Err(Failure::new(Exit::Missing, missing(gap))))
            }
            RoomEvent::Status(RoomStatus::Denied { code, message }) => {
                let room = &self.memberships.get(at)?.name;
                let said = format!(
                    "the room {room} is refused with {}: {}",
                    code.name(),
                    escape(message)
                );
                Some(Err(Failure::new(Exit::Refused, said)))
            }
            RoomEvent::Gap(_)
            | RoomEvent::Status(_)
            | RoomEvent::Cast(_)
            | RoomEvent::Presence(_) => None,
        }
    }

    async fn print(&mut self, text: String) -> Result<Option<Exit>, Failure> {
        match print(text, &mut self.watch).await? {
            Printed::Whole => Ok(None),
            Printed::Unread => Ok(Some(Exit::Done)),
            Printed::Stopped => self.stop().map(Some),
        }
    }

    fn acknowledge(&mut self) {
        if !self.arguments.ack {
            return;
        }
        for membership in &mut self.memberships {
            if let Some(position) = membership.printed.take() {
                let room = membership.stream.room();
                room.acknowledge_position(position);
                self.acknowledged = Some(room.clone());
            }
        }
    }

    /// Somebody ends the command, which is how it ends if nothing is counted.
    fn stop(&self) -> Result<Exit, Failure> {
        match self.left {
            None => Ok(Exit::Done),
            Some(_) => Err(Failure::stopped()),
        }
    }

    /// There will be no connection any more. What has come is shown before that is said.
    async fn finish(&mut self, failure: Failure) -> Result<Exit, Failure> {
        loop {
            let rest = poll_fn(|context| Poll::Ready(ready(&mut self.memberships, context))).await;
            if rest.is_empty() {
                break;
            }
            if let Some(exit) = self.show(rest).await? {
                return Ok(exit);
            }
        }
        let state = self.client.state().borrow().clone();
        let text = self.view.state(Instant::now(), &state);
        self.print(text).await?;
        Err(failure)
    }

    /// Leaves, and has the server hear of it.
    async fn leave(&mut self) {
        let text = self.view.end(Instant::now());
        // Whatever becomes of it, there is nobody left to be told.
        drop(print(text, &mut self.watch).await);
        let state = self.client.state().borrow().clone();
        if let (Some(room), ConnectionState::Connected { .. }) = (&self.acknowledged, state) {
            // The answer to this comes behind the acknowledgements, whatever it says.
            drop(timeout(ACK_PATIENCE, room.history(Part::Newest, 1)).await);
        }
        self.client.close();
        self.client.drain(Duration::ZERO).await;
    }
}

fn join(client: &Client, name: &RoomName, arguments: &SubArguments) -> Result<Membership, Failure> {
    let room = client
        .room(name.as_str())
        .map_err(|error| Failure::usage(error.to_string()))?;
    let mut join = room.join();
    if let Some(count) = arguments.last {
        join = join.last(count);
    }
    if let Some(position) = arguments.since {
        join = join.since(position);
    }
    let stream = join
        .stream()
        .map_err(|error| Failure::usage(error.to_string()))?;
    Ok(Membership {
        name: name.clone(),
        stream,
        printed: None,
    })
}

/// What has happened in the rooms, at least one thing.
async fn next_batch(memberships: &mut [Membership]) -> Batch {
    poll_fn(|context| {
        let batch = ready(memberships, context);
        if batch.is_empty() {
            Poll::Pending
        } else {
            Poll::Ready(batch)
        }
    })
    .await
}

/// What has happened in the rooms by now, in turn, so that none waits for another.
fn ready(memberships: &mut [Membership], context: &mut Context<'_>) -> Batch {
    let mut batch = Batch::new();
    loop {
        let before = batch.len();
        for (at, membership) in memberships.iter_mut().enumerate() {
            if let Poll::Ready(Some(event)) = pin!(membership.stream.next()).poll(context) {
                batch.push((at, event));
            }
        }
        if batch.len() == before || batch.len() >= BATCH_MAX {
            return batch;
        }
    }
}
