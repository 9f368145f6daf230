//! The commands that tell something and end: configuration, tokens, keys, codes, completions.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::CommandFactory;
use tautline_protocol::wire::CloseCode;

use crate::auth;
use crate::cli::{Cli, ConfigCommand, ServeArguments, TokenArguments};
use crate::config::{self, Config, Credentials};
use crate::logging;

/// The configuration is wrong (`EX_CONFIG` of sysexits.h).
pub(crate) const EXIT_CONFIG: u8 = 78;

/// The command line is wrong (`EX_USAGE` of sysexits.h).
pub(crate) const EXIT_USAGE: u8 = 64;

/// Tells of the configuration.
pub fn config(command: &ConfigCommand) -> ExitCode {
    match command {
        ConfigCommand::Default => print(&config::defaults()),
        ConfigCommand::Env => print(&config::environment()),
        ConfigCommand::Check(arguments) => match Config::load(arguments) {
            Ok(_) => print("the configuration is right\n"),
            Err(error) => fail(EXIT_CONFIG, &error.to_string()),
        },
    }
}

/// Prints a token.
pub fn token(arguments: &TokenArguments) -> ExitCode {
    let file = ServeArguments {
        config: arguments.config.clone(),
        ..ServeArguments::default()
    };
    let (secret, claims) = match Config::load(&file).map(|config| config.credentials) {
        Ok(Credentials::Hs256(secret, claims)) => (secret, claims),
        Ok(Credentials::None | Credentials::Development) => {
            let fix = "there is no secret to sign with: name a file with auth.hs256_secret by --config, \
                       or set TAUTLINE_AUTH_HS256_SECRET";
            return fail(EXIT_CONFIG, fix);
        }
        Err(error) => return fail(EXIT_CONFIG, &error.to_string()),
    };
    match auth::sign(arguments, &secret, &claims) {
        Ok(token) => print(&format!("{token}\n")),
        Err(reason) => fail(EXIT_USAGE, &reason),
    }
}

/// Prints a key, which is kept nowhere, and what the configuration keeps of it.
pub fn key(id: Option<&str>) -> ExitCode {
    match auth::make(id) {
        Ok(new) => print(&format!(
            "{}\n\nThis is the key; it is shown once and kept nowhere.\n\
             The server knows it by this line of its configuration:\n\n\
             [admin]\nkeys = [\"{}\"]\n",
            new.key, new.entry
        )),
        Err(reason) => fail(EXIT_USAGE, &reason),
    }
}

/// Says what a close code means.
pub fn explain(code: u16) -> ExitCode {
    let ours = CloseCode::all().find(|known| known.number() == code);
    if let Some(known) = ours {
        let (name, meaning, client) = (known.name(), known.meaning(), known.client());
        return print(&format!(
            "{code} {name}: {meaning}\nA client should: {client}\n"
        ));
    }
    let (meaning, then) = match code {
        1005 => (
            "the connection was closed without a code",
            "retry with backoff",
        ),
        1006 => (
            "the connection ended without a close frame: the network, a proxy's idle timeout, a sleeping \
             device or a killed process; the code itself never travels, the browser makes it up",
            "retry with backoff; if it happens after the same time again and again, look for a proxy's \
             timeout below the heartbeat of 25 s",
        ),
        1015 => (
            "the TLS handshake failed",
            "check the certificate, its names and its dates",
        ),
        3000..=3999 => (
            "registered by somebody's library, not sent by Tautline",
            "ask who sent it: a proxy or the application",
        ),
        4000..=4999 => (
            "an application's own code, not sent by Tautline",
            "ask the application that sent it",
        ),
        _ => (
            "no code that may travel in a close frame",
            "look at what is between client and server",
        ),
    };
    print(&format!("{code}: {meaning}\nWhat to do: {then}\n"))
}

/// Prints a shell's completions.
pub fn completions(shell: clap_complete::Shell) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "tautline", &mut script);
    print(&String::from_utf8_lossy(&script))
}

pub(crate) fn print(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read us has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

pub(crate) fn fail(code: u8, reason: &str) -> ExitCode {
    logging::tell(reason);
    ExitCode::from(code)
}
