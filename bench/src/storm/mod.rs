//! What becomes of a crowd when the server dies, or goes away to start anew: who is back when, how many come at once, what
//! that costs the server, and whether what was acknowledged is there, once.
//!
//! The crowd speaks v2 and differs in the policy by which its members come back. Ours is played by the client that people use
//! (`real`, `guest`, `notes`), the others by a light crowd that follows a rule (`light`, `member`, `line`, `words`). Everything
//! that is judged is in the [`Record`], which whoever plays the crowd writes: when each of them dials, enters and is lost, and
//! what each of them has heard.

mod bins;
mod crowd;
mod diary;
mod guest;
mod history;
mod light;
mod line;
mod member;
mod notes;
mod ordeal;
mod picture;
mod policy;
mod real;
mod row;
mod sheet;
mod trial;
mod words;

use std::time::Duration;

pub(crate) use ordeal::{ALL, Ordeal};
pub(crate) use picture::svg;
pub(crate) use row::{Row, json};
pub(crate) use sheet::print;
pub(crate) use trial::{Effort, endure, policies};

use diary::Diary;
use history::History;

/// All that is known of a crowd.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) diary: Diary,
    pub(crate) history: History,
}

/// So many share a room; the first of them publishes, and all of them listen.
const MEMBERS: usize = 10;
/// How often the one of each room who publishes does.
const EVERY: Duration = Duration::from_secs(2);

/// The name of a room.
fn room(number: usize) -> String {
    format!("storm:{number}")
}
