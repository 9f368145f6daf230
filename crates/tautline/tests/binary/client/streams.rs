//! Streams other than a plain socket.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tautline_client::{Client, ConnectionState, EndingKind, Endpoint, Stream, Tcp, Tls};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpStream, UnixStream};

use super::super::harness::{Pair, trusting};
use super::{ROOMS, Way, cause, message, production, proof, server, soon, state};
use crate::harness::Server;

/// Publishes, and gets what it has published.
async fn works(client: &Client) {
    let room = client.room("room").unwrap();
    let mut stream = soon(room.join().into_future()).await.unwrap();
    // More than a pipe holds, in both directions.
    let text = "x".repeat(50_000);
    let placed = soon(room.publish("note", &text)).await.unwrap();
    let came = message(&mut stream).await;
    assert_eq!(came.position, placed.position);
    assert_eq!(came.decode::<String>().unwrap(), text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn wss_works_with_roots_of_the_application_and_only_with_them() {
    let pair = Pair::new();
    let config = production(&format!("{ROOMS}{}", pair.settings()));
    let server = Server::start(&config, &[], "info");
    let url = format!("wss://localhost:{}/ws", server.address().port());
    let trusting = |roots: &[_]| {
        let config = trusting(roots, rustls::ALL_VERSIONS);
        let tcp = Tcp::with_tls(Tls::with_config(Arc::new(config)));
        let builder = Client::builder(&url).token(&proof("ann"));
        builder.connector(tcp).spawn().unwrap()
    };
    works(&trusting(&[pair.der()])).await;
    let cause = cause(&trusting(&[])).await;
    assert_eq!(cause.kind, EndingKind::Unreachable);
    assert!(cause.reason.contains("certificate"), "{cause}");
}

/// Carries bytes between a stream and a server.
async fn carry(mut theirs: impl Stream, server: SocketAddr) {
    let mut socket = TcpStream::connect(server).await.unwrap();
    // Either side may go without a word.
    copy_bidirectional(&mut theirs, &mut socket).await.ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn any_stream_that_the_application_brings_will_do() {
    let server = server("");
    let address = server.address();
    let pipe = move |_: Endpoint| async move {
        let (ours, theirs) = tokio::io::duplex(1000);
        tokio::spawn(carry(theirs, address));
        Ok(ours)
    };
    let unix = move |_: Endpoint| async move {
        let (ours, theirs) = UnixStream::pair()?;
        tokio::spawn(carry(theirs, address));
        Ok(ours)
    };
    let builder = || Client::builder(Way::URL).token(&proof("ann"));
    works(&builder().connector(pipe).spawn().unwrap()).await;
    works(&builder().connector(unix).spawn().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_connector_that_fails_is_asked_again() {
    let server = server("");
    let way = Way::nowhere();
    let builder = Client::builder(Way::URL).token(&proof("ann"));
    let client = builder.connector(way.connector()).spawn().unwrap();
    let cause = cause(&client).await;
    assert_eq!(cause.kind, EndingKind::Unreachable);
    let refused = io::Error::from(io::ErrorKind::ConnectionRefused).to_string();
    assert!(cause.reason.contains(&refused), "{cause}");
    state(&client, |state| {
        matches!(state, ConnectionState::Reconnecting { attempt: 3.., .. })
    })
    .await;
    way.lead(server.address());
    works(&client).await;
}
