//! A client in another language, in a member's hands: a program that does what lines on its standard input say, and
//! says on its standard output what happens. `e2e/members/` has them.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use tautline_protocol::model::Position;
use tautline_protocol::wire::v2::Encoding;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;

use super::hands::{Happening, Heard, Standing};
use super::{GOING_AWAY, Notice, Person, QUEUE_MAX, RETRY_EVERY, SILENCE, STEP, TTL, parse};
use crate::history::Missed;

/// So many lines wait until the program reads them: more than a member says without an answer.
const SAID_MAX: usize = 1024;

/// A client in another language.
#[derive(Debug)]
pub(super) struct Script {
    /// Is killed when this is dropped.
    child: Child,
    says: mpsc::Sender<String>,
    hears: Lines<BufReader<ChildStdout>>,
    is_over: bool,
    /// It is asked whether all is quiet, and has not answered.
    is_asked: bool,
}

/// What it says.
#[derive(Debug, Deserialize)]
#[serde(tag = "is", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Line {
    Connected,
    /// What ended the connection, or the last attempt at one, and with which code.
    Away {
        kind: Option<String>,
        code: Option<u16>,
    },
    Nonsense {
        reason: String,
    },
    Closed {
        reason: String,
    },
    Joining {
        at: usize,
    },
    Live {
        at: usize,
        position: String,
        recovered: bool,
        wants_acks: bool,
    },
    Denied {
        at: usize,
        message: String,
    },
    Message {
        at: usize,
        position: String,
        key: Option<String>,
    },
    Gap {
        at: usize,
        from: u64,
        to: u64,
        position: String,
    },
    Over {
        at: usize,
    },
    Published {
        at: usize,
        sequence: u64,
        position: String,
    },
    Failed {
        at: usize,
        sequence: u64,
        reason: String,
    },
    Quiet,
}

impl Script {
    /// Starts it. Must be called within a runtime.
    pub(super) fn start(program: &Path, person: &Person, address: SocketAddr) -> io::Result<Self> {
        let mut child = Command::new("node")
            .arg(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("its standard streams are pipes"));
        };
        let (says, said) = mpsc::channel(SAID_MAX);
        tokio::spawn(tell(input, said));
        let script = Self {
            child,
            says,
            hears: BufReader::new(output).lines(),
            is_over: false,
            is_asked: false,
        };
        script.say(&json!({
            "url": format!("ws://{address}/"),
            "token": person.token,
            "packed": person.encoding == Encoding::MessagePack,
            "rooms": person.rooms,
            "timeouts": {
                "token": STEP.as_millis(),
                "dial": STEP.as_millis(),
                "hello": STEP.as_millis(),
                "probe": SILENCE.as_millis(),
                "silence": SILENCE.as_millis(),
            },
            "retry": { "base": RETRY_EVERY.as_millis(), "cap": RETRY_EVERY.as_millis() },
            "queue": { "maxMessages": QUEUE_MAX.0, "maxBytes": QUEUE_MAX.1, "ttl": TTL.as_millis() },
        }));
        Ok(script)
    }

    pub(super) fn join_anew(&self, at: usize) {
        self.say(&json!({ "do": "joinAnew", "at": at }));
    }

    pub(super) fn publish(&self, at: usize, sequence: u64, content: &RawValue) {
        self.say(&json!({ "do": "publish", "at": at, "sequence": sequence, "data": content }));
    }

    pub(super) fn acknowledge(&self, at: usize, position: Position) {
        let (epoch, offset, id) = (position.epoch, position.offset, position.id);
        let position =
            json!({ "epoch": epoch.to_string(), "offset": offset, "id": id.to_string() });
        self.say(&json!({ "do": "acknowledge", "at": at, "position": position }));
    }

    pub(super) fn ask_whether_quiet(&mut self) {
        if !self.is_asked {
            self.is_asked = true;
            self.say(&json!({ "do": "ask" }));
        }
    }

    pub(super) async fn next(&mut self) -> Happening {
        if self.is_over {
            return pending().await;
        }
        let Ok(Some(line)) = self.hears.next_line().await else {
            let how = match self.child.wait().await {
                Ok(status) => status.to_string(),
                Err(error) => error.to_string(),
            };
            self.is_over = true;
            let reason = format!("the program has ended: {how}");
            return Happening::Standing(Standing::Closed(reason));
        };
        match read(&line) {
            Some(happening) => {
                self.is_asked &= !matches!(happening, Happening::Quiet);
                happening
            }
            None => Happening::Standing(Standing::Nonsense(format!("the program says {line}"))),
        }
    }

    fn say(&self, line: &serde_json::Value) {
        // One that has ended says so itself, and one that reads nothing leaves publications unanswered.
        drop(self.says.try_send(format!("{line}\n")));
    }
}

async fn tell(mut input: ChildStdin, mut said: mpsc::Receiver<String>) {
    while let Some(line) = said.recv().await {
        if input.write_all(line.as_bytes()).await.is_err() {
            return;
        }
    }
}

fn read(line: &str) -> Option<Happening> {
    let heard = |at, heard| Happening::Heard(at, heard);
    Some(match serde_json::from_str(line).ok()? {
        Line::Connected => Happening::Standing(Standing::Connected),
        Line::Away { kind, code } => {
            let notice = notice(kind.as_deref(), code);
            Happening::Standing(Standing::Away(notice))
        }
        Line::Nonsense { reason } => Happening::Standing(Standing::Nonsense(reason)),
        Line::Closed { reason } => Happening::Standing(Standing::Closed(reason)),
        Line::Joining { at } => heard(at, Heard::Joining),
        Line::Live {
            at,
            position,
            recovered,
            wants_acks,
        } => {
            let position = Position::parse(&position)?;
            let live = Heard::Live {
                position,
                recovered,
                wants_acks,
            };
            heard(at, live)
        }
        Line::Denied { at, message } => heard(at, Heard::Denied(message)),
        Line::Message { at, position, key } => {
            let key = key.as_deref().and_then(parse);
            heard(at, Heard::Message(Position::parse(&position)?, key))
        }
        Line::Gap {
            at,
            from,
            to,
            position,
        } => {
            let position = Position::parse(&position)?;
            heard(at, Heard::Gap(Missed { from, to, position }))
        }
        Line::Over { at } => heard(at, Heard::Over),
        Line::Published {
            at,
            sequence,
            position,
        } => Happening::Settled(at, sequence, Ok(Position::parse(&position)?)),
        Line::Failed {
            at,
            sequence,
            reason,
        } => Happening::Settled(at, sequence, Err(reason)),
        Line::Quiet => Happening::Quiet,
    })
}

fn notice(kind: Option<&str>, code: Option<u16>) -> Option<Notice> {
    match kind {
        Some("silent") => Some(Notice::Silence),
        Some("closed") if code == Some(GOING_AWAY) => Some(Notice::Farewell),
        _ => None,
    }
}
