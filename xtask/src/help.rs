//! What the commands are, in words, and the nearest right one for a wrong one.

use std::io::{self, Write};

/// The commands, as the help lists them.
const COMMANDS: [&str; 8] = [
    "up", "test", "tidy", "autobahn", "fuzz", "prove", "bench", "help",
];

const TEXT: &str = "\
Usage: cargo xtask COMMAND

  up [-- ARGUMENTS]       build the server and the examples, and run it in development mode; Ctrl-C stops it
  test [--all] [--quick]  everything CI runs; tools that are missing are named at the end
                            --all    what is left out is a failure (CI)
                            --quick  format, tidy and the machines' tests only
  tidy [--write]          the project's own rules; --write renews generated files
  autobahn [--full]       the WebSocket codec against Autobahn, groups 1 to 10
                            --full   with groups 12 and 13, the compression
  fuzz [SECONDS]          each fuzz target for SECONDS (20)
  prove [ARGUMENTS]       the real server under faults and kills; whether anything is lost, repeated or moved
                            --quick  about a minute, as without a word
                            --long   10,000 faults and 2,000,000 messages, then all planted bugs
                            --seed N the same faults again
                            --typescript  with the TypeScript client among those who are judged
                            --sabotage [NAME…]  servers with planted bugs, which have to be caught
  bench [ARGUMENTS]       the benchmark; `bench --help` lists its own arguments

Examples:
  cargo xtask up
  cargo xtask up -- --listen 127.0.0.1:9000
  cargo xtask test --quick
  cargo xtask prove --seed 7
  cargo xtask bench --case idle-5000
  cargo xtask bench --case 'attack-*' --quick
  cargo xtask bench --case 'storm*' --timeline storm.svg
";

/// Prints the help.
pub(crate) fn print(out: &mut dyn Write) -> io::Result<bool> {
    out.write_all(TEXT.as_bytes())?;
    Ok(true)
}

/// The error for a command that does not exist.
pub(crate) fn unknown_command(unknown: &str) -> io::Error {
    let nearest = nearest(unknown);
    io::Error::other(format!(
        "there is no command `{unknown}`; did you mean `cargo xtask {nearest}`? `cargo xtask --help` lists all"
    ))
}

/// The error for an argument that a command does not take.
pub(crate) fn unknown_argument(command: &str, unknown: &str) -> io::Error {
    io::Error::other(format!(
        "`cargo xtask {command}` does not take `{unknown}`; `cargo xtask --help` says what it takes"
    ))
}

fn nearest(unknown: &str) -> &'static str {
    let distance = |command: &&&str| edits(unknown, command);
    COMMANDS.iter().min_by_key(distance).unwrap_or(&"help")
}

/// How many single-letter edits lie between two words.
fn edits(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (above, a) in from.chars().enumerate() {
        let mut next = vec![above + 1];
        for ((b, replaced), removed) in to.chars().zip(&row).zip(row.iter().skip(1)) {
            let inserted = next.last().map_or(0, |left| left + 1);
            next.push(
                inserted
                    .min(removed + 1)
                    .min(replaced + usize::from(a != b)),
            );
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_command_is_answered_with_the_nearest() {
        for (wrong, right) in [
            ("tset", "test"),
            ("tests", "test"),
            ("fuz", "fuzz"),
            ("benhc", "bench"),
            ("u", "up"),
        ] {
            assert_eq!(nearest(wrong), right, "for {wrong}");
        }
    }

    #[test]
    fn every_command_is_in_the_help() {
        for command in COMMANDS.iter().filter(|command| **command != "help") {
            assert!(
                TEXT.contains(&format!("\n  {command} ")),
                "{command} is missing"
            );
        }
    }
}
