//! What a room's stream has not taken yet.

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

use tautline_protocol::client::{Gap, GapReason, RoomEvent, RoomStatus};
use tautline_protocol::model::Position;

/// Events in their order, as many as are allowed. Messages beyond that become one gap, so that an application that
/// falls behind knows it.
#[derive(Debug)]
pub(crate) struct Mailbox {
    events: VecDeque<RoomEvent>,
    events_max: usize,
    overflow: Option<Overflow>,
    waker: Option<Waker>,
    is_over: bool,
}

/// What came when the mailbox was full.
#[derive(Debug, Default)]
struct Overflow {
    /// What was thrown away.
    gap: Option<Gap>,
    /// How the membership stands now.
    status: Option<RoomStatus>,
}

impl Mailbox {
    pub(crate) fn new(events_max: usize) -> Self {
        Self {
            events: VecDeque::new(),
            events_max,
            overflow: None,
            waker: None,
            is_over: false,
        }
    }

    /// Takes an event in. The room is over with [`RoomStatus::Left`].
    pub(crate) fn push(&mut self, event: RoomEvent) {
        self.is_over = event == RoomEvent::Status(RoomStatus::Left);
        if self.events.len() < self.events_max && self.overflow.is_none() {
            self.events.push_back(event);
        } else {
            self.overflow.get_or_insert_default().add(event);
        }
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// The next event; none when the room is over.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<RoomEvent>> {
        if self.events.is_empty()
            && let Some(overflow) = self.overflow.take()
        {
            let gap = overflow.gap.map(RoomEvent::Gap);
            let status = overflow.status.map(RoomEvent::Status);
            self.events.extend(gap.into_iter().chain(status));
        }
        match self.events.pop_front() {
            Some(event) => Poll::Ready(Some(event)),
            None if self.is_over => Poll::Ready(None),
            None => {
                self.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Overflow {
    /// Notes that an event is thrown away. What has no place in the room's order leaves no gap.
    fn add(&mut self, event: RoomEvent) {
        match event {
            RoomEvent::Message(message) => self.miss(message.position.offset, message.position),
            // Nothing of the order before is of use any more.
            RoomEvent::Gap(gap) if gap.reason == GapReason::EpochChanged => self.gap = Some(gap),
            RoomEvent::Gap(gap) => self.miss(gap.from, gap.position),
            RoomEvent::Status(status) => self.status = Some(status),
            RoomEvent::Cast(_) | RoomEvent::Presence(_) => {}
        }
    }

    fn miss(&mut self, from: u64, position: Position) {
        let gap = self.gap.get_or_insert(Gap {
            from,
            to: position.offset,
            position,
            reason: GapReason::ClientOverflow,
        });
        gap.to = position.offset;
        gap.position = position;
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tautline_protocol::model::{
        Epoch, EventName, Publication, PublicationId, RoomName, Timestamp,
    };

    use super::*;

    fn position(epoch: u64, offset: u64) -> Position {
        Position {
            epoch: Epoch(epoch),
            offset,
            id: PublicationId::default(),
        }
    }

    fn message(epoch: u64, offset: u64) -> RoomEvent {
        RoomEvent::Message(Publication {
            room: RoomName::parse("a").unwrap(),
            position: position(epoch, offset),
            event: EventName::parse("e").unwrap(),
            data: Bytes::from_static(b"1"),
            user: None,
            tag: None,
            sent_at: Timestamp(0),
        })
    }

    fn gap(from: u64, to: Position, reason: GapReason) -> RoomEvent {
        RoomEvent::Gap(Gap {
            from,
            to: to.offset,
            position: to,
            reason,
        })
    }

    fn taken(mailbox: &mut Mailbox) -> Vec<RoomEvent> {
        let mut context = Context::from_waker(Waker::noop());
        let mut events = Vec::new();
        while let Poll::Ready(Some(event)) = mailbox.poll(&mut context) {
            events.push(event);
        }
        events
    }

    #[test]
    fn what_does_not_fit_becomes_one_gap() {
        let mut mailbox = Mailbox::new(2);
        for offset in 1..=9 {
            mailbox.push(message(1, offset));
        }
        let missing = gap(3, position(1, 9), GapReason::ClientOverflow);
        assert_eq!(
            taken(&mut mailbox),
            [message(1, 1), message(1, 2), missing],
            "and no message overtakes the gap"
        );
        mailbox.push(message(1, 10));
        assert_eq!(taken(&mut mailbox), [message(1, 10)]);
    }

    #[test]
    fn while_a_gap_waits_nothing_comes_before_it() {
        let mut mailbox = Mailbox::new(1);
        mailbox.push(message(1, 1));
        mailbox.push(message(1, 2));
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(mailbox.poll(&mut context), Poll::Ready(Some(message(1, 1))));
        mailbox.push(message(1, 3));
        let missing = gap(2, position(1, 3), GapReason::ClientOverflow);
        assert_eq!(taken(&mut mailbox), [missing]);
    }

    #[test]
    fn a_new_order_among_what_does_not_fit_is_told() {
        let mut mailbox = Mailbox::new(1);
        mailbox.push(message(1, 7));
        mailbox.push(message(1, 8));
        mailbox.push(gap(1, position(2, 3), GapReason::EpochChanged));
        mailbox.push(message(2, 4));
        let missing = gap(1, position(2, 4), GapReason::EpochChanged);
        assert_eq!(taken(&mut mailbox), [message(1, 7), missing]);
    }

    #[test]
    fn the_last_status_survives() {
        let mut mailbox = Mailbox::new(1);
        mailbox.push(message(1, 1));
        mailbox.push(RoomEvent::Status(RoomStatus::Joining));
        mailbox.push(RoomEvent::Status(RoomStatus::Left));
        let left = RoomEvent::Status(RoomStatus::Left);
        assert_eq!(taken(&mut mailbox), [message(1, 1), left]);
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(mailbox.poll(&mut context), Poll::Ready(None));
    }
}
