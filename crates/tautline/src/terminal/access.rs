//! The way to the server: where it is, and who comes.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read};

use tautline_client::{BuildError, Builder, Client, Encoding};
use tautline_protocol::wire::Token;

use super::failure::Failure;
use crate::cli::exit::Exit;
use crate::cli::terminal::{EncodingName, ServerAccess};
use crate::logging;

/// Has the token, where neither the command line nor a file does.
const TOKEN_VARIABLE: &str = "TAUTLINE_TOKEN";
/// The token of development mode, which is no secret.
const DEVELOPMENT_TOKEN: &str = "dev-token";
/// No token is longer.
const TOKEN_BYTES_MAX: u64 = 64 * 1024;

/// Who else reads standard input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stdin {
    Free,
    Taken,
}

/// A client in the making, which knows the server and the token.
pub(super) fn builder(access: &ServerAccess, stdin: Stdin) -> Result<Builder, Failure> {
    let encoding = match access.encoding {
        EncodingName::Json => Encoding::Json,
        EncodingName::Msgpack => Encoding::MessagePack,
    };
    let builder = Client::builder(&access.url)
        .program("tautline-cli", env!("CARGO_PKG_VERSION"))
        .encoding(encoding);
    Ok(match token(access, stdin)? {
        Some(token) => builder.token(token.expose()),
        None => builder,
    })
}

/// The client, on its way.
pub(super) fn spawn(builder: Builder) -> Result<Client, Failure> {
    builder.spawn().map_err(|error| {
        let is_usage = !matches!(error, BuildError::NoRandomness);
        let exit = if is_usage { Exit::Usage } else { Exit::NotDone };
        Failure::new(exit, error.to_string())
    })
}

fn token(access: &ServerAccess, stdin: Stdin) -> Result<Option<Token>, Failure> {
    if let Some(token) = &access.token {
        if token.expose() != "-" {
            warn(token);
            return Ok(Some(token.clone()));
        }
        if stdin == Stdin::Taken {
            let fix = "both the token and the data are to come from standard input; name a file by --token-file";
            return Err(Failure::usage(fix));
        }
        let token = first_line(io::stdin().lock());
        return token.map(Some).map_err(|error| {
            Failure::usage(format!("cannot read a token from standard input: {error}"))
        });
    }
    if let Some(path) = &access.token_file {
        let token = File::open(path).and_then(first_line);
        return token.map(Some).map_err(|error| {
            Failure::usage(format!(
                "cannot read a token from {}: {error}",
                path.display()
            ))
        });
    }
    let set = std::env::var(TOKEN_VARIABLE).unwrap_or_default();
    Ok((!set.is_empty()).then(|| Token::new(set.trim())))
}

fn first_line(source: impl Read) -> io::Result<Token> {
    let mut line = String::new();
    BufReader::new(source.take(TOKEN_BYTES_MAX)).read_line(&mut line)?;
    match line.trim() {
        "" => Err(io::Error::new(io::ErrorKind::InvalidData, "there is none")),
        token => Ok(Token::new(token)),
    }
}

/// Tells people, not logs, that a secret is in sight.
fn warn(token: &Token) {
    if token.expose() != DEVELOPMENT_TOKEN && io::stderr().is_terminal() {
        logging::tell(
            "other users of this machine can see a token on a command line; --token-file or TAUTLINE_TOKEN keep it from them",
        );
    }
}
