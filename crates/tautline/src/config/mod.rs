//! What the server is told to be: read once, checked whole, then immutable.
//!
//! `setting` is the one table of what can be set; `values` is what was written, layer over layer:
//! defaults, file, environment; `check` makes a [`Config`] of it, or says everything that is wrong;
//! `reference` tells people about the table.

mod access;
mod admin;
mod audit;
mod check;
mod limits;
mod pages;
mod proxies;
mod rate;
mod reference;
mod room_setting;
mod rooms;
mod setting;
mod storage;
mod tls;
mod values;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tautline_hub::ShardLimits;
use tautline_protocol::server::Settings;

use self::check::Written;
use self::room_setting::ROOM_SETTINGS;
use self::setting::SETTINGS;
use self::values::{Faults, Values};
use crate::certificate::Certificate;
use crate::cli::ServeArguments;
use crate::pages::Pages;

pub(crate) use admin::{Admin, HashedKey};
pub(crate) use audit::{Audit, OnLoss};
pub(crate) use limits::{AddressLimits, Limits};
pub(crate) use proxies::Proxies;
pub(crate) use reference::{defaults, environment};
pub(crate) use storage::Storage;

/// Everything that the parts of the server need to be told.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) mode: Mode,
    pub(crate) listen: Vec<SocketAddr>,
    pub(crate) admin: Admin,
    pub(crate) shards: usize,
    pub(crate) credentials: Credentials,
    /// What every session goes by.
    pub(crate) session: Settings,
    /// What every shard goes by.
    pub(crate) shard: ShardLimits,
    pub(crate) transport: Transport,
    pub(crate) limits: Limits,
    /// Without it, plain text is spoken.
    pub(crate) tls: Option<Tls>,
    pub(crate) drain: Drain,
    pub(crate) disks: Disks,
}

/// What is written to disks.
#[derive(Debug, Clone)]
pub(crate) struct Disks {
    pub(crate) audit: Audit,
    /// Without it, no room is durable.
    pub(crate) storage: Option<Storage>,
}

/// Whether this is a server to try things with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Loopback only; one well-known token; every room is open.
    Development,
    /// Nothing is allowed that is not configured.
    Production,
}

/// What proves an identity.
pub(crate) enum Credentials {
    /// Nothing: nobody comes in.
    None,
    /// The token that everybody knows. Each connection is a user of its own.
    Development,
    /// JSON Web Tokens signed with this secret.
    Hs256(Vec<u8>, Claims),
}

/// What is asked of the claims of a token, beyond its time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Claims {
    pub(crate) issuer: Option<String>,
    pub(crate) audience: Option<String>,
    /// The longest that a token may be good for.
    pub(crate) lifetime: Duration,
}

/// What holds for sockets.
#[derive(Debug, Clone)]
pub(crate) struct Transport {
    pub(crate) handshake_timeout: Duration,
    /// How long a peer has to take the close frame and to answer it.
    pub(crate) close_timeout: Duration,
    pub(crate) message_bytes_max: usize,
    pub(crate) fragments_max: u32,
    /// How long a message that was begun may take.
    pub(crate) message_timeout: Duration,
    /// Who stands between clients and their sockets.
    pub(crate) proxies: Proxies,
    /// How long a peer may take nothing of what waits for it.
    pub(crate) stall_timeout: Duration,
    pub(crate) allowed_origins: Vec<String>,
    /// The cookie whose value is a token.
    pub(crate) cookie: Option<String>,
    /// Messages from this size on are compressed, where that is on and negotiated.
    pub(crate) compress_from: Option<usize>,
    /// What browsers are shown; nothing but in development mode.
    pub(crate) pages: Option<Arc<Pages>>,
}

/// What TLS is spoken with.
#[derive(Debug)]
pub(crate) struct Tls {
    pub(crate) certificate: Arc<Certificate>,
    /// How often it is looked whether the files have changed.
    pub(crate) reload_every: Duration,
}

/// How the server goes away.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Drain {
    /// Connections are closed one after another within this.
    pub(crate) window: Duration,
    /// The process ends at the latest after this.
    pub(crate) deadline: Duration,
}

/// The configuration is refused, for all of these reasons.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub(crate) struct ConfigError(pub(crate) Vec<String>);

impl Config {
    /// Reads the file that the arguments name, if they name one, and the environment, and checks the whole.
    pub(crate) fn load(arguments: &ServeArguments) -> Result<Self, ConfigError> {
        let mut table = match &arguments.config {
            None => toml::Table::new(),
            Some(path) => read(path).map_err(|fault| ConfigError(vec![fault]))?,
        };
        let mut faults = Faults::default();
        if let Some(path) = &arguments.config {
            access::check(path, &table, &mut faults);
        }
        let rooms = rooms(table.remove("room"), &mut faults);
        let mut values = Values::new(SETTINGS, "", table, &mut faults);
        values.overlay(std::env::vars(), &mut faults);
        check::check(
            Written {
                values,
                rooms,
                faults,
            },
            arguments,
        )
    }
}

fn read(path: &Path) -> Result<toml::Table, String> {
    let name = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| {
        format!("{name}: cannot be read ({error}); give --config a file that can")
    })?;
    text.parse::<toml::Table>().map_err(|error| {
        let line = line(&text, error.span().map_or(0, |span| span.start));
        format!("{name}: line {line}: {}", error.message())
    })
}

/// The tables of `[[room]]`.
fn rooms(written: Option<toml::Value>, faults: &mut Faults) -> Vec<Values> {
    let tables = match written {
        None => Vec::new(),
        Some(toml::Value::Array(tables)) => tables,
        Some(other) => vec![other],
    };
    let mut rooms = Vec::with_capacity(tables.len());
    for table in tables {
        if let toml::Value::Table(table) = table {
            rooms.push(Values::new(ROOM_SETTINGS, "room.", table, faults));
        } else {
            faults.add("room", table, "write a section that begins with [[room]]");
        }
    }
    rooms
}

/// The number of the line, from 1, that the byte at `offset` is in. The line itself may hold a secret.
fn line(text: &str, offset: usize) -> usize {
    let before = text.bytes().take(offset);
    1 + before.filter(|byte| *byte == b'\n').count()
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Development => "Development",
            Self::Hs256(..) => "Hs256(…)",
        })
    }
}
