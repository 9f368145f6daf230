//! A room as one shard knows it: where it stands, and who of this shard is there.

use tautline_protocol::model::{Position, Publication, PublicationId};

use crate::subscription::{Step, Subscription};

/// The subscribers of one shard and the shard's own head.
#[derive(Debug, Default)]
pub(crate) struct Room {
    /// The last position that was heard; none until the engine has answered the first watch.
    head: Option<Position>,
    /// Sorted by slot, so that a fan-out walks the shard's connections in their order in memory.
    subscribers: Vec<Subscriber>,
    /// How many of them have left and wait to be cleared away.
    gone: usize,
    /// How many are catching up.
    behind: usize,
    /// How many are about to subscribe, and wait for the engine.
    pub(crate) entering: usize,
    /// How many members the room has, where that was heard and is not told yet.
    pub(crate) count_to_tell: Option<u32>,
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
    /// It was heard before, or nobody stands anywhere yet.
    Nothing,
    /// It is not the next one.
    Gap,
}

impl Room {
    /// Where the room stands.
    pub(crate) fn head(&self) -> Option<Position> {
        self.head
    }

    /// Takes the engine's word on where the room stood when it began to be watched.
    pub(crate) fn handle_watched(&mut self, head: Position) {
        if self
            .head
            .is_none_or(|heard| heard.epoch != head.epoch || heard.offset < head.offset)
        {
            self.head = Some(head);
        }
    }

    /// Takes a publication, and judges whether it is the next.
    pub(crate) fn handle_publication(
        &mut self,
        publication: &Publication,
        previous: PublicationId,
    ) -> Heard {
        let heard = match self.head {
            None => Heard::Nothing,
            Some(head) if head.epoch != publication.position.epoch => Heard::Gap,
            Some(head) if publication.position.offset == head.offset + 1 && previous == head.id => {
                Heard::Next
            }
            Some(head)
                if publication.position == head || publication.position.offset < head.offset =>
            {
                return Heard::Nothing;
            }
            Some(_) => Heard::Gap,
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
        self.behind += 1;
    }

    /// Takes a subscriber away, if it is one.
    pub(crate) fn unsubscribe(&mut self, slot: u32) {
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
        self.behind -= usize::from(matches!(subscription, Subscription::CatchingUp(_)));
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

    /// The way on for one subscriber; none if it has left.
    pub(crate) fn step(&mut self, slot: u32) -> Option<Step> {
        let head = self.head?;
        let subscription = self.subscription(slot)?;
        let was_live = matches!(subscription, Subscription::Live);
        let step = subscription.step(head);
        self.behind -= usize::from(step == Step::Live && !was_live);
        Some(step)
    }

    /// Lets those who were ahead of the room follow it live, now that it has come to them.
    pub(crate) fn wake_waiting(&mut self) {
        let Some(head) = self.head else { return };
        if self.behind == 0 {
            return;
        }
        for subscriber in &mut self.subscribers {
            if let Some(subscription @ Subscription::CatchingUp(_)) = &mut subscriber.subscription {
                self.behind -= usize::from(subscription.step(head) == Step::Live);
            }
        }
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
