//! From what was written to what holds: every value checked, every fault told at once.

use std::net::SocketAddr;
use std::time::Duration;

use tautline_hub::{OutboxLimits, ShardLimits};
use tautline_protocol::server::Settings;
use tautline_protocol::server::v2::Figures;

use super::values::{Faults, Values};
use super::{
    Claims, Config, ConfigError, Credentials, Disks, Drain, Mode, Transport, admin, audit, limits,
    pages, proxies, rooms, storage, tls,
};
use crate::cli::ServeArguments;

/// The shortest secret that a signature is worth something with.
const SECRET_BYTES_MIN: usize = 32;

/// The largest message that any configuration allows.
const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A secret that everybody can read in the documentation.
const SECRET_OF_EXAMPLES: &str = "at least 32 bytes that nobody else knows";

/// More shards than cores gain nothing. Each verifies one token at a time, so that this is also the most
/// verifications at once.
const SHARDS_MAX: usize = 256;

/// What was written, and what is wrong with it so far.
pub(super) struct Written {
    pub(super) values: Values,
    pub(super) rooms: Vec<Values>,
    pub(super) faults: Faults,
}

/// Checks the whole, and says all that is wrong with it.
pub(super) fn check(
    mut written: Written,
    arguments: &ServeArguments,
) -> Result<Config, ConfigError> {
    let mode = if arguments.dev {
        Mode::Development
    } else {
        Mode::Production
    };
    let config = Config {
        mode,
        listen: listen(&mut written, arguments, mode),
        admin: admin::check(&mut written, arguments, mode),
        shards: shards(&mut written),
        credentials: credentials(&mut written, mode),
        session: session(&mut written, mode),
        shard: ShardLimits {
            outbox: OutboxLimits {
                bytes_max: written.size("outbox.bytes"),
                messages_max: written.count("outbox.messages"),
                latest_max: written.count("outbox.latest"),
            },
            presence_events_max: written.count("presence.events_max"),
            presence_rate: written.rate("presence.events_rate"),
            member_count_every: written.span("presence.count_every"),
            presence_grace: written.span("presence.grace"),
        },
        transport: transport(&mut written, arguments, mode),
        limits: limits::limits(&mut written),
        tls: tls::tls(&mut written, arguments),
        drain: drain(&mut written, mode),
        disks: Disks {
            audit: audit::audit(&mut written),
            storage: storage::storage(&mut written, arguments),
        },
    };
    if written.faults.0.is_empty() {
        Ok(config)
    } else {
        Err(ConfigError(written.faults.0))
    }
}

/// What the parts of the program count with. Numbers beyond what they can count are their most.
impl Written {
    pub(super) fn size(&mut self, key: &str) -> usize {
        let number = self.values.number(key, &mut self.faults);
        number
            .and_then(|number| usize::try_from(number).ok())
            .unwrap_or(usize::MAX)
    }

    pub(super) fn count(&mut self, key: &str) -> u32 {
        u32::try_from(self.size(key)).unwrap_or(u32::MAX)
    }

    pub(super) fn span(&mut self, key: &str) -> Duration {
        self.values.span(key, &mut self.faults)
    }

    pub(super) fn switch(&mut self, key: &str) -> bool {
        self.values.switch(key, &mut self.faults)
    }
}

fn shards(written: &mut Written) -> usize {
    match written.size("server.shards") {
        0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        shards if shards > SHARDS_MAX => {
            let fix = format!("write {SHARDS_MAX} or less; more than there are cores gain nothing");
            written.faults.add("server.shards", shards, &fix);
            1
        }
        shards => shards,
    }
}

fn listen(written: &mut Written, arguments: &ServeArguments, mode: Mode) -> Vec<SocketAddr> {
    let mut addresses = written
        .values
        .addresses("server.listen", &mut written.faults);
    if !arguments.listen.is_empty() {
        addresses.clone_from(&arguments.listen);
    }
    let encrypts = tls::encrypts(written, arguments);
    for address in &addresses {
        check_reach(*address, mode, encrypts, written);
    }
    addresses
}

/// What is open, or not encrypted, is for this machine only.
fn check_reach(address: SocketAddr, mode: Mode, encrypts: bool, written: &mut Written) {
    if address.ip().is_loopback() {
        return;
    }
    let fix = match mode {
        Mode::Development => {
            "development mode lets everybody in and binds to loopback only; \
             leave out --dev or listen on 127.0.0.1"
        }
        Mode::Production if encrypts => return,
        Mode::Production => {
            "would send tokens in plain text; set tls.certificate and tls.key, or put a proxy that \
             speaks TLS in front and set tls.terminated_by_proxy = true, or listen on 127.0.0.1"
        }
    };
    written.faults.add("server.listen", address, fix);
}

fn credentials(written: &mut Written, mode: Mode) -> Credentials {
    let secret = written
        .values
        .text("auth.hs256_secret", &mut written.faults);
    match (secret, mode) {
        (_, Mode::Development) => Credentials::Development,
        (None, Mode::Production) => Credentials::None,
        (Some(secret), Mode::Production) => {
            if secret.len() < SECRET_BYTES_MIN {
                let fix = "is shorter than 32 bytes; make one with `openssl rand -base64 32`";
                written.faults.add("auth.hs256_secret", "…", fix);
            }
            if secret == SECRET_OF_EXAMPLES {
                let fix = "stands in the documentation; make one with `openssl rand -base64 32`";
                written.faults.add("auth.hs256_secret", "…", fix);
            }
            Credentials::Hs256(secret.into_bytes(), claims(written))
        }
    }
}

fn claims(written: &mut Written) -> Claims {
    let mut text = |key| written.values.text(key, &mut written.faults);
    Claims {
        issuer: text("auth.issuer"),
        audience: text("auth.audience"),
        lifetime: written.span("auth.token_lifetime"),
    }
}

fn session(written: &mut Written, mode: Mode) -> Settings {
    let ping_latest = written.span("heartbeat.ping_every");
    let message_max = written.size("limits.message");
    let settings = Settings {
        auth_timeout: written.span("auth.timeout"),
        // Spread over a fifth, so that connections that came together do not stay together.
        ping_every: (ping_latest.mul_f64(0.8), ping_latest),
        dead_after: written.span("heartbeat.dead_after"),
        v1_frame_bytes_max: written.size("limits.v1_frame"),
        rooms_max: written.size("limits.rooms_per_connection"),
        echo: written.switch("test.echo")
            || mode == Mode::Development && !written.values.is_written("test.echo"),
        rates: limits::rates(written),
        v2: Figures {
            message_bytes_max: message_max,
            requests_max: written.size("limits.requests"),
            request_timeout: written.span("limits.request_timeout"),
            members_max: usize::try_from(written.count("presence.events_max"))
                .unwrap_or(usize::MAX),
            ..Figures::default()
        },
        rules: rooms::rules(written, mode),
    };
    if settings.v1_frame_bytes_max > message_max {
        let fix = format!("is above limits.message ({message_max}); raise that too");
        written
            .faults
            .add("limits.v1_frame", settings.v1_frame_bytes_max, &fix);
    }
    settings
}

/// Nobody wants to wait for a server that is tried out.
fn drain(written: &mut Written, mode: Mode) -> Drain {
    let at_once = mode == Mode::Development && !written.values.is_written("drain.window");
    let window = written.span("drain.window");
    let deadline = written.span("drain.deadline");
    if window > deadline {
        let fix = "is longer than drain.deadline, which would cut those whose turn has not come; write less";
        let shown = humantime::format_duration(window);
        written.faults.add("drain.window", shown, fix);
    }
    Drain {
        window: if at_once { Duration::ZERO } else { window },
        deadline,
    }
}

fn message_bytes_max(written: &mut Written) -> usize {
    let bytes = written.size("limits.message");
    if bytes > MESSAGE_BYTES_MAX {
        let fix = format!("write {MESSAGE_BYTES_MAX} or less: a message is held whole");
        written.faults.add("limits.message", bytes, &fix);
    }
    bytes
}

fn transport(written: &mut Written, arguments: &ServeArguments, mode: Mode) -> Transport {
    let threshold = written.size("compression.threshold");
    let Written { values, faults, .. } = written;
    let allowed_origins = values.words("server.allowed_origins", faults);
    let cookie = values.text("auth.cookie", faults);
    if cookie.is_some() && allowed_origins.iter().any(|origin| origin == "*") {
        let fix =
            "would let every page use the cookies of its visitors (auth.cookie); list the pages";
        faults.add("server.allowed_origins", "[\"*\"]", fix);
    }
    Transport {
        handshake_timeout: written.span("server.handshake_timeout"),
        close_timeout: written.span("server.close_timeout"),
        message_bytes_max: message_bytes_max(written),
        fragments_max: written.count("limits.fragments"),
        message_timeout: written.span("limits.message_timeout"),
        proxies: proxies::proxies(written),
        stall_timeout: written.span("outbox.stall"),
        allowed_origins,
        cookie,
        compress_from: written.switch("compression.enabled").then_some(threshold),
        pages: pages::pages(written, arguments, mode),
    }
}
