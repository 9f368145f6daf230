//! The limits: how many, how often, how much.

use std::fs;
use std::time::Duration;

use tautline_protocol::model::Rate;
use tautline_protocol::server::Rates;

use super::check::Written;
use crate::rlimits;

/// Such a part of the machine's memory may be used for what waits, and such a part for history.
const MEMORY_SHARE: usize = 4;

/// What a machine that does not tell is taken to have.
const UNKNOWN_MACHINE_BYTES: usize = 1024 * 1024 * 1024;

/// How many, and how often, beyond what a single connection is told.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// Connections of the process.
    pub(crate) connections_max: usize,
    /// Handshakes that go on at once.
    pub(crate) handshakes_max: usize,
    /// How often a connection is taken in, whoever comes.
    pub(crate) accepts: Option<Rate>,
    /// Connections of one user; none without limit.
    pub(crate) user_connections_max: Option<usize>,
    pub(crate) addresses: AddressLimits,
    /// The most bytes that wait for all connections together.
    pub(crate) memory_bytes: usize,
    pub(crate) rooms_max: usize,
    /// The most bytes of history that are kept in memory, for all rooms together.
    pub(crate) history_bytes: usize,
}

/// What one address may do. Each is without limit where it is none.
#[derive(Debug, Clone)]
pub(crate) struct AddressLimits {
    pub(crate) connections_max: Option<usize>,
    pub(crate) handshakes_max: Option<usize>,
    pub(crate) connects: Option<Rate>,
    /// Wrong tokens in a minute.
    pub(crate) failures_max: Option<usize>,
    /// How long nobody comes in from there after that.
    pub(crate) block: Duration,
}

pub(super) fn limits(written: &mut Written) -> Limits {
    Limits {
        connections_max: connections_max(written),
        handshakes_max: written.size("limits.handshakes"),
        accepts: written.rate("limits.accept_rate"),
        user_connections_max: written.most("limits.connections_per_user"),
        addresses: AddressLimits {
            connections_max: written.most("limits.connections_per_address"),
            handshakes_max: written.most("limits.handshakes_per_address"),
            connects: written.rate("limits.connect_rate"),
            failures_max: written.most("limits.auth_failures"),
            block: written.span("limits.auth_block"),
        },
        memory_bytes: part_of_memory(written, "limits.memory"),
        rooms_max: written.size("limits.rooms"),
        history_bytes: part_of_memory(written, "limits.history"),
    }
}

pub(super) fn rates(written: &mut Written) -> Rates {
    Rates {
        publish: written.rate("limits.publish_rate"),
        join: written.rate("limits.join_rate"),
        history: written.rate("limits.history_rate"),
        request: written.rate("limits.request_rate"),
        control: written.rate("limits.control_rate"),
        refusal: written.rate("limits.refusal_rate"),
    }
}

impl Written {
    /// A number of which 0 means that there is no limit.
    fn most(&mut self, key: &str) -> Option<usize> {
        let number = self.size(key);
        (number > 0).then_some(number)
    }

    pub(super) fn rate(&mut self, key: &str) -> Option<Rate> {
        self.values.rate(key, &mut self.faults)
    }
}

/// As many connections as are written, or as the system's limit on open files allows.
fn connections_max(written: &mut Written) -> usize {
    let files = rlimits::files_max();
    let most = files.saturating_sub(rlimits::RESERVED);
    let wanted = written
        .values
        .number("limits.connections", &mut written.faults);
    let wanted = wanted.map_or(most, |number| usize::try_from(number).unwrap_or(usize::MAX));
    if most == 0 {
        let fix = format!(
            "the system allows {files} open files, of which {} are for other things: no place is left for \
             clients; raise the limit (`ulimit -Hn`, LimitNOFILE= of systemd)",
            rlimits::RESERVED
        );
        written.faults.add("limits.connections", wanted, &fix);
    } else if wanted > most {
        let fix = format!(
            "the system allows {files} open files, of which {} are for other things; write {most} or less, \
             or raise the limit (`ulimit -Hn`, LimitNOFILE= of systemd)",
            rlimits::RESERVED
        );
        written.faults.add("limits.connections", wanted, &fix);
    }
    wanted
}

/// What is written, or a part of what the machine or the container has.
fn part_of_memory(written: &mut Written, key: &str) -> usize {
    let wanted = written.values.number(key, &mut written.faults);
    let wanted = wanted.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    wanted.unwrap_or_else(|| machine_bytes() / MEMORY_SHARE)
}

/// The memory of the machine, or of the container that this runs in, if that is less.
fn machine_bytes() -> usize {
    let of_machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("MemTotal:"))?;
        let kilobytes: usize = line.trim().strip_suffix(" kB")?.parse().ok()?;
        Some(kilobytes * 1024)
    });
    let of_container = fs::read_to_string("/sys/fs/cgroup/memory.max")
        .ok()
        .and_then(|text| text.trim().parse().ok());
    let known = of_machine.into_iter().chain(of_container);
    known.min().unwrap_or(UNKNOWN_MACHINE_BYTES)
}
