//! What members of a room that asks for acknowledgements were given and have not acknowledged. Pure.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use tautline_protocol::model::{Acks, Epoch, Position, PublicationId};

/// The members of one shard, by their connections' places, and what each of them owes.
#[derive(Debug, Default)]
pub(crate) struct Ledger(HashMap<u32, Debt>);

#[derive(Debug)]
struct Debt {
    /// Tells it from an earlier one of the same member.
    number: u64,
    acks: Acks,
    /// What is behind this was given and is not acknowledged; nothing is missing between it and that.
    settled: Position,
    given: VecDeque<PublicationId>,
    /// When it is given again, if nothing is acknowledged until then.
    again_at: Option<Instant>,
    /// Whether a timer is set, for then or earlier.
    is_timed: bool,
}

/// What is to be done when a timer fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// Nothing.
    Nothing,
    /// Nothing before then.
    Later(Instant),
    /// So many, behind there, are given again.
    Again {
        /// The place of the last that is acknowledged.
        after: Position,
        /// At least one.
        count: u32,
        /// When it is due the next time.
        next: Instant,
    },
}

impl Ledger {
    /// Begins with a member that owes nothing, and goes on behind there. No other account has this number.
    pub(crate) fn open(&mut self, slot: u32, number: u64, (acks, settled): (Acks, Position)) {
        let debt = Debt {
            number,
            acks,
            settled,
            given: VecDeque::new(),
            again_at: None,
            is_timed: false,
        };
        self.0.insert(slot, debt);
    }

    /// Forgets what a member owes.
    pub(crate) fn close(&mut self, slot: u32) {
        self.0.remove(&slot);
    }

    /// Whether this account of a member is not closed yet.
    pub(crate) fn is_open(&self, slot: u32, number: u64) -> bool {
        self.0.get(&slot).is_some_and(|debt| debt.number == number)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many more a member may be given now; without an account, any number.
    pub(crate) fn left(&self, slot: u32) -> Option<usize> {
        let debt = self.0.get(&slot)?;
        let most = usize::try_from(debt.acks.in_flight_max).unwrap_or(usize::MAX);
        Some(most.saturating_sub(debt.given.len()))
    }

    /// Notes that a member was given the next publication. Answers when to look at which account, if no timer is set
    /// for that.
    pub(crate) fn give(
        &mut self,
        slot: u32,
        id: PublicationId,
        now: Instant,
    ) -> Option<(Instant, u64)> {
        let debt = self.0.get_mut(&slot)?;
        debt.given.push_back(id);
        let at = *debt.again_at.get_or_insert(now + debt.acks.timeout);
        (!std::mem::replace(&mut debt.is_timed, true)).then_some((at, debt.number))
    }

    /// Notes that a member goes on behind there: what lies before is lost, what it was given of it too.
    pub(crate) fn skip(&mut self, slot: u32, until: Position) {
        if let Some(debt) = self.0.get_mut(&slot) {
            debt.settled = until;
            debt.given.clear();
            debt.again_at = None;
        }
    }

    /// The place with this offset, if the member owes it.
    pub(crate) fn find(&self, slot: u32, epoch: Epoch, offset: u64) -> Option<Position> {
        let debt = self.0.get(&slot)?;
        let behind = offset.checked_sub(debt.settled.offset)?.checked_sub(1)?;
        let id = debt.given.get(usize::try_from(behind).ok()?)?;
        (epoch == debt.settled.epoch).then_some(Position {
            epoch,
            offset,
            id: *id,
        })
    }

    /// Settles what a member owes up to there.
    pub(crate) fn settle(&mut self, slot: u32, until: Position, now: Instant) {
        let Some(debt) = self.0.get_mut(&slot) else {
            return;
        };
        let paid = until.offset.saturating_sub(debt.settled.offset);
        let paid = usize::try_from(paid).map_or(usize::MAX, |paid| paid.min(debt.given.len()));
        if paid == 0 || until.epoch != debt.settled.epoch {
            return;
        }
        if let Some(id) = debt.given.drain(..paid).next_back() {
            debt.settled.offset += u64::try_from(paid).unwrap_or(u64::MAX);
            debt.settled.id = id;
        }
        let has_more = !debt.given.is_empty();
        debt.again_at = has_more.then_some(now + debt.acks.timeout);
        if !has_more {
            debt.given = VecDeque::new();
        }
    }

    /// An account's timer has fired. If something is due, it is due again a timeout later.
    pub(crate) fn look(&mut self, slot: u32, number: u64, now: Instant) -> Due {
        let account = self.0.get_mut(&slot);
        let Some(debt) = account.filter(|debt| debt.number == number) else {
            return Due::Nothing;
        };
        match debt.again_at {
            None => {
                debt.is_timed = false;
                Due::Nothing
            }
            Some(at) if now < at => Due::Later(at),
            Some(_) => {
                let next = now + debt.acks.timeout;
                debt.again_at = Some(next);
                Due::Again {
                    after: debt.settled,
                    count: u32::try_from(debt.given.len()).unwrap_or(u32::MAX),
                    next,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    const ACKS: Acks = Acks {
        timeout: Duration::from_secs(30),
        in_flight_max: 3,
    };

    fn position(offset: u64) -> Position {
        let mut id = PublicationId::default();
        id.0[..8].copy_from_slice(&offset.to_be_bytes());
        Position {
            epoch: Epoch(1),
            offset,
            id,
        }
    }

    fn ledger(settled: u64) -> Ledger {
        let mut ledger = Ledger::default();
        ledger.open(7, 1, (ACKS, position(settled)));
        ledger
    }

    #[test]
    fn who_has_no_account_has_no_bound() {
        let mut ledger = ledger(0);
        assert_eq!(ledger.left(8), None);
        assert_eq!(ledger.give(8, position(1).id, Instant::now()), None);
        ledger.close(7);
        assert_eq!(ledger.left(7), None);
    }

    #[test]
    fn nothing_is_settled_by_another_epoch_or_by_what_was_not_given() {
        let (mut ledger, now) = (ledger(4), Instant::now());
        ledger.give(7, position(5).id, now);
        ledger.settle(7, position(4), now);
        let elsewhere = Position {
            epoch: Epoch(2),
            ..position(5)
        };
        ledger.settle(7, elsewhere, now);
        assert_eq!(ledger.left(7), Some(2));
        assert_eq!(ledger.find(7, Epoch(1), 5), Some(position(5)));
        for (epoch, offset) in [(1, 4), (1, 6), (2, 5), (1, 0), (1, u64::MAX)] {
            assert_eq!(ledger.find(7, Epoch(epoch), offset), None);
        }
    }

    #[test]
    fn a_gap_settles_what_is_lost() {
        let (mut ledger, now) = (ledger(4), Instant::now());
        ledger.give(7, position(5).id, now);
        ledger.skip(7, position(9));
        assert_eq!(ledger.left(7), Some(3));
        ledger.give(7, position(10).id, now);
        assert_eq!(ledger.find(7, Epoch(1), 10), Some(position(10)));
    }

    #[test]
    fn what_is_not_acknowledged_in_time_is_due_and_due_again() {
        let (mut ledger, start) = (ledger(4), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(ledger.give(7, position(5).id, start), Some((after(30), 1)));
        assert_eq!(ledger.give(7, position(6).id, after(10)), None);
        ledger.settle(7, position(5), after(20));
        assert_eq!(ledger.look(7, 1, after(30)), Due::Later(after(50)));
        let due = |next| Due::Again {
            after: position(5),
            count: 1,
            next: after(next),
        };
        assert_eq!(ledger.look(7, 1, after(50)), due(80));
        assert_eq!(ledger.look(7, 1, after(51)), Due::Later(after(80)));
        assert_eq!(ledger.look(7, 1, after(80)), due(110));
        ledger.settle(7, position(6), after(81));
        assert_eq!(ledger.look(7, 1, after(110)), Due::Nothing);
        assert_eq!(
            ledger.give(7, position(7).id, after(111)),
            Some((after(141), 1))
        );
    }

    #[test]
    fn the_timer_of_an_account_that_was_closed_is_nobodys() {
        let (mut ledger, start) = (ledger(4), Instant::now());
        ledger.give(7, position(5).id, start);
        ledger.close(7);
        ledger.open(7, 2, (ACKS, position(4)));
        assert!(ledger.is_open(7, 2) && !ledger.is_open(7, 1));
        let begun = ledger.give(7, position(5).id, start);
        assert_eq!(begun, Some((start + ACKS.timeout, 2)));
        let later = start + 2 * ACKS.timeout;
        assert_eq!(ledger.look(7, 1, later), Due::Nothing);
        assert_ne!(ledger.look(7, 2, later), Due::Nothing);
    }

    proptest! {
        #[test]
        fn what_is_owed_is_what_was_given_and_not_settled(moves in prop::collection::vec((any::<bool>(), 0_u64..12), 0..60)) {
            let (mut ledger, now) = (ledger(0), Instant::now());
            let (mut given, mut settled) = (0, 0);
            for (gives, offset) in moves {
                if gives && ledger.left(7) != Some(0) {
                    given += 1;
                    ledger.give(7, position(given).id, now);
                } else {
                    ledger.settle(7, position(offset), now);
                    settled = settled.max(offset.min(given));
                }
                let left = usize::try_from(3 - (given - settled)).unwrap();
                prop_assert_eq!(ledger.left(7), Some(left));
                for offset in 0..=given + 1 {
                    let is_owed = settled < offset && offset <= given;
                    prop_assert_eq!(ledger.find(7, Epoch(1), offset), is_owed.then(|| position(offset)));
                }
            }
        }
    }
}
