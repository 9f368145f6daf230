//! Publications on their way, in their order, and what is said of each.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::time::{Duration, Instant};

use tautline_client::{Acknowledged, Client, Pending, PublishError, Room};
use tokio::sync::mpsc::Receiver;

use super::failure::Failure;
use super::input::{DATA_BYTES_MAX, Line};
use super::lines;
use super::output::{Printed, print};
use super::tally::Tally;
use super::watch::{Watch, until};
use crate::cli::exit::Exit;
use crate::cli::terminal::PubArguments;

/// So many publications, and so many bytes of data, wait for their acknowledgements: half of what the client's queue holds,
/// so that it never refuses one.
const WAITING_MAX: usize = 128;
const WAITING_BYTES_MAX: usize = DATA_BYTES_MAX;
/// How often the progress is drawn.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);

/// What is said of publications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Report {
    /// An object of JSON for each.
    Lines,
    /// One sentence, for there is one.
    Sentence,
    /// A line that is drawn again and again, and a sum.
    Progress,
}

/// Takes lines in and publishes them, until there are no more or one fails.
pub(super) struct Publisher<'a> {
    arguments: &'a PubArguments,
    client: Client,
    room: Room,
    report: Report,
    watch: Watch,
    waiting: VecDeque<Waiting>,
    waiting_bytes: usize,
    tally: Tally,
    /// Nobody reads what is said.
    is_unread: bool,
    failure: Option<Failure>,
}

/// A publication that is not acknowledged.
struct Waiting {
    line: u64,
    bytes: usize,
    pending: Pending,
}

type Input = Receiver<Result<Line, Failure>>;

impl<'a> Publisher<'a> {
    pub(super) fn new(
        client: Client,
        arguments: &'a PubArguments,
        report: Report,
    ) -> Result<Self, Failure> {
        let room = client
            .room(arguments.room.as_str())
            .map_err(|error| Failure::usage(error.to_string()))?;
        Ok(Self {
            arguments,
            room,
            report,
            watch: Watch::new(&client, arguments.timeout)?,
            client,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            tally: Tally::default(),
            is_unread: false,
            failure: None,
        })
    }

    /// Publishes what comes in. What is on its way when something fails is waited for.
    pub(super) async fn run(mut self, input: Input) -> Result<Exit, Failure> {
        let (mut input, mut is_over) = (Some(input), false);
        let mut redraws_at = (self.report == Report::Progress).then(Instant::now);
        loop {
            if input.is_none() && self.waiting.is_empty() {
                break;
            }
            // How the client ended is known before what that did to publications, and says more.
            tokio::select! {
                biased;
                failure = self.watch.ended(), if !is_over => {
                    is_over = true;
                    self.note(failure);
                    self.client.close();
                }
                result = settled(&mut self.waiting), if !self.waiting.is_empty() => {
                    self.tell(result).await?;
                }
                line = next(&mut input), if self.has_room() => match line {
                    Some(line) => self.take(line),
                    None => input = None,
                },
                () = until(redraws_at) => {
                    redraws_at = Some(Instant::now() + PROGRESS_EVERY);
                    let progress = self.tally.progress(self.waiting.len());
                    self.say(progress).await?;
                }
            }
            if self.failure.is_some() {
                input = None;
            }
        }
        self.finish().await
    }

    fn has_room(&self) -> bool {
        self.waiting.len() < WAITING_MAX && self.waiting_bytes < WAITING_BYTES_MAX
    }

    fn take(&mut self, line: Result<Line, Failure>) {
        let line = match line {
            Ok(line) => line,
            Err(failure) => return self.note(failure),
        };
        let event = self.arguments.event.as_str();
        let pending = match &self.arguments.key {
            None => self.room.enqueue(event, &line.data),
            Some(key) if self.arguments.lines => {
                let key = format!("{key}:{}", line.number);
                self.room.enqueue_with_key(&key, event, &line.data)
            }
            Some(key) => self.room.enqueue_with_key(key, event, &line.data),
        };
        match pending {
            Ok(pending) => {
                let bytes = line.data.get().len();
                self.waiting_bytes += bytes;
                self.waiting.push_back(Waiting {
                    line: line.number,
                    bytes,
                    pending,
                });
            }
            Err(error) => {
                let said = Failure::from(&error).message;
                self.note(Failure::usage(self.placed(line.number, &said)));
            }
        }
    }

    /// The first of those that wait is settled.
    async fn tell(&mut self, result: Result<Acknowledged, PublishError>) -> Result<(), Failure> {
        let Some(Waiting { line, bytes, .. }) = self.waiting.pop_front() else {
            return Ok(());
        };
        self.waiting_bytes -= bytes;
        match &result {
            Ok(placed) => {
                self.tally.count(*placed);
            }
            Err(error) => {
                let failure = Failure::from(error);
                let said = self.placed(line, &failure.message);
                self.note(Failure::new(failure.exit, said));
            }
        }
        if self.report != Report::Lines {
            return Ok(());
        }
        let (room, line) = (&self.arguments.room, self.arguments.lines.then_some(line));
        self.say(match &result {
            Ok(placed) => lines::published(room, line, placed),
            Err(error) => lines::failed(room, line, error),
        })
        .await
    }

    /// Keeps the first failure, unless a later one leaves something unknown: that has to be looked at.
    fn note(&mut self, failure: Failure) {
        let is_known = |noted: &Failure| noted.exit != Exit::Unknown;
        if self.failure.is_none()
            || (failure.exit == Exit::Unknown && self.failure.as_ref().is_some_and(is_known))
        {
            self.failure = Some(failure);
        }
    }

    async fn finish(mut self) -> Result<Exit, Failure> {
        let sum = match self.report {
            Report::Lines => String::new(),
            Report::Sentence => self.tally.sentence(self.room.name()),
            Report::Progress => format!("{}\n", self.tally.progress(0)),
        };
        self.say(sum).await?;
        let Some(mut failure) = self.failure else {
            return Ok(Exit::Done);
        };
        if self.arguments.lines {
            let published = self.tally.published();
            failure.message = format!("{}; published: {published}", failure.message);
        }
        Err(failure)
    }

    /// Who has stopped reading does not stop what is published.
    async fn say(&mut self, text: String) -> Result<(), Failure> {
        if self.is_unread {
            return Ok(());
        }
        match print(text, &mut self.watch).await? {
            Printed::Whole => {}
            Printed::Unread => self.is_unread = true,
            Printed::Stopped => {
                self.is_unread = true;
                self.note(Failure::stopped());
                self.client.close();
            }
        }
        Ok(())
    }

    fn placed(&self, line: u64, said: &str) -> String {
        if self.arguments.lines {
            format!("line {line} of standard input: {said}")
        } else {
            said.to_owned()
        }
    }
}

/// The next line; none if there are no more.
async fn next(input: &mut Option<Input>) -> Option<Result<Line, Failure>> {
    match input {
        Some(input) => input.recv().await,
        None => std::future::pending().await,
    }
}

/// What became of the first.
async fn settled(waiting: &mut VecDeque<Waiting>) -> Result<Acknowledged, PublishError> {
    match waiting.front_mut() {
        Some(first) => poll_fn(|context| Pin::new(&mut first.pending).poll(context)).await,
        None => std::future::pending().await,
    }
}
