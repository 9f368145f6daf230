//! A connection step by step: what comes in, and everything that goes out because of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tautline_protocol::model::{Rate, Rules, Timestamp};
use tautline_protocol::server::{Ask, Denied, Now, Output, Reply, Session, Settings};

use super::model::{connection, error_code, identity, long_text, publication, rule, text};

/// The connection of every transcript.
const CONNECTION: &str = "0000000100020000000300000004";
/// When it is accepted: 2026-01-02T03:04:05.678Z.
const STARTED_AT_MS: u64 = 1_767_323_045_678;

pub(crate) fn check(vector: &Value) {
    let name = text(vector, "name");
    let mut run = Run::new(&vector["settings"]);
    for (index, step) in vector["steps"].as_array().unwrap().iter().enumerate() {
        let outputs = run.step(step);
        let expected: Vec<Value> = step["out"].as_array().unwrap().iter().map(flat).collect();
        assert_eq!(
            Value::from(outputs),
            Value::from(expected),
            "{name}, step {index}: {step}"
        );
    }
}

struct Run {
    session: Session,
    started: Instant,
    at: Instant,
}

impl Run {
    #[expect(
        clippy::disallowed_methods,
        reason = "any instant will do, and there is no other way to get one"
    )]
    fn new(changes: &Value) -> Self {
        let started = Instant::now();
        let settings = Arc::new(settings(changes));
        let now = Now {
            at: started,
            wall: Timestamp(STARTED_AT_MS),
        };
        Self {
            session: Session::new(now, connection(CONNECTION), settings, 0),
            started,
            at: started,
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
                session.handle_traffic(now);
                session.handle_text(now, &long_text(input));
            }
            "binary" => session.handle_binary(now),
            "tooBig" => session.handle_too_big(now),
            "control" => session.handle_control(now),
            "unfinished" => session.handle_unfinished(now),
            "traffic" => session.handle_traffic(now),
            "identity" => session.handle_identity(now, identity(input)),
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
            "reply" => session.handle_reply(now, reply(input)),
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
            let next = self.session.next_timeout();
            assert!(
                next.is_none_or(|next| next > due),
                "a timeout that does not pass"
            );
        }
        self.at = end;
        outputs
    }

    fn drain(&mut self) -> Vec<Value> {
        // Why the server refuses is seen in what it answers.
        std::iter::from_fn(|| self.session.poll())
            .filter(|output| !matches!(output, Output::Refused(_)))
            .map(shown)
            .collect()
    }
}

fn settings(changes: &Value) -> Settings {
    let mut settings = Settings {
        ping_every: (Duration::from_secs(20), Duration::from_secs(20)),
        echo: true,
        ..Settings::default()
    };
    let open = json!([{ "rooms": "*", "history": 0, "everyone": ["join", "publish", "history"] }]);
    let rules = changes.get("rules").unwrap_or(&open).as_array().unwrap();
    settings.rules = Rules::new(rules.iter().map(rule).collect());
    if let Some(rooms_max) = changes["roomsMax"].as_u64() {
        settings.rooms_max = usize::try_from(rooms_max).unwrap();
    }
    for (kind, rate) in changes["rates"].as_object().into_iter().flatten() {
        let figure = |name| u32::try_from(rate[name].as_u64().unwrap()).unwrap();
        let rate = Some(Rate {
            per_second: figure("perSecond"),
            burst: figure("burst"),
        });
        match kind.as_str() {
            "publish" => settings.rates.publish = rate,
            "join" => settings.rates.join = rate,
            "history" => settings.rates.history = rate,
            "request" => settings.rates.request = rate,
            "control" => settings.rates.control = rate,
            "refusal" => settings.rates.refusal = rate,
            other => panic!("no rate {other}"),
        }
    }
    if let Some(echo) = changes["echo"].as_bool() {
        settings.echo = echo;
    }
    settings
}

fn reply(value: &Value) -> Reply {
    match value.as_str() {
        Some("joined") => Reply::Joined,
        Some("left") => Reply::Left,
        Some("published") => Reply::Published,
        Some(other) => panic!("no reply {other}"),
        None if value.get("failed").is_some() => Reply::Failed {
            code: error_code(text(&value["failed"], "code")),
            message: text(&value["failed"], "message").to_owned(),
        },
        None => {
            let kept = value["history"].as_array().unwrap().iter();
            Reply::History(kept.map(|it| Arc::new(publication(it))).collect())
        }
    }
}

/// An expected output, with a long text written out.
fn flat(expected: &Value) -> Value {
    match expected.get("send") {
        Some(send) => json!({ "send": long_text(send) }),
        None => expected.clone(),
    }
}

/// An output as transcripts write it.
fn shown(output: Output) -> Value {
    match output {
        Output::Send(bytes) | Output::SendHistory(bytes) => {
            json!({ "send": String::from_utf8(bytes).unwrap() })
        }
        Output::Ping => json!("ping"),
        Output::Refused(_) => unreachable!("left out by drain"),
        Output::Verify(token) => json!({ "verify": token.expose() }),
        Output::Follow(room) => json!({ "follow": room.as_str() }),
        Output::Close(close) => {
            json!({ "close": { "code": close.code.number(), "reason": close.reason } })
        }
        Output::Ask(Ask::Join { room }) => {
            json!({ "ask": { "join": { "room": room.as_str() } } })
        }
        Output::Ask(Ask::History { room }) => {
            json!({ "ask": { "history": { "room": room.as_str() } } })
        }
        Output::Ask(Ask::Leave { room }) => {
            json!({ "ask": { "leave": { "room": room.as_str() } } })
        }
        Output::Ask(Ask::Publish {
            room,
            event,
            data,
            tag,
        }) => json!({ "ask": { "publish": {
            "room": room.as_str(),
            "event": event.as_str(),
            "dataJson": std::str::from_utf8(&data).unwrap(),
            "tag": tag.as_deref(),
        } } }),
    }
}
