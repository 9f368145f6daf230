//! What the application's handles and the driver share: the machine, and who waits for what.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use tautline_protocol::client::{
    Acknowledged, Answer, CallError, ConnectionState, Output, PublishError, RoomEvent, Session,
    Ticket,
};
use tautline_protocol::model::RoomName;
use tokio::sync::{Notify, oneshot, watch};

use crate::mailbox::Mailbox;

/// What the handles and the driver share. A handle's call takes effect at once, in the machine; the driver then does what
/// the machine says.
#[derive(Debug)]
pub(crate) struct Shared {
    desk: Mutex<Desk>,
    /// Wakes the driver.
    pub(crate) wake: Notify,
    pub(crate) state: watch::Sender<ConnectionState>,
    /// How many connections the driver has, those that it is closing included.
    pub(crate) open: watch::Sender<usize>,
}

/// The machine, and who waits for what.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) session: Session,
    pub(crate) mailboxes: BTreeMap<RoomName, Arc<Mutex<Mailbox>>>,
    pub(crate) publishers: BTreeMap<Ticket, oneshot::Sender<Result<Acknowledged, PublishError>>>,
    pub(crate) callers: BTreeMap<Ticket, oneshot::Sender<Result<Answer, CallError>>>,
    /// What the driver is to do.
    jobs: VecDeque<Output>,
    /// Nobody holds the client any more.
    pub(crate) is_orphaned: bool,
}

impl Shared {
    pub(crate) fn new(session: Session) -> Self {
        Self {
            state: watch::Sender::new(session.state()),
            desk: Mutex::new(Desk {
                session,
                mailboxes: BTreeMap::new(),
                publishers: BTreeMap::new(),
                callers: BTreeMap::new(),
                jobs: VecDeque::new(),
                is_orphaned: false,
            }),
            wake: Notify::new(),
            open: watch::Sender::new(0),
        }
    }

    /// Does something with the machine, and passes on what comes of it. The driver looks for jobs afterwards.
    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut Desk, Instant) -> R) -> R {
        let now = tokio::time::Instant::now().into_std();
        let mut desk = self.desk.lock();
        let result = act(&mut desk, now);
        desk.pass_on(&self.state);
        result
    }

    /// The same for the application, which has the driver look for jobs.
    pub(crate) fn command<R>(&self, act: impl FnOnce(&mut Desk, Instant) -> R) -> R {
        let result = self.with(act);
        self.wake.notify_one();
        result
    }

    /// What the driver is to do, in order; and when the machine wants to be woken.
    pub(crate) fn take_jobs(&self) -> (VecDeque<Output>, Option<Instant>) {
        let now = tokio::time::Instant::now().into_std();
        let mut desk = self.desk.lock();
        let jobs = std::mem::take(&mut desk.jobs);
        (jobs, desk.session.next_timeout(now))
    }

    /// Whether nobody holds the client any more.
    pub(crate) fn is_orphaned(&self) -> bool {
        self.desk.lock().is_orphaned
    }
}

impl Desk {
    /// Tells those who wait, and leaves the rest to the driver.
    fn pass_on(&mut self, state: &watch::Sender<ConnectionState>) {
        while let Some(output) = self.session.poll() {
            match output {
                Output::State(now) => {
                    state.send_replace(now);
                }
                Output::Room(room, event) => self.deliver(&room, event),
                Output::Published(ticket, result) => {
                    // Who has gone does not want to know.
                    let _ = self.publishers.remove(&ticket).map(|to| to.send(result));
                }
                Output::Answered(ticket, result) => {
                    let _ = self.callers.remove(&ticket).map(|to| to.send(result));
                }
                job @ (Output::Open { .. }
                | Output::Send { .. }
                | Output::Close { .. }
                | Output::FetchToken { .. }) => self.jobs.push_back(job),
            }
        }
    }

    fn deliver(&mut self, room: &RoomName, event: RoomEvent) {
        if let Some(mailbox) = self.mailboxes.get(room) {
            mailbox.lock().push(event);
        }
    }
}
