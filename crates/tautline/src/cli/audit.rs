//! The command line of the audit log.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

const EXAMPLES: &str = "Examples:
  tautline audit tail -f --directory /var/lib/tautline/audit
  tautline audit query --config tautline.toml --user ann --since 1h
  tautline audit query --config tautline.toml --kind auth_failed --since 2026-07-01 --json
  tautline audit verify --config tautline.toml --head $(cat yesterday.head)
  tautline audit export --config tautline.toml --format csv --room 'orders' > orders.csv";

/// What can be done with the audit log, also while the server writes it.
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum AuditCommand {
    /// Show the newest rows, and with -f those that come.
    #[command(after_help = EXAMPLES)]
    Tail(TailArguments),
    /// Show the rows that match, the oldest first.
    #[command(after_help = EXAMPLES)]
    Query(QueryArguments),
    /// Check that no row was changed, removed, added or moved, and print the head of the chain; exit code 1
    /// if one was.
    #[command(after_help = EXAMPLES)]
    Verify(VerifyArguments),
    /// Write the rows that match to standard output, for other programs.
    #[command(after_help = EXAMPLES)]
    Export(ExportArguments),
}

/// Where the audit log is.
#[derive(Debug, Args)]
pub struct AuditPlace {
    /// The directory of the log.
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    pub directory: Option<PathBuf>,
    /// The configuration file that names the directory.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Which rows are meant.
#[derive(Debug, Args)]
pub struct RowFilter {
    /// Rows of this user.
    #[arg(long)]
    pub user: Option<String>,
    /// Rows of this room.
    #[arg(long)]
    pub room: Option<String>,
    /// Rows of this kind, like `connected`, `auth_failed` or `ended`.
    #[arg(long)]
    pub kind: Option<String>,
    /// Rows of this connection.
    #[arg(long, value_name = "ID")]
    pub connection: Option<String>,
    /// Rows that name this address: its handshakes. Their connections have the others.
    #[arg(long, value_name = "IP")]
    pub address: Option<String>,
    /// Rows from this time on: `2026-07-01`, `2026-07-01T12:00:00Z`, or how long ago, like `1h`.
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Rows before this time.
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
}

/// How to show the newest rows.
#[derive(Debug, Args)]
pub struct TailArguments {
    /// Where the log is.
    #[command(flatten)]
    pub place: AuditPlace,
    /// So many of the newest rows.
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 20)]
    pub lines: u64,
    /// Wait for rows that come, and show them.
    #[arg(short, long)]
    pub follow: bool,
    /// One object of JSON per row.
    #[arg(long)]
    pub json: bool,
}

/// Which rows to show, and how.
#[derive(Debug, Args)]
pub struct QueryArguments {
    /// Where the log is.
    #[command(flatten)]
    pub place: AuditPlace,
    /// Which rows.
    #[command(flatten)]
    pub filter: RowFilter,
    /// So many rows at most.
    #[arg(long, value_name = "COUNT")]
    pub limit: Option<u64>,
    /// One object of JSON per row.
    #[arg(long)]
    pub json: bool,
}

/// What to check.
#[derive(Debug, Args)]
pub struct VerifyArguments {
    /// Where the log is.
    #[command(flatten)]
    pub place: AuditPlace,
    /// A head that was printed earlier: the chain must still have it.
    #[arg(long, value_name = "HASH")]
    pub head: Option<String>,
    /// The first row that is to be there, if those before it are kept elsewhere.
    #[arg(long, value_name = "ROW")]
    pub from: Option<u64>,
    /// One object of JSON.
    #[arg(long)]
    pub json: bool,
}

/// Which rows to write, and how.
#[derive(Debug, Args)]
pub struct ExportArguments {
    /// Where the log is.
    #[command(flatten)]
    pub place: AuditPlace,
    /// Which rows.
    #[command(flatten)]
    pub filter: RowFilter,
    /// How to write them.
    #[arg(long, value_enum, default_value_t = ExportFormat::Jsonl)]
    pub format: ExportFormat,
}

/// How rows are written for other programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// One object of JSON per line: exact.
    Jsonl,
    /// Comma-separated values, for spreadsheets.
    Csv,
}
