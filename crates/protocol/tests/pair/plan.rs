//! What kind of run it is: who is there, which rooms, how good the network is, and what goes wrong.

use std::sync::Arc;
use std::time::Duration;

use tautline_protocol::model::{
    Acks, Actions, Pattern, Rate, Retention, RoomName, RoomRule, Rules,
};
use tautline_protocol::server::v2::Figures;
use tautline_protocol::server::{Rates, Settings};
use tautline_protocol::wire::v2::Encoding;

use crate::dice::Dice;

/// What kind of run it is.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) programs: usize,
    /// Whether all programs are of one user.
    pub(crate) is_one_user: bool,
    pub(crate) encoding: Encoding,
    pub(crate) rooms: Vec<RoomPlan>,
    /// How long a message travels, from and to.
    pub(crate) latency: (Duration, Duration),
    /// How long things go wrong and programs are busy.
    pub(crate) busy_for: Duration,
    /// A fault comes so often, on average.
    pub(crate) fault_every: Duration,
    pub(crate) faults: Faults,
    /// How often a program does something, on average.
    pub(crate) act_every: Duration,
    /// How long a token is good for.
    pub(crate) token_life: Option<Duration>,
    /// How long a publication may wait for its acknowledgement.
    pub(crate) ttl: Duration,
    /// How often the house cannot do what it is asked.
    pub(crate) refusals: f64,
}

/// Which faults there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Faults {
    /// Connections are lost, and come back as they were.
    Links,
    /// The server drains, and nothing else happens: nobody may notice.
    Drains,
    /// Everything.
    All,
}

/// A room of a run.
#[derive(Debug, Clone)]
pub(crate) struct RoomPlan {
    pub(crate) name: RoomName,
    /// Whether it outlives its server.
    pub(crate) is_durable: bool,
    /// How many publications it keeps.
    pub(crate) keeps: usize,
    pub(crate) acks: Option<Acks>,
    pub(crate) rate: Option<Rate>,
}

impl Plan {
    pub(crate) fn draw(dice: &mut Dice) -> Self {
        let faults = dice.pick(&[Faults::Links, Faults::Drains, Faults::All, Faults::All]);
        let is_calm = faults == Faults::Drains;
        let slow = dice.pick(&[5, 40, 400]);
        let rooms = dice.below(3) + 1;
        let expires = !is_calm && dice.is(0.3);
        Self {
            programs: dice.pick(&[1, 1, 2, 3]),
            is_one_user: dice.is(0.3),
            encoding: dice.pick(&[Encoding::Json, Encoding::MessagePack]),
            rooms: (0..rooms).map(|nth| RoomPlan::draw(dice, nth)).collect(),
            latency: (Duration::from_millis(1), Duration::from_millis(slow)),
            busy_for: Duration::from_secs(dice.pick(&[2, 4, 8])),
            fault_every: Duration::from_millis(dice.pick(&[300, 800, 2_500])),
            faults,
            act_every: Duration::from_millis(dice.pick(&[120, 300, 700])),
            token_life: expires.then(|| Duration::from_secs(dice.pick(&[8, 20]))),
            ttl: Duration::from_secs(dice.pick(&[6, 60, 60])),
            refusals: if is_calm {
                0.0
            } else {
                dice.pick(&[0.0, 0.0, 0.15])
            },
        }
    }

    /// What the server goes by.
    pub(crate) fn settings(&self) -> Arc<Settings> {
        let rules = self.rooms.iter().map(|room| RoomRule {
            history: Retention {
                count: u32::try_from(room.keeps).expect("few"),
                age: Duration::from_hours(1),
            },
            acks: room.acks,
            rate: room.rate,
            everyone: Actions::ALL,
            ..RoomRule::of(Pattern::parse(room.name.as_str()).expect("a name is a pattern"))
        });
        Arc::new(Settings {
            echo: true,
            rules: Rules::new(rules.collect()),
            rates: Rates {
                publish: Some(Rate {
                    per_second: 20,
                    burst: 12,
                }),
                ..Rates::default()
            },
            v2: Figures {
                expiry_warning: Duration::from_secs(5),
                request_timeout: Duration::from_secs(3),
                come_back_after: Duration::from_secs(1),
                retry_cap: Duration::from_secs(10),
                ..Figures::default()
            },
            ..Settings::default()
        })
    }
}

impl RoomPlan {
    fn draw(dice: &mut Dice, nth: u32) -> Self {
        let acks = Acks {
            timeout: Duration::from_secs(3),
            in_flight_max: dice.pick(&[1, 3, 10]),
        };
        let rate = Rate {
            per_second: 2,
            burst: 2,
        };
        Self {
            name: RoomName::parse(&format!("room:{nth}")).expect("a room's name"),
            is_durable: dice.is(0.5),
            keeps: dice.pick(&[3, 10, 200]),
            acks: dice.is(0.3).then_some(acks),
            rate: dice.is(0.3).then_some(rate),
        }
    }
}
