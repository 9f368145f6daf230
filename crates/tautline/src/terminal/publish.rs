//! `tautline pub`: one publication, or one for each line of standard input.

use std::time::Duration;

use tautline_client::QueueBounds;
use tokio::sync::mpsc::channel;

use super::access::{self, Stdin};
use super::failure::Failure;
use super::input::{self, Line};
use super::publisher::{Publisher, Report};
use super::view::is_for_people;
use crate::cli::exit::Exit;
use crate::cli::terminal::PubArguments;

/// Publishes all there is to publish.
pub(super) async fn run(arguments: &PubArguments) -> Result<Exit, Failure> {
    let reads = arguments.lines || arguments.data.as_deref() == Some("-");
    let stdin = if reads { Stdin::Taken } else { Stdin::Free };
    let bounds = QueueBounds {
        ttl: arguments.wait,
        ..QueueBounds::default()
    };
    let builder = access::builder(&arguments.access, stdin)?.queue(bounds);
    let input = match &arguments.data {
        None => input::lines(),
        Some(argument) => {
            let data = input::value(argument)?;
            let (lines, input) = channel(1);
            // There is room for it, and the other end is here.
            lines.try_send(Ok(Line { number: 1, data })).ok();
            input
        }
    };
    let client = access::spawn(builder)?;
    let report = match (is_for_people(&arguments.access), arguments.lines) {
        (false, _) => Report::Lines,
        (true, false) => Report::Sentence,
        (true, true) => Report::Progress,
    };
    let ended = match Publisher::new(client.clone(), arguments, report) {
        Ok(publisher) => publisher.run(input).await,
        Err(failure) => Err(failure),
    };
    client.close();
    client.drain(Duration::ZERO).await;
    ended
}
