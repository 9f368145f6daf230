//! The rooms of a run, and the configuration that has them.

use std::path::{Path, PathBuf};

use crate::history::{Promise, Room};

use super::Scale;

/// A kind of room: what its names begin with, and how it is configured.
struct Kind {
    prefix: &'static str,
    promise: Promise,
    settings: &'static str,
}

/// Rooms that outlive the server, and rooms that live with it; of both some that keep everything, and some that keep
/// so little that gaps are the rule. Of one that keeps nothing there is nothing but where it stands, and one asks for
/// acknowledgements.
const KINDS: [Kind; 6] = [
    Kind {
        prefix: "disk",
        promise: Promise::Durable,
        settings: "history = 1000000\ndurable = true",
    },
    Kind {
        prefix: "trim",
        promise: Promise::Durable,
        settings: "history = 40\ndurable = true",
    },
    Kind {
        prefix: "none",
        promise: Promise::Durable,
        settings: "history = 0\ndurable = true",
    },
    Kind {
        prefix: "acked",
        promise: Promise::Durable,
        settings: "history = 1000000\ndurable = true\nack = \"required\"\nack_timeout = \"1s\"\nack_in_flight = 50",
    },
    Kind {
        prefix: "whole",
        promise: Promise::Memory,
        settings: "history = 1000000",
    },
    Kind {
        prefix: "short",
        promise: Promise::Memory,
        settings: "history = 40",
    },
];

/// Signs the tokens of a run, on loopback, for as long as it lasts.
const SECRET: &str = "prove-prove-prove-prove-prove-prove";

/// The rooms of a run, with what they promise.
pub(super) fn rooms(scale: &Scale) -> Vec<(Room, Promise)> {
    let numbers = 0..scale.rooms;
    let of_number = |number| {
        KINDS
            .iter()
            .map(move |kind| (format!("{}:{number}", kind.prefix).into(), kind.promise))
    };
    numbers.flat_map(of_number).collect()
}

/// Where the server keeps durable rooms.
pub(super) fn data(directory: &Path) -> PathBuf {
    directory.join("data")
}

/// The server's configuration: faults are found within seconds, and nobody is kept from publishing.
pub(super) fn config(directory: &Path) -> String {
    let data = data(directory);
    let common = format!(
        "[server]\nadmin_listen = \"\"\n[auth]\nhs256_secret = {SECRET:?}\n\
         [heartbeat]\nping_every = \"1s\"\ndead_after = \"1s\"\n[drain]\nwindow = \"1s\"\ndeadline = \"5s\"\n\
         [storage]\ndirectory = \"{}\"\n[limits]\npublish_rate = \"off\"\njoin_rate = \"off\"\nrequest_rate = \"off\"\nhistory_rate = \"off\"\n\
         connections_per_user = 0\nauth_failures = 0\n",
        data.display()
    );
    let room = |kind: &Kind| {
        format!(
            "[[room]]\nmatch = \"{}:*\"\n{}\nrate = \"off\"\nhistory_age = \"12h\"\n",
            kind.prefix, kind.settings
        )
    };
    KINDS.iter().map(room).fold(common, |all, one| all + &one)
}
