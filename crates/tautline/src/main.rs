//! `tautline`: arguments, one match, one function.

use std::process::ExitCode;

use clap::Parser;
use tautline::cli::{Cli, Command};

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Serve(arguments) => tautline::serve(&arguments),
        Command::Config(command) => tautline::config(&command),
        Command::Audit(command) => tautline::audit(&command),
        Command::Store(command) => tautline::store(&command),
        Command::Sub(arguments) => tautline::subscribe(&arguments),
        Command::Pub(arguments) => tautline::publish(&arguments),
        Command::Request(arguments) => tautline::request(&arguments),
        Command::Members(arguments) => tautline::members(&arguments),
        Command::Token(arguments) => tautline::token(&arguments),
        Command::Key { id } => tautline::key(id.as_deref()),
        Command::Explain { code } => tautline::explain(code),
        Command::Completions { shell } => tautline::completions(shell),
    }
}
