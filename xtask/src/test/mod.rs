//! `cargo xtask test`: all that CI runs, step by step, then a table of what happened.
//!
//! A step that fails does not stop the others. A step whose tool is missing is left out and named;
//! with `--all` that is a failure.

mod counts;
mod node;
mod report;
mod rust;
mod suites;

use std::io::{self, IsTerminal, Write};
use std::time::Instant;

use crate::help;
use crate::workspace::Workspace;
use counts::Counts;
use report::Record;

/// One thing to run: its name in the table, and the function.
type Step = (&'static str, fn(&Workspace) -> io::Result<Verdict>);

/// How a step ended.
#[derive(Debug)]
enum Verdict {
    /// It ran; its failures are in the counts, its words in the output.
    Ran { counts: Counts, output: String },
    /// It did not run; what is missing, and how to install it.
    LeftOut(String),
}

impl Verdict {
    /// Two programs as one step: it passed if both did.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (
                Self::Ran {
                    mut counts,
                    mut output,
                },
                Self::Ran {
                    counts: more,
                    output: words,
                },
            ) => {
                counts += more;
                output.push_str(&words);
                Self::Ran { counts, output }
            }
            (left_out @ Self::LeftOut(_), _) | (_, left_out @ Self::LeftOut(_)) => left_out,
        }
    }
}

/// In the order in which a mistake is cheapest to find.
const ALL: [Step; 19] = [
    ("format", rust::format),
    ("tidy", rust::tidy),
    ("planted bugs", suites::planted_bugs),
    ("clippy", rust::clippy),
    ("rustdoc", rust::docs),
    ("rust tests", rust::tests),
    ("prove", rust::prove),
    ("power cuts", suites::power_cuts),
    ("guide", suites::guide),
    ("nginx", suites::nginx),
    ("nginx stream", suites::nginx_stream),
    ("packages", node::packages),
    ("package tests", node::package_tests),
    ("prove node", node::prove),
    ("e2e", node::clients),
    ("interop", node::interoperation),
    ("browser", node::browser),
    ("autobahn 1-10", suites::autobahn),
    ("fuzz", suites::fuzz),
];

/// In seconds: no socket, no server.
const QUICK: [Step; 3] = [
    ("format", rust::format),
    ("tidy", rust::tidy),
    ("machine tests", rust::machine_tests),
];

/// Runs the steps; `true` when nothing failed.
pub(crate) fn run(
    workspace: &Workspace,
    arguments: &[String],
    out: &mut dyn Write,
) -> io::Result<bool> {
    let (mut all, mut quick) = (false, false);
    for argument in arguments {
        match argument.as_str() {
            "--all" => all = true,
            "--quick" => quick = true,
            unknown => return Err(help::unknown_argument("test", unknown)),
        }
    }
    let steps: &[Step] = if quick { &QUICK } else { &ALL };
    let person = io::stdout().is_terminal();
    let mut records = Vec::new();
    for &(name, step) in steps {
        if person {
            write!(out, "{name} …")?;
            out.flush()?;
        }
        let started = Instant::now();
        // A step that cannot even start has failed; the others still run.
        let verdict = step(workspace).unwrap_or_else(|error| Verdict::Ran {
            counts: Counts::one(false),
            output: error.to_string(),
        });
        let record = Record {
            name,
            verdict,
            time: started.elapsed(),
        };
        if person {
            write!(out, "\r\x1b[K")?;
        }
        record.print(out, person)?;
        records.push(record);
    }
    report::close(&records, all, out)
}
