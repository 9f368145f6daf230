//! `cargo xtask up`: builds the server and becomes it, in development mode.

use std::io::{self, IsTerminal, Write};
use std::process::Command;
use std::time::Duration;

use crate::process;
use crate::workspace::Workspace;

/// Where the server listens when nothing else is said.
const DEFAULT_ADDRESS: &str = "127.0.0.1:8080";
/// A build that takes longer hangs, whatever the machine.
const BUILD_LIMIT: Duration = Duration::from_hours(1);

/// Builds, says where the page is, and becomes the server.
pub(crate) fn run(
    workspace: &Workspace,
    arguments: &[String],
    out: &mut dyn Write,
) -> io::Result<bool> {
    let passed_on = passed_on(arguments)?;
    if !build(workspace, out)? {
        return Ok(false);
    }
    let address = listen_address(passed_on).unwrap_or(DEFAULT_ADDRESS);
    writeln!(out, "Page:  http://{address}/")?;
    writeln!(out, "Stop:  Ctrl-C")?;
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

/// The address of the first `--listen`, for the line that says where the page is.
fn listen_address(arguments: &[String]) -> Option<&str> {
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == "--listen" {
            return arguments.next().map(String::as_str);
        }
        if let Some(address) = argument.strip_prefix("--listen=") {
            return Some(address);
        }
    }
    None
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
    fn the_page_is_where_the_server_listens() {
        assert_eq!(
            listen_address(&strings(&["--listen", "127.0.0.1:9000"])),
            Some("127.0.0.1:9000")
        );
        assert_eq!(
            listen_address(&strings(&["--data", "d", "--listen=[::1]:9000"])),
            Some("[::1]:9000")
        );
        assert_eq!(listen_address(&strings(&["--data", "d"])), None);
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
