//! What is measured: the cases by name.

use crate::load::fanout::Shape;
use crate::load::typed::Encoding;
use crate::system::System;

/// What a case does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    FanOut(Shape),
    Latency {
        members: usize,
    },
    Echo {
        in_flight: usize,
    },
    Connect,
    /// Ticks to a room whose members speak v2.
    Ticks(Encoding),
    /// Clients that come back and have missed some messages.
    Recovery {
        clients: usize,
        messages: usize,
    },
    /// Publications that are answered when the disk has them.
    Durable {
        publishers: usize,
    },
    Idle {
        connections: usize,
        presence: Presence,
        wire: Wire,
    },
}

/// What the idle connections speak below WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    Plain,
    Tls,
}

/// Whether the idle connections' room tells who is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    Off,
    On,
}

/// One case.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) shards: usize,
}

impl Case {
    const fn fan_out(
        name: &'static str,
        [rooms, members, burst]: [usize; 3],
        shards: usize,
    ) -> Self {
        Self {
            name,
            kind: Kind::FanOut(Shape {
                rooms,
                members,
                burst,
            }),
            shards,
        }
    }

    const fn one_shard(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            shards: 1,
        }
    }

    const fn recovery(name: &'static str, clients: usize, messages: usize) -> Self {
        Self::one_shard(name, Kind::Recovery { clients, messages })
    }

    const fn durable(name: &'static str, publishers: usize) -> Self {
        Self::one_shard(name, Kind::Durable { publishers })
    }

    const fn idle(name: &'static str, connections: usize, presence: Presence, wire: Wire) -> Self {
        let kind = Kind::Idle {
            connections,
            presence,
            wire,
        };
        Self::one_shard(name, kind)
    }

    /// Whether it takes ten thousand connections to fill.
    pub(crate) fn is_large(&self) -> bool {
        matches!(self.kind, Kind::FanOut(shape) if shape.rooms * shape.members >= 10_000)
    }

    /// Whether its connections speak TLS.
    pub(crate) fn is_over_tls(&self) -> bool {
        matches!(
            self.kind,
            Kind::Idle {
                wire: Wire::Tls,
                ..
            }
        )
    }

    /// Whether the case means anything for a system.
    pub(crate) fn takes(&self, system: System) -> bool {
        match self.kind {
            Kind::Ticks(_) => system == System::Tautline,
            Kind::Recovery { .. } => matches!(system, System::Tautline | System::Limit),
            Kind::Durable { .. } => matches!(
                system,
                System::Tautline | System::Engine | System::Limit | System::Sqlite
            ),
            Kind::FanOut(_)
            | Kind::Latency { .. }
            | Kind::Echo { .. }
            | Kind::Connect
            | Kind::Idle { .. } => self.takes_server(system),
        }
    }

    /// The same for what is asked of every server.
    fn takes_server(&self, system: System) -> bool {
        let only_ours = self.shards > 1
            || self.is_over_tls()
            || matches!(
                self.kind,
                Kind::Idle {
                    presence: Presence::On,
                    ..
                }
            );
        let idle = matches!(self.kind, Kind::Idle { .. });
        match system {
            System::Tautline => true,
            System::Engine | System::Sqlite => false,
            // Its memory is that of an array of sockets: nothing to learn.
            System::Limit | System::LimitCoalesced => !only_ours && !idle,
            System::NodeWs | System::SocketIo => !only_ours,
            // It has no echo without a backend of the user's.
            System::Centrifugo => !only_ours && !matches!(self.kind, Kind::Echo { .. }),
        }
    }

    /// The case whose limits this one is compared with: two shards with the bare loop on one core.
    pub(crate) fn compared_with(&self) -> &'static str {
        self.name.strip_suffix("-shards2").unwrap_or(self.name)
    }

    /// The requests in flight on each connection, where that tells rows of one case apart.
    pub(crate) fn in_flight(&self) -> Option<usize> {
        match self.kind {
            Kind::Echo { in_flight } => Some(in_flight),
            Kind::FanOut(_)
            | Kind::Latency { .. }
            | Kind::Connect
            | Kind::Ticks(_)
            | Kind::Recovery { .. }
            | Kind::Durable { .. }
            | Kind::Idle { .. } => None,
        }
    }
}

/// The names, each once: two rows of one case have one name.
pub(crate) fn names() -> Vec<&'static str> {
    let mut names: Vec<_> = ALL.iter().map(|case| case.name).collect();
    names.dedup();
    names
}

/// Every case, in the order of the report.
pub(crate) const ALL: &[Case] = &[
    Case::fan_out("fanout-1000-burst1", [1, 1000, 1], 1),
    Case::fan_out("fanout-1000-burst16", [1, 1000, 16], 1),
    Case::fan_out("fanout-100-burst16", [1, 100, 16], 1),
    Case::fan_out("fanout-10000-burst16", [1, 10_000, 16], 1),
    Case::fan_out("rooms-1000x10", [1000, 10, 1], 1),
    Case::fan_out("fanout-1000-burst1-shards2", [1, 1000, 1], 2),
    Case::fan_out("fanout-1000-burst16-shards2", [1, 1000, 16], 2),
    Case::fan_out("fanout-100-burst16-shards2", [1, 100, 16], 2),
    Case::fan_out("fanout-10000-burst16-shards2", [1, 10_000, 16], 2),
    Case::one_shard("latency-1000", Kind::Latency { members: 1000 }),
    Case::one_shard("echo", Kind::Echo { in_flight: 1 }),
    Case::one_shard("echo", Kind::Echo { in_flight: 16 }),
    Case::one_shard("connect", Kind::Connect),
    Case::one_shard("ticks-json", Kind::Ticks(Encoding::Json)),
    Case::one_shard("ticks-msgpack", Kind::Ticks(Encoding::MessagePack)),
    Case::recovery("recovery-1000", 1000, 100),
    Case::durable("durable-1", 1),
    Case::durable("durable-16", 16),
    Case::durable("durable-256", 256),
    Case::idle("idle-5000", 5000, Presence::Off, Wire::Plain),
    Case::idle("idle-5000-presence", 5000, Presence::On, Wire::Plain),
    Case::idle("idle-5000-tls", 5000, Presence::Off, Wire::Tls),
    Case::idle("idle-15000", 15_000, Presence::Off, Wire::Plain),
];
