//! Every setting of a `[[room]]`: the other table.

use std::time::Duration;

use super::setting::{Kind, SPAN, Setting, setting};

/// The settings of each `[[room]]`.
pub(super) const ROOM_SETTINGS: &[Setting] = &[
    setting(
        "match",
        Kind::Text,
        "",
        "a room's name, or the beginning of names followed by `*`; `{user}` stands for any user's id, and `everyone` then speaks of that user alone",
    ),
    setting(
        "history",
        Kind::Number(0),
        "0",
        "how many messages are kept",
    ),
    setting("history_age", SPAN, r#""1h""#, "how long they are kept"),
    setting(
        "durable",
        Kind::Switch,
        "false",
        "whether what is published is on the disk before anybody is told of it; needs `storage.directory`",
    ),
    setting(
        "presence",
        Kind::Switch,
        "false",
        "whether members are announced",
    ),
    setting(
        "rate",
        Kind::Rate,
        r#""1000/s burst 1000""#,
        "how often may be published there, by all together and on each node",
    ),
    setting(
        "message",
        Kind::Number(1),
        "",
        "the largest publication, in bytes of its data; as large as `limits.message`, unless this is written",
    ),
    setting(
        "everyone",
        Kind::Words,
        "[]",
        "what every authenticated user may do: `join`, `publish`, `cast`, `history`, `presence`, `members`",
    ),
    setting(
        "slow_consumers",
        Kind::Text,
        r#""close""#,
        "what becomes of members who take less than they are sent: `close` ends them with 1013, and they come back for what they have \
         missed; `skip` keeps those who speak v2, gives them what the room keeps and tells them what is missing; `latest` keeps them, too, and \
         for who takes nothing only the newest publication of each event waits, behind a word on what that replaced",
    ),
    setting(
        "ack",
        Kind::Text,
        r#""none""#,
        "`required` has members acknowledge what they are given, and gives it to them again until they do; such a room is for v2 alone",
    ),
    setting(
        "ack_timeout",
        Kind::Span(Duration::from_millis(100)),
        r#""30s""#,
        "what is not acknowledged within this is given again",
    ),
    setting(
        "ack_in_flight",
        Kind::Number(1),
        "100",
        "so many publications at most are given to a connection beyond what is acknowledged",
    ),
    setting(
        "audit_payloads",
        Kind::Switch,
        "false",
        "whether the audit log has what is published there, and not only that it was",
    ),
];
