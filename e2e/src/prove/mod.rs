//! One run: the real server, clients that hold, a network that fails them, and the judgment.

mod house;
mod report;
mod scale;

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fastrand::Rng;
use tautline_protocol::model::RoomName;
use tautline_protocol::wire::v2::Encoding;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::client::{Client, Lost, Order, Person, Progress, Reader, Told};
use crate::fault::{Proxy, Script};
use crate::history::{Log, Promise, Room, check};
use crate::server::Server;

use self::report::Line;

pub use self::report::Outcome;
pub use self::scale::Scale;

/// Between two looks at how far the clients are.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Without any faults, everybody has come to the end by then.
const CALM_MAX: Duration = Duration::from_mins(2);

/// A run.
struct Run {
    scale: Scale,
    server: Server,
    proxy: Proxy,
    orders: watch::Sender<Order>,
    progress: Arc<Progress>,
    clients: JoinSet<Told>,
    rooms: Vec<(Room, Promise)>,
    random: Rng,
    kills: u32,
    line: Line,
}

/// Runs everything once, with the server of this program, and files in this directory.
pub async fn run(
    binary: &Path,
    directory: &Path,
    (scale, seed): (Scale, u64),
) -> io::Result<Outcome> {
    let server = Server::start(binary, directory, &house::config(directory))?;
    let proxy = Proxy::start(server.address(), Script::seeded(seed), seed).await?;
    let mut run = Run {
        scale,
        server,
        proxy,
        orders: watch::Sender::default(),
        progress: Arc::default(),
        clients: JoinSet::new(),
        rooms: house::rooms(&scale),
        random: Rng::with_seed(seed),
        kills: 0,
        line: Line::begin(),
    };
    run.invite()?;
    run.trouble().await?;
    let mut wrong = run.settle().await;
    let token = run.server.token("reader")?;
    let logs = run.logs(&token).await.map_err(io::Error::other)?;
    let told = run.finish(&logs, &mut wrong).await;
    let histories: Vec<_> = told
        .into_iter()
        .map(|told| {
            let who = told.history.client.clone();
            wrong.extend(
                told.faults
                    .into_iter()
                    .map(|fault| format!("{who}: {fault}")),
            );
            told.history
        })
        .collect();
    Ok(Outcome {
        seed,
        time: run.line.end(),
        kills: run.kills,
        faults: report::faults(run.proxy.tally()),
        verdict: check(&histories, &logs),
        wrong,
    })
}

impl Run {
    /// Has all clients come.
    fn invite(&mut self) -> io::Result<()> {
        for number in 0..self.scale.clients {
            let mut rooms = self.rooms.clone();
            self.random.shuffle(&mut rooms);
            rooms.truncate(self.scale.seats);
            let person = Person {
                number,
                token: self.server.token(&format!("user-{number}"))?,
                encoding: if number % 2 == 0 {
                    Encoding::Json
                } else {
                    Encoding::MessagePack
                },
                rooms: rooms.iter().map(|(room, _)| room.to_string()).collect(),
                pace: self.scale.pace,
            };
            let client = Client::new(
                person,
                self.proxy.address(),
                self.orders.subscribe(),
                Arc::clone(&self.progress),
                self.random.u64(..),
            );
            self.clients.spawn(client.run());
        }
        Ok(())
    }

    /// Lets the network and the server fail until all that is asked for has happened.
    async fn trouble(&mut self) -> io::Result<()> {
        let mut dies_at = Instant::now() + self.scale.life;
        while !self.is_enough() {
            sleep(LOOK_EVERY).await;
            self.show("faults");
            if Instant::now() < dies_at {
                continue;
            }
            if self.random.u8(..4) == 0 {
                self.proxy.reset_all();
            } else {
                self.server.kill_and_start()?;
                self.proxy.lead_to(self.server.address());
                self.kills += 1;
            }
            dies_at = Instant::now() + self.scale.life.mul_f64(0.5 + self.random.f64());
        }
        Ok(())
    }

    fn is_enough(&self) -> bool {
        self.proxy.tally().sum() >= self.scale.faults
            && self.kills >= self.scale.kills
            && self.progress.delivered.load(Ordering::Relaxed) >= self.scale.deliveries
    }

    /// Ends all faults, and waits until everything that was sent is acknowledged.
    async fn settle(&mut self) -> Vec<String> {
        self.orders.send_replace(Order::Settle);
        self.proxy.follow(Script::Calm);
        self.proxy.reset_all();
        let settled = async {
            // A client that was asleep while all others settled has not sent anything yet.
            while self.progress.unsettled.load(Ordering::Relaxed) > 0 {
                self.show("settling");
                sleep(LOOK_EVERY).await;
            }
        };
        match timeout(CALM_MAX, settled).await {
            Ok(()) => Vec::new(),
            Err(_) => vec![format!(
                "{} clients wait for acknowledgements {CALM_MAX:?} after the last fault",
                self.progress.unsettled.load(Ordering::Relaxed)
            )],
        }
    }

    async fn logs(&self, token: &str) -> Result<Vec<Log>, Lost> {
        let mut reader = Reader::open(self.server.address(), token).await?;
        let mut logs = Vec::new();
        for (room, promise) in &self.rooms {
            let name = RoomName::parse(room).expect("rooms of a run have right names");
            logs.push(reader.log(&name, *promise).await?);
        }
        Ok(logs)
    }

    /// Waits until everybody has everything.
    async fn finish(&mut self, logs: &[Log], wrong: &mut Vec<String>) -> Vec<Told> {
        let head = |log: &Log| {
            let last = log
                .publications
                .last()
                .map_or(log.behind, |(last, _)| *last);
            (Arc::clone(&log.room), last)
        };
        let heads: HashMap<_, _> = logs.iter().map(head).collect();
        self.orders.send_replace(Order::Finish(Arc::new(heads)));
        let deadline = Instant::now() + CALM_MAX;
        let mut told = Vec::new();
        loop {
            self.show("finishing");
            match timeout(LOOK_EVERY, self.clients.join_next()).await {
                Ok(Some(Ok(one))) => told.push(one),
                Ok(Some(Err(error))) => wrong.push(format!("a client has failed: {error}")),
                Ok(None) => return told,
                Err(_)
                    if Instant::now() > deadline
                        && !matches!(*self.orders.borrow(), Order::Stop) =>
                {
                    let late = self.clients.len();
                    wrong.push(format!(
                        "{late} clients have not come to the end of their rooms {CALM_MAX:?} after the last fault"
                    ));
                    self.orders.send_replace(Order::Stop);
                }
                Err(_) => {}
            }
        }
    }

    fn show(&self, stage: &str) {
        let now = (&*self.progress, self.proxy.tally(), self.kills);
        self.line.show(stage, now);
    }
}
