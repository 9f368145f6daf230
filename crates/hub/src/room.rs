//! A room as one shard knows it: where it stands, and who of this shard is there.

use tautline_protocol::model::{
    Bucket, GapReason, Position, Publication, PublicationId, SlowConsumers,
};

use crate::ledger::Ledger;
use crate::newest::Newest;
use crate::subscription::{Pace, Step, Subscription};

/// The subscribers of one shard and the shard's own head.
#[derive(Debug, Default)]
pub(crate) struct Room {
    /// The last position that was heard; none while it is not known: until the engine has answered
    /// a watch, and after it may have lost something.
    head: Option<Position>,
    /// What was heard while there was no head. It is of this watch, or a rest of one before.
    overheard: Option<Position>,
    /// Sorted by slot, so that a fan-out walks the shard's connections in their order in memory.
    subscribers: Vec<Subscriber>,
    /// How many of them have left and wait to be cleared away.
    gone: usize,
    /// How many are ahead of the head.
    waiting: usize,
    /// How many are about to subscribe, and wait for the engine.
    pub(crate) entering: usize,
    /// How many members the room has, where that was heard and is not told yet.
    pub(crate) count_to_tell: Option<u32>,
    /// What becomes of subscribers who take less than they are sent.
    pub(crate) slow_consumers: SlowConsumers,
    /// What is not acknowledged; none where nobody is asked to.
    pub(crate) ledger: Option<Box<Ledger>>,
    /// What those get who are behind where the newest is enough; none while nobody is.
    pub(crate) newest: Option<Box<Newest>>,
    /// How often somebody's coming or going was told.
    pub(crate) told_of_members: Bucket,
}

#[derive(Debug)]
struct Subscriber {
    slot: u32,
    /// None once it has left.
    subscription: Option<Subscription>,
}

/// What a publication means for the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// It is the next one: the live subscribers get it.
    Next,
    /// It is the next one, and subscribers who are ahead wait for the room: it is told to the live
    /// ones before anything else is heard, so that who is reached by it gets what comes behind it.
    Awaited,
    /// It was heard before, or nobody stands anywhere yet.
    Nothing,
    /// It is not the next one. The room stands where it stood, until [`Room::break_off`].
    Gap,
}

impl Room {
    /// Where the room stands.
    pub(crate) fn head(&self) -> Option<Position> {
        self.head
    }

    /// Takes the engine's word on where the room stood when it began to be watched.
    ///
    /// The first word counts: what came after it is heard, or is still to be heard.
    pub(crate) fn handle_watched(&mut self, watched: Position) {
        if self.head.is_none() {
            let later =
                |heard: &Position| heard.epoch == watched.epoch && heard.offset > watched.offset;
            self.head = Some(self.overheard.take().filter(later).unwrap_or(watched));
        }
    }

    /// The room goes on elsewhere: at `head`, or where the engine says when it is asked. Answers who followed
    /// it, and has to catch up from where it stood.
    pub(crate) fn break_off(&mut self, head: Option<Position>) -> Vec<u32> {
        let stood = std::mem::replace(&mut self.head, head);
        self.overheard = None;
        self.waiting = 0;
        self.newest = None;
        let Some(stood) = stood else {
            return Vec::new();
        };
        let has_fallen = |subscriber: &mut Subscriber| {
            let subscription = subscriber.subscription.as_mut()?;
            let has_fallen = subscription.fall_back(stood, GapReason::Limit);
            has_fallen.then_some(subscriber.slot)
        };
        self.subscribers.iter_mut().filter_map(has_fallen).collect()
    }

    /// Takes a publication, and judges whether it is the next.
    pub(crate) fn handle_publication(
        &mut self,
        publication: &Publication,
        previous: PublicationId,
    ) -> Heard {
        let heard = match self.head {
            None => {
                self.overheard = Some(publication.position);
                return Heard::Nothing;
            }
            Some(head) if head.epoch != publication.position.epoch => return Heard::Gap,
            Some(head) if publication.position.offset == head.offset + 1 && previous == head.id => {
                if self.waiting == 0 {
                    Heard::Next
                } else {
                    Heard::Awaited
                }
            }
            Some(head)
                if publication.position == head || publication.position.offset < head.offset =>
            {
                return Heard::Nothing;
            }
            Some(_) => return Heard::Gap,
        };
        self.head = Some(publication.position);
        heard
    }

    /// Adds a subscriber that has been given everything up to `cursor`, in place of what it was.
    pub(crate) fn subscribe(&mut self, slot: u32, cursor: Position) {
        let subscription = Some(Subscription::begin(cursor));
        match self
            .subscribers
            .binary_search_by_key(&slot, |subscriber| subscriber.slot)
        {
            Ok(at) => {
                self.unsubscribe(slot);
                if let Some(subscriber) = self.subscribers.get_mut(at) {
                    subscriber.subscription = subscription;
                    self.gone -= 1;
                }
            }
            Err(at) => self
                .subscribers
                .insert(at, Subscriber { slot, subscription }),
        }
    }

    /// Takes a subscriber away, if it is one.
    pub(crate) fn unsubscribe(&mut self, slot: u32) {
        if let Some(ledger) = &mut self.ledger {
            ledger.close(slot);
            if ledger.is_empty() {
                self.ledger = None;
            }
        }
        let Ok(at) = self
            .subscribers
            .binary_search_by_key(&slot, |subscriber| subscriber.slot)
        else {
            return;
        };
        let Some(subscription) = self
            .subscribers
            .get_mut(at)
            .and_then(|subscriber| subscriber.subscription.take())
        else {
            return;
        };
        self.waiting -= usize::from(subscription.is_waiting());
        self.gone += 1;
    }

    /// Clears away who has left, once they are as many as who is there. Not within [`Self::subscribe`],
    /// so that a mass leave costs each of them little.
    pub(crate) fn tidy(&mut self) {
        if self.gone * 2 > self.subscribers.len() {
            self.subscribers
                .retain(|subscriber| subscriber.subscription.is_some());
            self.gone = 0;
            if self.subscribers.capacity() > 4 * self.subscribers.len() {
                self.subscribers.shrink_to(2 * self.subscribers.len());
            }
        }
    }

    /// Whether nobody is here.
    pub(crate) fn is_empty(&self) -> bool {
        self.subscribers.len() == self.gone
    }

    /// How many are here.
    pub(crate) fn len(&self) -> usize {
        self.subscribers.len() - self.gone
    }

    /// Everyone here, live or not.
    pub(crate) fn everyone(&self) -> impl Iterator<Item = u32> + '_ {
        self.subscribers
            .iter()
            .filter(|subscriber| subscriber.subscription.is_some())
            .map(|subscriber| subscriber.slot)
    }

    /// Those who get what comes.
    pub(crate) fn live(&self) -> impl Iterator<Item = u32> + '_ {
        let live =
            |subscriber: &&Subscriber| matches!(subscriber.subscription, Some(Subscription::Live));
        self.subscribers
            .iter()
            .filter(live)
            .map(|subscriber| subscriber.slot)
    }

    /// Those who know that they are here, live or not.
    pub(crate) fn following(&self) -> impl Iterator<Item = u32> + '_ {
        let following = |subscription: &Subscription| subscription.is_following();
        self.subscribers
            .iter()
            .filter(move |subscriber| subscriber.subscription.as_ref().is_some_and(following))
            .map(|subscriber| subscriber.slot)
    }

    /// The way on for one subscriber; none if it has left.
    pub(crate) fn step(&mut self, slot: u32) -> Option<Step> {
        let (head, pace) = (self.head, self.pace(slot));
        let subscription = self.subscription(slot)?;
        let was_waiting = subscription.is_waiting();
        let step = subscription.step(head, pace);
        let is_waiting = subscription.is_waiting();
        self.waiting -= usize::from(was_waiting);
        self.waiting += usize::from(is_waiting);
        if let Step::Read(cursor) = step
            && self.next(slot, cursor).is_some()
        {
            return Some(Step::Newest(cursor));
        }
        Some(step)
    }

    /// Lets those who were ahead of the room follow it live, now that it has come to them.
    pub(crate) fn wake_waiting(&mut self) {
        if self.waiting == 0 {
            return;
        }
        let head = self.head;
        let subscriptions = self
            .subscribers
            .iter_mut()
            .filter_map(|subscriber| subscriber.subscription.as_mut());
        for subscription in subscriptions.filter(|subscription| subscription.is_waiting()) {
            subscription.step(head, Pace::Bounded);
            self.waiting -= usize::from(!subscription.is_waiting());
        }
    }

    /// How many more publications a subscriber may be given before it acknowledges some; none if it need not.
    pub(crate) fn left(&self, slot: u32) -> Option<usize> {
        self.ledger.as_ref()?.left(slot)
    }

    fn pace(&self, slot: u32) -> Pace {
        self.left(slot).map_or(Pace::Bounded, |left| {
            let is_full = left == 0;
            Pace::Acknowledged { is_full }
        })
    }

    /// Whether somebody takes less than it is sent, and stays all the same.
    pub(crate) fn has_slow(&self) -> bool {
        let subscriptions = self.subscribers.iter();
        let mut subscriptions = subscriptions.filter_map(|it| it.subscription.as_ref());
        subscriptions.any(Subscription::is_slow)
    }

    /// How a subscriber follows; none if it has left.
    pub(crate) fn subscription(&mut self, slot: u32) -> Option<&mut Subscription> {
        let at = self
            .subscribers
            .binary_search_by_key(&slot, |subscriber| subscriber.slot)
            .ok()?;
        self.subscribers.get_mut(at)?.subscription.as_mut()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bytes::Bytes;
    use proptest::prelude::*;
    use tautline_protocol::model::{Epoch, EventName, RoomName, Timestamp};

    use super::*;

    fn position(offset: u64) -> Position {
        let mut id = PublicationId::default();
        id.0[..8].copy_from_slice(&offset.to_be_bytes());
        Position {
            epoch: Epoch(1),
            offset,
            id,
        }
    }

    fn publication(position: Position) -> Publication {
        Publication {
            room: RoomName::parse("r").unwrap(),
            position,
            event: EventName::chat(),
            data: Bytes::from_static(b"1"),
            user: None,
            tag: None,
            sent_at: Timestamp(0),
        }
    }

    fn hear(room: &mut Room, offset: u64) -> Heard {
        room.handle_publication(&publication(position(offset)), position(offset - 1).id)
    }

    /// A room that stands at an offset, with subscribers who stand there too.
    fn room_at(offset: u64, slots: &[u32]) -> Room {
        let mut room = Room::default();
        room.handle_watched(position(offset));
        for slot in slots {
            room.subscribe(*slot, position(offset));
            assert_eq!(room.step(*slot), Some(Step::Live));
        }
        room
    }

    fn live(room: &Room) -> Vec<u32> {
        room.live().collect()
    }

    #[test]
    fn what_is_not_the_next_one_is_a_gap() {
        let next = publication(position(6));
        let ids = |offset| position(offset).id;
        let another = PublicationId([9; 16]);
        let in_epoch = |epoch, position| Position { epoch, ..position };
        for (case, heard, previous, expected) in [
            ("next", position(6), ids(5), Heard::Next),
            ("other previous id", position(6), another, Heard::Gap),
            ("skipped offset", position(7), ids(6), Heard::Gap),
            (
                "other epoch",
                in_epoch(Epoch(2), position(6)),
                ids(5),
                Heard::Gap,
            ),
            (
                "same offset, other id",
                Position {
                    id: another,
                    ..position(5)
                },
                ids(4),
                Heard::Gap,
            ),
            ("duplicate", position(5), ids(4), Heard::Nothing),
            ("older", position(2), ids(1), Heard::Nothing),
        ] {
            let mut room = room_at(5, &[1]);
            let told = Publication {
                position: heard,
                ..next.clone()
            };
            assert_eq!(room.handle_publication(&told, previous), expected, "{case}");
            let head = if expected == Heard::Next {
                heard
            } else {
                position(5)
            };
            assert_eq!(room.head(), Some(head), "{case}");
        }
    }

    #[test]
    fn the_first_watch_counts_and_what_was_heard_before_its_answer() {
        let mut room = Room::default();
        assert_eq!((hear(&mut room, 4), room.head()), (Heard::Nothing, None));
        room.handle_watched(position(3));
        assert_eq!(room.head(), Some(position(4)));
        // Publication 5 is still to be heard.
        room.handle_watched(position(5));
        assert_eq!(hear(&mut room, 5), Heard::Next);
        assert_eq!(hear(&mut room, 6), Heard::Next);
    }

    #[test]
    fn the_rest_of_an_earlier_watch_is_not_the_head() {
        let mut room = Room::default();
        assert_eq!(hear(&mut room, 4), Heard::Nothing);
        room.handle_watched(position(8));
        assert_eq!(hear(&mut room, 5), Heard::Nothing);
        assert_eq!(hear(&mut room, 9), Heard::Next);
    }

    #[test]
    fn after_a_loss_the_head_is_asked_again() {
        let mut room = room_at(5, &[]);
        assert_eq!(room.break_off(None), [] as [u32; 0]);
        assert_eq!(room.head(), None);
        room.handle_watched(position(9));
        assert_eq!(hear(&mut room, 10), Heard::Next);
    }

    #[test]
    fn who_is_ahead_follows_from_where_it_stands() {
        let mut room = room_at(3, &[1]);
        room.subscribe(2, position(5));
        assert_eq!(room.step(2), Some(Step::Wait));
        assert_eq!(hear(&mut room, 4), Heard::Awaited);
        room.wake_waiting();
        assert_eq!(live(&room), [1]);
        assert_eq!(hear(&mut room, 5), Heard::Awaited);
        room.wake_waiting();
        assert_eq!(live(&room), [1, 2]);
        assert_eq!(hear(&mut room, 6), Heard::Next);
    }

    #[test]
    fn who_was_not_let_in_yet_is_not_woken() {
        let mut room = room_at(3, &[]);
        room.subscribe(1, position(3));
        room.subscribe(2, position(4));
        assert_eq!(hear(&mut room, 4), Heard::Next);
        room.wake_waiting();
        assert_eq!(live(&room), [] as [u32; 0]);
        assert_eq!(room.following().count(), 0);
        assert_eq!(room.everyone().collect::<Vec<_>>(), [1, 2]);
        assert_eq!(room.step(1), Some(Step::Read(position(3))));
        assert_eq!(room.step(2), Some(Step::Live));
        assert_eq!(room.following().collect::<Vec<_>>(), [1, 2]);
    }

    #[derive(Debug, Clone)]
    enum Act {
        Publish,
        Hear,
        HearAgain(u64),
        Subscribe { slot: u32, behind: u64 },
        Unsubscribe(u32),
        Tidy,
        Step(u32),
        Give { slot: u32, messages: u64 },
        Wake,
    }

    fn act() -> impl Strategy<Value = Act> {
        let slot = || 0..6_u32;
        prop_oneof![
            4 => Just(Act::Publish),
            4 => Just(Act::Hear),
            1 => (0..5_u64).prop_map(Act::HearAgain),
            3 => (slot(), 0..5_u64).prop_map(|(slot, behind)| Act::Subscribe { slot, behind }),
            2 => slot().prop_map(Act::Unsubscribe),
            1 => Just(Act::Tidy),
            4 => slot().prop_map(Act::Step),
            4 => (slot(), 1..4_u64).prop_map(|(slot, messages)| Act::Give { slot, messages }),
            1 => Just(Act::Wake),
        ]
    }

    /// What a subscriber is in a model that has no bookkeeping.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Is {
        Joined,
        Reading,
        Waiting,
        Live,
    }

    /// Every subscriber's cursor and state; the engine stands at `published`, the room at `head`.
    #[derive(Default)]
    struct Model {
        published: u64,
        head: u64,
        subscribers: BTreeMap<u32, (u64, Is)>,
    }

    impl Model {
        fn who(&self, is: impl Fn(Is) -> bool) -> Vec<u32> {
            let slots = self.subscribers.iter();
            slots
                .filter(|(_, (_, state))| is(*state))
                .map(|(slot, _)| *slot)
                .collect()
        }

        fn step(&mut self, slot: u32) -> Option<Step> {
            let (cursor, is) = self.subscribers.get_mut(&slot)?;
            let (next, step) = match (*cursor).cmp(&self.head) {
                _ if *is == Is::Live => (Is::Live, Step::Live),
                std::cmp::Ordering::Equal => (Is::Live, Step::Live),
                std::cmp::Ordering::Greater => (Is::Waiting, Step::Wait),
                std::cmp::Ordering::Less => (Is::Reading, Step::Read(position(*cursor))),
            };
            *is = next;
            Some(step)
        }

        fn wake(&mut self) {
            for slot in self.who(|is| is == Is::Waiting) {
                self.step(slot);
            }
        }

        /// The room hears its next publication: the live ones get it, then those who waited are woken.
        fn hear(&mut self) -> Heard {
            let awaited = !self.who(|is| is == Is::Waiting).is_empty();
            self.head += 1;
            for (cursor, _) in self
                .subscribers
                .values_mut()
                .filter(|(_, is)| *is == Is::Live)
            {
                *cursor += 1;
            }
            self.wake();
            if awaited { Heard::Awaited } else { Heard::Next }
        }
    }

    fn perform(act: &Act, room: &mut Room, model: &mut Model) {
        match *act {
            Act::Publish => model.published += 1,
            Act::Hear if model.head == model.published => {}
            Act::Hear => {
                assert_eq!(hear(room, model.head + 1), model.hear());
                room.wake_waiting();
            }
            Act::HearAgain(back) if model.head > back => {
                assert_eq!(hear(room, model.head - back), Heard::Nothing);
            }
            Act::HearAgain(_) => {}
            Act::Subscribe { slot, behind } => {
                let cursor = model.published.saturating_sub(behind);
                room.subscribe(slot, position(cursor));
                model.subscribers.insert(slot, (cursor, Is::Joined));
            }
            Act::Unsubscribe(slot) => {
                room.unsubscribe(slot);
                model.subscribers.remove(&slot);
            }
            Act::Tidy => {
                room.tidy();
                assert!(room.gone * 2 <= room.subscribers.len());
            }
            Act::Step(slot) => assert_eq!(room.step(slot), model.step(slot)),
            Act::Give { slot, messages } => {
                let Some((cursor, Is::Reading)) = model.subscribers.get_mut(&slot) else {
                    return;
                };
                for _ in 0..messages.min(model.published - *cursor) {
                    *cursor += 1;
                    room.subscription(slot)
                        .unwrap()
                        .advance(&publication(position(*cursor)));
                }
            }
            Act::Wake => {
                room.wake_waiting();
                model.wake();
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_room_does_what_its_model_does(acts in prop::collection::vec(act(), 0..200)) {
            let (mut room, mut model) = (room_at(0, &[]), Model::default());
            for act in acts {
                perform(&act, &mut room, &mut model);
                prop_assert_eq!(live(&room), model.who(|is| is == Is::Live));
                prop_assert_eq!(
                    room.following().collect::<Vec<_>>(),
                    model.who(|is| is != Is::Joined)
                );
                prop_assert_eq!(room.everyone().collect::<Vec<_>>(), model.who(|_| true));
                prop_assert_eq!(room.len(), model.subscribers.len());
                prop_assert_eq!(room.is_empty(), model.subscribers.is_empty());
                prop_assert_eq!(room.waiting, model.who(|is| is == Is::Waiting).len());
                prop_assert_eq!(room.head(), Some(position(model.head)));
                let on_time = |(cursor, is): &(u64, Is)| *is != Is::Live || *cursor == model.head;
                prop_assert!(model.subscribers.values().all(on_time));
            }
        }
    }
}
