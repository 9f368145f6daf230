//! Files that a program writes: each must be what its program prints today.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use super::Violation;
use crate::process;
use crate::workspace::Workspace;

/// A committed file and the cargo command that prints its content.
struct Generated {
    path: &'static str,
    command: &'static [&'static str],
}

const ALL: [Generated; 1] = [Generated {
    path: "docs/reference/codes.md",
    command: &["run", "--quiet", "-p", "tautline", "--", "codes"],
}];

/// Building the program that prints.
const LIMIT: Duration = Duration::from_mins(20);

/// Compares every file with what its command prints.
pub(super) fn check(workspace: &Workspace) -> io::Result<Vec<Violation>> {
    let mut violations = Vec::new();
    for generated in &ALL {
        let printed = print(workspace, generated)?;
        violations.extend(compare(generated.path, &workspace.root, &printed));
    }
    Ok(violations)
}

/// Rewrites every file.
pub(super) fn write(workspace: &Workspace, out: &mut dyn Write) -> io::Result<bool> {
    for generated in &ALL {
        let printed = print(workspace, generated)?;
        if compare(generated.path, &workspace.root, &printed).is_some() {
            fs::write(workspace.root.join(generated.path), printed)?;
            writeln!(out, "wrote {}", generated.path)?;
        }
    }
    Ok(true)
}

fn print(workspace: &Workspace, generated: &Generated) -> io::Result<String> {
    let finished =
        process::capture_quietly(workspace.cargo(generated.command.iter().copied()), LIMIT)?;
    if !finished.success {
        let command = generated.command.join(" ");
        return Err(io::Error::other(format!(
            "`cargo {command}` failed:\n{}",
            finished.output
        )));
    }
    Ok(finished.output)
}

fn compare(path: &str, root: &Path, printed: &str) -> Option<Violation> {
    let written = fs::read_to_string(root.join(path)).unwrap_or_default();
    let stale = written
        .lines()
        .zip(printed.lines())
        .take_while(|(a, b)| a == b)
        .count()
        + 1;
    (written != printed).then(|| Violation {
        path: path.to_owned(),
        line: stale,
        what: "a generated file is stale".to_owned(),
        why: "it no longer says what the program does",
        fix: "run `cargo xtask tidy --write` and commit the file",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_file_is_found_at_its_first_stale_line() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
        assert_eq!(compare("Cargo.toml", root, &manifest), None);
        let changed = manifest.replacen("name = ", "title = ", 1);
        assert_eq!(compare("Cargo.toml", root, &changed).unwrap().line, 2);
        assert_eq!(compare("no-such-file", root, "a\n").unwrap().line, 1);
    }
}
