//! One crowd and one blow, from the first who comes in until everybody is back.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};

use super::crowd::Crowd;
use super::diary::Diary;
use super::history::History;
use super::light::LightCrowd;
use super::ordeal::{Blow, House, Ordeal};
use super::policy::{self, Player, Policy};
use super::real::RealCrowd;
use super::row::{Memory, Row};
use super::{MEMBERS, Record};
use crate::process::{self, Process};
use crate::system::{self, SECRET, Site};

/// How long the crowd talks before the blow.
const BEFORE: Duration = Duration::from_secs(3);
/// A crowd that has not gathered by then does not.
const GATHER_MAX: Duration = Duration::from_mins(1);
/// Who is not back so long after the server is does not come back.
const RETURN_MAX: Duration = Duration::from_mins(1);
/// What is on its way at the end arrives within this, or never.
const REST_MAX: Duration = Duration::from_secs(10);
/// A server that is told to end does so by then: its own deadline is 30 seconds.
const END_MAX: Duration = Duration::from_secs(40);
/// Between two looks at the server's memory.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Where servers listen: below the ports that the system gives to clients. Otherwise a client that dials while nobody
/// listens may be given the port that it dials, and connect to itself.
const PORTS: std::ops::Range<u16> = 20_000..30_000;

/// How much is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    Whole,
    /// A fifth of the crowd, and fewer policies.
    Quick,
}

/// The policies of which each is tried. Others' know no window, so that it is all the same to them how the house was filled.
pub(crate) fn policies(ordeal: &Ordeal, effort: Effort) -> &'static [Policy] {
    let count = match (ordeal.house, effort) {
        (House::JustFilled, _) => 1,
        (House::Settled, Effort::Quick) => 2,
        (House::Settled, Effort::Whole) => policy::ALL.len(),
    };
    policy::ALL.get(..count).unwrap_or(&policy::ALL)
}

/// Has a crowd with this policy endure the blow, on a new server with a new store.
pub(crate) fn endure(
    ordeal: &'static Ordeal,
    policy: &'static Policy,
    (site, effort): (&Site, Effort),
) -> Result<Row> {
    let clients = match effort {
        Effort::Whole => ordeal.clients,
        Effort::Quick => ordeal.clients / 5,
    };
    let stage = Stage {
        site,
        address: free_address()?,
        store: &site.disk.place()?,
    };
    let mut record = Record {
        diary: Diary::new(clients),
        history: History::new(clients / MEMBERS, clients),
    };
    let server = stage.start()?;
    let tokens = (0..clients).map(|nth| system::token(&format!("member-{nth}"), SECRET));
    let mut crowd = gather(
        policy,
        (stage.address, tokens.collect::<Result<_>>()?),
        &mut record,
    )
    .with_context(|| format!("the server said:\n{}", server.said()))?;
    if ordeal.house == House::Settled {
        crowd.renew(&mut record, GATHER_MAX)?;
    }
    crowd.begin_to_talk();
    let begun = crowd.live(&mut record, GATHER_MAX, &mut |record| {
        record.history.has_begun()
    })?;
    ensure!(begun, "nothing is acknowledged in some rooms");
    crowd.live(&mut record, BEFORE, &mut |_| false)?;
    let before = server.resident()?;
    record.diary.late = Duration::ZERO;

    let over = AtomicBool::new(false);
    let listens = AtomicBool::new(false);
    let struck = Instant::now();
    let after = thread::scope(|scope| {
        let keeper = scope.spawn(|| {
            let server = stage.strike(server, ordeal.blow)?;
            let up = struck.elapsed();
            listens.store(true, Ordering::Release);
            Ok((up, watch(&server, &over)?))
        });
        let lived = live_through(&mut *crowd, &mut record, &mut || {
            listens.load(Ordering::Acquire) || keeper.is_finished()
        });
        over.store(true, Ordering::Release);
        let kept: Result<_> = keeper
            .join()
            .map_err(|_panic| anyhow!("the keeper failed"))?;
        lived.and(kept)
    });
    let (up, most) = after?;
    Ok(Row::of(
        (ordeal, policy),
        &record,
        (struck, up),
        Memory { before, most },
    ))
}

/// Lets a crowd in that has this policy, one for each token.
fn gather(
    policy: &'static Policy,
    (server, tokens): (SocketAddr, Vec<String>),
    record: &mut Record,
) -> Result<Box<dyn Crowd>> {
    Ok(match &policy.player {
        Player::RealClient => Box::new(RealCrowd::gather(server, tokens, record, GATHER_MAX)?),
        Player::Light(rule) => {
            let crowd = (rule, tokens);
            Box::new(LightCrowd::gather(server, crowd, record, GATHER_MAX)?)
        }
    })
}

/// Lives until everybody is back who will come back, and has heard everything.
fn live_through(
    crowd: &mut dyn Crowd,
    record: &mut Record,
    listens: &mut dyn FnMut() -> bool,
) -> Result<()> {
    crowd.live(record, END_MAX + RETURN_MAX, &mut |_| listens())?;
    crowd.live(record, RETURN_MAX, &mut |record| record.diary.is_settled())?;
    // Those who are back talk a while, so that the server is measured as it was before.
    crowd.live(record, BEFORE, &mut |_| false)?;
    crowd.fall_silent(record, REST_MAX)?;
    Ok(())
}

/// Where the servers of one trial are: the second one takes the place of the first.
struct Stage<'a> {
    site: &'a Site,
    address: SocketAddr,
    store: &'a Path,
}

impl Stage<'_> {
    fn start(&self) -> Result<Process> {
        system::durable(self.site, self.address, self.store)
    }

    /// Strikes a server, and starts another one in its place.
    fn strike(&self, mut server: Process, blow: Blow) -> Result<Process> {
        match blow {
            Blow::Kill { outage } => {
                drop(server);
                thread::sleep(outage);
            }
            Blow::Drain => server.end(END_MAX)?,
        }
        self.start()
    }
}

/// The most resident bytes of a server until it is over.
fn watch(server: &Process, over: &AtomicBool) -> Result<u64> {
    let mut most = 0;
    while !over.load(Ordering::Acquire) {
        most = most.max(process::resident(server.id())?);
        thread::sleep(LOOK_EVERY);
    }
    Ok(most)
}

/// An address where nobody listens, and which no client is given.
fn free_address() -> Result<SocketAddr> {
    let mut ports = PORTS;
    let free = ports.find_map(|_| {
        let port = fastrand::u16(PORTS);
        let listener = TcpListener::bind(("127.0.0.1", port)).ok()?;
        listener.local_addr().ok()
    });
    let address = free.context("no port is free")?;
    ensure!(PORTS.contains(&address.port()), "another port was given");
    Ok(address)
}
