//! What the members of the crowd of real clients have to tell, from their tasks to the [`Record`].

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

use anyhow::{Result, bail};

use super::diary::Step;
use super::{MEMBERS, Record};

/// What has happened to a member.
#[derive(Debug)]
pub(super) enum News {
    Step(Step),
    /// Its client will dial at this time.
    DialsAt(Instant),
    /// It is in its room for the first time, and hears what follows this offset.
    Begins(u64),
    /// It was given the publication with this number, at this offset.
    Hears {
        offset: u64,
        number: u64,
    },
    /// It was told of a gap.
    Misses(String),
    /// It waits for the answer to a publication.
    Publishes,
    /// The publication with this number has this offset.
    IsAnswered {
        offset: u64,
        number: u64,
    },
    /// Something that may not happen.
    Fails(String),
}

/// What one member writes with.
#[derive(Debug, Clone)]
pub(super) struct Pen {
    pub(super) who: usize,
    to: Sender<(Instant, usize, News)>,
}

/// What everybody has written since somebody looked. The crowd looks many times a second, and each member has little to tell, so
/// that this needs no bound of its own.
#[derive(Debug)]
pub(super) struct Notes {
    from: Receiver<(Instant, usize, News)>,
    to: Sender<(Instant, usize, News)>,
    dials_at: Vec<Option<Instant>>,
    is_waiting: Vec<bool>,
}

impl Pen {
    pub(super) fn note(&self, news: News) {
        // When nobody reads any more, the trial is over.
        self.to.send((Instant::now(), self.who, news)).ok();
    }
}

impl Notes {
    pub(super) fn new(clients: usize) -> Self {
        let (to, from) = channel();
        Self {
            from,
            to,
            dials_at: vec![None; clients],
            is_waiting: vec![false; clients],
        }
    }

    /// A pen for a member.
    pub(super) fn pen(&self, who: usize) -> Pen {
        let to = self.to.clone();
        Pen { who, to }
    }

    /// Whether a member waits for an answer.
    pub(super) fn is_waiting(&self, who: usize) -> bool {
        self.is_waiting.get(who).copied().unwrap_or_default()
    }

    /// Puts everything that was written into the record.
    pub(super) fn copy_to(&mut self, record: &mut Record) -> Result<()> {
        while let Ok((at, who, news)) = self.from.try_recv() {
            self.copy(record, (at, who), news)?;
        }
        Ok(())
    }

    fn copy(&mut self, record: &mut Record, (at, who): (Instant, usize), news: News) -> Result<()> {
        let Record { diary, history } = record;
        let room = who / MEMBERS;
        match news {
            News::Step(step) => {
                if step == Step::Dials
                    && let Some(wanted) = self.dials_at.get_mut(who).and_then(Option::take)
                {
                    diary.late = diary.late.max(at.saturating_duration_since(wanted));
                }
                diary.note_at(at, who, step);
            }
            News::DialsAt(wanted) => {
                if let Some(place) = self.dials_at.get_mut(who) {
                    *place = Some(wanted);
                }
            }
            News::Begins(offset) => history.begins(who, offset),
            News::Hears { offset, number } => history.heard(who, room, (offset, number)),
            News::Misses(gap) => history.told_of_gap(who, gap),
            News::Publishes => self.wait(who, true),
            News::IsAnswered { offset, number } => {
                self.wait(who, false);
                history.acknowledged(room, (offset, number));
            }
            News::Fails(why) => bail!("member {who}: {why}"),
        }
        Ok(())
    }

    fn wait(&mut self, who: usize, is_waiting: bool) {
        if let Some(place) = self.is_waiting.get_mut(who) {
            *place = is_waiting;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::diary::Diary;
    use super::super::history::History;
    use super::*;

    fn record() -> Record {
        Record {
            diary: Diary::new(10),
            history: History::new(1, 10),
        }
    }

    #[test]
    fn what_is_written_comes_into_the_record_with_its_time() {
        let (mut notes, mut record) = (Notes::new(10), record());
        let pen = notes.pen(3);
        let before = Instant::now();
        pen.note(News::Step(Step::Enters));
        pen.note(News::Publishes);
        let after = Instant::now();
        notes.copy_to(&mut record).unwrap();
        assert!(record.diary.is_inside(3) && notes.is_waiting(3));
        assert!((before..=after).contains(&record.diary.entries[0].at));
        let (offset, number) = (1, 7);
        pen.note(News::IsAnswered { offset, number });
        notes.copy_to(&mut record).unwrap();
        assert!(!notes.is_waiting(3));
        assert!(!record.history.is_up_to_date(3, 0));
        pen.note(News::Hears { offset, number });
        notes.copy_to(&mut record).unwrap();
        assert!(record.history.is_up_to_date(3, 0));
    }

    #[test]
    fn a_dial_is_as_late_as_it_is_behind_its_own_time() {
        let (mut notes, mut record) = (Notes::new(10), record());
        let pen = notes.pen(0);
        let wanted = Instant::now().checked_sub(Duration::from_secs(2)).unwrap();
        pen.note(News::DialsAt(wanted));
        pen.note(News::Step(Step::Dials));
        notes.copy_to(&mut record).unwrap();
        assert!(record.diary.late >= Duration::from_secs(2));
        record.diary.late = Duration::ZERO;
        pen.note(News::Step(Step::Dials));
        notes.copy_to(&mut record).unwrap();
        assert_eq!(
            record.diary.late,
            Duration::ZERO,
            "it had no time of its own"
        );
    }

    #[test]
    fn what_may_not_happen_ends_the_trial() {
        let (mut notes, mut record) = (Notes::new(10), record());
        notes.pen(4).note(News::Fails("no room".to_owned()));
        let error = notes.copy_to(&mut record).unwrap_err();
        assert_eq!(error.to_string(), "member 4: no room");
    }
}
