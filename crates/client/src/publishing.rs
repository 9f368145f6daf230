//! Waiting for an acknowledgement.

use std::pin::Pin;
use std::task::{Context, Poll};

use tautline_protocol::client::{Acknowledged, PublishError};
use tokio::sync::oneshot;

/// A publication on its way. Dropping this does not stop it: it is sent, and sent again, all the same.
///
/// ```no_run
/// # async fn run(room: tautline_client::Room) {
/// use tautline_client::PublishError;
///
/// match room.enqueue_with_key("order-7", "order", &7) {
///     Ok(pending) => match pending.await {
///         Ok(placed) => println!("at offset {}", placed.position.offset),
///         Err(PublishError::Unknown(why)) => println!("publish it again with the same key: {why}"),
///         Err(error) => println!("not published: {error}"),
///     },
///     Err(error) => println!("too much waits already: {error}"),
/// }
/// # }
/// ```
#[derive(Debug)]
#[must_use = "whether it was published is known when this is awaited"]
pub struct Pending {
    pub(crate) result: oneshot::Receiver<Result<Acknowledged, PublishError>>,
}

impl Future for Pending {
    type Output = Result<Acknowledged, PublishError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let ended = PublishError::Unknown("the client's runtime has ended");
        Pin::new(&mut self.result)
            .poll(context)
            .map(|result| result.unwrap_or(Err(ended)))
    }
}
