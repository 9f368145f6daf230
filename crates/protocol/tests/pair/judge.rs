//! What must hold, whatever happened.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use tautline_protocol::client::{
    Acknowledged, Answer, CallError, ConnectionState, Gap, GapReason, PublishError, RoomEvent,
    RoomStatus, Ticket,
};
use tautline_protocol::model::{self, Epoch, Position, Publication, RoomName};
use tautline_protocol::wire::v2::{ClientMessage, Envelope};

use crate::house::{House, LinkId};
use crate::link::Link;
use crate::world::World;

/// The program, which of its lives, and what it waits for.
pub(crate) type Who = (usize, u32, Ticket);

/// Writes down what was wanted and what was told, and compares.
#[derive(Debug, Default)]
pub(crate) struct Judge {
    /// In the order of the calls.
    records: Vec<Record>,
    by_ticket: HashMap<Who, usize>,
    /// What never left a program, because it was refused at once.
    unsent: Vec<u64>,
    questions: HashMap<Who, bool>,
    /// How often the server failed while a program was connected.
    crashes: HashMap<usize, u32>,
    streams: BTreeMap<(usize, RoomName), Stream>,
    /// How far the applications of a program have acknowledged each room, in each epoch.
    acknowledged: HashMap<(usize, RoomName, Epoch), u64>,
}

/// One publication.
#[derive(Debug)]
struct Record {
    who: Who,
    room: RoomName,
    /// What is said in it, and in no other.
    word: u64,
    /// It has failed if it is not acknowledged by then.
    until: Instant,
    outcome: Option<Outcome>,
    /// The server has said that it does not know what became of it.
    was_unanswered: bool,
    /// The server has said no to it at least once, whether that was heard or not.
    was_refused: bool,
    /// The process that waited for it is gone.
    is_forgotten: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Placed(Epoch, u64),
    NotSent,
    Unknown,
    Refused,
}

/// A room as one program hears it, from one join to the next.
#[derive(Debug, Default)]
struct Stream {
    stands: Option<Position>,
    is_live: bool,
}

impl Judge {
    pub(crate) fn publishes(&mut self, who: Who, room: RoomName, (word, until): (u64, Instant)) {
        let twice = self.by_ticket.insert(who, self.records.len());
        assert_eq!(twice, None, "a ticket was given twice");
        self.records.push(Record {
            who,
            room,
            word,
            until,
            outcome: None,
            was_refused: false,
            was_unanswered: false,
            is_forgotten: false,
        });
    }

    pub(crate) fn refuses_publication(&mut self, word: u64, refusal: &PublishError) {
        assert!(matches!(refusal, PublishError::NotSent(_)), "{refusal:?}");
        self.unsent.push(word);
    }

    pub(crate) fn published(
        &mut self,
        at: Instant,
        who: Who,
        result: &Result<Acknowledged, PublishError>,
        house: &House,
    ) {
        let record = &mut self.records[self.by_ticket[&who]];
        if let Err(PublishError::NotSent(why) | PublishError::Unknown(why)) = result {
            let crashes = self.crashes.get(&who.0).copied().unwrap_or_default();
            let is_so = match *why {
                "it was not acknowledged within the queue's ttl" => record.until <= at,
                "the server failed twice while this was on its way" => crashes >= 2,
                "the server had no answer in time" => record.was_unanswered,
                "the client was closed" => true,
                _ => record.was_refused,
            };
            assert!(is_so, "{why}: {record:?}");
        }
        assert_eq!(record.outcome, None, "settled twice: {record:?}");
        record.outcome = Some(match result {
            Ok(acknowledged) => {
                let Position { epoch, offset, id } = acknowledged.position;
                let place = archived(house, &record.room, (epoch, offset));
                assert_eq!(
                    word(&place.data),
                    record.word,
                    "another one's place: {record:?}"
                );
                assert_eq!(place.position.id, id, "another id: {record:?}");
                Outcome::Placed(epoch, offset)
            }
            Err(PublishError::NotSent(_)) => Outcome::NotSent,
            Err(PublishError::Unknown(_)) => Outcome::Unknown,
            Err(PublishError::Refused { .. }) => Outcome::Refused,
        });
    }

    /// The server says no to a publication.
    pub(crate) fn refuses(&mut self, data: &[u8]) {
        self.record(data).was_refused = true;
    }

    /// The server says that it does not know what became of a publication.
    pub(crate) fn leaves_open(&mut self, data: &[u8]) {
        self.record(data).was_unanswered = true;
    }

    fn record(&mut self, data: &[u8]) -> &mut Record {
        let word = word(data);
        let found = self.records.binary_search_by_key(&word, |it| it.word);
        &mut self.records[found.expect("it was published")]
    }

    /// The server fails while a program is connected.
    pub(crate) fn crashes(&mut self, nth: usize) {
        *self.crashes.entry(nth).or_default() += 1;
    }

    pub(crate) fn asks(&mut self, who: Who) {
        self.questions.insert(who, false);
    }

    pub(crate) fn cancels(&mut self, who: Who) {
        self.questions.remove(&who);
    }

    pub(crate) fn answered(&mut self, who: Who, _result: &Result<Answer, CallError>) {
        let is_answered = self
            .questions
            .get_mut(&who)
            .expect("it was asked, and not canceled");
        assert!(!std::mem::replace(is_answered, true), "answered twice");
    }

    pub(crate) fn joins(&mut self, nth: usize, room: &RoomName, since: Option<Position>) {
        let stream = Stream {
            stands: since,
            is_live: false,
        };
        self.streams.insert((nth, room.clone()), stream);
        if let Some(since) = since {
            self.acknowledges(nth, room, since);
        }
    }

    pub(crate) fn leaves(&mut self, nth: usize, room: &RoomName) {
        self.streams.remove(&(nth, room.clone()));
    }

    pub(crate) fn acknowledges(&mut self, nth: usize, room: &RoomName, position: Position) {
        let key = (nth, room.clone(), position.epoch);
        let offset = self.acknowledged.entry(key).or_default();
        *offset = position.offset.max(*offset);
    }

    /// The program has closed: nobody waits for anything any more.
    pub(crate) fn closes(&mut self, nth: usize) {
        self.streams.retain(|(program, _), _| *program != nth);
        let waits = |record: &&Record| record.who.0 == nth && record.is_open();
        let waiting = self.records.iter().find(waits);
        assert!(waiting.is_none(), "closed, and not settled: {waiting:?}");
        let waits = |(who, is_answered): (&Who, &bool)| who.0 == nth && !is_answered;
        assert!(
            !self.questions.iter().any(waits),
            "closed, and not answered"
        );
    }

    pub(crate) fn restarts(&mut self, nth: usize) {
        self.streams.retain(|(program, _), _| *program != nth);
        self.questions.retain(|who, _| who.0 != nth);
        for record in self.records.iter_mut().filter(|record| record.who.0 == nth) {
            record.is_forgotten |= record.is_open();
        }
    }

    /// Something was told of a room.
    pub(crate) fn hears(&mut self, nth: usize, room: &RoomName, event: &RoomEvent, house: &House) {
        let Some(stream) = self.streams.get_mut(&(nth, room.clone())) else {
            assert_eq!(
                *event,
                RoomEvent::Status(RoomStatus::Left),
                "of a room that was left"
            );
            return;
        };
        match event {
            RoomEvent::Message(publication) => stream.message(publication, house),
            RoomEvent::Gap(gap) => stream.gap(room, *gap, house),
            RoomEvent::Status(RoomStatus::Live { position, .. }) => {
                let stands = *stream.stands.get_or_insert(*position);
                let place = |position: Position| (position.epoch, position.offset);
                assert_eq!(place(stands), place(*position), "live elsewhere");
                stream.is_live = true;
            }
            RoomEvent::Status(RoomStatus::Joining) => stream.is_live = false,
            RoomEvent::Status(RoomStatus::Left) => {
                self.streams.remove(&(nth, room.clone()));
            }
            RoomEvent::Status(RoomStatus::Denied { .. }) => panic!("everybody is allowed"),
            RoomEvent::Cast(_) | RoomEvent::Presence(_) => {
                assert!(stream.is_live, "{event:?} before it was live");
            }
        }
    }

    /// The connection is lost: nobody is told to be in a room.
    pub(crate) fn loses(&self, nth: usize) {
        let is_live = |((program, _), stream): (&(usize, RoomName), &Stream)| {
            *program == nth && stream.is_live
        };
        assert!(
            !self.streams.iter().any(is_live),
            "lost, and live in a room"
        );
    }

    /// Why it is not at rest, if it is not.
    fn unrest(&self) -> Option<String> {
        let open = self.records.iter().find(|record| record.is_open());
        let open = open.map(|record| format!("not settled: {record:?}"));
        let question = self
            .questions
            .iter()
            .find(|(_, is_answered)| !**is_answered);
        open.or_else(|| question.map(|question| format!("not answered: {question:?}")))
    }
}

impl Record {
    fn is_open(&self) -> bool {
        self.outcome.is_none() && !self.is_forgotten
    }
}

impl Stream {
    /// It is the next, and it is what was published.
    fn message(&mut self, publication: &Publication, house: &House) {
        let Position { epoch, offset, .. } = publication.position;
        if let Some(stands) = self.stands {
            assert_eq!(
                (epoch, offset),
                (stands.epoch, stands.offset + 1),
                "not the next"
            );
        }
        let place = archived(house, &publication.room, (epoch, offset));
        assert_eq!(place.position, publication.position, "another one");
        assert_eq!(place.data, publication.data, "another one");
        self.stands = Some(publication.position);
    }

    /// It is what the server has told, and no more than is missing.
    fn gap(&mut self, room: &RoomName, gap: Gap, house: &House) {
        let Position { epoch, offset, .. } = gap.position;
        assert_eq!(gap.to, offset, "it goes on elsewhere: {gap:?}");
        match (gap.reason, self.stands) {
            (GapReason::EpochChanged, stands) => {
                assert_eq!(gap.from, 1, "{gap:?}");
                let is_other = stands.is_none_or(|stands| stands.epoch != epoch);
                assert!(is_other, "the epoch is the same: {gap:?} at {stands:?}");
            }
            (_, Some(stands)) => {
                let next = (stands.epoch, stands.offset + 1);
                assert_eq!((epoch, gap.from), next, "not what is next: {gap:?}");
                assert!(gap.to >= gap.from, "of nothing: {gap:?}");
            }
            (_, None) => {}
        }
        let is_it = |(name, told): &(RoomName, model::Gap)| {
            name == room
                && (told.until.epoch, told.until.offset) == (epoch, offset)
                && told.from <= gap.from
                && same_reason(told.reason, gap.reason)
        };
        assert!(house.gaps.iter().any(is_it), "nothing is missing: {gap:?}");
        self.stands = Some(gap.position);
    }
}

impl World {
    /// The server refuses what it has just read, if that is a publication.
    pub(crate) fn judge_refusal(&mut self, id: LinkId) {
        let encoding = self.plan.encoding;
        let desk = self.link(id).and_then(|link| link.desk.as_ref());
        let Some(bytes) = desk.and_then(|desk| desk.reading.clone()) else {
            return;
        };
        let read = Envelope::<ClientMessage<'_>>::decode(encoding, &bytes).expect("a message");
        if let ClientMessage::Publish(publish) = read.message {
            self.judge.refuses(publish.data.as_json().as_bytes());
        }
    }

    /// A program acknowledges no more than its application has handled.
    pub(crate) fn judge_ack(&mut self, id: LinkId, room: &RoomName, (epoch, offset): (Epoch, u64)) {
        let program = self.link(id).expect("it asks").program;
        let handled = self.judge.acknowledged.get(&(program, room.clone(), epoch));
        let handled = handled.copied().unwrap_or_default();
        assert!(
            offset <= handled,
            "{offset} of {room} is acknowledged, {handled} handled"
        );
    }

    /// Why the world is not at rest, if it is not.
    pub(crate) fn unrest(&self) -> Option<String> {
        if self.is_busy {
            return Some("things still happen".to_owned());
        }
        if let Some(link) = self.links.iter().find(|link| !link.is_known) {
            return Some(format!("link {} has not ended at the server", link.id));
        }
        for (nth, program) in self.programs.iter().enumerate() {
            if !matches!(program.state, ConnectionState::Connected { .. }) {
                return Some(format!("p{nth} is not connected: {:?}", program.state));
            }
            for (room, hall) in &self.house.halls {
                let is_its = |link: &&Link| link.program == nth && hall.has_member(link.id);
                let is_in = self.links.iter().any(|link| is_its(&link));
                if is_in != program.wants.contains(room) {
                    return Some(format!("p{nth} is in {room}: {is_in}"));
                }
            }
            for room in &program.wants {
                let hall = &self.house.halls[room];
                let stream = self.judge.streams.get(&(nth, room.clone()));
                let stands = stream.filter(|it| it.is_live).and_then(|it| it.stands);
                let head = hall.head();
                let place = |position: Position| (position.epoch, position.offset);
                if stands.map(place) != Some(place(head)) {
                    return Some(format!(
                        "p{nth} stands at {stands:?} of {room}, not at {head:?}"
                    ));
                }
                let cursor = hall.cursors.get(&program.user);
                if hall.has_acks()
                    && head.offset > 0
                    && cursor.is_none_or(|cursor| place(*cursor) != place(head))
                {
                    return Some(format!(
                        "p{nth}: {room} is at {head:?}, acknowledged {cursor:?}"
                    ));
                }
            }
        }
        self.judge.unrest()
    }

    /// What is in the logs is what the programs were told.
    pub(crate) fn verdict(&self) {
        let mut places: HashMap<u64, Vec<(Epoch, u64)>> = HashMap::new();
        for hall in self.house.halls.values() {
            for publication in hall.archive.values().flatten() {
                let Position { epoch, offset, .. } = publication.position;
                places
                    .entry(word(&publication.data))
                    .or_default()
                    .push((epoch, offset));
            }
        }
        for places in places.values_mut() {
            let count = places.len();
            places.sort_by_key(|(epoch, _)| epoch.0);
            places.dedup_by_key(|(epoch, _)| *epoch);
            assert_eq!(places.len(), count, "published twice: {places:?}");
        }
        for unsent in &self.judge.unsent {
            assert!(!places.contains_key(unsent), "{unsent} was refused at once");
        }
        for record in &self.judge.records {
            let found = places.get(&record.word);
            match record.outcome {
                Some(Outcome::Placed(epoch, offset)) => {
                    let is_there = found.is_some_and(|found| found.contains(&(epoch, offset)));
                    assert!(is_there, "acknowledged, and not there: {record:?}");
                }
                Some(Outcome::NotSent | Outcome::Refused) => {
                    assert!(
                        found.is_none(),
                        "it is there all the same: {record:?} {found:?}"
                    );
                }
                Some(Outcome::Unknown) => {}
                None => assert!(record.is_forgotten, "never settled: {record:?}"),
            }
        }
        self.judge_order(&places);
    }

    /// What one program publishes in one room stands there in the order of its calls; but what the server has refused,
    /// heard or not, may stand behind what was on its way at that time, and so may what had its place in an epoch that is
    /// gone.
    fn judge_order(&self, places: &HashMap<u64, Vec<(Epoch, u64)>>) {
        let mut least: HashMap<(usize, u32, &RoomName, Epoch), (u64, u64)> = HashMap::new();
        for record in self.judge.records.iter().rev() {
            let Some(Outcome::Placed(epoch, offset)) = record.outcome else {
                continue;
            };
            let key = (record.who.0, record.who.1, &record.room, epoch);
            let (later, word) = *least.entry(key).or_insert((offset, record.word));
            assert!(
                later >= offset || record.was_refused || places[&record.word].len() > 1,
                "{word} was published later and stands before: {record:?}"
            );
            if offset < later {
                least.insert(key, (offset, record.word));
            }
        }
    }
}

/// What stands at a place.
fn archived<'a>(
    house: &'a House,
    room: &RoomName,
    (epoch, offset): (Epoch, u64),
) -> &'a Publication {
    let at = usize::try_from(offset).expect("a short run").checked_sub(1);
    let archive = house.halls[room]
        .archive
        .get(&epoch)
        .expect("an epoch of the room");
    archive
        .get(at.expect("the first is 1"))
        .expect("it was published")
}

/// What is said in a publication.
fn word(data: &[u8]) -> u64 {
    let text = std::str::from_utf8(data).expect("JSON");
    let digits = text.trim_start_matches("{\"n\":").trim_end_matches('}');
    digits.parse().expect("a number")
}

fn same_reason(told: model::GapReason, heard: GapReason) -> bool {
    match told {
        model::GapReason::Evicted => heard == GapReason::Evicted,
        model::GapReason::EpochChanged => heard == GapReason::EpochChanged,
        model::GapReason::Limit => heard == GapReason::Limit,
        model::GapReason::SlowConsumer => heard == GapReason::SlowConsumer,
    }
}
