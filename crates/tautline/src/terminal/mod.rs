//! The commands that speak to a server from a terminal or a script: `sub`, `pub`, `request`, `members`.
//!
//! They are clients like any other, made of `tautline_client`, and know nothing of the server that is in the same binary.
//! `access` is the way to the server, `watch` notices what ends a command, `view` shows what happens: `screen` to
//! people, `lines` to programs. `input` and `output` are threads, so that a pipe that moves nothing holds up no heartbeat.

mod access;
mod failure;
mod input;
mod lines;
mod members;
mod object;
mod outage;
mod output;
mod publish;
mod publisher;
mod request;
mod screen;
mod status;
mod subscribe;
mod tally;
mod view;
mod watch;

use std::process::ExitCode;

use self::failure::Failure;
use crate::cli::exit::Exit;
use crate::cli::terminal::{MembersArguments, PubArguments, RequestArguments, SubArguments};
use crate::tell::fail;

/// Follows rooms.
pub fn subscribe(arguments: &SubArguments) -> ExitCode {
    run(subscribe::run(arguments))
}

/// Publishes.
pub fn publish(arguments: &PubArguments) -> ExitCode {
    run(publish::run(arguments))
}

/// Asks the application's backend.
pub fn request(arguments: &RequestArguments) -> ExitCode {
    run(request::run(arguments))
}

/// Lists who is present.
pub fn members(arguments: &MembersArguments) -> ExitCode {
    run(members::run(arguments))
}

fn run(command: impl Future<Output = Result<Exit, Failure>>) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            return fail(
                Exit::NotDone.code(),
                &format!("cannot start a runtime: {error}"),
            );
        }
    };
    let ended = runtime.block_on(command);
    // Nobody waits for a thread that a pipe or a resolver holds up.
    runtime.shutdown_background();
    match ended {
        Ok(exit) => exit.into(),
        Err(failure) => fail(failure.exit.code(), &failure.message),
    }
}
