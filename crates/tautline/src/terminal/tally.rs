//! What became of publications, in sum.

use tautline_client::Acknowledged;

use super::lines::level;

/// What was published.
#[derive(Debug, Default)]
pub(super) struct Tally {
    published: u64,
    duplicates: u64,
    last: Option<Acknowledged>,
}

impl Tally {
    pub(super) fn count(&mut self, placed: Acknowledged) {
        self.published += 1;
        self.duplicates += u64::from(placed.duplicate);
        self.last = Some(placed);
    }

    pub(super) fn published(&self) -> u64 {
        self.published
    }

    /// For a terminal, in place of what the line said before.
    pub(super) fn progress(&self, waiting: usize) -> String {
        let published = format!("\r\x1b[K{} published", self.published);
        let duplicates = match self.duplicates {
            0 => String::new(),
            duplicates => format!(", {duplicates} of them before"),
        };
        let last = self.last.map_or_else(String::new, |last| {
            let (offset, level) = (last.position.offset, level(last.level));
            format!(", the last at {offset} ({level})")
        });
        let waiting = match waiting {
            0 => String::new(),
            waiting => format!(", {waiting} on the way"),
        };
        [published, duplicates, last, waiting].concat()
    }

    /// For a single publication; nothing if it was not published.
    pub(super) fn sentence(&self, room: &str) -> String {
        self.last.map_or_else(String::new, |placed| {
            let (offset, level) = (placed.position.offset, level(placed.level));
            if placed.duplicate {
                format!("published to {room} before, at {offset} ({level}): a duplicate\n")
            } else {
                format!("published to {room} at {offset} ({level})\n")
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use tautline_client::{Epoch, Level, Position, PublicationId};

    use super::*;

    fn placed(offset: u64, duplicate: bool) -> Acknowledged {
        Acknowledged {
            position: Position {
                epoch: Epoch(1),
                offset,
                id: PublicationId::default(),
            },
            duplicate,
            level: Level::Disk,
        }
    }

    #[test]
    fn what_was_published_is_summed_up() {
        let mut tally = Tally::default();
        assert_eq!(tally.sentence("a"), "");
        assert_eq!(tally.progress(3), "\r\x1b[K0 published, 3 on the way");
        tally.count(placed(7, false));
        assert_eq!(tally.sentence("a"), "published to a at 7 (disk)\n");
        tally.count(placed(7, true));
        assert_eq!(
            tally.sentence("a"),
            "published to a before, at 7 (disk): a duplicate\n"
        );
        assert_eq!(
            tally.progress(0),
            "\r\x1b[K2 published, 1 of them before, the last at 7 (disk)"
        );
    }
}
