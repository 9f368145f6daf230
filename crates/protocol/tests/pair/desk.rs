//! The server's side of the connections: drives a session for each, and has the house do what they ask.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tautline_protocol::model::{Identity, Timestamp};
use tautline_protocol::server::Denied;
use tautline_protocol::server::v2::{Accepted, Ask, Outcome, Output, Reply, Session, Ticket};
use tautline_protocol::wire::v2::{Encoding, Goaway, ServerMessage, Words};
use tautline_protocol::wire::{Close, CloseCode, ErrorCode, Token};

use crate::house::{Draft, LinkId};
use crate::link::{Desk, Frame};
use crate::world::{Happening, World};

/// Those who would come back together do it within this time.
const FIRST_WINDOW: Duration = Duration::from_secs(1);

impl World {
    /// A session for a connection that was just accepted.
    pub(crate) fn desk(&mut self, link: LinkId) -> Desk {
        let slot = u32::try_from(link).expect("a short run");
        let accepted = Accepted {
            connection: tautline_protocol::model::ConnectionId {
                node: tautline_protocol::model::NodeId(1),
                shard: 0,
                slot,
                serial: slot,
            },
            encoding: self.plan.encoding,
            seed: self.dice.seed(),
            first_window: FIRST_WINDOW,
        };
        Desk {
            session: Session::new(self.now(), accepted, Arc::clone(&self.settings)),
            unread: std::collections::VecDeque::new(),
            reading: None,
        }
    }

    pub(crate) fn server_hears(&mut self, nth: usize, frame: Frame) {
        let link = &mut self.links[nth];
        let id = link.id;
        let Some(desk) = &mut link.desk else {
            return;
        };
        if let Frame::Message(bytes) = frame {
            desk.session.handle_traffic();
            desk.unread.push_back(bytes);
            self.read_on(id);
        } else {
            self.note(|_| format!("server heard the end of link {id}"));
            self.part(id);
        }
    }

    /// Does what a session says, and goes on with what was read.
    pub(crate) fn serve(&mut self, id: LinkId) {
        self.carry_out(id);
        self.read_on(id);
    }

    fn read_on(&mut self, id: LinkId) {
        let (now, encoding) = (self.now(), self.plan.encoding);
        while let Some(desk) = self.link(id).and_then(|link| link.desk.as_mut())
            && !desk.session.is_waiting()
            && let Some(bytes) = desk.unread.pop_front()
        {
            match (encoding, std::str::from_utf8(&bytes)) {
                (Encoding::Json, Ok(text)) => desk.session.handle_text(now, text),
                (Encoding::Json, Err(_)) => panic!("text that is none"),
                (Encoding::MessagePack, _) => desk.session.handle_binary(now, &bytes),
            }
            desk.reading = Some(bytes);
            self.carry_out(id);
            if let Some(desk) = self.link(id).and_then(|link| link.desk.as_mut()) {
                desk.reading = None;
            }
        }
    }

    fn carry_out(&mut self, id: LinkId) {
        while let Some(desk) = self.link(id).and_then(|link| link.desk.as_mut())
            && let Some(output) = desk.session.poll()
        {
            self.note_output(id, &output);
            match output {
                Output::Send(bytes) => self.send(id, Frame::Message(bytes.into())),
                Output::Verify(token) => {
                    let wait = self.dice.within(60);
                    self.set(wait, Happening::Verdict(id, token));
                }
                Output::Ask(ticket, ask) => {
                    let reply = self.ask(id, ask);
                    let wait = self.dice.within(120);
                    self.set(wait, Happening::Reply(id, ticket, reply));
                }
                Output::Follow { room, .. } => {
                    self.house.follow(self.at, id, &room);
                }
                Output::Call(ticket, _) => {
                    let wait = self.dice.within(5_000);
                    self.set(wait, Happening::Outcome(id, ticket));
                }
                Output::Refused(_) => self.judge_refusal(id),
                Output::Cancel(_) => {}
                Output::Close(bye, close) => {
                    self.send(id, Frame::Message(bye.into()));
                    self.send(id, Frame::Close(close.code.number(), close.reason.into()));
                    self.part(id);
                }
            }
        }
        self.deliver();
    }

    fn note_output(&self, id: LinkId, output: &Output) {
        if let Output::Send(bytes) = output {
            self.note_message::<ServerMessage<'_>>(&format!("server {id}"), bytes);
        } else {
            self.note(|_| format!("server {id}: {output:?}"));
        }
    }

    /// Has the house do something: it takes effect now, and is answered later.
    fn ask(&mut self, id: LinkId, ask: Ask) -> Reply {
        let now = self.now();
        let fails = self.is_busy && self.dice.is(self.plan.refusals);
        let session = self.link(id).and_then(|link| link.desk.as_ref());
        let identity = session.and_then(|desk| desk.session.identity());
        let user = Arc::clone(&identity.expect("somebody asks").user);
        let failed = |code| Reply::Failed {
            code,
            message: "not now".to_owned(),
        };
        match ask {
            Ask::Join { .. } | Ask::History { .. } if fails => failed(ErrorCode::Unavailable),
            Ask::Join { room, begin, .. } => self.house.join((id, &user), &room, begin),
            Ask::Leave { room } => {
                self.house.leave(id, &room);
                Reply::Left
            }
            Ask::Publish { data, .. } if fails && self.dice.is(0.5) => {
                self.judge.refuses(&data);
                failed(ErrorCode::Unavailable)
            }
            Ask::Publish {
                room,
                event,
                data,
                key,
                producer,
            } => {
                let draft = Draft {
                    user,
                    producer,
                    event,
                    data: data.clone(),
                    key,
                };
                let reply = self.house.publish(now, &room, draft);
                if !matches!(reply, Reply::Published(_)) {
                    self.judge.refuses(&data);
                    reply
                } else if fails {
                    // It is done, and nobody knows.
                    self.judge.leaves_open(&data);
                    failed(ErrorCode::Timeout)
                } else {
                    reply
                }
            }
            Ask::Cast { .. } => Reply::Relayed,
            Ask::Ack {
                room,
                epoch,
                offset,
            } => {
                self.judge_ack(id, &room, (epoch, offset));
                let acked = (&room, epoch, offset);
                self.house.acknowledge(now.at, (id, &user), acked);
                Reply::Acked
            }
            Ask::History { room, part, limit } => self.house.history(&room, part, limit),
            Ask::Members { .. } => Reply::Members(Vec::new()),
            Ask::Presence { .. } => Reply::PresenceSet,
        }
    }

    pub(crate) fn decide(&mut self, id: LinkId, token: &Token) {
        let now = self.now();
        let verdict = verify(token, now.wall);
        if let Some(desk) = self.link(id).and_then(|link| link.desk.as_mut()) {
            desk.session.handle_verdict(now, verdict);
            self.serve(id);
        }
    }

    pub(crate) fn reply(&mut self, id: LinkId, ticket: Ticket, reply: Reply) {
        let now = self.now();
        if let Some(desk) = self.link(id).and_then(|link| link.desk.as_mut()) {
            desk.session.handle_reply(now, ticket, reply);
            self.serve(id);
        }
    }

    pub(crate) fn outcome(&mut self, id: LinkId, ticket: Ticket) {
        let now = self.now();
        if let Some(desk) = self.link(id).and_then(|link| link.desk.as_mut()) {
            let outcome = Outcome::Answered(Bytes::from_static(b"1"));
            desk.session.handle_outcome(now, ticket, &outcome);
            self.serve(id);
        }
    }

    /// The server goes away: all are asked to open another connection.
    pub(crate) fn drain(&mut self, (window, deadline): (u64, u64)) {
        let mut links = Vec::new();
        for link in &mut self.links {
            let Some(desk) = &mut link.desk else {
                continue;
            };
            let goaway = Goaway {
                reason: Words::from("restart"),
                deadline_ms: deadline,
                window_ms: window,
                url: None,
            };
            // Who is not welcomed yet comes to the server after this one.
            if desk.session.handle_drain(goaway) {
                link.is_going = true;
                links.push(link.id);
            }
        }
        for id in &links {
            self.serve(*id);
        }
        self.set(Duration::from_millis(deadline), Happening::Deadline(links));
    }

    pub(crate) fn end_all(&mut self, links: &[LinkId]) {
        for id in links {
            self.end(*id, CloseCode::GoingAway);
        }
    }

    /// The server ends a connection.
    pub(crate) fn end(&mut self, id: LinkId, code: CloseCode) {
        if let Some(desk) = self.link(id).and_then(|link| link.desk.as_mut()) {
            desk.session.handle_end(Close::new(code), None);
            self.serve(id);
        }
    }

    /// The server's side of a connection is no more.
    pub(crate) fn part(&mut self, id: LinkId) {
        self.house.leave_all(id);
        if let Some(link) = self.link(id) {
            link.desk = None;
            link.to_server.die();
        }
    }

    /// Sends what the house has for the members of its rooms.
    pub(crate) fn deliver(&mut self) {
        for (id, bytes) in std::mem::take(&mut self.house.post) {
            self.note_message::<ServerMessage<'_>>(&format!("server {id}"), &bytes);
            self.send(id, Frame::Message(bytes));
        }
    }

    fn send(&mut self, id: LinkId, frame: Frame) {
        let (at, dice) = (self.at, &mut self.dice);
        let found = self.links.binary_search_by_key(&id, |link| link.id);
        if let Ok(nth) = found {
            self.links[nth].to_program.push(at, frame, dice);
        }
    }
}

/// The words of a token: whose it is, and until when, in milliseconds of a run; 0 if it does not end.
pub(crate) fn token(user: &str, expires_at_ms: u64) -> Token {
    Token::new(&format!("token|{user}|{expires_at_ms}"))
}

fn verify(token: &Token, wall: Timestamp) -> Result<Identity, Denied> {
    let words: Vec<&str> = token.expose().split('|').collect();
    let [_, user, expires_at_ms] = words[..] else {
        return Err(Denied::Wrong);
    };
    let expires_at_ms: u64 = expires_at_ms.parse().expect("written here");
    if expires_at_ms != 0 && expires_at_ms <= wall.0 {
        return Err(Denied::Expired);
    }
    Ok(Identity {
        user: user.into(),
        name: user.into(),
        expires_at: (expires_at_ms != 0).then_some(Timestamp(expires_at_ms)),
        grants: Arc::new([]),
    })
}
