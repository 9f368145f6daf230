//! What goes wrong.

use std::time::Duration;

use tautline_protocol::wire::CloseCode;

use crate::house::LinkId;
use crate::link::Frame;
use crate::plan::Faults;
use crate::world::{Happening, World};

impl World {
    /// Something goes wrong, if things still do.
    pub(crate) fn trouble(&mut self) {
        if !self.is_busy {
            return;
        }
        let wait = self.dice.between(Duration::ZERO, self.plan.fault_every * 2);
        self.set(wait, Happening::Trouble);
        match self.plan.faults {
            Faults::Links => self.trouble_a_link(),
            Faults::Drains => {
                if self.links.iter().all(|link| !link.is_going) {
                    self.drain((2_000, 15_000));
                }
            }
            Faults::All => match self.dice.below(12) {
                0..=6 => self.trouble_a_link(),
                7 => self.kill(),
                8 => {
                    let window = u64::from(self.dice.pick(&[0_u32, 500, 5_000]));
                    self.drain((window, 3_000));
                }
                9 => self.end_one(),
                10 => self.stall_a_member(),
                _ => {
                    let at = self.dice.index(self.plan.rooms.len());
                    let room = self.plan.rooms[at].name.clone();
                    self.note(|_| format!("{room} is forgotten"));
                    self.house.forget(self.at, &room);
                }
            },
        }
    }

    fn any_link(&mut self) -> Option<usize> {
        let is_open = |nth: &usize| self.links[*nth].desk.is_some();
        let open: Vec<usize> = (0..self.links.len()).filter(is_open).collect();
        (!open.is_empty()).then(|| self.dice.pick(&open))
    }

    fn trouble_a_link(&mut self) {
        let Some(nth) = self.any_link() else {
            return;
        };
        let (at, dice) = (self.at, &mut self.dice);
        let late = at + dice.between(Duration::from_secs(1), Duration::from_secs(20));
        let link = &mut self.links[nth];
        let fault = dice.below(7);
        match fault {
            // Both sides hear of it soon.
            0 | 1 => {
                link.to_program.lose(at, dice);
                link.to_server.lose(at, dice);
            }
            // The program comes back at once; what it had sent arrives long after that.
            2 | 3 => {
                link.to_program.lose(at, dice);
                link.to_server.stall(late);
                link.to_server.push(at, Frame::Lost, dice);
                link.to_server.is_dead = true;
            }
            // Nobody hears of it: one direction is dead, or the other, or both.
            4 => link.to_program.die(),
            5 => link.to_server.die(),
            // Nothing arrives for a while, in either direction.
            _ => {
                link.to_server.stall(late);
                link.to_program.stall(late);
            }
        }
        let id = link.id;
        self.note(|_| format!("fault {fault} of link {id}, late {late:?}"));
    }

    /// The server is killed, and is back a little later.
    fn kill(&mut self) {
        self.note(|_| "the server is killed".to_owned());
        let down = self.dice.within(4_000);
        self.is_up = false;
        self.set(down, Happening::Up);
        let ids: Vec<LinkId> = self.links.iter().map(|link| link.id).collect();
        for id in ids {
            self.part(id);
        }
        let (at, dice) = (self.at, &mut self.dice);
        for link in &mut self.links {
            link.to_program.lose(at, dice);
        }
        self.house.restart();
    }

    /// The server ends a connection for a reason of its own.
    fn end_one(&mut self) {
        let Some(nth) = self.any_link() else {
            return;
        };
        let id = self.links[nth].id;
        let code = self.dice.pick(&[
            CloseCode::Normal,
            CloseCode::GoingAway,
            CloseCode::ServerError,
            CloseCode::TryAgainLater,
            CloseCode::Policy,
            CloseCode::Disconnected,
            CloseCode::LimitReached,
        ]);
        if matches!(code, CloseCode::Policy | CloseCode::Disconnected) {
            let program = self.links[nth].program;
            self.programs[program].is_excused = true;
        }
        if code == CloseCode::ServerError {
            let program = self.links[nth].program;
            self.judge.crashes(program);
        }
        self.end(id, code);
    }

    fn stall_a_member(&mut self) {
        let Some(nth) = self.any_link() else {
            return;
        };
        let id = self.links[nth].id;
        let at = self.dice.index(self.plan.rooms.len());
        let room = self.plan.rooms[at].name.clone();
        let until = self.at + self.dice.within(3_000);
        self.house.stall(until, id, &room);
    }
}
