//! A client of v2: greets whoever says "hello", goes away on "goodbye", and comes back for what it missed.
//! `cargo run -p tautline-e2e --example tungstenite-v2 -- ws://127.0.0.1:8080/ws lobby`; "the end" ends it.
#![expect(clippy::print_stdout, clippy::indexing_slicing, reason = "a sample")]

use serde_json::{Value, json};
use std::{env, error::Error, net::TcpStream, process};
use tungstenite::{ClientRequestBuilder, Message, WebSocket, stream::MaybeTlsStream};

type Socket = WebSocket<MaybeTlsStream<TcpStream>>;

fn send(to: &mut Socket, kind: &str, id: u32, payload: &Value) -> tungstenite::Result<()> {
    let text = json!({"type": kind, "payload": payload, "requestId": id}).to_string();
    println!("> {text}");
    to.send(Message::text(text))
}

/// Listens from `position` on, and moves it. True after "goodbye": there is something to come back for.
fn attend(url: &str, room: &str, position: &mut Value) -> Result<bool, Box<dyn Error>> {
    let request = ClientRequestBuilder::new(url.parse()?).with_sub_protocol("tautline.v2.json");
    let socket = &mut tungstenite::connect(request)?.0;
    let producer = format!("rust-{}", process::id()); // The same, however often it connects.
    let hello = json!({"token": "dev-token", "client": {"name": "v2.rs", "version": "1"},
        "producer": producer, "rooms": [{"room": room, "since": position}]});
    send(socket, "hello", 1, &hello)?;
    send(socket, "request", 2, &json!({"method": "echo", "data": 1}))?;
    send(socket, "join", 3, &json!({"room": "no name"}))?; // An error is the answer, and no more.
    send(socket, "ping", 4, &json!({}))?;
    let comes_back = 'listening: loop {
        let text = socket.read()?.into_text()?;
        println!("< {text}");
        let heard: Value = serde_json::from_str(&text)?;
        let (payload, joined) = (&heard["payload"], &heard["payload"]["rooms"][0]["payload"]);
        let mut arrived = joined["messages"].as_array().cloned().unwrap_or_default();
        match heard["type"].as_str().unwrap_or_default() {
            "ping" => send(socket, "pong", 0, &json!({}))?,
            "welcome" => position.clone_from(&joined["position"]),
            "gap" => position.clone_from(&payload["position"]), // What it names is lost; here it goes on.
            "message" => arrived.push(payload.clone()),
            "left" => break false,
            _ => {}
        }
        for one in arrived {
            (position["offset"], position["id"]) = (one["offset"].clone(), one["id"].clone());
            let words = json!({"room": room, "event": "chat", "data": {"text": "hello from Rust"},
                "key": format!("{producer}:{}", one["offset"])}); // With one key it is one publication.
            match one["data"]["text"].as_str().unwrap_or_default() {
                "hello" => (5..=6).try_for_each(|id| send(socket, "publish", id, &words))?,
                "goodbye" => break 'listening true,
                "the end" => send(socket, "leave", 7, &json!({"room": room}))?,
                _ => {}
            }
        }
    };
    socket.close(None)?;
    while socket.read().is_ok() {} // The close is over when both have said it.
    Ok(comes_back)
}

fn main() -> Result<(), Box<dyn Error>> {
    let [url, room] = [1, 2].map(|at| env::args().nth(at).unwrap_or_default());
    let mut position = Value::Null;
    while attend(&url, &room, &mut position)? {}
    Ok(())
}
