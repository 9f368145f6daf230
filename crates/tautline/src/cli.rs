//! The command line.

pub mod audit;
pub mod exit;
#[cfg(test)]
mod reference;
pub mod store;
pub mod terminal;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use self::audit::AuditCommand;
use self::exit::help;
use self::store::StoreCommand;
use self::terminal::{MembersArguments, PubArguments, RequestArguments, SubArguments};

const EXAMPLES: &str = "Examples:
  tautline serve --dev                            a server to try things with, on 127.0.0.1:8080
  tautline serve --config tautline.toml           a server as the file says
  tautline serve --config tautline.toml --listen 0.0.0.0:8080 --listen '[::]:8080'
  tautline serve --config tautline.toml --listen 0.0.0.0:443 --tls-cert chain.pem --tls-key key.pem
  tautline config check --config tautline.toml    everything that is wrong with a file, at once
  tautline token --config tautline.toml --user ann --room 'chat:*' --can join,publish --ttl 1h
  tautline key --id billing                       a key for the HTTP interface, and its line for the file
  tautline audit verify --config tautline.toml    whether the audit log is as it was written
  tautline store backup --config tautline.toml /backup/store.db   all durable rooms in one file, while they are used
  tautline sub lobby --token dev-token            what happens in a room, and `pub`, `request`, `members` beside it
  tautline explain 1006                           what a close code means, and what to do";

/// A self-hosted realtime server: rooms over WebSocket that survive the network.
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server.
    #[command(after_help = EXAMPLES)]
    Serve(ServeArguments),
    /// Look at the configuration: what is wrong with it, what holds without it.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Read the audit log, and check that nobody has changed it.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Look after the store of durable rooms: check it, back it up, bring it back.
    #[command(subcommand)]
    Store(StoreCommand),
    /// Follow rooms: what is published there, across lost connections, each message once.
    #[command(after_help = help(terminal::SUB_EXAMPLES))]
    Sub(SubArguments),
    /// Publish to a room, and wait until that is acknowledged.
    #[command(after_help = help(terminal::PUB_EXAMPLES))]
    Pub(PubArguments),
    /// Ask the application's backend, and print its answer.
    #[command(after_help = help(terminal::REQUEST_EXAMPLES))]
    Request(RequestArguments),
    /// List who is present in a room.
    #[command(after_help = help(terminal::MEMBERS_EXAMPLES))]
    Members(MembersArguments),
    /// Make a token that the server of a configuration accepts.
    Token(TokenArguments),
    /// Make a key for the operators' listener, and the line that the configuration keeps of it.
    Key {
        /// Names who has the key, in the log and the audit; random if nothing is said.
        #[arg(long)]
        id: Option<String>,
    },
    /// Say what a close code means, and what to do.
    Explain {
        /// The code, as a client saw it.
        code: u16,
    },
    /// Print what a shell needs to complete this command.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// What can be done with the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Say everything that is wrong with a configuration; exit code 78 if there is anything.
    Check(ServeArguments),
    /// Print a file that says what holds if nothing is written.
    Default,
    /// Print the variables of the environment.
    Env,
}

/// What a token is to say.
#[derive(Debug, Args)]
pub struct TokenArguments {
    /// The configuration file whose `auth.hs256_secret` signs.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The user's id.
    #[arg(long)]
    pub user: String,
    /// What the user is called.
    #[arg(long)]
    pub name: Option<String>,
    /// Rooms that the token opens: a name, or the beginning of names and `*`. May be given several times.
    #[arg(long, value_name = "PATTERN")]
    pub room: Vec<String>,
    /// What may be done there.
    #[arg(
        long,
        value_name = "ACTIONS",
        value_delimiter = ',',
        default_value = "join,publish"
    )]
    pub can: Vec<String>,
    /// How long it is good for.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = humantime::parse_duration)]
    pub ttl: Duration,
}

/// How to run the server. What is given here wins over the file.
#[derive(Debug, Default, Args)]
pub struct ServeArguments {
    /// Development mode: loopback only, the token `dev-token` or `dev-token:NAME`, every room open.
    #[arg(long)]
    pub dev: bool,
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where to listen; may be given several times. Port 0 takes a free one.
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Vec<SocketAddr>,
    /// Where to answer operators and back ends: `/v1`, metrics, health and readiness. Port 0 takes a free one.
    #[arg(long, value_name = "ADDR:PORT")]
    pub admin_listen: Option<SocketAddr>,
    /// The server's certificate and those behind it, in PEM; with it, clients connect over TLS.
    #[arg(long, value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's key, in PEM.
    #[arg(long, value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// The directory where durable rooms are kept.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Pages to serve in development mode, read when it starts; the directory has an `index.html`. The plain page stays at `/plain/`.
    #[arg(long, value_name = "DIR")]
    pub pages: Option<PathBuf>,
}
