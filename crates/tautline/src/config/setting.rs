//! Every setting there is: one table, from which the file, the environment and the reference come.

use std::time::Duration;

use toml::Value;

/// What a setting is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `true` or `false`.
    Switch,
    /// A whole number, at least this.
    Number(u64),
    /// A span of time, at least this.
    Span(Duration),
    /// A number a second, and a number at once.
    Rate,
    /// An address and a port.
    Address,
    /// Several addresses.
    Addresses,
    /// A word.
    Text,
    /// Several words.
    Words,
    /// A word that is shown nowhere.
    Secret,
    /// Hashes of keys. No secrets, and shown nowhere either: somebody may have written the key itself.
    Hashes,
}

/// One setting.
#[derive(Debug)]
pub(super) struct Setting {
    /// Its name: the section of the file, a dot, the key.
    pub(super) key: &'static str,
    pub(super) kind: Kind,
    /// What holds if nothing is written, as it would be written; empty for nothing at all.
    pub(super) default: &'static str,
    /// What it does, in one sentence.
    pub(super) about: &'static str,
}

/// Intervals below this would be work without end.
pub(super) const INTERVAL: Kind = Kind::Span(Duration::from_millis(50));
pub(super) const SPAN: Kind = Kind::Span(Duration::ZERO);

pub(super) const fn setting(
    key: &'static str,
    kind: Kind,
    default: &'static str,
    about: &'static str,
) -> Setting {
    Setting {
        key,
        kind,
        default,
        about,
    }
}

/// All settings but those of rooms, by section.
pub(super) const SETTINGS: &[Setting] = &[
    setting(
        "server.listen",
        Kind::Addresses,
        r#"["127.0.0.1:8080", "[::1]:8080"]"#,
        "where clients connect; `--listen` replaces it",
    ),
    setting(
        "server.admin_listen",
        Kind::Address,
        r#""127.0.0.1:8081""#,
        "where operators and back ends ask: `/v1`, `/metrics`, `/health`, `/ready`; an empty text switches it off; `--admin-listen` replaces it",
    ),
    setting(
        "server.shards",
        Kind::Number(0),
        "0",
        "threads that serve connections; 0 is one per core",
    ),
    setting(
        "server.allowed_origins",
        Kind::Words,
        "[]",
        "web pages that may connect, beside those of the server's own origin; `*` is every page",
    ),
    setting(
        "server.trusted_proxies",
        Kind::Words,
        "[]",
        "addresses or networks of proxies that are believed when they say who the client is, by X-Forwarded-For or the PROXY protocol",
    ),
    setting(
        "server.proxy_protocol",
        Kind::Switch,
        "false",
        "whether the trusted proxies begin each connection with a header of the PROXY protocol, version 1 or 2",
    ),
    setting(
        "server.handshake_timeout",
        INTERVAL,
        r#""5s""#,
        "from accepting a socket to the complete request; an operator's request has so long for its head, and again for its body",
    ),
    setting(
        "server.close_timeout",
        INTERVAL,
        r#""2s""#,
        "how long a peer has to answer a close frame",
    ),
    setting(
        "auth.hs256_secret",
        Kind::Secret,
        "",
        "32 bytes or more; tokens are JSON Web Tokens signed with it. Without it nobody comes in",
    ),
    setting(
        "auth.issuer",
        Kind::Text,
        "",
        "what the claim `iss` of a token must be; not looked at unless this is written",
    ),
    setting(
        "auth.audience",
        Kind::Text,
        "",
        "what the claim `aud` of a token must be or hold; not looked at unless this is written",
    ),
    setting(
        "auth.token_lifetime",
        INTERVAL,
        r#""24h""#,
        "a token that is good for longer than this is refused",
    ),
    setting(
        "auth.cookie",
        Kind::Text,
        "",
        "the cookie whose value is a token, if one is to be; pages then need an origin that is allowed",
    ),
    setting(
        "auth.timeout",
        INTERVAL,
        r#""5s""#,
        "how long a connection may be without authentication",
    ),
    setting(
        "tls.certificate",
        Kind::Text,
        "",
        "a PEM file: the server's certificate, and behind it those that lead to one that clients trust. With it, only TLS is spoken where clients connect; `--tls-cert` replaces it",
    ),
    setting(
        "tls.key",
        Kind::Text,
        "",
        "a PEM file: the certificate's key, which not everybody may read; `--tls-key` replaces it",
    ),
    setting(
        "tls.reload_every",
        INTERVAL,
        r#""10s""#,
        "how often it is looked whether these files have changed; what has is read when it is seen a second time",
    ),
    setting(
        "tls.terminated_by_proxy",
        Kind::Switch,
        "false",
        "says that a proxy in front speaks TLS; without it, plain text stays on this machine",
    ),
    setting(
        "admin.keys",
        Kind::Hashes,
        "[]",
        "hashed keys that open `/v1`, each as `tautline key` prints it",
    ),
    setting(
        "admin.hosts",
        Kind::Words,
        "[]",
        "names that operators may reach their listener by, beside addresses and `localhost`",
    ),
    setting(
        "admin.connections",
        Kind::Number(1),
        "128",
        "connections of operators at once; more wait to be accepted",
    ),
    setting(
        "heartbeat.ping_every",
        INTERVAL,
        r#""25s""#,
        "a ping is sent at a random point of the last fifth of this",
    ),
    setting(
        "heartbeat.dead_after",
        INTERVAL,
        r#""10s""#,
        "how long after a ping a peer may be silent",
    ),
    setting(
        "limits.connections",
        Kind::Number(1),
        "",
        "connections of the process; as many as file descriptors allow, unless this is less",
    ),
    setting(
        "limits.handshakes",
        Kind::Number(1),
        "1024",
        "handshakes that go on at once",
    ),
    setting(
        "limits.accept_rate",
        Kind::Rate,
        r#""1000/s burst 1000""#,
        "how often the server takes a connection in, whoever comes; who comes above it is told to come back later",
    ),
    setting(
        "limits.handshakes_per_address",
        Kind::Number(0),
        "32",
        "the same from one address; 0 is without limit",
    ),
    setting(
        "limits.connect_rate",
        Kind::Rate,
        r#""20/s burst 100""#,
        "how often connections are begun from one address; an IPv6 address counts with its /64",
    ),
    setting(
        "limits.connections_per_address",
        Kind::Number(0),
        "256",
        "connections from one address; 0 is without limit",
    ),
    setting(
        "limits.connections_per_user",
        Kind::Number(0),
        "16",
        "connections of one user on this node; 0 is without limit",
    ),
    setting(
        "limits.auth_failures",
        Kind::Number(0),
        "10",
        "wrong tokens from one address in a minute; after that nobody comes in from there for a while; 0 is without limit",
    ),
    setting(
        "limits.auth_block",
        INTERVAL,
        r#""60s""#,
        "how long that while is",
    ),
    setting(
        "limits.publish_rate",
        Kind::Rate,
        r#""20/s burst 60""#,
        "how often a connection publishes",
    ),
    setting(
        "limits.join_rate",
        Kind::Rate,
        r#""50/s burst 300""#,
        "how often a connection joins and leaves rooms",
    ),
    setting(
        "limits.history_rate",
        Kind::Rate,
        r#""2/s burst 128""#,
        "how often a connection joins rooms whose history it is given",
    ),
    setting(
        "limits.request_rate",
        Kind::Rate,
        r#""50/s burst 100""#,
        "how often a connection asks, pings and authenticates by messages",
    ),
    setting(
        "limits.requests",
        Kind::Number(1),
        "32",
        "so many requests of a connection wait for their answers; one more is refused",
    ),
    setting(
        "limits.request_timeout",
        INTERVAL,
        r#""10s""#,
        "a request that is not answered within this is answered with `timeout`",
    ),
    setting(
        "limits.control_rate",
        Kind::Rate,
        r#""10/s burst 20""#,
        "how often a connection sends pings, and pongs that answer none of ours; above it is closed with 1008",
    ),
    setting(
        "limits.refusal_rate",
        Kind::Rate,
        r#""20/s burst 100""#,
        "how often a connection is refused something; above it is closed with 4429",
    ),
    setting(
        "limits.rooms",
        Kind::Number(1),
        "1000000",
        "the most rooms that are known at the same time; nobody joins or publishes to a new one beyond that",
    ),
    setting(
        "limits.history",
        Kind::Number(0),
        "",
        "bytes of history that all rooms together keep in memory; a quarter of the machine's memory, unless this is written. A room that finds no place gives up its own past",
    ),
    setting(
        "limits.memory",
        Kind::Number(1024 * 1024),
        "",
        "bytes that wait for all connections together; a quarter of the machine's memory, unless this is written",
    ),
    setting(
        "limits.message",
        Kind::Number(125),
        "65536",
        "the largest message, in bytes",
    ),
    setting(
        "limits.v1_frame",
        Kind::Number(125),
        "8192",
        "the largest message of the plain protocol, in bytes",
    ),
    setting(
        "limits.fragments",
        Kind::Number(1),
        "64",
        "the most frames of one message",
    ),
    setting(
        "limits.message_timeout",
        INTERVAL,
        r#""30s""#,
        "how long a message that was begun may take to arrive whole",
    ),
    setting(
        "limits.rooms_per_connection",
        Kind::Number(1),
        "128",
        "the most rooms of one connection",
    ),
    setting(
        "outbox.bytes",
        Kind::Number(1024),
        "1048576",
        "the most that waits for one connection; above it is closed with 1013",
    ),
    setting(
        "outbox.messages",
        Kind::Number(1),
        "1024",
        "the same, in messages",
    ),
    setting(
        "outbox.latest",
        Kind::Number(1),
        "128",
        "so many of what is the newest of its kind wait for who takes nothing: casts with `conflate`, one of each kind for a connection, and \
         publications of a room with `slow_consumers = \"latest\"`, one of each event for the room; the same number of bytes as above",
    ),
    setting(
        "outbox.stall",
        INTERVAL,
        r#""10s""#,
        "how long a connection may take nothing of what waits for it; then it is closed with 1013",
    ),
    setting(
        "presence.events_max",
        Kind::Number(0),
        "200",
        "above so many members, a room's presence is told as a count",
    ),
    setting(
        "presence.events_rate",
        Kind::Rate,
        r#""20/s burst 200""#,
        "how often who comes and goes is told by name in one room; above it, presence is told as a count",
    ),
    setting(
        "presence.count_every",
        INTERVAL,
        r#""1s""#,
        "how often that count is told at most",
    ),
    setting(
        "presence.grace",
        SPAN,
        r#""5s""#,
        "how long members whose connections are lost stay present; when their users are back by then, nobody was told that they left; \
         0s tells at once",
    ),
    setting(
        "compression.enabled",
        Kind::Switch,
        "false",
        "whether permessage-deflate is negotiated",
    ),
    setting(
        "compression.threshold",
        Kind::Number(0),
        "1024",
        "messages from this size on are compressed, in bytes",
    ),
    setting(
        "drain.window",
        SPAN,
        r#""10s""#,
        "on SIGTERM, connections are closed one after another within this, those of v2 in the second half, after they \
         had time to move; at once in development mode",
    ),
    setting(
        "drain.deadline",
        SPAN,
        r#""30s""#,
        "the process ends at the latest after this",
    ),
    setting(
        "storage.directory",
        Kind::Text,
        "",
        "where [durable rooms](../guide/durable-rooms.md) are kept; without it, no room can be durable; `--data` replaces it",
    ),
    setting(
        "storage.max_bytes",
        Kind::Number(1 << 20),
        "68719476736",
        "the most that is kept there, in bytes; then durable rooms refuse publications until something has ended",
    ),
    setting(
        "storage.keys",
        Kind::Number(1),
        "10000000",
        "the most keys of publications that are remembered there at the same time, of all rooms; then those with a key are refused",
    ),
    setting(
        "storage.ring",
        Kind::Number(0),
        "128",
        "so many of the newest messages of a durable room in use are in memory, too; older ones are read from the disk",
    ),
    setting(
        "audit.directory",
        Kind::Text,
        "",
        "where [the audit log](../guide/audit.md) is written; without it, none is",
    ),
    setting(
        "audit.max_bytes",
        Kind::Number(65_536),
        "268435456",
        "a file of the audit log that has reached this is followed by the next one",
    ),
    setting(
        "audit.files_max",
        Kind::Number(0),
        "0",
        "so many files of the audit log are kept, and the oldest are deleted; 0 keeps all",
    ),
    setting(
        "audit.on_loss",
        Kind::Text,
        r#""warn""#,
        "when the audit log cannot be written: `warn` logs an error, `stop` refuses publications, too",
    ),
    setting(
        "audit.queue_bytes",
        Kind::Number(65_536),
        "16777216",
        "the memory that events hold until they are written to the audit log; above it they are lost, and counted",
    ),
    setting(
        "test.echo",
        Kind::Switch,
        "false",
        "whether the request methods `echo` and, in v2, `wait` are answered; on in development mode",
    ),
];

/// No time is longer: beyond that, clocks end.
const SPAN_MAX: Duration = Duration::from_hours(24 * 365 * 100);

impl Kind {
    /// Whether a value of this kind is within its bounds.
    pub(super) fn admits(self, value: &Value) -> bool {
        match self {
            Self::Number(min) => value
                .as_integer()
                .and_then(|number| u64::try_from(number).ok())
                .is_some_and(|number| min <= number),
            Self::Span(min) => value
                .as_str()
                .and_then(|text| humantime::parse_duration(text).ok())
                .is_some_and(|span| (min..=SPAN_MAX).contains(&span)),
            Self::Switch
            | Self::Rate
            | Self::Address
            | Self::Addresses
            | Self::Text
            | Self::Words
            | Self::Secret
            | Self::Hashes => true,
        }
    }

    /// What to write instead of what is wrong.
    pub(super) fn fix(self) -> String {
        match self {
            Self::Switch => "write true or false".to_owned(),
            Self::Number(min) => format!("write a whole number, {min} or more"),
            Self::Span(min) => format!(
                "write {} or more, and {} at most; write it like \"25s\" or \"500ms\"",
                humantime::format_duration(min),
                humantime::format_duration(SPAN_MAX)
            ),
            Self::Rate => "write a rate like \"20/s burst 60\", or \"off\"".to_owned(),
            Self::Address => "is no address; write it like \"127.0.0.1:8080\"".to_owned(),
            Self::Addresses => "write a list of addresses, like [\"127.0.0.1:8080\"]".to_owned(),
            Self::Text | Self::Secret => "write a text in quotes".to_owned(),
            Self::Hashes => "write a list of the lines that `tautline key` prints".to_owned(),
            Self::Words => "write a list of texts, like [\"a\", \"b\"]".to_owned(),
        }
    }
}

impl Setting {
    /// What holds if nothing is written.
    pub(super) fn default(&self) -> Option<Value> {
        let table: toml::Table = format!("value = {}", self.default).parse().ok()?;
        table.get("value").cloned()
    }

    /// Its name in the environment.
    pub(super) fn variable(&self) -> String {
        format!("TAUTLINE_{}", self.key.replace('.', "_").to_uppercase())
    }
}
