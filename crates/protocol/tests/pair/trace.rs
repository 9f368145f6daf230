//! What happened in a run, for whoever reads why it failed.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

/// So many lines are kept, the last ones.
const LINES_MAX: usize = 2_000;

/// The last lines of a run; none where nobody asked for them, which is quicker.
#[derive(Debug, Clone)]
pub(crate) struct Trace(Option<Rc<RefCell<VecDeque<String>>>>);

impl Trace {
    pub(crate) fn off() -> Self {
        Self(None)
    }

    pub(crate) fn on() -> Self {
        Self(Some(Rc::default()))
    }

    pub(crate) fn note(&self, at: Duration, line: impl FnOnce() -> String) {
        if let Some(lines) = &self.0 {
            let mut lines = lines.borrow_mut();
            if lines.len() >= LINES_MAX {
                lines.pop_front();
            }
            lines.push_back(format!("{:9.3} {}", at.as_secs_f64(), line()));
        }
    }

    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn text(&self) -> String {
        let lines = self.0.as_ref().map(|lines| lines.take());
        Vec::from(lines.unwrap_or_default()).join("\n")
    }
}
