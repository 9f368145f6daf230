//! `tautline`: arguments, one match, one function.

use std::process::ExitCode;

use clap::Parser;
use tautline::cli::{Cli, Command};

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Serve(arguments) => tautline::serve(&arguments),
    }
}
