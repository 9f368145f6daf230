//! `cargo xtask up`: builds the server and becomes it, in development mode.

use std::io::{self, IsTerminal, Write};
use std::process::Command;
use std::time::Duration;

use crate::process;
use crate::workspace::Workspace;

/// A build that takes longer hangs, whatever the machine.
const BUILD_LIMIT: Duration = Duration::from_hours(1);

/// Builds, and becomes the server, which says where the page is and how to stop.
pub(crate) fn run(
    workspace: &Workspace,
    arguments: &[String],
    out: &mut dyn Write,
) -> io::Result<bool> {
    let passed_on = passed_on(arguments)?;
    if !build(workspace, out)? {
        return Ok(false);
    }
    out.flush()?;
    let mut server = Command::new(workspace.target.join("debug").join("tautline"));
    server.args(["serve", "--dev"]).args(passed_on);
    process::become_program(server)
}

/// What stands behind `--`; before it, `up` takes nothing.
fn passed_on(arguments: &[String]) -> io::Result<&[String]> {
    match arguments.split_first() {
        None => Ok(arguments),
        Some((separator, rest)) if separator == "--" => Ok(rest),
        Some((unknown, _)) => Err(io::Error::other(format!(
            "`cargo xtask up` does not take `{unknown}`; arguments of the server go behind `--`: cargo xtask up -- {unknown}"
        ))),
    }
}

/// Builds the server. A person sees one line that moves, and cargo's own words only if it fails.
fn build(workspace: &Workspace, out: &mut dyn Write) -> io::Result<bool> {
    let person = io::stdout().is_terminal();
    let mut compiled = 0_u32;
    let mut trouble = Ok(());
    let mut progress = |line: &str| {
        let Some(package) = line.trim_start().strip_prefix("Compiling ") else {
            return;
        };
        compiled += 1;
        if person && trouble.is_ok() {
            let name = package.split(' ').next().unwrap_or(package);
            trouble = write!(out, "\r\x1b[KBuilding tautline: crate {compiled}, {name}")
                .and_then(|()| out.flush());
        }
    };
    let finished = process::capture(
        workspace.cargo(["build", "-p", "tautline"]),
        BUILD_LIMIT,
        &mut progress,
    )?;
    trouble?;
    if person {
        write!(out, "\r\x1b[K")?;
    }
    if !finished.success {
        writeln!(out, "{}", finished.output)?;
        writeln!(out, "The server was not started: the build above failed.")?;
    }
    Ok(finished.success)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn only_what_stands_behind_two_dashes_is_passed_on() {
        assert_eq!(
            passed_on(&strings(&["--", "--data", "d"])).unwrap(),
            strings(&["--data", "d"])
        );
        let error = passed_on(&strings(&["--data"])).unwrap_err();
        assert!(
            error.to_string().contains("cargo xtask up -- --data"),
            "{error}"
        );
    }
}
