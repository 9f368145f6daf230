//! `prove`: whether the server keeps its promises while the network and the machine fail.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use tautline_e2e::prove::{self, Scale, Subject};

/// Runs the real server, clients that hold, faults between them and kills of the server, and checks that nothing
/// was lost, repeated or moved without a word.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// About a minute; so it is without a word.
    #[arg(long, conflicts_with_all = ["long", "short"])]
    quick: bool,
    /// Some seconds: for a server of which it is known that something is broken.
    #[arg(long, conflicts_with = "long")]
    short: bool,
    /// Ten thousand faults and two million messages.
    #[arg(long)]
    long: bool,
    /// Makes the same faults again [default: another one each time]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// The server's program.
    #[arg(long, value_name = "FILE")]
    server: PathBuf,
    /// A client in another language, as a script for Node, which is to be judged too.
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Where the run may write; it is emptied first.
    #[arg(long, value_name = "DIR")]
    directory: PathBuf,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(is_clean) if is_clean => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            // When even the error stream is closed there is nobody left to tell.
            drop(writeln!(io::stderr(), "prove: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> io::Result<bool> {
    let scale = if arguments.long {
        Scale::LONG
    } else if arguments.short {
        Scale::SHORT
    } else {
        Scale::QUICK
    };
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
    if arguments.directory.exists() {
        std::fs::remove_dir_all(&arguments.directory)?;
    }
    std::fs::create_dir_all(&arguments.directory)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let subject = Subject {
        server: &arguments.server,
        script: arguments.script.clone(),
        directory: &arguments.directory,
    };
    let outcome = runtime.block_on(prove::run(subject, scale, seed))?;
    io::stdout().write_all(outcome.table().as_bytes())?;
    Ok(outcome.is_clean())
}
