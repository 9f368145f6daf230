//! What one address may do, whichever way a proxy says whose it is.

use std::net::Ipv4Addr;
use std::time::Instant;

use serde_json::json;

use super::super::harness::{
    Answer, Client, Frame, HANG, NEVER, Stream, Watched, production, text_frame, token, upgrade,
};
use super::proxies::Way;

const ONE: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);
const OTHER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 8);

/// The answer is a problem that says this.
fn assert_limited(answer: &Answer, says: &str) {
    assert_eq!(answer.status, 429, "{answer:?}");
    let detail = answer.problem()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains(says), "{detail}");
}

impl Way {
    /// Who is known before the first byte gets no answer; who is known by a header hears when to come back.
    fn assert_turned_away(self, answer: Option<Answer>, says: &str) {
        let Some(answer) = answer else {
            assert_ne!(self, Self::Header, "no answer");
            return;
        };
        assert_eq!(self, Self::Header, "{answer:?}");
        assert_limited(&answer, says);
        let seconds: u32 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=61).contains(&seconds), "{seconds}");
    }
}

#[test]
fn an_address_has_so_many_connections() {
    for way in Way::ALL {
        let mut server = Watched::development(&way.believed("connections_per_address = 2"));
        let come = |client| way.come(&server, client, "");
        let (first, answer) = come(ONE);
        let (_second, again) = come(ONE);
        assert_eq!((answer.status, again.status), (101, 101));
        assert_limited(&come(ONE).1, "as many connections as allowed");
        let (_other, answer) = come(OTHER);
        assert_eq!(answer.status, 101);
        server.assert_refused("address_connections", 1);
        drop(first);
        server.record("ended", |_| true);
        assert_eq!(way.come(&server, ONE, "").1.status, 101);
    }
}

#[test]
fn an_address_begins_connections_at_a_rate() {
    for way in Way::ALL {
        let mut server = Watched::development(&way.believed("connect_rate = \"1/s burst 2\""));
        // What is asked there does not matter. However long each takes, the rate is reached: most take less than a second.
        let begin = Instant::now();
        let mut let_in = 0;
        let refused = loop {
            let elsewhere = way.try_come(&server, ONE, "Origin: https://elsewhere.test\r\n");
            if elsewhere.as_ref().is_none_or(|answer| answer.status != 403) {
                break elsewhere;
            }
            let_in += 1;
            assert!(begin.elapsed() < HANG, "an address may do what it likes");
        };
        assert!(let_in >= 2, "{let_in}");
        way.assert_turned_away(refused, "too often");
        assert_eq!(way.come(&server, OTHER, "").1.status, 101);
        server.assert_refused("address_connects", 1);
    }
}

#[test]
fn an_address_has_so_many_handshakes_at_once() {
    for way in [Way::ProtocolV1, Way::ProtocolV2] {
        let mut server = Watched::development(&way.believed("handshakes_per_address = 1"));
        let mut begun = [(), ()].map(|()| {
            let mut stream = Stream::connect(server.address());
            stream.write(&way.preface(ONE));
            stream
        });
        assert_eq!(way.come(&server, OTHER, "").1.status, 101);
        // Whichever of the two is heard of first.
        server.assert_refused("address_handshakes", 1);
        let goes_on = begun.each_mut().map(|stream| {
            stream.try_write(upgrade("/", "").as_bytes());
            !stream.is_at_end()
        });
        assert_ne!(goes_on[0], goes_on[1]);
        let stays = usize::from(goes_on[1]);
        assert_eq!(begun[stays].head().status, 101);
    }
}

/// A server that blocks an address after the second wrong token.
fn strict(way: Way, block: &str) -> Watched {
    let limits = format!("auth_failures = 2\nauth_block = \"{block}\"");
    Watched::production(&production(&way.believed(&limits)))
}

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

#[test]
fn an_address_of_wrong_tokens_in_handshakes_is_blocked() {
    for way in Way::ALL {
        let mut server = strict(way, "1m");
        let right = bearer(&token("ann", NEVER, &json!({})));
        for _ in 0..2 {
            let (_, answer) = way.come(&server, ONE, &bearer("wrong-token"));
            assert_eq!(answer.status, 401);
            answer.problem();
        }
        // A right one does not help, nor does none.
        for headers in [&right, ""] {
            let answer = way.try_come(&server, ONE, headers);
            way.assert_turned_away(answer, "too many wrong tokens");
        }
        assert_eq!(way.come(&server, OTHER, &right).1.status, 101);
        server.assert_refused("token", 2);
        server.assert_refused("address_failures", 2);
    }
}

#[test]
fn an_address_of_wrong_tokens_in_first_messages_is_blocked() {
    for way in Way::ALL {
        let mut server = strict(way, "1m");
        for _ in 0..2 {
            let (mut stream, answer) = way.come(&server, ONE, "");
            assert_eq!(answer.status, 101);
            stream.write(&text_frame(r#"{"type":"auth","token":"wrong-token"}"#));
            assert_eq!(stream.closed(), (4403, "auth failed".to_owned()));
        }
        let answer = way.try_come(&server, ONE, "");
        way.assert_turned_away(answer, "too many wrong tokens");
        let right = bearer(&token("ann", NEVER, &json!({})));
        let (mut stream, _) = way.come(&server, OTHER, &right);
        assert_eq!(stream.frame().first, Frame::TEXT);
        server.assert_denied("wrong_token", 2);
        server.assert_ended(4403, 2);
        server.assert_refused("address_failures", 1);
    }
}

#[test]
fn a_block_ends() {
    let way = Way::Header;
    let mut server = strict(way, "50ms");
    for _ in 0..2 {
        way.come(&server, ONE, &bearer("wrong-token"));
    }
    let begin = Instant::now();
    while way
        .try_come(&server, ONE, "")
        .is_none_or(|answer| answer.status != 101)
    {
        assert!(begin.elapsed() < HANG, "the block does not end");
    }
    server.assert_refused("token", 2);
}

#[test]
fn who_has_expired_is_not_blocked() {
    let mut server = strict(Way::Header, "1m");
    let expired = token("ann", 1, &json!({}));
    for _ in 0..5 {
        let (_, answer) = Way::Header.come(&server, ONE, &bearer(&expired));
        assert_eq!(answer.status, 401);
    }
    server.assert_refused("token", 5);
    server.assert_refused("address_failures", 0);
    Client::known_by(server.address(), &token("ann", NEVER, &json!({})));
}
