//! `cargo xtask tidy`: the project's own rules, each a function from the tree to its violations.
//!
//! A rule lives in the file that is named after it, together with its tests on small bad samples.
//! What the compiler or clippy can check is not repeated here.

mod clocks;
mod crate_arrows;
mod generated;
mod heads;
mod lock_files;
mod manifest;
mod module_arrows;
mod names;
mod promises;
mod prose;
mod scripts;
mod serialize;
mod shapes;
mod sizes;
mod source;
mod tree;

use std::fmt;
use std::io::{self, Write};

use crate::help;
use crate::workspace::Workspace;
use tree::Tree;

/// One place where a rule is broken.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Violation {
    path: String,
    line: usize,
    /// What is there.
    what: String,
    /// Why that is not wanted.
    why: &'static str,
    /// What to do.
    fix: &'static str,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            line,
            what,
            why,
            fix,
        } = self;
        write!(formatter, "{path}:{line}: {what}; {why}; {fix}")
    }
}

/// A rule: it looks at the whole tree and says what it does not like.
type Rule = fn(&Tree) -> Vec<Violation>;

const RULES: [Rule; 13] = [
    crate_arrows::check,
    module_arrows::check,
    clocks::check,
    names::check,
    sizes::check,
    shapes::check,
    scripts::check,
    heads::check,
    serialize::check,
    manifest::check,
    promises::check,
    prose::check,
    lock_files::check,
];

/// Checks the rules, then the generated files, which with `--write` are renewed instead.
pub(crate) fn run(
    workspace: &Workspace,
    arguments: &[String],
    out: &mut dyn Write,
) -> io::Result<bool> {
    let write = match arguments {
        [] => false,
        [write] if write == "--write" => true,
        [unknown, ..] => return Err(help::unknown_argument("tidy", unknown)),
    };
    let kept = check(workspace, out)?;
    out.flush()?;
    if write {
        return Ok(generated::write(workspace, out)? && kept);
    }
    let stale = generated::check(workspace, out)?;
    Ok(report(&stale, out)? && kept)
}

/// Checks the rules: nothing is built, nothing is written.
pub(crate) fn check(workspace: &Workspace, out: &mut dyn Write) -> io::Result<bool> {
    let tree = Tree::read(&workspace.root)?;
    let mut violations: Vec<Violation> = RULES.iter().flat_map(|rule| rule(&tree)).collect();
    violations.sort();
    report(&violations, out)
}

fn report(violations: &[Violation], out: &mut dyn Write) -> io::Result<bool> {
    for violation in violations {
        writeln!(out, "{violation}")?;
    }
    Ok(violations.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_violation_says_where_what_why_and_what_to_do() {
        let violation = Violation {
            path: "a.rs".to_owned(),
            line: 3,
            what: "a file named utils".to_owned(),
            why: "it will hold anything",
            fix: "name it after its noun",
        };
        assert_eq!(
            violation.to_string(),
            "a.rs:3: a file named utils; it will hold anything; name it after its noun"
        );
    }
}
