//! From what was written to what holds: every value checked, every fault told at once.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tautline_hub::{OutboxLimits, ShardLimits};
use tautline_protocol::model::{Action, Actions, Pattern, Retention, RoomRule, Rules};
use tautline_protocol::server::Settings;

use super::raw::{self, Raw};
use super::{Config, ConfigError, Credentials, Drain, Mode, Transport};
use crate::cli::ServeArguments;

/// The shortest secret that a signature is worth something with.
const SECRET_BYTES_MIN: usize = 32;

/// Intervals below this would be work without end.
const INTERVAL_MIN: Duration = Duration::from_millis(50);

/// What a room in development mode keeps.
const DEVELOPMENT_HISTORY: u32 = 100;

/// Checks the whole, and says all that is wrong with it.
pub(super) fn check(mut raw: Raw, arguments: &ServeArguments) -> Result<Config, ConfigError> {
    let mut faults = Faults(Vec::new());
    let mode = if arguments.dev {
        Mode::Development
    } else {
        Mode::Production
    };
    let listen = listen(&raw.server, arguments, mode, &mut faults);
    let admin_listen = admin_listen(&raw.server, arguments, mode, &mut faults);
    let rules = rules(std::mem::take(&mut raw.room), mode, &mut faults);
    let config = Config {
        mode,
        listen,
        admin_listen,
        shards: match raw.server.shards.unwrap_or(0) {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            shards => shards.min(1024),
        },
        credentials: credentials(&raw.auth, mode, &mut faults),
        session: settings(&raw, rules, mode, &mut faults),
        shard: ShardLimits {
            outbox: OutboxLimits {
                bytes_max: raw.outbox.bytes.unwrap_or(1024 * 1024),
                messages_max: raw.outbox.messages.unwrap_or(1024),
            },
            presence_events_max: raw.presence.events_max.unwrap_or(200),
            member_count_every: faults.interval(
                "presence.count_every",
                raw.presence.count_every.as_deref(),
                1_000,
            ),
        },
        transport: Transport {
            connections_max: raw.limits.connections.unwrap_or(usize::MAX),
            handshakes_max: raw.limits.handshakes.unwrap_or(1024),
            handshake_timeout: faults.interval(
                "server.handshake_timeout",
                raw.server.handshake_timeout.as_deref(),
                5_000,
            ),
            close_timeout: faults.interval(
                "server.close_timeout",
                raw.server.close_timeout.as_deref(),
                2_000,
            ),
            message_bytes_max: raw.limits.message.unwrap_or(64 * 1024),
            fragments_max: raw.limits.fragments.unwrap_or(64),
            allowed_origins: raw.server.allowed_origins,
            compress_from: raw
                .compression
                .enabled
                .unwrap_or(false)
                .then(|| raw.compression.threshold.unwrap_or(1024)),
        },
        drain: Drain {
            window: faults.duration("drain.window", raw.drain.window.as_deref(), 10_000),
            deadline: faults.duration("drain.deadline", raw.drain.deadline.as_deref(), 30_000),
        },
    };
    if faults.0.is_empty() {
        Ok(config)
    } else {
        Err(ConfigError(faults.0))
    }
}

/// What is wrong, each with key, value and fix.
struct Faults(Vec<String>);

impl Faults {
    fn add(&mut self, key: &str, value: impl std::fmt::Display, fix: &str) {
        self.0.push(format!("{key} = {value}: {fix}"));
    }

    fn duration(&mut self, key: &str, value: Option<&str>, default_ms: u64) -> Duration {
        let default = Duration::from_millis(default_ms);
        value.map_or(default, |text| {
            humantime::parse_duration(text).unwrap_or_else(|_| {
                self.add(
                    key,
                    format_args!("{text:?}"),
                    "is no duration; write it like \"25s\" or \"500ms\"",
                );
                default
            })
        })
    }

    fn address(&mut self, key: &str, text: &str) -> Option<SocketAddr> {
        let address = text.parse().ok();
        if address.is_none() {
            self.add(
                key,
                format_args!("{text:?}"),
                "is no address; write it like \"127.0.0.1:8080\"",
            );
        }
        address
    }

    fn interval(&mut self, key: &str, value: Option<&str>, default_ms: u64) -> Duration {
        let duration = self.duration(key, value, default_ms);
        if duration < INTERVAL_MIN {
            self.add(
                key,
                humantime::format_duration(duration),
                "is too short; write 50ms or more",
            );
        }
        duration
    }
}

fn listen(
    raw: &raw::Server,
    arguments: &ServeArguments,
    mode: Mode,
    faults: &mut Faults,
) -> Vec<SocketAddr> {
    let loopback = [
        IpAddr::from(Ipv4Addr::LOCALHOST),
        IpAddr::from(Ipv6Addr::LOCALHOST),
    ];
    let mut addresses = arguments.listen.clone();
    if addresses.is_empty() {
        let written = raw.listen.iter().flatten();
        addresses.extend(written.filter_map(|text| faults.address("server.listen", text)));
    }
    if addresses.is_empty() {
        addresses.extend(loopback.map(|ip| SocketAddr::new(ip, 8080)));
    }
    if mode == Mode::Development {
        for address in addresses
            .iter()
            .filter(|address| !address.ip().is_loopback())
        {
            faults.add("server.listen", address, "development mode lets everybody in and binds to loopback only; leave out --dev or listen on 127.0.0.1");
        }
    }
    addresses
}

fn admin_listen(
    raw: &raw::Server,
    arguments: &ServeArguments,
    mode: Mode,
    faults: &mut Faults,
) -> Option<SocketAddr> {
    let written = raw.admin_listen.as_ref();
    let address = arguments
        .admin_listen
        .or_else(|| faults.address("server.admin_listen", written?))?;
    if mode == Mode::Development && !address.ip().is_loopback() {
        faults.add(
            "server.admin_listen",
            address,
            "development mode binds to loopback only",
        );
    }
    Some(address)
}

fn credentials(raw: &raw::Auth, mode: Mode, faults: &mut Faults) -> Credentials {
    match (&raw.hs256_secret, mode) {
        (_, Mode::Development) => Credentials::Development,
        (None, Mode::Production) => Credentials::None,
        (Some(secret), Mode::Production) => {
            if secret.len() < SECRET_BYTES_MIN {
                faults.add(
                    "auth.hs256_secret",
                    "…",
                    "is shorter than 32 bytes; make one with `openssl rand -base64 32`",
                );
            }
            Credentials::Hs256(secret.clone().into_bytes())
        }
    }
}

fn settings(raw: &Raw, rules: Rules, mode: Mode, faults: &mut Faults) -> Settings {
    let ping_latest = faults.interval(
        "heartbeat.ping_every",
        raw.heartbeat.ping_every.as_deref(),
        25_000,
    );
    let settings = Settings {
        auth_timeout: faults.interval("auth.timeout", raw.auth.timeout.as_deref(), 5_000),
        // Spread over a fifth, so that connections that came together do not stay together.
        ping_every: (ping_latest.mul_f64(0.8), ping_latest),
        dead_after: faults.interval(
            "heartbeat.dead_after",
            raw.heartbeat.dead_after.as_deref(),
            10_000,
        ),
        v1_frame_bytes_max: raw.limits.v1_frame.unwrap_or(8 * 1024),
        rooms_max: raw.limits.rooms_per_connection.unwrap_or(128),
        echo: raw.test.echo.unwrap_or(mode == Mode::Development),
        rules,
    };
    let message_max = raw.limits.message.unwrap_or(64 * 1024);
    if settings.v1_frame_bytes_max > message_max {
        faults.add(
            "limits.v1_frame",
            settings.v1_frame_bytes_max,
            &format!("is above limits.message ({message_max}); raise that too"),
        );
    }
    settings
}

fn rules(rooms: Vec<raw::Room>, mode: Mode, faults: &mut Faults) -> Rules {
    let mut rules = Vec::with_capacity(rooms.len() + 1);
    for room in rooms {
        let Some(pattern) = Pattern::parse(&room.pattern) else {
            faults.add(
                "room.match",
                format_args!("{:?}", room.pattern),
                "is no pattern; write a room's name, with a * at its end for all that begin so",
            );
            continue;
        };
        let everyone = room.everyone.iter().filter_map(|name| {
            let action = Action::parse(name);
            if action.is_none() {
                faults.add(
                    "room.everyone",
                    format_args!("{name:?}"),
                    "is no action; choose from join, publish, cast, history, presence, members",
                );
            }
            action
        });
        let everyone = everyone
            .collect::<Vec<_>>()
            .into_iter()
            .collect::<Actions>();
        let age = faults.duration("room.history_age", room.history_age.as_deref(), 3_600_000);
        rules.push(RoomRule {
            rooms: pattern,
            history: Retention {
                count: room.history,
                age,
            },
            presence: room.presence,
            everyone,
        });
    }
    if mode == Mode::Development {
        rules.extend(Pattern::parse("*").map(|rooms| RoomRule {
            rooms,
            history: Retention {
                count: DEVELOPMENT_HISTORY,
                age: Duration::from_hours(24),
            },
            presence: true,
            everyone: Actions::ALL,
        }));
    }
    Rules::new(rules)
}
