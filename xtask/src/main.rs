//! The project's own commands: `cargo xtask up | test | tidy | autobahn | fuzz | prove | bench`.
//!
//! One file or folder per command. Only the standard library, so that it compiles in seconds, and
//! never a crate of ours, so that it runs while they do not compile.

mod autobahn;
mod bench;
mod fuzz;
mod help;
mod npm;
mod process;
mod prove;
mod sabotage;
mod test;
mod tidy;
mod up;
mod workspace;

use std::io::{self, Write};
use std::process::ExitCode;

use workspace::Workspace;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut out = io::stdout();
    match run(&arguments, &mut out) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // When even the error stream is closed there is nobody left to tell.
            drop(writeln!(io::stderr(), "xtask: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Runs one command; `Ok(false)` means that it did its work and found something wrong.
fn run(arguments: &[String], out: &mut dyn Write) -> io::Result<bool> {
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("--help", arguments),
    };
    // What stands behind `--` belongs to somebody else, `bench` and `prove` pass everything on.
    let own = rest.iter().take_while(|argument| *argument != "--");
    if !matches!(command, "bench" | "prove")
        && own
            .into_iter()
            .any(|argument| argument == "--help" || argument == "-h")
    {
        return help::print(out);
    }
    match command {
        "up" => up::run(&Workspace::find()?, rest, out),
        "test" => test::run(&Workspace::find()?, rest, out),
        "tidy" => tidy::run(&Workspace::find()?, rest, out),
        "autobahn" => autobahn::run(&Workspace::find()?, rest, out),
        "fuzz" => fuzz::run(&Workspace::find()?, rest, out),
        "prove" => prove::run(&Workspace::find()?, rest, out),
        "bench" => bench::run(&Workspace::find()?, rest, out),
        "help" | "--help" | "-h" => help::print(out),
        unknown => Err(help::unknown_command(unknown)),
    }
}
