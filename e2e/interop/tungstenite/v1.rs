//! A client of the plain protocol, v1: greets whoever says "hello", and leaves on "the end".
//! `cargo run -p tautline-e2e --example tungstenite-v1 -- ws://127.0.0.1:8080/ws lobby`
#![expect(clippy::print_stdout, clippy::indexing_slicing, reason = "a sample")]

use serde_json::{Value, json};
use std::{env, error::Error};
use tungstenite::{ClientRequestBuilder, Message};

fn main() -> Result<(), Box<dyn Error>> {
    let [url, room] = [1, 2].map(|at| env::args().nth(at).unwrap_or_default());
    let request = ClientRequestBuilder::new(url.parse()?).with_sub_protocol("tautline.v1.json");
    let mut socket = tungstenite::connect(request)?.0;

    // Commands take effect in order: none has to wait for the answer to the one before.
    let mut outgoing = vec![
        json!({"type": "auth", "token": "dev-token"}),
        json!({"type": "join", "roomId": room}),
        json!({"type": "request", "method": "echo", "payload": {"from": "Rust"}, "requestId": 1}),
        json!({"type": "request", "method": "nobody.answers.this", "requestId": 2}),
        json!({"type": "ping", "requestId": 3}),
    ];
    loop {
        for message in outgoing.drain(..) {
            println!("> {message}");
            socket.send(Message::text(message.to_string()))?;
        }
        // Reading answers the server's pings, which are frames of their own in v1.
        let Message::Text(text) = socket.read()? else {
            continue;
        };
        println!("< {text}");
        let message: Value = serde_json::from_str(&text)?;
        match (message["type"].as_str(), message["text"].as_str()) {
            (Some("chat"), Some("hello")) => outgoing
                .push(json!({"type": "chat", "roomId": room, "text": "hello from Rust in v1"})),
            (Some("chat"), Some("the end")) => {
                outgoing.push(json!({"type": "leave", "roomId": room, "requestId": 4}));
            }
            (Some("left"), _) => break,
            _ => {}
        }
    }
    socket.close(None)?;
    while socket.read().is_ok() {} // The close is over when both have said it.
    Ok(())
}
