//! Waiting for an answer.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tautline_protocol::client::{Answer, CallError, Question, Ticket};
use tokio::sync::oneshot;

use crate::shared::Shared;

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// It was not answered.
    #[error(transparent)]
    Call(#[from] CallError),
    /// What is asked, or the answer, cannot be written or read as the type that it is to be.
    #[error("the data has another form: {0}")]
    Data(#[source] serde_json::Error),
}

/// A question that waits for its answer. Dropped, it is canceled.
#[derive(Debug)]
pub(crate) struct Call {
    shared: Arc<Shared>,
    ticket: Ticket,
    answer: oneshot::Receiver<Result<Answer, CallError>>,
    is_answered: bool,
}

impl Call {
    pub(crate) fn new(
        shared: Arc<Shared>,
        question: Question,
        timeout: Option<Duration>,
    ) -> Result<Self, CallError> {
        let (to, answer) = oneshot::channel();
        let ticket = shared.command(|desk, now| {
            let ticket = desk.session.ask(now, question, timeout)?;
            desk.callers.insert(ticket, to);
            Ok::<_, CallError>(ticket)
        })?;
        Ok(Self {
            shared,
            ticket,
            answer,
            is_answered: false,
        })
    }

    /// The answer is to another question than was asked, which the machine does not let happen.
    pub(crate) fn mismatch(answer: &Answer) -> CallError {
        debug_assert!(false, "an answer to another question: {answer:?}");
        CallError::Unknown("the answer is to another question")
    }
}

impl Future for Call {
    type Output = Result<Answer, CallError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.answer).poll(context).map(|answer| {
            self.is_answered = true;
            answer.unwrap_or(Err(CallError::Unknown("the client's runtime has ended")))
        })
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.is_answered {
            let ticket = self.ticket;
            self.shared.command(|desk, now| {
                desk.callers.remove(&ticket);
                desk.session.cancel(now, ticket);
            });
        }
    }
}
