//! Whether the chain holds, from the first row that is there to the last.

use std::ops::ControlFlow;
use std::path::Path;

use super::chain::{Hash, Head};
use super::directory;
use super::fault::Fault;
use super::file::File;
use super::query::Query;
use super::row::{Kind, Row};

/// What is asked besides whether the chain holds.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// A hash that somebody has kept: the chain must have stood there.
    pub(super) head: Option<Hash>,
    /// Rows before this one are kept elsewhere.
    pub(super) from: Option<u64>,
}

/// What was found of a chain that holds.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) files: u64,
    /// The first row that is there, and its time.
    pub(super) first: Option<(u64, u64)>,
    /// The last one.
    pub(super) last: Option<(u64, u64)>,
    pub(super) head: Head,
    /// Whether rows before the first were deleted, and rows say so.
    pub(super) is_trimmed: bool,
}

/// Where a chain breaks: the first row that does not hold, and why.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) file: String,
    pub(super) sequence: u64,
    pub(super) why: String,
}

/// The walk along the chain.
struct Walk<'a> {
    asked: &'a Asked,
    head: Option<Head>,
    /// Where the chain that is there begins.
    start: Head,
    first: Option<(u64, u64)>,
    last: Option<(u64, u64)>,
    has_asked_head: bool,
    /// The last row whose deletion a row tells of.
    removed_until: Option<u64>,
    broken: Option<Broken>,
}

/// Walks along the chain of a directory.
pub(super) fn verify(at: &Path, asked: &Asked) -> Result<Result<Whole, Broken>, Fault> {
    let numbers = directory::numbers(at)?;
    let mut walk = Walk {
        asked,
        head: None,
        start: Head::START,
        first: None,
        last: None,
        has_asked_head: false,
        removed_until: None,
        broken: None,
    };
    for number in &numbers {
        let path = directory::path(at, *number);
        if let Err(fault) = walk.file(&path) {
            match fault {
                // What cannot be opened says nothing of the chain.
                Fault::Disk { .. } => return Err(fault),
                Fault::Database { source, .. } => walk.breaks(&path, source.to_string()),
                Fault::Damaged { what, .. } => walk.breaks(&path, what),
                Fault::Locked(_) | Fault::Open(_) | Fault::Gone(_) => {
                    walk.breaks(&path, fault.to_string());
                }
            }
        }
        if walk.broken.is_some() {
            break;
        }
    }
    Ok(walk.end(at, u64::try_from(numbers.len()).unwrap_or(u64::MAX)))
}

impl Walk<'_> {
    fn file(&mut self, path: &Path) -> Result<(), Fault> {
        let file = File::open_to_read(path)?;
        file.check_schema()?;
        let start = file.start()?;
        match self.head {
            None => {
                self.start = start;
                self.see(start);
            }
            Some(head) if head != start => {
                let what = format!(
                    "the file goes on after row {}, and the one before ends with row {}, or with another hash",
                    start.sequence, head.sequence
                );
                return Err(Fault::damaged(path, what));
            }
            Some(_) => {}
        }
        self.head = Some(start);
        let mut why = None;
        let walked = file.rows(&Query::from(i64::MIN), |row| {
            why = self.row(&row);
            if why.is_some() {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        if let Some(why) = why {
            self.breaks(path, why);
        }
        walked
    }

    /// Takes a step; says why if it does not hold.
    fn row(&mut self, row: &Row) -> Option<String> {
        let head = self.head.unwrap_or(Head::START);
        let Some(next) = head.follow(row) else {
            let expected = head.sequence + 1;
            return Some(if row.sequence == expected {
                "it, or its hash, was changed".to_owned()
            } else {
                format!("row {} is in its place", row.sequence)
            });
        };
        self.head = Some(next);
        self.see(next);
        let place = (row.sequence, row.entry.time);
        self.first.get_or_insert(place);
        self.last = Some(place);
        if row.entry.kind == Kind::Removed.name() {
            let detail: serde_json::Value =
                serde_json::from_str(&row.entry.detail).unwrap_or_default();
            let until = detail.get("until").and_then(serde_json::Value::as_u64);
            self.removed_until = self.removed_until.max(until);
        }
        None
    }

    fn see(&mut self, head: Head) {
        self.has_asked_head |= self.asked.head == Some(head.hash);
    }

    fn breaks(&mut self, path: &Path, why: String) {
        let file = path.file_name().unwrap_or_default();
        self.broken = Some(Broken {
            file: file.to_string_lossy().into_owned(),
            sequence: self.head.map_or(0, |head| head.sequence) + 1,
            why,
        });
    }

    fn end(mut self, at: &Path, files: u64) -> Result<Whole, Broken> {
        let start = self.start.sequence;
        let is_removed = self.removed_until.is_some_and(|until| until >= start);
        let is_elsewhere = self.asked.from == Some(start + 1);
        if self.broken.is_none() && files == 0 {
            self.breaks(at, "there is no audit log here".to_owned());
        } else if self.broken.is_none() && start > 0 && !is_removed && !is_elsewhere {
            self.head = None;
            let why = format!(
                "it is the first that is missing: the log begins with row {}, and no row says that the server \
                 deleted those before. If you keep them elsewhere, say --from {}",
                start + 1,
                start + 1
            );
            self.breaks(at, why);
        } else if self.broken.is_none() && self.asked.head.is_some() && !self.has_asked_head {
            let why = "the chain never had the head that was asked for: rows were cut off at its end, the whole \
                       was written anew, or that head is in files that are not here";
            self.breaks(at, why.to_owned());
        }
        match self.broken {
            Some(broken) => Err(broken),
            None => Ok(Whole {
                files,
                first: self.first,
                last: self.last,
                head: self.head.unwrap_or(Head::START),
                is_trimmed: start > 0,
            }),
        }
    }
}
