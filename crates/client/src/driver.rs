//! The one task of a client: it owns the connections, and does what the machine says.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tautline_protocol::client::{Ending, EndingKind, Fetch, Line, Output, TokenFailure};
use tautline_protocol::wire::Token;
use tautline_protocol::wire::v2::Encoding;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::clocks::Clocks;
use crate::connector::Connector;
use crate::ended::{EndKind, Ended};
use crate::endpoint::Endpoint;
use crate::headers::Headers;
use crate::link::{Incoming, Limits, Link};
use crate::open_error::OpenError;
use crate::provider::Credentials;
use crate::shared::Shared;

/// Nothing that was written was taken for so long: nobody is there.
const WRITE_PATIENCE: Duration = Duration::from_secs(10);
/// How long a server is given to answer our close.
const CLOSE_PATIENCE: Duration = Duration::from_secs(1);
/// The machine is told when no more than this waits to be written, if more did.
const BACKLOG_LOW: usize = 16 * 1024;
/// After so many things that happened on the lines, what is due is done, however much more there is to read.
const TURNS_MAX: usize = 64;
/// How often the clocks are compared.
const CLOCK_LOOK: Duration = Duration::from_secs(5);

/// Where to connect, and how.
#[derive(Debug)]
pub(crate) struct Way {
    pub(crate) endpoint: Endpoint,
    pub(crate) connector: Box<dyn Connector>,
    pub(crate) headers: Headers,
    pub(crate) encoding: Encoding,
    pub(crate) credentials: Credentials,
}

/// The task.
pub(crate) struct Driver {
    shared: Arc<Shared>,
    way: Arc<Way>,
    wires: Vec<Wire>,
    fetching: Option<(Fetch, TokenFuture)>,
    clocks: Clocks,
    /// Counts what has happened.
    turn: usize,
}

type TokenFuture = Pin<Box<dyn Future<Output = Result<Token, TokenFailure>> + Send>>;
type Opening = Pin<Box<dyn Future<Output = Result<Link, OpenError>> + Send>>;

/// One of the machine's lines.
struct Wire {
    line: Line,
    stage: Stage,
    /// So many bytes waited to be written when the machine was last told.
    reported: usize,
}

enum Stage {
    Opening(Opening),
    Open(Box<Link>),
    /// The machine has given it up; the server is told.
    Closing(Box<Link>, Instant),
}

/// Something that happened.
enum News {
    Opened(Line, Result<Box<Link>, OpenError>),
    Came(Line, Incoming),
    Ended(Line, Ended),
    /// Much waited to be written, and little does now.
    Written,
    /// A line that the machine has given up is gone.
    Gone(Line),
    Token(Fetch, Result<Token, TokenFailure>),
}

impl Driver {
    pub(crate) fn new(shared: Arc<Shared>, way: Arc<Way>) -> Self {
        Self {
            shared,
            way,
            wires: Vec::new(),
            fetching: None,
            clocks: Clocks::now(),
            turn: 0,
        }
    }

    /// Runs until nobody holds the client any more and the server was told.
    pub(crate) async fn run(mut self) {
        let mut look = interval(CLOCK_LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if self.turn.is_multiple_of(TURNS_MAX) {
                self.lose_patience();
            }
            let timeout = self.do_jobs();
            let open = self.wires.len();
            self.shared
                .open
                .send_if_modified(|known| std::mem::replace(known, open) != open);
            if self.shared.is_orphaned() && self.wires.is_empty() {
                return;
            }
            let due = timeout.into_iter().chain(self.patience_ends()).min();
            let shared = Arc::clone(&self.shared);
            // What was read comes before what is due, or a connection is given up that has something to say.
            tokio::select! {
                biased;
                news = self.next() => self.handle(news),
                () = shared.wake.notified() => {}
                () = until(due) => self.lose_patience(),
                _ = look.tick() => self.look_at_clocks(),
            }
        }
    }

    /// Does what the machine says, until it says nothing more. When it wants to be woken.
    fn do_jobs(&mut self) -> Option<Instant> {
        loop {
            let (jobs, timeout) = self.shared.take_jobs();
            if jobs.is_empty() {
                return timeout.map(Instant::from_std);
            }
            for job in jobs {
                self.do_job(job);
            }
            self.report_backlog();
        }
    }

    fn do_job(&mut self, job: Output) {
        match job {
            Output::Open { line, url } => self.open(line, url.as_deref()),
            Output::Send { line, message } => self.send(line, &message),
            Output::Close { line, code, reason } => self.close(line, code, reason),
            Output::FetchToken { fetch, reason } => {
                let fetching = self.way.credentials.fetch(reason);
                self.fetching = fetching.map(|fetching| (fetch, fetching));
            }
            Output::State(_) | Output::Room(..) | Output::Published(..) | Output::Answered(..) => {}
        }
    }

    fn open(&mut self, line: Line, url: Option<&str>) {
        let way = Arc::clone(&self.way);
        let elsewhere = url.and_then(|url| way.endpoint.elsewhere(url));
        let opening = async move {
            let endpoint = elsewhere.as_ref().unwrap_or(&way.endpoint);
            let connector = &*way.connector;
            Link::open(
                connector,
                endpoint,
                &way.headers,
                way.encoding,
                Limits::default(),
            )
            .await
        };
        let stage = Stage::Opening(Box::pin(opening));
        self.wires.push(Wire::new(line, stage));
    }

    fn send(&mut self, line: Line, message: &[u8]) {
        let is_it = |wire: &&mut Wire| wire.line == line;
        let Some(wire) = self.wires.iter_mut().find(is_it) else {
            return;
        };
        if let Stage::Open(link) = &mut wire.stage
            && link.push(message).is_err()
        {
            self.give_up(line, "the server takes nothing");
        }
    }

    fn close(&mut self, line: Line, code: u16, reason: &str) {
        let Some(at) = self.wires.iter().position(|wire| wire.line == line) else {
            return;
        };
        let wire = self.wires.swap_remove(at);
        if let Stage::Open(mut link) = wire.stage {
            link.close(code, reason);
            let stage = Stage::Closing(link, Instant::now() + CLOSE_PATIENCE);
            self.wires.push(Wire::new(line, stage));
        }
    }

    /// Nothing more can be done with a line.
    fn give_up(&mut self, line: Line, why: &str) {
        self.wires.retain(|wire| wire.line != line);
        let ending = Ending::without_code(EndingKind::Silent, why);
        self.shared
            .with(|desk, now| desk.session.handle_ending(now, line, ending));
    }

    fn handle(&mut self, news: News) {
        match news {
            News::Opened(line, Ok(link)) => {
                let is_it = |wire: &&mut Wire| wire.line == line;
                if let Some(wire) = self.wires.iter_mut().find(is_it) {
                    wire.stage = Stage::Open(link);
                }
                self.shared
                    .with(|desk, now| desk.session.handle_open(now, line));
            }
            News::Opened(line, Err(error)) => {
                self.wires.retain(|wire| wire.line != line);
                let ending = unopened(&error);
                self.shared
                    .with(|desk, now| desk.session.handle_ending(now, line, ending));
            }
            News::Came(line, Incoming::Message(message)) => self
                .shared
                .with(|desk, now| desk.session.handle_message(now, line, &message)),
            News::Came(line, Incoming::Traffic) => self
                .shared
                .with(|desk, now| desk.session.handle_traffic(now, line)),
            News::Ended(line, ended) => {
                self.wires.retain(|wire| wire.line != line);
                let ending = lost(&ended);
                self.shared
                    .with(|desk, now| desk.session.handle_ending(now, line, ending));
            }
            News::Written => self.report_backlog(),
            News::Gone(line) => self.wires.retain(|wire| wire.line != line),
            News::Token(fetch, token) => self
                .shared
                .with(|desk, now| desk.session.handle_token(now, fetch, token)),
        }
    }

    /// Tells the machine what waits to be written, so that it adds no more than is taken.
    fn report_backlog(&mut self) {
        for wire in &mut self.wires {
            if let Stage::Open(link) = &wire.stage {
                wire.reported = link.buffered();
                let (line, bytes) = (wire.line, wire.reported);
                self.shared
                    .with(|desk, now| desk.session.handle_backlog(now, line, bytes));
            }
        }
    }

    /// What happens next, on any line. Each time another line comes first.
    async fn next(&mut self) -> News {
        self.turn = self.turn.wrapping_add(1);
        let (turn, fetching) = (self.turn, &mut self.fetching);
        let wires = &mut self.wires;
        poll_fn(|context| {
            for nth in 0..wires.len() {
                let at = (turn + nth) % wires.len();
                if let Some(wire) = wires.get_mut(at)
                    && let Poll::Ready(news) = wire.poll(context)
                {
                    return Poll::Ready(news);
                }
            }
            let Some((fetch, future)) = fetching else {
                return Poll::Pending;
            };
            let fetch = *fetch;
            let token = ready!(future.as_mut().poll(context));
            *fetching = None;
            Poll::Ready(News::Token(fetch, token))
        })
        .await
    }

    /// When some line has had enough time.
    fn patience_ends(&self) -> Option<Instant> {
        let ends = |wire: &Wire| match &wire.stage {
            Stage::Opening(_) => None,
            Stage::Open(link) => link.stalled_since().map(|since| since + WRITE_PATIENCE),
            Stage::Closing(_, until) => Some(*until),
        };
        self.wires.iter().filter_map(ends).min()
    }

    fn lose_patience(&mut self) {
        let now = Instant::now();
        let is_over = |wire: &Wire| match &wire.stage {
            Stage::Closing(_, until) => *until <= now,
            Stage::Opening(_) | Stage::Open(_) => false,
        };
        self.wires.retain(|wire| !is_over(wire));
        let is_stalled = |wire: &&Wire| match &wire.stage {
            Stage::Open(link) => link
                .stalled_since()
                .is_some_and(|since| since + WRITE_PATIENCE <= now),
            Stage::Opening(_) | Stage::Closing(..) => false,
        };
        let stalled: Vec<_> = self
            .wires
            .iter()
            .filter(is_stalled)
            .map(|w| w.line)
            .collect();
        for line in stalled {
            self.give_up(line, "the server takes nothing");
        }
        self.shared
            .with(|desk, now| desk.session.handle_timeout(now));
    }

    fn look_at_clocks(&mut self) {
        let before = std::mem::replace(&mut self.clocks, Clocks::now());
        if let Some(asleep) = self.clocks.asleep_since(before) {
            self.shared
                .with(|desk, now| desk.session.handle_wake(now, asleep));
        }
    }
}

impl Wire {
    fn new(line: Line, stage: Stage) -> Self {
        Self {
            line,
            stage,
            reported: 0,
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<News> {
        let line = self.line;
        match &mut self.stage {
            Stage::Opening(opening) => {
                let opened = ready!(opened(opening, context));
                Poll::Ready(News::Opened(line, opened))
            }
            Stage::Open(link) => match link.poll_next(context) {
                Poll::Ready(Ok(came)) => Poll::Ready(News::Came(line, came)),
                Poll::Ready(Err(ended)) => Poll::Ready(News::Ended(line, ended)),
                Poll::Pending if self.reported > BACKLOG_LOW && link.buffered() <= BACKLOG_LOW => {
                    Poll::Ready(News::Written)
                }
                Poll::Pending => Poll::Pending,
            },
            Stage::Closing(link, _) => {
                while ready!(link.poll_next(context)).is_ok() {}
                Poll::Ready(News::Gone(line))
            }
        }
    }
}

fn opened(opening: &mut Opening, context: &mut Context<'_>) -> Poll<Result<Box<Link>, OpenError>> {
    opening.as_mut().poll(context).map_ok(Box::new)
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// What the machine is told of a connection that did not come about.
fn unopened(error: &OpenError) -> Ending {
    let kind = match error {
        OpenError::Refused(refusal) => EndingKind::Refused {
            status: refusal.status,
            retry_after: refusal.retry_after,
        },
        OpenError::Connect(_)
        | OpenError::Http(_)
        | OpenError::Upgrade(_)
        | OpenError::NoRandomness => EndingKind::Unreachable,
    };
    Ending::without_code(kind, error.to_string())
}

/// What the machine is told of a connection that is over.
fn lost(ended: &Ended) -> Ending {
    let reason = ended.to_string();
    match (ended.kind, ended.code) {
        (EndKind::Closed, Some(code)) => Ending::closed(code, ended.reason.clone()),
        (EndKind::Violation, _) => Ending::without_code(EndingKind::Nonsense, reason),
        (EndKind::Closed | EndKind::Eof | EndKind::Reset | EndKind::Failed(_), _) => {
            Ending::without_code(EndingKind::Lost, reason)
        }
    }
}
