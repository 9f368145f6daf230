//! `tautline request`: asks the application's backend. And what every question has: an answer, or why there is none.

use std::pin::pin;
use std::time::Duration;

use serde_json::value::RawValue;
use tautline_client::{CallError, Client, RequestError, Timeouts};

use super::access::{self, Stdin};
use super::failure::Failure;
use super::input;
use super::object::compact;
use super::output::{Printed, print};
use super::watch::Watch;
use crate::cli::exit::Exit;
use crate::cli::terminal::{RequestArguments, ServerAccess};
use crate::plain::escape_json;

/// Asks, and prints the answer: one line of JSON, for people too.
pub(super) async fn run(arguments: &RequestArguments) -> Result<Exit, Failure> {
    let reads = arguments.data == "-";
    let stdin = if reads { Stdin::Taken } else { Stdin::Free };
    let builder = access::builder(&arguments.access, stdin)?;
    let data = input::value(&arguments.data)?;
    let client = access::spawn(builder)?;
    let mut watch = Watch::new(&client, Some(arguments.timeout))?;
    let call = async {
        let asked =
            client.request_within::<Box<RawValue>>(&arguments.method, &data, arguments.timeout);
        asked.await.map_err(|error| {
            if let RequestError::Call(error) = error {
                return error;
            }
            CallError::Unknown("the answer is no JSON")
        })
    };
    let answer = settle(&client, &mut watch, call).await?;
    let line = escape_json(&compact(answer.get()));
    say(format!("{line}\n"), &mut watch).await
}

/// A client that waits so long for answers, and what watches it.
pub(super) fn caller(
    access: &ServerAccess,
    patience: Duration,
) -> Result<(Client, Watch), Failure> {
    let timeouts = Timeouts {
        call: patience,
        ..Timeouts::default()
    };
    let builder = access::builder(access, Stdin::Free)?.timeouts(timeouts);
    let client = access::spawn(builder)?;
    let watch = Watch::new(&client, Some(patience))?;
    Ok((client, watch))
}

/// Waits for an answer, and closes the client, whatever comes.
pub(super) async fn settle<T>(
    client: &Client,
    watch: &mut Watch,
    call: impl Future<Output = Result<T, CallError>>,
) -> Result<T, Failure> {
    let mut call = pin!(call);
    // How the client ended is known before what that did to the question, and says more.
    let ended = tokio::select! {
        biased;
        failure = watch.ended() => Some(failure),
        answer = &mut call => {
            client.close();
            client.drain(Duration::ZERO).await;
            return answer.map_err(|error| Failure::from(&error));
        }
    };
    client.close();
    let answer = call.await;
    client.drain(Duration::ZERO).await;
    match (answer, ended) {
        (Ok(answer), _) => Ok(answer),
        (Err(error @ CallError::Unknown(_)), _) | (Err(error), None) => Err(Failure::from(&error)),
        (Err(_), Some(failure)) => Err(failure),
    }
}

/// Prints an answer.
pub(super) async fn say(text: String, watch: &mut Watch) -> Result<Exit, Failure> {
    match print(text, watch).await? {
        Printed::Whole | Printed::Unread => Ok(Exit::Done),
        Printed::Stopped => Err(Failure::stopped()),
    }
}
