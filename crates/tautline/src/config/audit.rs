//! The audit log: where it is, how large it becomes, and what follows when it is lost.

use std::path::PathBuf;

use tautline_protocol::model::Pattern;

use super::check::Written;

/// What is written down of what happens, and where.
#[derive(Debug, Clone)]
pub(crate) struct Audit {
    /// Nothing is written without one.
    pub(crate) directory: Option<PathBuf>,
    /// A file that has reached this is followed by the next one.
    pub(crate) bytes_max: u64,
    /// The oldest files above this are deleted; without it, none.
    pub(crate) files_max: Option<usize>,
    pub(crate) on_loss: OnLoss,
    /// The memory that events hold until they are written.
    pub(crate) queue_bytes: usize,
    /// By room, the first that matches, whether payloads are written; empty if none are.
    pub(crate) payloads: Vec<(Pattern, bool)>,
}

/// What follows when the audit log cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnLoss {
    /// An error in the log, and nothing else.
    Warn,
    /// Besides, nothing can be published.
    Stop,
}

pub(super) fn audit(written: &mut Written) -> Audit {
    let files_max = written.size("audit.files_max");
    let directory = written.values.text("audit.directory", &mut written.faults);
    Audit {
        directory: directory.map(PathBuf::from),
        bytes_max: u64::try_from(written.size("audit.max_bytes")).unwrap_or(u64::MAX),
        files_max: (files_max > 0).then_some(files_max),
        on_loss: on_loss(written),
        queue_bytes: written.size("audit.queue_bytes"),
        payloads: payloads(written),
    }
}

fn on_loss(written: &mut Written) -> OnLoss {
    let Written { values, faults, .. } = written;
    match values.text("audit.on_loss", faults).as_deref() {
        Some("stop") => OnLoss::Stop,
        Some("warn") | None => OnLoss::Warn,
        Some(other) => {
            let fix = r#"write "warn", or "stop" so that nothing is published that cannot be written down"#;
            faults.add("audit.on_loss", format_args!("{other:?}"), fix);
            OnLoss::Warn
        }
    }
}

/// Which rooms ask for their payloads to be written down. A pattern that is none is told of elsewhere.
fn payloads(written: &mut Written) -> Vec<(Pattern, bool)> {
    let Written { rooms, faults, .. } = written;
    let rules: Vec<(Pattern, bool)> = rooms
        .iter()
        .filter_map(|room| {
            let asks = room.switch("audit_payloads", faults);
            let pattern = Pattern::parse(&room.text("match", faults)?)?;
            Some((pattern, asks))
        })
        .collect();
    if rules.iter().any(|(_, asks)| *asks) {
        rules
    } else {
        Vec::new()
    }
}
