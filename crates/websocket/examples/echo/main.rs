//! An echo server on any path, for outside judges of the codec:
//! `cargo run --release -p tautline-websocket --example echo -- 127.0.0.1:9101`.
//!
//! It compresses every answer that gains from it, takes messages up to 16 MiB, and prints
//! `listening on ADDRESS` once it accepts; port 0 is a free one.

mod server;

use std::io::{self, Write};

use anyhow::Context as _;
use tautline_websocket::Limits;
use tokio::net::TcpListener;
use tokio::task::LocalSet;

/// More than the judges send: messages of 16 MiB, and 4 MiB in fragments of 64 bytes and an empty one.
const LIMITS: Limits = Limits {
    frame_bytes_max: 16 * 1024 * 1024,
    message_bytes_max: 16 * 1024 * 1024,
    fragments_max: 100_000,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let address = std::env::args()
        .nth(1)
        .context("no address to listen on: give one, such as 127.0.0.1:9101")?;
    let listener = TcpListener::bind(&address)
        .await
        .with_context(|| format!("cannot listen on {address}: choose another address or port"))?;
    writeln!(io::stdout(), "listening on {}", listener.local_addr()?)?;
    LocalSet::new()
        .run_until(server::serve(listener, LIMITS))
        .await
}
