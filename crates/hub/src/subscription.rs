//! How one subscriber follows a room: live, or catching up.

use tautline_protocol::model::{Gap, GapReason, Position, Publication};

/// Catching up ends after so many messages; what is further back is a gap.
pub(crate) const CATCH_UP_MESSAGES_MAX: u32 = 1000;
/// Catching up ends after so many bytes of application data.
pub(crate) const CATCH_UP_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How a subscriber follows its room.
///
/// A subscriber that is `Live` stands where the room stands, and gets what comes. One that is
/// `CatchingUp` stands at its cursor and gets pages, nothing live: what comes meanwhile is in a
/// later page. It is live again when it and the room stand at the same place, and not before it was
/// first asked to take a [`step`](Self::step).
#[derive(Debug)]
pub(crate) enum Subscription {
    Live,
    CatchingUp(Box<CatchUp>),
}

/// How far catching up has come.
#[derive(Debug)]
pub(crate) struct CatchUp {
    cursor: Position,
    stage: Stage,
    messages: u32,
    bytes: usize,
    /// Why the rest is a gap when it has been given as much as is given at once.
    ends_for: GapReason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It has joined, and is not told anything yet.
    Joined,
    /// It reads pages.
    Reading,
    /// It is ahead of the room.
    Waiting,
    /// It was given as much as it may be given before it acknowledges some of it.
    Held,
}

/// How far a subscriber is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// To the end of catching up, past which the rest is a gap.
    Bounded,
    /// As far as it acknowledges what it is given.
    Acknowledged {
        /// Whether it may be given nothing more now.
        is_full: bool,
    },
}

/// What to do next for a subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing: it is live.
    Live,
    /// Nothing yet: its last page went further than the room has heard; it is live once the room is there.
    Wait,
    /// It stands here, and where the room stands is not known: ask.
    Ask(Position),
    /// Read the next page, after this.
    Read(Position),
    /// Get what is newest behind this, and hear of the rest.
    Newest(Position),
    /// It stands in another order than the room, here.
    Lost(Position),
    /// It has been given as much as is given at once: skip the rest.
    Skip(Gap),
    /// Nothing before it acknowledges something.
    Hold,
}

impl Subscription {
    /// Begins behind `cursor`: what the subscriber has been given by then.
    pub(crate) fn begin(cursor: Position) -> Self {
        Self::CatchingUp(Box::new(CatchUp::behind(cursor)))
    }

    /// Whether it has taken a step: its peer knows that it is in the room.
    pub(crate) fn is_following(&self) -> bool {
        match self {
            Self::Live => true,
            Self::CatchingUp(catch_up) => catch_up.stage != Stage::Joined,
        }
    }

    /// Whether it is ahead of the room, and follows live once the room has come to it.
    pub(crate) fn is_waiting(&self) -> bool {
        self.is_at(Stage::Waiting)
    }

    /// Whether it goes on once it acknowledges something.
    pub(crate) fn is_held(&self) -> bool {
        self.is_at(Stage::Held)
    }

    /// Whether it takes less than it is sent, and was allowed to stay.
    pub(crate) fn is_slow(&self) -> bool {
        matches!(self, Self::CatchingUp(catch_up) if catch_up.ends_for == GapReason::SlowConsumer)
    }

    /// Whether it reads pages, and `cursor` is where it stands.
    pub(crate) fn is_reading_after(&self, cursor: Position) -> bool {
        self.is_at(Stage::Reading)
            && matches!(self, Self::CatchingUp(catch_up) if catch_up.cursor == cursor)
    }

    /// The way on, while the room stands at `head`.
    pub(crate) fn step(&mut self, head: Option<Position>, pace: Pace) -> Step {
        let Self::CatchingUp(catch_up) = self else {
            return Step::Live;
        };
        let cursor = catch_up.cursor;
        catch_up.stage = Stage::Reading;
        match head {
            None => Step::Ask(cursor),
            Some(head) if cursor == head => {
                *self = Self::Live;
                Step::Live
            }
            Some(head) if cursor.epoch != head.epoch || cursor.offset == head.offset => {
                Step::Lost(cursor)
            }
            Some(head) if cursor.offset > head.offset => {
                catch_up.stage = Stage::Waiting;
                Step::Wait
            }
            Some(_) if pace == (Pace::Acknowledged { is_full: true }) => {
                catch_up.stage = Stage::Held;
                Step::Hold
            }
            Some(head) if pace == Pace::Bounded && catch_up.is_spent() => Step::Skip(Gap {
                from: cursor.offset + 1,
                until: head,
                reason: catch_up.ends_for,
            }),
            Some(_) => Step::Read(cursor),
        }
    }

    /// Falls back behind the room, which stood at `head` when this one was live. False if it is on its way already.
    pub(crate) fn fall_back(&mut self, head: Position, ends_for: GapReason) -> bool {
        match self {
            Self::Live => {
                *self = Self::CatchingUp(Box::new(CatchUp {
                    stage: Stage::Reading,
                    ends_for,
                    ..CatchUp::behind(head)
                }));
                true
            }
            Self::CatchingUp(catch_up) => {
                let was_resting = matches!(catch_up.stage, Stage::Waiting | Stage::Held);
                if was_resting {
                    catch_up.stage = Stage::Reading;
                }
                was_resting
            }
        }
    }

    /// Moves to where the room goes on behind what the subscriber does not get.
    pub(crate) fn skip(&mut self, until: Position) {
        if let Self::CatchingUp(catch_up) = self {
            catch_up.cursor = until;
        }
    }

    /// Moves behind a publication of a page, which the subscriber was given.
    pub(crate) fn advance(&mut self, publication: &Publication) {
        if let Self::CatchingUp(catch_up) = self {
            catch_up.cursor = publication.position;
            catch_up.messages += 1;
            catch_up.bytes += publication.data.len();
        }
    }

    fn is_at(&self, stage: Stage) -> bool {
        matches!(self, Self::CatchingUp(catch_up) if catch_up.stage == stage)
    }
}

impl CatchUp {
    fn behind(cursor: Position) -> Self {
        Self {
            cursor,
            stage: Stage::Joined,
            messages: 0,
            bytes: 0,
            ends_for: GapReason::Limit,
        }
    }

    fn is_spent(&self) -> bool {
        self.messages >= CATCH_UP_MESSAGES_MAX || self.bytes >= CATCH_UP_BYTES_MAX
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tautline_protocol::model::{Epoch, EventName, PublicationId, RoomName, Timestamp};

    use super::*;

    fn position(offset: u64) -> Position {
        let mut id = PublicationId::default();
        id.0[0] = u8::try_from(offset % 251).unwrap();
        Position {
            epoch: Epoch(1),
            offset,
            id,
        }
    }

    fn advance(
        subscription: &mut Subscription,
        offsets: std::ops::RangeInclusive<u64>,
        data: &'static str,
    ) {
        for offset in offsets {
            subscription.advance(&Publication {
                room: RoomName::parse("r").unwrap(),
                position: position(offset),
                event: EventName::chat(),
                data: Bytes::from_static(data.as_bytes()),
                user: None,
                tag: None,
                sent_at: Timestamp(0),
            });
        }
    }

    #[test]
    fn who_is_held_is_woken_by_another_order() {
        let full = Pace::Acknowledged { is_full: true };
        let mut held = Subscription::begin(position(3));
        assert_eq!(held.step(Some(position(9)), full), Step::Hold);
        assert!(held.is_held() && held.fall_back(position(9), GapReason::Limit));
        assert!(
            !held.fall_back(position(9), GapReason::Limit),
            "it is on its way"
        );
        let other_epoch = Position {
            epoch: Epoch(2),
            ..position(1)
        };
        assert_eq!(held.step(Some(other_epoch), full), Step::Lost(position(3)));
    }

    #[test]
    fn it_reads_pages_until_it_stands_where_the_room_stands() {
        let mut subscription = Subscription::begin(position(3));
        assert!(!subscription.is_following());
        assert_eq!(
            subscription.step(Some(position(9)), Pace::Bounded),
            Step::Read(position(3))
        );
        assert!(subscription.is_reading_after(position(3)));
        advance(&mut subscription, 4..=6, "1");
        assert!(!subscription.is_reading_after(position(3)));
        assert_eq!(
            subscription.step(Some(position(9)), Pace::Bounded),
            Step::Read(position(6))
        );
        advance(&mut subscription, 7..=9, "1");
        assert!(subscription.is_following() && !subscription.is_waiting());
        assert_eq!(
            subscription.step(Some(position(9)), Pace::Bounded),
            Step::Live
        );
        assert_eq!(
            subscription.step(Some(position(10)), Pace::Bounded),
            Step::Live
        );
        assert!(subscription.is_following() && !subscription.is_reading_after(position(9)));
    }

    #[test]
    fn it_waits_for_the_room_that_is_behind_the_page() {
        let mut subscription = Subscription::begin(position(3));
        assert_eq!(
            subscription.step(Some(position(4)), Pace::Bounded),
            Step::Read(position(3))
        );
        advance(&mut subscription, 4..=6, "1");
        assert_eq!(
            subscription.step(Some(position(5)), Pace::Bounded),
            Step::Wait
        );
        assert!(subscription.is_waiting() && !subscription.is_reading_after(position(6)));
        assert_eq!(
            subscription.step(Some(position(6)), Pace::Bounded),
            Step::Live
        );
        assert!(!subscription.is_waiting());
    }

    #[test]
    fn another_order_is_a_gap() {
        let other_epoch = Position {
            epoch: Epoch(2),
            ..position(9)
        };
        assert_eq!(
            Subscription::begin(position(3)).step(Some(other_epoch), Pace::Bounded),
            Step::Lost(position(3))
        );
        let other_id = Position {
            id: PublicationId([7; 16]),
            ..position(3)
        };
        assert_eq!(
            Subscription::begin(position(3)).step(Some(other_id), Pace::Bounded),
            Step::Lost(position(3))
        );
    }

    #[test]
    fn catching_up_is_bounded_by_messages_and_bytes() {
        let mut many = Subscription::begin(position(0));
        advance(&mut many, 1..=999, "1");
        assert_eq!(
            many.step(Some(position(2000)), Pace::Bounded),
            Step::Read(position(999))
        );
        advance(&mut many, 1000..=1000, "1");
        let rest = |from, until| {
            let (until, reason) = (position(until), GapReason::Limit);
            Step::Skip(Gap {
                from,
                until,
                reason,
            })
        };
        assert_eq!(
            many.step(Some(position(1001)), Pace::Bounded),
            rest(1001, 1001)
        );
        assert_eq!(
            many.step(Some(position(2000)), Pace::Bounded),
            rest(1001, 2000)
        );
        let large: &'static str = "x".repeat(CATCH_UP_BYTES_MAX).leak();
        let mut long = Subscription::begin(position(0));
        advance(&mut long, 1..=1, large);
        assert_eq!(long.step(Some(position(2)), Pace::Bounded), rest(2, 2));
    }
}
