//! How a client comes through a proxy, and who is believed to be one.

use std::net::{Ipv4Addr, SocketAddr};

use socket2::{Domain, Socket, Type};

use super::super::harness::{Answer, Server, Stream, Watched, upgrade};

/// How a proxy says whom it speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Header,
    ProtocolV1,
    ProtocolV2,
}

impl Way {
    pub(super) const ALL: [Self; 3] = [Self::Header, Self::ProtocolV1, Self::ProtocolV2];

    /// The lines of a configuration that has this proxy believed, and these lines of limits.
    pub(super) fn believed(self, limits: &str) -> String {
        let speaks = self != Self::Header;
        format!(
            "[server]\ntrusted_proxies = [\"127.0.0.1\"]\nproxy_protocol = {speaks}\n[limits]\n{limits}\n"
        )
    }

    /// What the proxy says before the first byte of the client.
    pub(super) fn preface(self, client: Ipv4Addr) -> Vec<u8> {
        match self {
            Self::Header => Vec::new(),
            Self::ProtocolV1 => format!("PROXY TCP4 {client} 192.0.2.1 4711 443\r\n").into(),
            Self::ProtocolV2 => {
                let mut preface = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
                preface.extend(client.octets());
                preface.extend([192, 0, 2, 1, 0x12, 0x67, 0x01, 0xbb]);
                preface
            }
        }
    }

    /// What the proxy adds to the headers of the client.
    fn header(self, client: Ipv4Addr) -> String {
        match self {
            Self::Header => format!("X-Forwarded-For: {client}\r\n"),
            Self::ProtocolV1 | Self::ProtocolV2 => String::new(),
        }
    }

    /// The answer to such a handshake; none if the connection is closed without.
    pub(super) fn try_come(
        self,
        server: &Server,
        client: Ipv4Addr,
        headers: &str,
    ) -> Option<Answer> {
        let mut stream = Stream::connect(server.address());
        stream.try_write(&self.preface(client));
        let headers = format!("{}{headers}", self.header(client));
        stream.try_write(upgrade("/", &headers).as_bytes());
        stream.try_answer()
    }

    /// A client's handshake with these headers, and what it is answered.
    pub(super) fn come(self, server: &Server, client: Ipv4Addr, headers: &str) -> (Stream, Answer) {
        let mut stream = Stream::connect(server.address());
        stream.write(&self.preface(client));
        let headers = format!("{}{headers}", self.header(client));
        stream.write(upgrade("/", &headers).as_bytes());
        let answer = stream.answer();
        (stream, answer)
    }
}

/// From another address of this machine.
fn connect_from(own: Ipv4Addr, server: &Server) -> Stream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((own, 0)).into()).unwrap();
    socket.connect(&server.address().into()).unwrap();
    Stream::over(socket.into())
}

const PROXY: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const STRANGER: Ipv4Addr = Ipv4Addr::LOCALHOST;
const LIMITS: &str = "[limits]\nconnections_per_address = 1\n";

#[test]
fn a_stranger_who_names_another_address_is_not_believed() {
    let config = format!("server.trusted_proxies = [\"{PROXY}\"]\n{LIMITS}");
    let mut server = Watched::development(&config);
    let come = |from: Ipv4Addr| {
        let mut stream = connect_from(from, &server);
        stream.write(upgrade("/", "X-Forwarded-For: 198.51.100.7\r\n").as_bytes());
        let status = stream.answer().status;
        (stream, status)
    };
    // The name is not theirs, and nobody else's place is taken in it.
    let strangers: Vec<_> = (0..3).map(|_| come(STRANGER)).collect();
    assert!(strangers.iter().all(|(_, status)| *status == 101));
    let through_the_proxy = [come(PROXY), come(PROXY)];
    assert_eq!(through_the_proxy[0].1, 101);
    assert_eq!(through_the_proxy[1].1, 429);
    server.wait_for("connected", 3, |record| record["from"] == "127.0.0.1");
    server.wait_for("connected", 1, |record| record["from"] == "198.51.100.7");
    server.assert_refused("address_connections", 1);
}

#[test]
fn only_proxies_speak_the_proxy_protocol_and_each_of_them_does() {
    let config =
        format!("[server]\ntrusted_proxies = [\"{PROXY}\"]\nproxy_protocol = true\n{LIMITS}");
    let mut server = Watched::development(&config);
    let said =
        [Way::ProtocolV1, Way::ProtocolV2].map(|way| way.preface(Ipv4Addr::new(198, 51, 100, 7)));
    for preface in &said {
        let mut stranger = connect_from(STRANGER, &server);
        stranger.write(preface);
        // It is closed before the request is written.
        stranger.try_write(upgrade("/", "").as_bytes());
        let rest = String::from_utf8(stranger.rest()).unwrap();
        assert!(!rest.contains("101 Switching"), "{rest}");
    }
    server.assert_refused("malformed", 2);
    connect_from(STRANGER, &server).upgrade("");

    let long = [&b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff"[..], &[0; 4096]].concat();
    let endless = [&b"PROXY "[..], &[b'x'; 200]].concat();
    let mut wrong = vec![upgrade("/", "").into_bytes(), long, endless];
    wrong.push(b"PROXY TCP4 nobody 192.0.2.1 4711 443\r\n".to_vec());
    for preface in &wrong {
        let mut proxy = connect_from(PROXY, &server);
        proxy.try_write(preface);
        assert!(proxy.rest().is_empty());
    }
    server.assert_refused("proxy", wrong.len());
}

#[test]
fn a_proxy_that_keeps_its_clients_to_itself_is_warned_of_once() {
    let config = format!("server.trusted_proxies = [\"{PROXY}\"]\n{LIMITS}");
    let mut server = Watched::development(&config);
    let silent: Vec<_> = (0..3)
        .map(|_| connect_from(PROXY, &server).upgrade(""))
        .collect();
    server.terminate();
    drop(silent);
    let (_, lines) = server.ended();
    let warnings = lines
        .iter()
        .filter(|line| line.contains("does not say who its clients are"));
    assert_eq!(warnings.count(), 1);
}
