//! What is written in the configuration file, as it is written.

use serde::Deserialize;

/// The whole file. A key that is not here is an error: a misspelt limit is no limit.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Raw {
    pub(super) server: Server,
    pub(super) auth: Auth,
    pub(super) heartbeat: Heartbeat,
    pub(super) limits: Limits,
    pub(super) outbox: Outbox,
    pub(super) presence: Presence,
    pub(super) compression: Compression,
    pub(super) drain: Drain,
    pub(super) test: Test,
    pub(super) room: Vec<Room>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Server {
    pub(super) listen: Option<Vec<String>>,
    pub(super) admin_listen: Option<String>,
    pub(super) shards: Option<usize>,
    pub(super) allowed_origins: Vec<String>,
    pub(super) handshake_timeout: Option<String>,
    pub(super) close_timeout: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Auth {
    pub(super) hs256_secret: Option<String>,
    pub(super) timeout: Option<String>,
}

/// The secret stays out of every log.
impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Auth")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Heartbeat {
    pub(super) ping_every: Option<String>,
    pub(super) dead_after: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Limits {
    pub(super) connections: Option<usize>,
    pub(super) handshakes: Option<usize>,
    pub(super) message: Option<usize>,
    pub(super) v1_frame: Option<usize>,
    pub(super) fragments: Option<u32>,
    pub(super) rooms_per_connection: Option<usize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Outbox {
    pub(super) bytes: Option<usize>,
    pub(super) messages: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Presence {
    pub(super) events_max: Option<u32>,
    pub(super) count_every: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Compression {
    pub(super) enabled: Option<bool>,
    pub(super) threshold: Option<usize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Drain {
    pub(super) window: Option<String>,
    pub(super) deadline: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Test {
    pub(super) echo: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Room {
    #[serde(rename = "match")]
    pub(super) pattern: String,
    #[serde(default)]
    pub(super) history: u32,
    pub(super) history_age: Option<String>,
    #[serde(default)]
    pub(super) presence: bool,
    #[serde(default)]
    pub(super) everyone: Vec<String>,
}
