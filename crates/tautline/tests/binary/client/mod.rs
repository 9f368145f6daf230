//! The Rust client against the real server, and against servers that are none.

mod bounds;
mod drops;
mod moves;
mod restarts;
mod rooms;
mod stranger;
mod strangers;
mod streams;
mod tokens;
mod way;

use serde_json::{Value, json};
use tautline_client::{
    Builder, Client, ConnectionId, ConnectionState, Ending, Publication, RoomEvent, RoomStatus,
    RoomStream,
};
use tokio::time::timeout;

use super::harness::{HANG, NEVER, Server, production, token};
use way::Way;

/// Every room keeps what is published and announces who is there, but for one, where nobody may do anything.
const ROOMS: &str = r#"
[limits]
publish_rate = "1000/s burst 1000"
[test]
echo = true
[[room]]
match = "closed"
[[room]]
match = "*"
history = 1000
presence = true
everyone = ["join", "publish", "cast", "history", "presence", "members"]
"#;

/// A server that takes tokens, with these lines more in its configuration.
fn server(more: &str) -> Server {
    Server::start(&production(&format!("{ROOMS}{more}")), &[], "debug")
}

/// A client of a user, on its way to be made.
fn builder(server: &Server, user: &str) -> Builder {
    Client::builder(&format!("ws://{}/ws", server.address())).token(&proof(user))
}

fn client(server: &Server, user: &str) -> Client {
    builder(server, user).spawn().unwrap()
}

fn proof(user: &str) -> String {
    token(user, NEVER, &json!({}))
}

/// What a future comes to, unless it hangs.
async fn soon<F: Future>(future: F) -> F::Output {
    timeout(HANG, future)
        .await
        .expect("nothing comes of it any more")
}

/// Waits for a state of the connection.
async fn state(client: &Client, is_meant: impl FnMut(&ConnectionState) -> bool) -> ConnectionState {
    let mut state = client.state();
    soon(state.wait_for(is_meant)).await.unwrap().clone()
}

/// Waits until there is a connection: its name.
async fn connection(client: &Client) -> ConnectionId {
    match state(client, |state| {
        matches!(state, ConnectionState::Connected { .. })
    })
    .await
    {
        ConnectionState::Connected { connection, .. } => connection,
        other => panic!("{other:?}"),
    }
}

/// Waits until there is none: why.
async fn cause(client: &Client) -> Ending {
    let is_meant = |state: &ConnectionState| {
        matches!(
            state,
            ConnectionState::Reconnecting { .. } | ConnectionState::Closed { .. }
        )
    };
    match state(client, is_meant).await {
        ConnectionState::Reconnecting { cause, .. } | ConnectionState::Closed { cause } => cause,
        other => panic!("{other:?}"),
    }
}

/// Waits until the client is closed for good: why.
async fn closed(client: &Client) -> Ending {
    match state(client, |state| {
        matches!(state, ConnectionState::Closed { .. })
    })
    .await
    {
        ConnectionState::Closed { cause } => cause,
        other => panic!("{other:?}"),
    }
}

async fn event(stream: &mut RoomStream) -> RoomEvent {
    soon(stream.next()).await.expect("the room is not over")
}

/// The next message, before which nothing is missing.
async fn message(stream: &mut RoomStream) -> Publication {
    loop {
        match event(stream).await {
            RoomEvent::Message(message) => return message,
            RoomEvent::Gap(gap) => panic!("{gap:?}"),
            RoomEvent::Status(_) | RoomEvent::Cast(_) | RoomEvent::Presence(_) => {}
        }
    }
}

/// Waits until the membership holds; nothing comes before that.
async fn live(stream: &mut RoomStream) {
    loop {
        match event(stream).await {
            RoomEvent::Status(RoomStatus::Live { .. }) => return,
            RoomEvent::Status(RoomStatus::Joining) | RoomEvent::Presence(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// The data of a message.
fn data(message: &Publication) -> Value {
    message.decode().unwrap()
}
