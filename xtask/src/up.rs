//! `cargo xtask up`: builds the server and the examples, and becomes the server, in development mode.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::npm::{self, Packages};
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
    let mut server = Command::new(workspace.target.join("debug").join("tautline"));
    server.args(["serve", "--dev"]);
    if build_examples(workspace, out)? {
        server.args(for_examples(workspace, passed_on)?);
    }
    out.flush()?;
    server.args(passed_on);
    process::become_program(server)
}

/// Builds the examples. If that cannot be done, the plain page is what there is, and a line says why.
fn build_examples(workspace: &Workspace, out: &mut dyn Write) -> io::Result<bool> {
    let person = io::stdout().is_terminal();
    if person {
        write!(out, "Building the examples")?;
        out.flush()?;
    }
    let why = match npm::install(&workspace.root)? {
        Packages::LeftOut(why) => Some(why.to_owned()),
        Packages::Failed(output) => {
            Some(format!("npm could not install their packages:\n{output}"))
        }
        Packages::Ready => {
            let built = process::capture_quietly(npm::build(workspace), BUILD_LIMIT)?;
            let failed = !built.success;
            failed.then(|| format!("they could not be built:\n{}", built.output))
        }
    };
    if person {
        write!(out, "\r\x1b[K")?;
    }
    if let Some(why) = &why {
        writeln!(out, "The plain page is served without the examples: {why}")?;
    }
    Ok(why.is_none())
}

/// What the server is told for the examples, unless a person has said otherwise.
fn for_examples(workspace: &Workspace, passed_on: &[String]) -> io::Result<Vec<OsString>> {
    let is_said = |flag: &str| {
        let mut names = passed_on.iter().map(|word| word.split('=').next());
        names.any(|name| name == Some(flag))
    };
    let mut arguments = Vec::new();
    let mut tell = |flag: &str, path: &Path| arguments.extend([flag.into(), path.into()]);
    if !is_said("--pages") {
        tell("--pages", &workspace.target.join("examples"));
    }
    if !is_said("--config") {
        let config = workspace.root.join("examples/tautline.toml");
        let mode = fs::metadata(&config)?.permissions().mode();
        // The server refuses what others may write, and some systems check files out so.
        fs::set_permissions(&config, Permissions::from_mode(mode & !0o022))?;
        tell("--config", &config);
        if !is_said("--data") {
            tell("--data", &workspace.target.join("up"));
        }
    }
    Ok(arguments)
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
    use std::env;
    use std::path::PathBuf;

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

    #[test]
    fn what_a_person_says_is_not_said_twice() {
        let workspace = Workspace {
            root: PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/..")),
            target: env::temp_dir(),
        };
        let flags = |said: &[&str]| {
            let arguments = for_examples(&workspace, &strings(said)).unwrap();
            let words = arguments
                .iter()
                .map(|word| word.to_string_lossy().into_owned());
            words
                .filter(|word| word.starts_with("--"))
                .collect::<Vec<_>>()
        };
        assert_eq!(flags(&[]), ["--pages", "--config", "--data"]);
        assert_eq!(flags(&["--data", "d"]), ["--pages", "--config"]);
        assert_eq!(
            flags(&["--pages=p", "--listen", "l"]),
            ["--config", "--data"]
        );
        assert_eq!(
            flags(&["--config", "c"]),
            ["--pages"],
            "the file says where its data are"
        );
    }
}
