//! A token in a cookie, which a browser sends whatever page asks: only pages that are allowed are believed.

use serde_json::json;

use super::harness::{
    Answer, Client, NEVER, SECRET, Server, Stream, Watched, production, token, upgrade,
};

const PAGE: &str = "https://app.example.com";

fn server() -> Watched {
    let more = format!("cookie = \"session\"\n[server]\nallowed_origins = [{PAGE:?}]");
    Watched::production(&production(&more))
}

fn ask(server: &Server, headers: &str) -> Answer {
    let mut stream = Stream::connect(server.address());
    stream.write(upgrade("/", headers).as_bytes());
    stream.answer()
}

fn session() -> String {
    token("ann", NEVER, &json!({}))
}

#[test]
fn a_page_that_is_allowed_brings_its_users_cookie() {
    let server = server();
    let session = session();
    for cookie in [
        format!("session={session}"),
        format!("theme=dark; session={session}; session2=wrong"),
    ] {
        // The server's own page is allowed too.
        for origin in [PAGE, &format!("http://{}", server.address())] {
            let headers = [("Origin", origin), ("Cookie", &cookie)];
            let (mut client, response) = Client::connect_with(server.address(), &headers);
            assert_eq!(client.expect("auth_ok")["userId"], "ann");
            assert!(!format!("{response:?}").contains(&session));
        }
    }
    // Without a cookie it authenticates in its first message.
    let (mut client, _) = Client::connect_with(server.address(), &[("Origin", PAGE)]);
    assert_eq!(client.authenticate(&session), "ann");
}

#[test]
fn a_cookie_without_an_origin_or_from_another_page_is_refused() {
    let mut server = server();
    let cookie = format!("Cookie: session={}\r\n", session());
    let foreign = [
        "https://evil.example",
        "https://app.example.com.evil.example",
        "https://evil-app.example.com",
        "https://sub.app.example.com",
        "https://app.example.com:444",
        "http://app.example.com",
        "https://app.example.com/",
        "https://app.example.com@evil.example",
        "http://localhost:3000",
        "null",
    ];
    let without = ask(&server, &cookie);
    assert_eq!(without.status, 403);
    let detail = without.problem()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("without the Origin"), "{detail}");
    for origin in foreign {
        let answer = ask(&server, &format!("{cookie}Origin: {origin}\r\n"));
        assert_eq!(answer.status, 403, "{origin}");
        answer.problem();
    }
    server.assert_refused("origin", 1 + foreign.len());
    // Which of two is meant, nobody knows.
    let two = format!("{cookie}Origin: {PAGE}\r\nOrigin: https://evil.example\r\n");
    assert_eq!(ask(&server, &two).status, 400);
    server.assert_refused("malformed", 1);
}

#[test]
fn a_wrong_cookie_of_an_allowed_page_is_refused() {
    let mut server = server();
    for value in ["wrong-token", ""] {
        let headers = format!("Origin: {PAGE}\r\nCookie: session={value}\r\n");
        let answer = ask(&server, &headers);
        assert_eq!(answer.status, 401, "{value:?}");
        answer.problem();
    }
    server.assert_refused("token", 2);
}

#[test]
fn a_cookie_is_no_token_unless_that_is_configured() {
    let server = Server::production(&format!("auth.hs256_secret = {SECRET:?}"));
    let headers = format!("Cookie: session={}\r\n", session());
    let mut stream = Stream::connect(server.address()).upgrade(&headers);
    stream.write(&super::harness::text_frame(r#"{"type":"ping"}"#));
    assert_eq!(stream.closed().0, 4403);
}
