//! One member of the crowd: where it stands in its room, what it has published, and how often it has tried to come back.

use std::time::Duration;

use super::line::Line;
use super::policy::{Rule, Setback};
use super::words::{self, Entrance, Heard, Position};
use super::{MEMBERS, Record, room};

/// One member.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) who: usize,
    pub(super) line: Option<Line>,
    /// Which attempt this is, of all: what was meant for an earlier one is nothing to it.
    pub(super) turn: u32,
    token: String,
    /// Where it stands, once it was in its room.
    position: Option<Position>,
    /// Attempts that have failed since it was inside.
    failures: u32,
    /// The last number that it has given to a publication.
    number: u64,
    /// Whether that one is not answered yet.
    pub(super) is_waiting: bool,
}

impl Member {
    pub(super) fn new(who: usize, token: String) -> Self {
        Self {
            who,
            line: None,
            turn: 0,
            token,
            position: None,
            failures: 0,
            number: 0,
            is_waiting: false,
        }
    }

    /// The number of its room.
    pub(super) fn room(&self) -> usize {
        self.who / MEMBERS
    }

    fn say(&mut self, message: &str) {
        if let Some(line) = &mut self.line {
            line.say(message);
        }
    }

    /// Says who it is, and where it stands.
    pub(super) fn greet(&mut self) {
        let hello = words::hello(&self.token, &room(self.room()), self.position.as_ref());
        self.say(&hello);
    }

    /// Publishes the next one; one that is not answered has to be answered first.
    pub(super) fn publish(&mut self) {
        if !self.is_waiting {
            self.number += 1;
            self.is_waiting = true;
            self.repeat();
        }
    }

    /// Says once more what was not answered. A number is of a room that has one publisher, so that it is a key, too.
    fn repeat(&mut self) {
        let publication = words::publish(&room(self.room()), self.number);
        self.say(&publication);
    }

    pub(super) fn answer_ping(&mut self) {
        self.say(words::PONG);
    }

    /// It is inside, with what it has missed.
    pub(super) fn enter(&mut self, entrance: Entrance, record: &mut Record) {
        self.failures = 0;
        if let Some(gap) = entrance.gap {
            record.history.told_of_gap(self.who, gap);
        }
        match &mut self.position {
            None => record.history.begins(self.who, entrance.position.offset),
            Some(position) => position.epoch.clone_from(&entrance.position.epoch),
        }
        for heard in entrance.messages {
            self.hear(heard, record);
        }
        self.position = Some(entrance.position);
        if self.is_waiting {
            self.repeat();
        }
    }

    pub(super) fn hear(&mut self, heard: Heard, record: &mut Record) {
        let what = (heard.offset, heard.number);
        record.history.heard(self.who, self.room(), what);
        if let Some(position) = &mut self.position {
            (position.offset, position.id) = (heard.offset, heard.id);
        }
    }

    /// It is told that something is missing, and where the room goes on.
    pub(super) fn skip(&mut self, position: Position, gap: String, record: &mut Record) {
        record.history.told_of_gap(self.who, gap);
        self.position = Some(position);
    }

    /// What it has published has this offset.
    pub(super) fn note_answer(&mut self, offset: u64, record: &mut Record) {
        self.is_waiting = false;
        let what = (offset, self.number);
        record.history.acknowledged(self.room(), what);
    }

    /// How long it waits before it dials; nothing if it gives up.
    pub(super) fn wait(&mut self, rule: &Rule, random: f64) -> Option<Duration> {
        let wait = (rule.wait)(Setback {
            failures: self.failures,
            random,
        });
        self.failures += 1;
        wait
    }
}
