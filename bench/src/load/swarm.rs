//! Many connections in one epoll loop.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use mio::{Events, Interest, Poll, Token};

use super::frame::Frame;
use super::link::{Link, Phase, Target};

/// How many connections are being set up at one time: below every server's accept queue.
const OPENING_MAX: usize = 128;
/// Nothing that the client waits for takes this long; a server that loses a message ends the run
/// instead of hanging it.
const PATIENCE: Duration = Duration::from_secs(30);

/// The connections of one system in one round.
#[derive(Debug)]
pub(crate) struct Swarm {
    pub(crate) target: Target,
    pub(crate) links: Vec<Link>,
    poll: Poll,
    events: Events,
    scratch: Vec<u8>,
}

impl Swarm {
    pub(crate) fn new(target: Target) -> Result<Self> {
        let poll = Poll::new()?;
        Ok(Self {
            target,
            links: Vec::new(),
            poll,
            events: Events::with_capacity(1024),
            scratch: vec![0; 64 * 1024],
        })
    }

    /// Opens a connection for each room, and returns when all have joined.
    pub(crate) fn connect(target: Target, rooms: impl Iterator<Item = String>) -> Result<Self> {
        let mut swarm = Self::new(target)?;
        let mut joined = 0;
        for room in rooms {
            swarm.open(room)?;
            swarm.wait(|swarm| {
                joined += swarm.count_from(joined, Phase::Joined);
                swarm.links.len() - joined < OPENING_MAX
            })?;
        }
        swarm.wait(|swarm| {
            joined += swarm.count_from(joined, Phase::Joined);
            joined == swarm.links.len()
        })?;
        Ok(swarm)
    }

    /// Opens one more connection.
    pub(crate) fn open(&mut self, room: String) -> Result<()> {
        let mut link = Link::open(self.links.len(), room, &self.target)?;
        self.register(&mut link)?;
        self.links.push(link);
        Ok(())
    }

    /// Opens a connection in the place of one that has ended.
    pub(crate) fn reopen(&mut self, index: usize) -> Result<()> {
        let link = self
            .links
            .get_mut(index)
            .context("only a connection that was opened is opened again")?;
        let mut fresh = Link::open(index, link.room.clone(), &self.target)?;
        self.poll.registry().deregister(link.stream())?;
        self.register(&mut fresh)?;
        if let Some(link) = self.links.get_mut(index) {
            *link = fresh;
        }
        Ok(())
    }

    fn register(&self, link: &mut Link) -> Result<()> {
        let token = Token(link.index);
        Ok(self.poll.registry().register(
            link.stream(),
            token,
            Interest::READABLE | Interest::WRITABLE,
        )?)
    }

    /// How many links from `first` on are in this phase without a gap: servers answer nearly in
    /// order, and a link is looked at about once.
    fn count_from(&self, first: usize, phase: Phase) -> usize {
        self.links
            .iter()
            .skip(first)
            .take_while(|link| link.phase == phase)
            .count()
    }

    /// Takes turns until `done`, for work in which no messages are expected.
    fn wait(&mut self, mut done: impl FnMut(&Self) -> bool) -> Result<()> {
        let deadline = Deadline::new();
        while !done(self) {
            deadline.check("every connection to join its room")?;
            self.turn(PATIENCE, |_, _| Ok(()))?;
        }
        Ok(())
    }

    /// One turn: waits for readiness, then reads all that has come and gives each message to
    /// `on_message`.
    pub(crate) fn turn(
        &mut self,
        wait: Duration,
        mut on_message: impl FnMut(&mut Link, &Frame<'_>) -> Result<()>,
    ) -> Result<()> {
        match self.poll.poll(&mut self.events, Some(wait)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            polled => polled?,
        }
        for event in &self.events {
            let Some(link) = self.links.get_mut(event.token().0) else {
                continue;
            };
            if link.phase == Phase::Closed {
                continue;
            }
            if event.is_writable() {
                link.flush()?;
            }
            if event.is_readable() {
                link.read(
                    &self.target,
                    &mut self.scratch,
                    event.is_read_closed(),
                    &mut on_message,
                )?;
            }
        }
        Ok(())
    }
}

impl Drop for Swarm {
    /// Thousands of connections end at once: none may keep a port for a minute.
    fn drop(&mut self) {
        for link in &mut self.links {
            link.abandon().ok();
        }
    }
}

/// A hang guard around a loop of turns.
#[derive(Debug)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    pub(crate) fn new() -> Self {
        Self(Instant::now() + PATIENCE)
    }

    pub(crate) fn check(&self, what: &str) -> Result<()> {
        if Instant::now() > self.0 {
            bail!("waited {PATIENCE:?} in vain for {what}");
        }
        Ok(())
    }

    /// The longest wait of one turn.
    pub(crate) fn left(&self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}
