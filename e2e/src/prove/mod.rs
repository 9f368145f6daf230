//! One run: the real server, clients that hold, a network that fails them, and the judgment.

mod blows;
mod house;
mod report;
mod rewind;
mod scale;
mod trouble;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fastrand::Rng;
use tautline_protocol::model::RoomName;
use tautline_protocol::wire::v2::Encoding;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::crowd::{Hands, Lost, Member, Order, Person, Progress, Reader, Told, Witness};
use crate::fault::{Proxy, Script};
use crate::history::{Log, Promise, Room, check};
use crate::server::Server;

use self::blows::Toll;
use self::report::{END, Line, PROTOCOL, START};

pub use self::blows::Blows;
pub use self::report::{Outcome, Wrong};
pub use self::scale::Scale;

/// Between two looks at how far the clients are.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What is judged.
#[derive(Debug)]
pub struct Subject<'a> {
    /// The server's program.
    pub server: &'a Path,
    /// A client in another language, as a script for Node: half of those who would have the Rust client have it.
    pub script: Option<PathBuf>,
    /// Where the run may write.
    pub directory: &'a Path,
}

/// A run.
struct Run {
    scale: Scale,
    server: Server,
    script: Option<PathBuf>,
    proxy: Proxy,
    orders: watch::Sender<Order>,
    progress: Arc<Progress>,
    clients: JoinSet<Told>,
    rooms: Vec<(Room, Promise)>,
    random: Rng,
    toll: Toll,
    wrong: Vec<Wrong>,
    line: Line,
}

/// Runs everything once.
pub async fn run(subject: Subject<'_>, scale: Scale, seed: u64) -> io::Result<Outcome> {
    let Subject {
        server,
        script,
        directory,
    } = subject;
    let server = Server::start(server, directory, &house::config(directory))?;
    let proxy = Proxy::start(server.address(), Script::seeded(seed), seed).await?;
    let mut run = Run {
        scale,
        server,
        script,
        proxy,
        orders: watch::Sender::default(),
        progress: Arc::default(),
        clients: JoinSet::new(),
        rooms: house::rooms(&scale),
        random: Rng::with_seed(seed),
        toll: Toll::default(),
        wrong: Vec::new(),
        line: Line::begin(),
    };
    run.invite()?;
    let mut logs = Vec::new();
    match run.trouble().await {
        Ok(()) => {
            run.settle().await;
            logs = run.logs().await;
        }
        Err(error) => run.note(START, error.to_string()),
    }
    let told = run.finish(&logs).await;
    Ok(run.judge(told, &logs, seed))
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
            self.come(person)?;
        }
        Ok(())
    }

    /// Two of three come with a client that people use, one is a witness.
    fn come(&mut self, person: Person) -> io::Result<()> {
        let (address, orders) = (self.proxy.address(), self.orders.subscribe());
        let (progress, seed) = (Arc::clone(&self.progress), self.random.u64(..));
        if is_witness(person.number) {
            let witness = Witness::new(person, address, orders, progress, seed);
            self.clients.spawn(witness.run());
            return Ok(());
        }
        let hands = match &self.script {
            Some(script) if person.number % 3 == 1 => Hands::script(script, &person, address),
            Some(_) | None => Hands::native(&person, address),
        };
        let member = Member::new(hands?, person, orders, progress, seed);
        self.clients.spawn(member.run());
        Ok(())
    }

    /// Ends all faults, and waits until everything that was sent is acknowledged.
    async fn settle(&mut self) {
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
        let calm = self.scale.calm;
        if timeout(calm, settled).await.is_err() {
            let waiting = self.progress.unsettled.load(Ordering::Relaxed);
            let what = format!(
                "{waiting} clients wait for acknowledgements {calm:?} after the last fault"
            );
            self.note(END, what);
        }
    }

    /// What all rooms have.
    async fn logs(&mut self) -> Vec<Log> {
        self.read_logs().await.unwrap_or_else(|lost| {
            self.note(PROTOCOL, format!("the rooms cannot be read: {lost}"));
            Vec::new()
        })
    }

    async fn read_logs(&self) -> Result<Vec<Log>, Lost> {
        let token = self.server.token("reader");
        let token = token.map_err(|error| Lost::Nonsense(error.to_string()))?;
        let mut reader = Reader::open(self.server.address(), &token).await?;
        let mut logs = Vec::new();
        for (room, promise) in &self.rooms {
            let name = RoomName::parse(room).expect("rooms of a run have right names");
            logs.push(reader.log(&name, *promise).await?);
        }
        Ok(logs)
    }

    /// Waits until everybody has everything; not at all if it is not known what there is.
    async fn finish(&mut self, logs: &[Log]) -> Vec<Told> {
        let head = |log: &Log| {
            let last = log
                .publications
                .last()
                .map_or(log.behind, |(last, _)| *last);
            (Arc::clone(&log.room), last)
        };
        let heads: HashMap<_, _> = logs.iter().map(head).collect();
        self.orders.send_replace(if logs.is_empty() {
            Order::Stop
        } else {
            Order::Finish(Arc::new(heads))
        });
        let calm = self.scale.calm;
        let deadline = Instant::now() + calm;
        let mut told = Vec::new();
        loop {
            self.show("finishing");
            match timeout(LOOK_EVERY, self.clients.join_next()).await {
                Ok(Some(Ok(one))) => told.push(one),
                Ok(Some(Err(error))) => self.note(END, format!("a client has failed: {error}")),
                Ok(None) => return told,
                Err(_)
                    if Instant::now() > deadline
                        && !matches!(*self.orders.borrow(), Order::Stop) =>
                {
                    let late = self.clients.len();
                    let what = format!(
                        "{late} clients have not come to the end of their rooms {calm:?} after the last fault"
                    );
                    self.note(END, what);
                    self.orders.send_replace(Order::Stop);
                }
                Err(_) => {}
            }
        }
    }

    /// Holds everything together.
    fn judge(mut self, told: Vec<Told>, logs: &[Log], seed: u64) -> Outcome {
        let mut histories = Vec::new();
        for Told { history, faults } in told {
            for fault in faults {
                self.note(PROTOCOL, format!("{}: {fault}", history.client));
            }
            histories.push(history);
        }
        let verdict = check(&histories, logs, &self.toll.rewinds);
        Outcome {
            seed,
            time: self.line.end(),
            blows: self.toll.blows,
            rewinds: self.toll.rewinds.len(),
            faults: report::faults(self.proxy.tally()),
            verdict,
            wrong: self.wrong,
        }
    }

    fn note(&mut self, promise: &'static str, what: String) {
        self.wrong.push(Wrong { promise, what });
    }

    fn show(&self, stage: &str) {
        let now = (&*self.progress, self.proxy.tally(), self.toll.blows);
        self.line.show(stage, now);
    }
}

/// Whether somebody comes with a client of its own.
fn is_witness(number: u32) -> bool {
    number % 3 == 2
}
