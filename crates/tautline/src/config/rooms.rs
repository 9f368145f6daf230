//! The rules of rooms: what each `[[room]]` comes to.

use std::time::Duration;

use tautline_protocol::model::{
    Acks, Action, Actions, Pattern, Retention, RoomRule, Rules, SlowConsumers,
};

use super::Mode;
use super::check::Written;
use super::values::{Faults, Values};

/// What a room in development mode keeps.
const DEVELOPMENT_HISTORY: u32 = 100;

/// The rules in the order of the file. In development mode every other room is open.
pub(super) fn rules(written: &mut Written, mode: Mode) -> Rules {
    let message_max = written.size("limits.message");
    let Written { rooms, faults, .. } = written;
    let rule = |room| rule(room, message_max, faults);
    let mut rules: Vec<RoomRule> = rooms.iter().filter_map(rule).collect();
    for rule in &rules {
        if rule.data_bytes_max > message_max {
            let fix = format!("is above limits.message ({message_max}); raise that too");
            faults.add("room.message", rule.data_bytes_max, &fix);
        }
    }
    if mode == Mode::Development {
        rules.extend(Pattern::parse("*").map(|rooms| RoomRule {
            history: Retention {
                count: DEVELOPMENT_HISTORY,
                age: Duration::from_hours(24),
            },
            presence: true,
            everyone: Actions::ALL,
            ..RoomRule::of(rooms)
        }));
    }
    Rules::new(rules)
}

fn rule(room: &Values, message_max: usize, faults: &mut Faults) -> Option<RoomRule> {
    let text = room.text("match", faults).unwrap_or_default();
    let pattern = Pattern::parse(&text);
    if pattern.is_none() {
        let fix = "is no pattern; write a room's name, with a * at its end for all that begin so";
        faults.add("room.match", format_args!("{text:?}"), fix);
    }
    let everyone = room.words("everyone", faults);
    let everyone = everyone
        .iter()
        .filter_map(|name| action(name, faults))
        .collect();
    let count = room.number("history", faults).unwrap_or(0);
    let slow_consumers = slow_consumers(room, faults);
    let data_bytes_max = room.number("message", faults);
    let rule = RoomRule {
        history: Retention {
            count: u32::try_from(count).unwrap_or(u32::MAX),
            age: room.span("history_age", faults),
        },
        durable: room.switch("durable", faults),
        presence: room.switch("presence", faults),
        everyone,
        slow_consumers,
        acks: acks(room, (count, slow_consumers), faults),
        rate: room.rate("rate", faults),
        data_bytes_max: data_bytes_max.map_or(message_max, |bytes| {
            usize::try_from(bytes).unwrap_or(usize::MAX)
        }),
        ..RoomRule::of(pattern?)
    };
    Some(rule)
}

fn acks(
    room: &Values,
    (history, slow_consumers): (u64, SlowConsumers),
    faults: &mut Faults,
) -> Option<Acks> {
    let in_flight_max = room.number("ack_in_flight", faults).unwrap_or(1);
    let acks = Acks {
        timeout: room.span("ack_timeout", faults),
        in_flight_max: u32::try_from(in_flight_max).unwrap_or(u32::MAX),
    };
    match room.text("ack", faults).as_deref() {
        Some("required") if history == 0 => {
            let fix = "has nothing to give again: say with `history` how many publications the room keeps";
            faults.add("room.ack", "\"required\"", fix);
            None
        }
        Some("required") if slow_consumers == SlowConsumers::Latest => {
            let fix = "gives everything until it is acknowledged, and slow_consumers = \"latest\" gives the newest alone; \
                       choose one of the two";
            faults.add("room.ack", "\"required\"", fix);
            None
        }
        Some("required") => Some(acks),
        Some("none") | None => None,
        Some(other) => {
            let fix = "is none of the two; choose none or required";
            faults.add("room.ack", format_args!("{other:?}"), fix);
            None
        }
    }
}

fn slow_consumers(room: &Values, faults: &mut Faults) -> SlowConsumers {
    match room.text("slow_consumers", faults).as_deref() {
        Some("skip") => SlowConsumers::Skip,
        Some("latest") => SlowConsumers::Latest,
        Some("close") | None => SlowConsumers::Close,
        Some(other) => {
            let fix = "is no policy; choose close, skip or latest";
            faults.add("room.slow_consumers", format_args!("{other:?}"), fix);
            SlowConsumers::Close
        }
    }
}

fn action(name: &str, faults: &mut Faults) -> Option<Action> {
    let action = Action::parse(name);
    if action.is_none() {
        let fix = "is no action; choose from join, publish, cast, history, presence, members";
        faults.add("room.everyone", format_args!("{name:?}"), fix);
    }
    action
}
