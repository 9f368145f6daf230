//! The command line of the terminal's commands: `sub`, `pub`, `request`, `members`.

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tautline_protocol::model::{EventName, Position, RoomName};
use tautline_protocol::wire::Token;

pub(super) const SUB_EXAMPLES: &str = "Examples:
  tautline sub lobby --token dev-token              what is said in a room from now on; Ctrl-C leaves
  tautline sub orders --last 20 --presence          the last 20 first, and who comes and goes
  tautline sub orders invoices | jq -c 'select(.type == \"message\") | .data'
  tautline sub orders --since \"$(cat position)\" --count 100 --fail-on-gap
  tautline sub inbox:ann --ack                      what is printed is acknowledged";

pub(super) const PUB_EXAMPLES: &str = "Examples:
  tautline pub lobby chat '{\"text\": \"hello\"}' --token dev-token
  tautline pub backups done \"$(date +%s)\" --key \"backup-$(date +%F)\"   published once, however often it is tried
  jq -c . report.json | tautline pub reports weekly -
  tautline pub prices tick --lines < ticks.jsonl     one publication per line, in order";

pub(super) const REQUEST_EXAMPLES: &str = "Examples:
  tautline request echo '{\"a\": 1}' --token dev-token
  tautline request orders.count | jq .open";

pub(super) const MEMBERS_EXAMPLES: &str = "Examples:
  tautline members lobby --token dev-token
  tautline members lobby --json | jq -r .user | sort -u";

/// A second publication with the same key is known as such for so long; it makes no sense to try for longer.
const WAIT_MAX: Duration = Duration::from_mins(10);

/// How to get to the server.
#[derive(Debug, Args)]
pub struct ServerAccess {
    /// Where the server is.
    #[arg(
        long,
        env = "TAUTLINE_URL",
        hide_env_values = true,
        default_value = "ws://127.0.0.1:8080/ws"
    )]
    pub url: String,
    /// The token that says who you are; `-` reads it from standard input. Other users of this machine can see
    /// what stands on a command line: `--token-file` and the variable `TAUTLINE_TOKEN` are safer.
    #[arg(long, value_parser = token)]
    pub token: Option<Token>,
    /// A file whose first line is the token.
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    pub token_file: Option<PathBuf>,
    /// How messages travel.
    #[arg(long, value_enum, default_value_t = EncodingName::Msgpack)]
    pub encoding: EncodingName,
    /// One object of JSON per line, in a terminal too.
    #[arg(long)]
    pub json: bool,
}

/// How messages travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EncodingName {
    /// As text, which a proxy's log or a capture shows.
    Json,
    /// At least 40 % smaller.
    Msgpack,
}

/// What to follow.
#[derive(Debug, Args)]
pub struct SubArguments {
    /// The rooms.
    #[arg(required = true, value_name = "ROOM", value_parser = RoomName::parse)]
    pub rooms: Vec<RoomName>,
    /// Begin with so many of the newest messages of each room.
    #[arg(long, value_name = "COUNT")]
    pub last: Option<u32>,
    /// Go on behind this message of the one room: a `position` as it was printed.
    #[arg(long, value_parser = position, conflicts_with = "last")]
    pub since: Option<Position>,
    /// In rooms that ask for it: acknowledge what is printed.
    #[arg(long)]
    pub ack: bool,
    /// End after so many messages.
    #[arg(long)]
    pub count: Option<NonZeroU64>,
    /// What is shown besides messages.
    #[command(flatten)]
    pub besides: Besides,
    /// End where messages are missing.
    #[arg(long)]
    pub fail_on_gap: bool,
    /// Give up where there is no connection for so long; otherwise it is tried forever.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub timeout: Option<Duration>,
    /// The server.
    #[command(flatten)]
    pub access: ServerAccess,
}

/// What is shown besides messages.
#[derive(Debug, Args)]
pub struct Besides {
    /// Show who is there, who comes and who goes.
    #[arg(long)]
    pub presence: bool,
    /// Show casts too: what is relayed to who is there, and not stored.
    #[arg(long)]
    pub casts: bool,
}

/// What to publish.
#[derive(Debug, Args)]
pub struct PubArguments {
    /// The room.
    #[arg(value_parser = RoomName::parse)]
    pub room: RoomName,
    /// What kind of message it is.
    #[arg(value_parser = EventName::parse)]
    pub event: EventName,
    /// The data, one value of JSON; `-` reads it from standard input.
    #[arg(
        value_name = "JSON",
        allow_negative_numbers = true,
        required_unless_present = "lines",
        conflicts_with = "lines"
    )]
    pub data: Option<String>,
    /// Publish each line of standard input as one value of JSON, in order. Ends at the first line that is refused or
    /// no JSON.
    #[arg(long)]
    pub lines: bool,
    /// Publish once, however often this is tried within ten minutes. With --lines, line 7 has the key KEY:7.
    #[arg(long)]
    pub key: Option<String>,
    /// How long to try until it is acknowledged, across lost connections: ten minutes at most.
    #[arg(long, value_name = "TIME", value_parser = wait, default_value = "1m")]
    pub wait: Duration,
    /// Give up where there is no connection for so long; otherwise `--wait` alone decides.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub timeout: Option<Duration>,
    /// The server.
    #[command(flatten)]
    pub access: ServerAccess,
}

/// What to ask the application's backend.
#[derive(Debug, Args)]
pub struct RequestArguments {
    /// What is asked.
    pub method: String,
    /// With what, one value of JSON; `-` reads it from standard input.
    #[arg(
        value_name = "JSON",
        allow_negative_numbers = true,
        default_value = "null"
    )]
    pub data: String,
    /// How long to wait for a connection and the answer.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration, default_value = "10s")]
    pub timeout: Duration,
    /// The server.
    #[command(flatten)]
    pub access: ServerAccess,
}

/// Whose members to list.
#[derive(Debug, Args)]
pub struct MembersArguments {
    /// The room.
    #[arg(value_parser = RoomName::parse)]
    pub room: RoomName,
    /// How long to wait for a connection and the answer.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration, default_value = "10s")]
    pub timeout: Duration,
    /// The server.
    #[command(flatten)]
    pub access: ServerAccess,
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "what a parser of arguments has to look like"
)]
fn token(text: &str) -> Result<Token, &'static str> {
    Ok(Token::new(text))
}

fn position(text: &str) -> Result<Position, &'static str> {
    Position::parse(text).ok_or("write it as `position` was printed: EPOCH:OFFSET:ID")
}

fn wait(text: &str) -> Result<Duration, String> {
    let wait = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if wait > WAIT_MAX {
        return Err("the server knows a publication again for ten minutes; wait no longer".into());
    }
    Ok(wait)
}
