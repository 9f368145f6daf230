//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

const EXAMPLES: &str = "Examples:
  tautline serve --dev                            a server to try things with, on 127.0.0.1:8080
  tautline serve --config tautline.toml           a server as the file says
  tautline serve --config tautline.toml --listen 0.0.0.0:8080 --listen '[::]:8080'";

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
}

/// How to run the server. What is given here wins over the file.
#[derive(Debug, Args)]
pub struct ServeArguments {
    /// Development mode: loopback only, the token `dev-token`, every room open.
    #[arg(long)]
    pub dev: bool,
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where to listen; may be given several times. Port 0 takes a free one.
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Vec<SocketAddr>,
    /// Where to answer operators: health and readiness today.
    #[arg(long, value_name = "ADDR:PORT")]
    pub admin_listen: Option<SocketAddr>,
    /// The directory for what is kept on disk; the memory engine keeps nothing there.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}
