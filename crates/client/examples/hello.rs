//! Joins a room, publishes to it, and prints what comes: `cargo run -p tautline-client --example hello -- ws://127.0.0.1:8080/ws`.

use std::error::Error;
use std::io::Write as _;
use std::time::Duration;

use tautline_client::{Client, RoomEvent};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).ok_or("say where the server is")?;
    let client = Client::builder(&url).token("dev-token").spawn()?;
    let room = client.room("lobby")?;
    let mut events = room.join().last(5).await?;
    let placed = room.publish("greeting", &"hello").await?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "published at offset {}", placed.position.offset)?;
    while let Some(event) = events.next().await {
        match event {
            RoomEvent::Message(message) => {
                let text: String = message.decode()?;
                writeln!(out, "{} {text}", message.position.offset)?;
                if message.position == placed.position {
                    break;
                }
            }
            RoomEvent::Gap(gap) => writeln!(out, "{} to {} are missing", gap.from, gap.to)?,
            RoomEvent::Status(status) => writeln!(out, "{status:?}")?,
            RoomEvent::Cast(_) | RoomEvent::Presence(_) => {}
        }
    }
    client.drain(Duration::from_secs(5)).await;
    Ok(())
}
