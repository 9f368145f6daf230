//! A connection of v2 step by step, in JSON: what comes in, and everything that goes out because of it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::{Value, json};
use tautline_protocol::model::{
    Epoch, Gap, GapReason, Member, Position, PublicationId, Rules, Timestamp,
};
use tautline_protocol::server::v2::{
    Accepted, Ask, Begin, Entered, Outcome, Output, Past, Placed, Reply, Session, Ticket,
};
use tautline_protocol::server::{Denied, Now, Settings};
use tautline_protocol::wire::v2::{Encoding, Goaway, Level, Part, Words};
use tautline_protocol::wire::{Close, CloseCode};

use super::model::{
    connection, error_code, identity, long_text, number, optional_text, publication, rule, text,
};

/// The connection of every transcript.
const CONNECTION: &str = "0000000100020000000300000004";
/// When it is accepted: 2026-01-02T03:04:05.678Z.
const STARTED_AT_MS: u64 = 1_767_323_045_678;

pub(crate) fn check(vector: &Value) {
    let name = text(vector, "name");
    let mut run = Run::new(&vector["settings"]);
    for (index, step) in vector["steps"].as_array().unwrap().iter().enumerate() {
        let outputs = run.step(step);
        assert_eq!(
            Value::from(outputs),
            step["out"],
            "{name}, step {index}: {step}"
        );
    }
}

struct Run {
    session: Session,
    started: Instant,
    at: Instant,
    /// What was asked and not answered, in its order.
    asked: VecDeque<Ticket>,
    /// What was called, canceled or not.
    called: Vec<Ticket>,
}

impl Run {
    #[expect(
        clippy::disallowed_methods,
        reason = "any instant will do, and there is no other way to get one"
    )]
    fn new(changes: &Value) -> Self {
        let started = Instant::now();
        let accepted = Accepted {
            connection: connection(CONNECTION),
            encoding: Encoding::Json,
            seed: 0,
            first_window: Duration::from_secs(1),
        };
        let now = Now {
            at: started,
            wall: Timestamp(STARTED_AT_MS),
        };
        Self {
            session: Session::new(now, accepted, Arc::new(settings(changes))),
            started,
            at: started,
            asked: VecDeque::new(),
            called: Vec::new(),
        }
    }

    fn now(&self) -> Now {
        let passed = u64::try_from((self.at - self.started).as_millis()).unwrap();
        Now {
            at: self.at,
            wall: Timestamp(STARTED_AT_MS + passed),
        }
    }

    fn step(&mut self, step: &Value) -> Vec<Value> {
        let now = self.now();
        let session = &mut self.session;
        let inputs = step.as_object().unwrap();
        let (kind, input) = inputs.iter().find(|(key, _)| *key != "out").unwrap();
        match kind.as_str() {
            "text" => {
                assert!(!session.is_waiting(), "a frame must be kept back: {step}");
                session.handle_traffic();
                session.handle_text(now, &long_text(input));
            }
            "binary" => session.handle_binary(now, b""),
            "tooBig" => session.handle_too_big(),
            "traffic" => session.handle_traffic(),
            "unfinished" => session.handle_unfinished(),
            "identity" => session.handle_identity(now, identity(input)),
            "drain" => assert!(session.handle_drain(Goaway {
                reason: Words::from(text(input, "reason")),
                deadline_ms: number(input, "deadlineMs"),
                window_ms: number(input, "windowMs"),
                url: None,
            })),
            "end" => {
                let code = CloseCode::all().find(|code| input == code.number());
                session.handle_end(Close::new(code.unwrap()), None);
            }
            "verdict" => session.handle_verdict(
                now,
                match input.as_str() {
                    Some("wrong") => Err(Denied::Wrong),
                    Some("expired") => Err(Denied::Expired),
                    Some("tooMany") => Err(Denied::TooMany {
                        connections_max: 16,
                    }),
                    _ => Ok(identity(input)),
                },
            ),
            "reply" => {
                let ticket = self.asked.pop_front().expect("nothing is asked");
                session.handle_reply(now, ticket, reply(input));
            }
            "replyToLast" => {
                let ticket = self.asked.pop_back().expect("nothing is asked");
                session.handle_reply(now, ticket, reply(input));
            }
            "outcome" => {
                let ticket = self.called[usize::try_from(number(input, "call")).unwrap()];
                session.handle_outcome(now, ticket, &outcome(input));
            }
            "waitMs" => return self.wait(Duration::from_millis(input.as_u64().unwrap())),
            other => panic!("no input {other}"),
        }
        self.drain()
    }

    fn wait(&mut self, interval: Duration) -> Vec<Value> {
        let end = self.at + interval;
        let mut outputs = Vec::new();
        while let Some(due) = self.session.next_timeout().filter(|due| *due <= end) {
            self.at = due;
            let now = self.now();
            self.session.handle_timeout(now);
            outputs.extend(self.drain());
        }
        self.at = end;
        outputs
    }

    fn drain(&mut self) -> Vec<Value> {
        let mut outputs = Vec::new();
        while let Some(output) = self.session.poll() {
            if let Output::Ask(ticket, _) = &output {
                self.asked.push_back(*ticket);
            } else if let Output::Call(ticket, _) = &output {
                self.called.push(*ticket);
            }
            let nth = |ticket| self.called.iter().position(|called| *called == ticket);
            if let Output::Cancel(ticket) = output {
                outputs.push(json!({ "cancel": nth(ticket).expect("it was called") }));
                continue;
            }
            outputs.extend(shown(output));
        }
        outputs
    }
}

fn settings(changes: &Value) -> Settings {
    let mut settings = Settings {
        ping_every: (Duration::from_secs(20), Duration::from_secs(20)),
        echo: true,
        ..Settings::default()
    };
    let open = json!([{ "rooms": "*", "history": 100, "presence": true,
        "everyone": ["join", "publish", "cast", "history", "presence", "members"] }]);
    let rules = changes.get("rules").unwrap_or(&open).as_array().unwrap();
    settings.rules = Rules::new(rules.iter().map(rule).collect());
    if let Some(rooms_max) = changes["roomsMax"].as_u64() {
        settings.rooms_max = usize::try_from(rooms_max).unwrap();
    }
    if let Some(requests_max) = changes["requestsMax"].as_u64() {
        settings.v2.requests_max = usize::try_from(requests_max).unwrap();
    }
    if let Some(rate) = changes.get("publishRate") {
        let figure = |name| u32::try_from(number(rate, name)).unwrap();
        settings.rates.publish = Some(tautline_protocol::model::Rate {
            per_second: figure("perSecond"),
            burst: figure("burst"),
        });
    }
    settings
}

fn reply(value: &Value) -> Reply {
    match value.as_str() {
        Some("left") => return Reply::Left,
        Some("relayed") => return Reply::Relayed,
        Some("acked") => return Reply::Acked,
        Some("presenceSet") => return Reply::PresenceSet,
        Some(other) => panic!("no reply {other}"),
        None => {}
    }
    let (kind, fields) = value.as_object().unwrap().iter().next().unwrap();
    match kind.as_str() {
        "failed" => Reply::Failed {
            code: error_code(text(fields, "code")),
            message: text(fields, "message").to_owned(),
        },
        "tooOften" => Reply::TooOften {
            wait: Duration::from_millis(number(fields, "waitMs")),
        },
        "joined" => Reply::Joined(Box::new(Entered {
            position: position(&fields["position"]),
            messages: publications(fields),
            more: fields["more"] == true,
            members: fields.get("members").map(members),
            gap: fields.get("gap").map(|gap| Gap {
                from: number(gap, "from"),
                until: position(&gap["until"]),
                reason: gap_reason(text(gap, "reason")),
            }),
        })),
        "published" => Reply::Published(Placed {
            position: position(&fields["position"]),
            duplicate: fields["duplicate"] == true,
            level: Level::Memory,
        }),
        "history" => Reply::History(Box::new(Past {
            position: position(&fields["position"]),
            messages: publications(fields),
            more: fields["more"] == true,
        })),
        "members" => Reply::Members(members(fields)),
        other => panic!("no reply {other}"),
    }
}

fn outcome(value: &Value) -> Outcome {
    match value.get("failed") {
        Some(failed) => Outcome::Failed {
            code: error_code(text(failed, "code")),
            message: text(failed, "message").to_owned().into(),
        },
        None => Outcome::Answered(Bytes::from(text(value, "answeredJson").to_owned())),
    }
}

fn publications(fields: &Value) -> Vec<Arc<tautline_protocol::model::Publication>> {
    let list = fields["messages"].as_array().map_or(&[][..], Vec::as_slice);
    list.iter().map(|it| Arc::new(publication(it))).collect()
}

fn members(list: &Value) -> Vec<Member> {
    let member = |it: &Value| Member {
        connection: connection(text(it, "connection")),
        user: text(it, "user").into(),
        name: text(it, "name").into(),
        state: optional_text(it, "stateJson").map(|json| Bytes::from(json.to_owned())),
    };
    list.as_array().unwrap().iter().map(member).collect()
}

fn position(value: &Value) -> Position {
    Position {
        epoch: Epoch::parse(text(value, "epoch")).unwrap(),
        offset: number(value, "offset"),
        id: PublicationId::parse(text(value, "id")).unwrap(),
    }
}

fn gap_reason(name: &str) -> GapReason {
    match name {
        "evicted" => GapReason::Evicted,
        "limit" => GapReason::Limit,
        other => panic!("no reason {other}"),
    }
}

/// An output as transcripts write it. Why the server refuses is seen in what it answers.
fn shown(output: Output) -> Option<Value> {
    Some(match output {
        Output::Send(bytes) => json!({ "send": String::from_utf8(bytes).unwrap() }),
        Output::Refused(_) | Output::Cancel(_) => return None,
        Output::Call(_, call) => {
            let data = String::from_utf8(call.data.to_vec()).unwrap();
            json!({ "call": { "method": call.method, "dataJson": data } })
        }
        Output::Verify(token) => json!({ "verify": token.expose() }),
        Output::Follow { room, state } => {
            let state = state.map(|state| String::from_utf8(state.to_vec()).unwrap());
            json!({ "follow": { "room": room.as_str(), "stateJson": state } })
        }
        Output::Close(bye, close) => {
            let bye = String::from_utf8(bye).unwrap();
            json!({ "close": { "bye": bye, "code": close.code.number(), "reason": close.reason } })
        }
        Output::Ask(_, ask) => json!({ "ask": shown_ask(ask) }),
    })
}

fn shown_ask(ask: Ask) -> Value {
    let json_text = |bytes: Bytes| String::from_utf8(bytes.to_vec()).unwrap();
    match ask {
        Ask::Join {
            room,
            begin,
            bytes_max,
            members,
        } => {
            let begin = match begin {
                Begin::Now => json!("now"),
                Begin::Last(last) => json!({ "last": last }),
                Begin::Since(position) => json!({ "since": position.to_string() }),
            };
            json!({ "join": { "room": room.as_str(), "begin": begin, "bytesMax": bytes_max, "members": members } })
        }
        Ask::Leave { room } => json!({ "leave": { "room": room.as_str() } }),
        Ask::Publish {
            room,
            event,
            data,
            key,
            producer,
        } => json!({ "publish": {
            "room": room.as_str(),
            "event": event.as_str(),
            "dataJson": json_text(data),
            "key": key.as_deref(),
            "producer": producer.as_deref(),
        } }),
        Ask::Cast {
            room,
            event,
            data,
            conflate,
        } => json!({ "cast": {
            "room": room.as_str(),
            "event": event.as_str(),
            "dataJson": json_text(data),
            "conflate": conflate.as_deref(),
        } }),
        Ask::Ack {
            room,
            epoch,
            offset,
        } => {
            json!({ "ack": { "room": room.as_str(), "epoch": epoch.to_string(), "offset": offset } })
        }
        Ask::History { room, part, limit } => {
            let part = match part {
                Part::Newest => json!("newest"),
                Part::Before(offset) => json!({ "before": offset }),
                Part::After(position) => json!({ "after": position.to_string() }),
            };
            json!({ "history": { "room": room.as_str(), "part": part, "limit": limit } })
        }
        Ask::Members { room } => json!({ "members": { "room": room.as_str() } }),
        Ask::Presence { room, state } => {
            json!({ "presence": { "room": room.as_str(), "stateJson": json_text(state) } })
        }
    }
}
