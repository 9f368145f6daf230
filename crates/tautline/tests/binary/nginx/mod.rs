//! Behind the real nginx, configured as the guide says. Steps of their own: they need nginx, and its stream module.

mod http;
mod process;
mod stream;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;

use rustls::ClientConfig;
use serde_json::json;
use socket2::{Domain, Socket, Type};

use self::process::Nginx;
use super::harness::{Client, NEVER, Pair, Secure, Watched, secure, token, trusting, upgrade};

const GUIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guide/nginx.md");

/// Where two clients come from: addresses of this machine that neither nginx nor the server has.
const ANN: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 5);
const BOB: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 6);

/// One connection for each address, and a room for everybody.
const RULES: &str = "[limits]\nconnections_per_address = 1\n[[room]]\nmatch = \"room\"\npresence = true\n\
                     everyone = [\"join\", \"publish\", \"history\"]";

/// The nth block of the guide in this language.
fn block(language: &str, nth: usize) -> String {
    let guide = std::fs::read_to_string(GUIDE).unwrap();
    let begin = format!("```{language}\n");
    let after = guide.split(&begin).nth(nth + 1).unwrap();
    after.split_once("```").unwrap().0.to_owned()
}

/// Puts in what differs here; what is replaced must be in the guide.
fn replaced(text: &str, changes: &[(&str, &str)]) -> String {
    changes.iter().fold(text.to_owned(), |text, (old, new)| {
        assert!(
            text.contains(old),
            "the guide does not say {old:?}:\n{text}"
        );
        text.replace(old, new)
    })
}

/// A TLS stream from this address.
fn come_from(own: Ipv4Addr, to: SocketAddr, config: &Arc<ClientConfig>) -> Secure {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((own, 0)).into()).unwrap();
    socket.connect(&to.into()).unwrap();
    secure(TcpStream::from(socket), config, b"").unwrap()
}

/// What every way through nginx must do: whoever comes is known by the own address, whatever he says.
fn assert_clients_are_known(server: &mut Watched, nginx: &Nginx, pair: &Pair) {
    let config = Arc::new(trusting(&[pair.der()], rustls::ALL_VERSIONS));
    let forged = [("X-Forwarded-For", "198.51.100.7")];
    let come = |from| {
        let stream = come_from(from, nginx.address(), &config);
        Client::over_at(stream, &nginx.socket(), &forged).0
    };
    let mut ann = come(ANN);
    server.wait_for("connected", 1, |record| record["from"] == ANN.to_string());

    let mut again = come_from(ANN, nginx.address(), &config);
    again.write_all(upgrade("/ws", "").as_bytes()).unwrap();
    let mut line = [0; "HTTP/1.1 429".len()];
    again.read_exact(&mut line).unwrap();
    assert_eq!(&line, b"HTTP/1.1 429");
    server.assert_refused("address_connections", 1);

    let mut bob = come(BOB);
    server.wait_for("connected", 1, |record| record["from"] == BOB.to_string());
    for (client, user) in [(&mut ann, "ann"), (&mut bob, "bob")] {
        client.authenticate(&token(user, NEVER, &json!({})));
        client.send(&json!({"type": "join", "roomId": "room"}));
        client.next_of("joined");
    }
    bob.chat("room", "through nginx");
    assert_eq!(ann.next_of("chat")["text"], "through nginx");
}
