//! Structured logs on standard error: for people in a terminal, JSON otherwise.

use std::io::{self, IsTerminal, Write};

use tracing_subscriber::filter::{EnvFilter, LevelFilter};

/// Names the level of the log, or the levels of its parts, in the environment.
const ENV: &str = "TAUTLINE_LOG";

/// Begins to log. `info` and above, unless the environment says otherwise.
pub(crate) fn start() {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .with_env_var(ENV)
        .from_env_lossy();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_target(false);
    if io::stderr().is_terminal() {
        subscriber
            .with_ansi(std::env::var_os("NO_COLOR").is_none())
            .init();
    } else {
        subscriber.json().flatten_event(true).init();
    }
}

/// Says something to the person who started the process, before or beside the log.
pub(crate) fn tell(lines: &str) {
    // Nobody is left to be told that standard error is gone.
    drop(writeln!(io::stderr(), "{lines}"));
}
