//! What is done to the server: how often, and what its turn is.

use crate::history::Rewind;

/// How often what is done to the server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Blows {
    /// It is killed, and started again.
    pub kills: u32,
    /// It stands still for longer than anybody waits for a sign of life, and goes on.
    pub stops: u32,
    /// It is asked to end, says that it goes away, ends, and another process goes on with its disk.
    pub drains: u32,
}

/// What the server survives without being killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interlude {
    Stop,
    Drain,
}

/// What has been done to the server.
#[derive(Debug, Default)]
pub(super) struct Toll {
    /// What anybody has noticed of it.
    pub(super) blows: Blows,
    /// How often the server was to survive without being killed, noticed or not.
    pub(super) interludes: u32,
    /// How often it went on with an older copy of its disk.
    pub(super) rewinds: Vec<Rewind>,
    /// How often anything was done, resets of the network included.
    pub(super) turns: u32,
}

impl Toll {
    /// Whose turn it is: one in so many turns is an interlude, as far as any is wanted, of the kind that has been less often.
    pub(super) fn turn(&mut self, interlude_every: u32, wanted: Blows) -> Option<Interlude> {
        self.turns += 1;
        let is_interlude = self.turns.is_multiple_of(interlude_every);
        let is_stops_turn = wanted.drains == 0 || self.blows.stops <= self.blows.drains;
        if !is_interlude {
            None
        } else if wanted.stops > 0 && is_stops_turn {
            self.interludes += 1;
            Some(Interlude::Stop)
        } else if wanted.drains > 0 {
            self.interludes += 1;
            Some(Interlude::Drain)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes in so many turns, with everything noticed that is done.
    fn turns(wanted: Blows) -> Vec<Option<Interlude>> {
        let mut toll = Toll::default();
        let turn = |_| {
            let turn = toll.turn(3, wanted);
            match turn {
                Some(Interlude::Stop) => toll.blows.stops += 1,
                Some(Interlude::Drain) => toll.blows.drains += 1,
                None => {}
            }
            turn
        };
        (0..9).map(turn).collect()
    }

    fn wanted(stops: u32, drains: u32) -> Blows {
        Blows {
            stops,
            drains,
            ..Blows::default()
        }
    }

    #[test]
    fn interludes_come_in_turn_and_only_if_they_are_wanted() {
        let (stop, drain) = (Some(Interlude::Stop), Some(Interlude::Drain));
        let every_third = |interludes: [Option<Interlude>; 3]| {
            interludes.map(|interlude| [None, None, interlude]).concat()
        };
        assert_eq!(turns(wanted(1, 1)), every_third([stop, drain, stop]));
        assert_eq!(turns(wanted(1, 0)), every_third([stop; 3]));
        assert_eq!(turns(wanted(0, 1)), every_third([drain; 3]));
        assert_eq!(turns(wanted(0, 0)), every_third([None; 3]));
    }

    #[test]
    fn what_nobody_has_noticed_is_done_again() {
        let mut toll = Toll::default();
        assert_eq!(toll.turn(1, wanted(1, 1)), Some(Interlude::Stop));
        assert_eq!(toll.turn(1, wanted(1, 1)), Some(Interlude::Stop));
    }
}
