//! How one subscriber follows a room: live, or catching up.

use tautline_engine::Page;
use tautline_protocol::model::Position;

/// Catching up ends after so many messages; what is further back is a gap.
pub(crate) const CATCH_UP_MESSAGES_MAX: usize = 1000;
/// Catching up ends after so many bytes of application data.
pub(crate) const CATCH_UP_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How a subscriber follows its room.
///
/// A subscriber that is `Live` stands where the room stands, and gets what comes. One that is
/// `CatchingUp` stands at its cursor and gets pages, nothing live: what comes meanwhile is in a
/// later page. It is live again when it and the room stand at the same place.
#[derive(Debug)]
pub(crate) enum Subscription {
    Live,
    CatchingUp(Box<CatchUp>),
}

/// How far catching up has come.
#[derive(Debug)]
pub(crate) struct CatchUp {
    cursor: Position,
    messages: usize,
    bytes: usize,
}

/// What to do next for a subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing: it is live.
    Live,
    /// Nothing yet: its last page went further than the room has heard; it is live once the room is there.
    Wait,
    /// Read the next page, after this.
    Read(Position),
    /// What it misses cannot be given.
    Gap,
}

impl Subscription {
    /// Begins behind `cursor`: what the subscriber has been given by then.
    pub(crate) fn begin(cursor: Position) -> Self {
        Self::CatchingUp(Box::new(CatchUp {
            cursor,
            messages: 0,
            bytes: 0,
        }))
    }

    /// The way on, while the room stands at `head`.
    pub(crate) fn step(&mut self, head: Position) -> Step {
        let Self::CatchingUp(catch_up) = self else {
            return Step::Live;
        };
        if catch_up.cursor == head {
            *self = Self::Live;
            Step::Live
        } else if catch_up.cursor.epoch != head.epoch
            || catch_up.cursor.offset == head.offset
            || catch_up.is_spent()
        {
            Step::Gap
        } else if catch_up.cursor.offset > head.offset {
            Step::Wait
        } else {
            Step::Read(catch_up.cursor)
        }
    }

    /// Moves behind a page that the subscriber was given. False if the page is not whole.
    pub(crate) fn advance(&mut self, page: &Page) -> bool {
        let Self::CatchingUp(catch_up) = self else {
            return true;
        };
        if let Some(last) = page.publications.last() {
            catch_up.cursor = last.position;
        }
        catch_up.messages += page.publications.len();
        catch_up.bytes += page
            .publications
            .iter()
            .map(|publication| publication.data.len())
            .sum::<usize>();
        page.missing.is_none()
    }
}

impl CatchUp {
    fn is_spent(&self) -> bool {
        self.messages >= CATCH_UP_MESSAGES_MAX || self.bytes >= CATCH_UP_BYTES_MAX
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use tautline_engine::{Missing, MissingReason};
    use tautline_protocol::model::{
        Epoch, EventName, Publication, PublicationId, RoomName, Timestamp,
    };

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

    fn page(offsets: std::ops::RangeInclusive<u64>, data: &'static str) -> Page {
        let publications = offsets.map(|offset| {
            Arc::new(Publication {
                room: RoomName::parse("r").unwrap(),
                position: position(offset),
                event: EventName::chat(),
                data: Bytes::from_static(data.as_bytes()),
                user: None,
                tag: None,
                sent_at: Timestamp(0),
            })
        });
        Page {
            publications: publications.collect(),
            head: position(0),
            more: false,
            missing: None,
        }
    }

    #[test]
    fn it_reads_pages_until_it_stands_where_the_room_stands() {
        let mut subscription = Subscription::begin(position(3));
        assert_eq!(subscription.step(position(9)), Step::Read(position(3)));
        assert!(subscription.advance(&page(4..=6, "1")));
        assert_eq!(subscription.step(position(9)), Step::Read(position(6)));
        assert!(subscription.advance(&page(7..=9, "1")));
        assert_eq!(subscription.step(position(9)), Step::Live);
        assert_eq!(subscription.step(position(10)), Step::Live);
    }

    #[test]
    fn it_waits_for_the_room_that_is_behind_the_page() {
        let mut subscription = Subscription::begin(position(3));
        assert!(subscription.advance(&page(4..=6, "1")));
        assert_eq!(subscription.step(position(5)), Step::Wait);
        assert_eq!(subscription.step(position(6)), Step::Live);
    }

    #[test]
    fn another_order_is_a_gap() {
        let other_epoch = Position {
            epoch: Epoch(2),
            ..position(9)
        };
        assert_eq!(
            Subscription::begin(position(3)).step(other_epoch),
            Step::Gap
        );
        let other_id = Position {
            id: PublicationId([7; 16]),
            ..position(3)
        };
        assert_eq!(Subscription::begin(position(3)).step(other_id), Step::Gap);
    }

    #[test]
    fn a_page_with_a_hole_is_not_whole() {
        let missing = Some(Missing {
            from: 4,
            to: 5,
            reason: MissingReason::Evicted,
        });
        assert!(!Subscription::begin(position(3)).advance(&Page {
            missing,
            ..page(6..=6, "1")
        }));
    }

    #[test]
    fn catching_up_is_bounded_by_messages_and_bytes() {
        let mut many = Subscription::begin(position(0));
        assert!(many.advance(&page(1..=1000, "1")));
        assert_eq!(many.step(position(2000)), Step::Gap);
        let large: &'static str = "x".repeat(CATCH_UP_BYTES_MAX).leak();
        let mut long = Subscription::begin(position(0));
        assert!(long.advance(&page(1..=1, large)));
        assert_eq!(long.step(position(2)), Step::Gap);
    }
}
