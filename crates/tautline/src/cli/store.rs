//! The command line of the store of durable rooms.

use std::path::PathBuf;

use clap::{Args, Subcommand};

const EXAMPLES: &str = "Examples:
  tautline store stats --config tautline.toml
  tautline store check --directory /var/lib/tautline/store
  tautline store backup --config tautline.toml /backup/store-$(date +%F).db
  tautline store restore --directory /var/lib/tautline/store /backup/store-2026-07-01.db
  tautline store compact --config tautline.toml";

/// What can be done with the store of durable rooms.
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum StoreCommand {
    /// Say what the store holds, also while the server uses it.
    #[command(after_help = EXAMPLES)]
    Stats(LookArguments),
    /// Look at every row, also while the server uses the store; exit code 1 if anything is damaged.
    #[command(after_help = EXAMPLES)]
    Check(LookArguments),
    /// Write all that the store holds now to a new file and check it, also while the server uses the store.
    #[command(after_help = EXAMPLES)]
    Backup(FileArguments),
    /// Make a backup the store of a directory that has none. Clients that have seen more than it holds are told
    /// of a gap.
    #[command(after_help = EXAMPLES)]
    Restore(FileArguments),
    /// Give all free space back to the file system; the server must not run.
    #[command(after_help = EXAMPLES)]
    Compact {
        /// Where the store is.
        #[command(flatten)]
        place: StorePlace,
    },
}

/// Where the store is.
#[derive(Debug, Args)]
pub struct StorePlace {
    /// The directory of the store.
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    pub directory: Option<PathBuf>,
    /// The configuration file that names the directory.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// What to look at.
#[derive(Debug, Args)]
pub struct LookArguments {
    /// Where the store is.
    #[command(flatten)]
    pub place: StorePlace,
    /// One object of JSON.
    #[arg(long)]
    pub json: bool,
}

/// Which file is written or read.
#[derive(Debug, Args)]
pub struct FileArguments {
    /// Where the store is.
    #[command(flatten)]
    pub place: StorePlace,
    /// The file of the backup.
    pub file: PathBuf,
}
