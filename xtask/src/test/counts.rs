//! How many tests passed, failed and were skipped, read from the closing lines of test runners.

use std::ops::AddAssign;

/// What a runner counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    pub(super) passed: u64,
    pub(super) failed: u64,
    pub(super) skipped: u64,
}

impl Counts {
    /// A step that is one check, such as clippy.
    pub(super) fn one(passed: bool) -> Self {
        Self {
            passed: u64::from(passed),
            failed: u64::from(!passed),
            skipped: 0,
        }
    }

    /// Adds up all closing lines in a runner's output.
    ///
    /// A runner that failed without counting a failure (it did not compile, it was stopped) counts as one
    /// failure, and so does one that claims success without any count: it ran nothing.
    pub(super) fn read(output: &str, success: bool) -> Self {
        let mut counts = Self::default();
        for line in output.lines().filter(|line| is_closing_line(line)) {
            for (number, word) in numbered_words(line) {
                match word {
                    "passed" | "pass" => counts.passed += number,
                    "failed" | "fail" | "cancelled" => counts.failed += number,
                    "skipped" | "ignored" => counts.skipped += number,
                    _ => {}
                }
            }
        }
        if counts.failed == 0 && (!success || counts == Self::default()) {
            counts.failed = 1;
        }
        counts
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// The lines in which a runner sums up: cargo's, Node's, and our own judges'.
pub(super) fn is_closing_line(line: &str) -> bool {
    let own =
        || line.starts_with(|first: char| first.is_ascii_digit()) && line.contains(" passed, ");
    line.starts_with("test result:") || node_count(line).is_some() || own()
}

/// Node's `ℹ pass 12`, or `# pass 12` in its other notation.
fn node_count(line: &str) -> Option<(u64, &str)> {
    let counted = line
        .strip_prefix("ℹ ")
        .or_else(|| line.strip_prefix("# "))?;
    let (word, number) = counted.split_once(' ')?;
    let known = ["pass", "fail", "cancelled", "skipped"].contains(&word);
    number
        .parse()
        .ok()
        .filter(|_| known)
        .map(|number| (number, word))
}

/// Every `12 passed` of a line.
fn numbered_words(line: &str) -> Vec<(u64, &str)> {
    if let Some(counted) = node_count(line) {
        return vec![counted];
    }
    let words: Vec<&str> = line
        .split([' ', ',', ';'])
        .filter(|word| !word.is_empty())
        .collect();
    let pairs = words.iter().zip(words.iter().skip(1));
    pairs
        .filter_map(|(number, word)| Some((number.parse().ok()?, *word)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_node_and_our_own_judges_are_understood() {
        let output = "\
running 3 tests
test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s
test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s
ℹ tests 6
ℹ pass 4
ℹ fail 0
ℹ cancelled 1
# skipped 2
301 passed, 0 failed
";
        assert_eq!(
            Counts::read(output, false),
            Counts {
                passed: 310,
                failed: 2,
                skipped: 3
            }
        );
    }

    #[test]
    fn a_runner_that_fails_without_a_count_is_one_failure() {
        assert_eq!(Counts::read("error: could not compile", false).failed, 1);
        let after_a_pass = "test result: ok. 3 passed; 0 failed; 0 ignored";
        assert_eq!(
            Counts::read(after_a_pass, false),
            Counts {
                passed: 3,
                failed: 1,
                skipped: 0
            }
        );
    }

    #[test]
    fn success_without_any_test_is_a_failure() {
        assert_eq!(Counts::read("ℹ pass 0\nℹ fail 0", true).failed, 1);
    }

    #[test]
    fn a_tests_own_words_are_not_counted() {
        assert!(!is_closing_line("    5 passed, 1 failed"));
        assert!(!is_closing_line("# note 12"));
    }
}
