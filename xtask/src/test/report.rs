//! What people and CI read of a test run.

use std::io::{self, Write};
use std::time::Duration;

use super::Verdict;
use super::counts::{self, Counts};

/// A step that is over.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) name: &'static str,
    pub(super) verdict: Verdict,
    pub(super) time: Duration,
}

impl Record {
    /// Prints a step when it ends: a failure in full; of a success the runners' closing lines to a
    /// machine, and one line to a person.
    pub(super) fn print(&self, out: &mut dyn Write, person: bool) -> io::Result<()> {
        if let Verdict::Ran { counts, output } = &self.verdict {
            if counts.failed > 0 {
                writeln!(out, "---- {} failed ----\n{}", self.name, output.trim_end())?;
            } else if !person {
                for line in output.lines().filter(|line| counts::is_closing_line(line)) {
                    writeln!(out, "{line}")?;
                }
            }
        }
        if person {
            self.row(out)?;
        }
        out.flush()
    }

    /// The step's line in the table.
    fn row(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "{:<16} {:<9} {:>7.1} s",
            self.name,
            self.result(),
            self.time.as_secs_f64()
        )
    }

    fn result(&self) -> &'static str {
        match &self.verdict {
            Verdict::Ran { counts, .. } if counts.failed > 0 => "FAILED",
            Verdict::Ran { .. } => "passed",
            Verdict::LeftOut(_) => "left out",
        }
    }
}

/// Prints the table, what was left out, and the sum; `true` when nothing failed.
pub(super) fn close(records: &[Record], all: bool, out: &mut dyn Write) -> io::Result<bool> {
    writeln!(out)?;
    let mut sum = Counts::default();
    for record in records {
        record.row(out)?;
        sum += match &record.verdict {
            Verdict::Ran { counts, .. } => *counts,
            Verdict::LeftOut(_) if all => Counts::one(false),
            Verdict::LeftOut(_) => Counts {
                skipped: 1,
                ..Counts::default()
            },
        };
    }
    writeln!(out)?;
    for record in records {
        if let Verdict::LeftOut(why) = &record.verdict {
            writeln!(out, "left out: {}: {why}", record.name)?;
        }
    }
    writeln!(
        out,
        "{} passed, {} failed, {} skipped",
        sum.passed, sum.failed, sum.skipped
    )?;
    Ok(sum.failed == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(name: &'static str, failed: u64) -> Record {
        let counts = Counts {
            passed: 4,
            failed,
            skipped: 0,
        };
        let output = "noise\ntest result: ok. 4 passed; 0 failed".to_owned();
        Record {
            name,
            verdict: Verdict::Ran { counts, output },
            time: Duration::from_millis(1500),
        }
    }

    fn left_out() -> Record {
        Record {
            name: "browser",
            verdict: Verdict::LeftOut("needs Chromium".to_owned()),
            time: Duration::ZERO,
        }
    }

    fn closing(records: &[Record], all: bool) -> (bool, String) {
        let mut out = Vec::new();
        let passed = close(records, all, &mut out).unwrap();
        (passed, String::from_utf8(out).unwrap())
    }

    #[test]
    fn what_is_left_out_is_named_and_passes() {
        let (passed, text) = closing(&[ran("rust tests", 0), left_out()], false);
        assert!(passed);
        assert!(text.contains("left out: browser: needs Chromium"), "{text}");
        assert!(text.ends_with("4 passed, 0 failed, 1 skipped\n"), "{text}");
    }

    #[test]
    fn with_all_what_is_left_out_is_a_failure() {
        let (passed, text) = closing(&[ran("rust tests", 0), left_out()], true);
        assert!(!passed);
        assert!(text.ends_with("4 passed, 1 failed, 0 skipped\n"), "{text}");
    }

    #[test]
    fn a_failed_step_fails_the_run() {
        let (passed, text) = closing(&[ran("rust tests", 2), ran("e2e", 0)], false);
        assert!(!passed);
        assert!(text.ends_with("8 passed, 2 failed, 0 skipped\n"), "{text}");
    }

    #[test]
    fn a_machine_reads_closing_lines_of_success_and_everything_of_a_failure() {
        let mut quiet = Vec::new();
        ran("rust tests", 0).print(&mut quiet, false).unwrap();
        assert_eq!(
            String::from_utf8(quiet).unwrap(),
            "test result: ok. 4 passed; 0 failed\n"
        );

        let mut loud = Vec::new();
        ran("rust tests", 1).print(&mut loud, false).unwrap();
        assert!(String::from_utf8(loud).unwrap().contains("noise"));
    }
}
