//! Tokens that prove nobody, however they are made: in the handshake, and in the first message.

use std::io::ErrorKind;
use std::net::TcpListener;

use serde_json::{Value, json};

use super::harness::{
    Client, NEVER, SECRET, Server, Stream, Watched, forge, now, production, token, upgrade,
};

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
const THEIRS: &str = "a-secret-that-the-attacker-has-made-up-alone";

fn claims() -> String {
    json!({"sub": "ann", "exp": NEVER}).to_string()
}

/// What the token is answered with in a handshake.
fn refused(server: &Server, token: &str) -> Value {
    let mut stream = Stream::connect(server.address());
    stream.write(upgrade("/", &format!("Authorization: Bearer {token}\r\n")).as_bytes());
    let answer = stream.answer();
    assert_eq!(answer.status, 401, "{token}");
    answer.problem()
}

/// What the token is closed with in a first message.
fn closed(server: &Server, token: &str) -> (u16, String) {
    let mut client = Client::connect(server.address());
    client.send(&json!({"type": "auth", "token": token}));
    client.closed()
}

/// None of these is let in, all of them hear the same, and all are counted. A right one is let in.
fn assert_all_wrong(server: &mut Watched, tokens: &[String]) {
    let problem = refused(server, "wrong-token");
    for token in tokens {
        assert_eq!(refused(server, token), problem, "{token}");
        assert_eq!(
            closed(server, token),
            (4403, "auth failed".to_owned()),
            "{token}"
        );
    }
    server.assert_refused("token", 1 + tokens.len());
    server.assert_denied("wrong_token", tokens.len());
    server.assert_ended(4403, tokens.len());
    let right = forge(HEADER, &claims(), SECRET);
    assert_eq!(Client::known_by(server.address(), &right).1, "ann");
}

#[test]
fn no_other_algorithm_than_the_configured_one_is_believed() {
    let mut server = Watched::production(&production(""));
    let mut tokens = Vec::new();
    for algorithm in ["none", "None", "NONE", "nOnE", "", "HS256 ", "hs256"] {
        let header = json!({"alg": algorithm, "typ": "JWT"}).to_string();
        let signed = forge(&header, &claims(), SECRET);
        let unsigned = signed.rsplit_once('.').unwrap().0;
        tokens.extend([format!("{unsigned}."), unsigned.to_owned(), signed.clone()]);
    }
    // A key of one kind, taken for a key of another.
    for algorithm in ["HS384", "HS512", "RS256", "PS256", "ES256", "EdDSA"] {
        let header = json!({"alg": algorithm, "typ": "JWT"}).to_string();
        tokens.push(forge(&header, &claims(), SECRET));
    }
    for header in [
        "{}",
        "[]",
        "null",
        r#"{"alg":["HS256"]}"#,
        r#"{"alg":"HS256","alg":"none"}"#,
    ] {
        tokens.push(forge(header, &claims(), SECRET));
    }
    assert_all_wrong(&mut server, &tokens);
}

#[test]
fn a_signature_of_another_key_or_of_other_claims_is_wrong() {
    let mut server = Watched::production(&production(""));
    let right = forge(HEADER, &claims(), SECRET);
    let (signed, signature) = right.rsplit_once('.').unwrap();
    let admin = json!({"sub": "admin", "exp": NEVER}).to_string();
    let theirs = forge(HEADER, &admin, THEIRS);
    let (claimed, _) = theirs.rsplit_once('.').unwrap();
    let tokens = [
        forge(HEADER, &claims(), THEIRS),
        forge(HEADER, &claims(), ""),
        format!("{claimed}.{signature}"),
        format!("{signed}."),
        signed.to_owned(),
        format!("{right}.{signature}"),
        format!("{signed}.{}", &signature[1..]),
        format!("{right}="),
        format!(" {}", right.replace('.', "..")),
        "........".to_owned(),
        "\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}".replace('\u{0}', "%00"),
    ];
    assert_all_wrong(&mut server, &tokens);
}

#[test]
fn a_token_brings_no_key_and_nobody_is_asked_for_one() {
    let mut server = Watched::production(&production(""));
    let decoy = TcpListener::bind("127.0.0.1:0").unwrap();
    decoy.set_nonblocking(true).unwrap();
    let url = format!("http://{}/keys", decoy.local_addr().unwrap());
    let key = json!({"kty": "oct", "alg": "HS256", "k": "YS1zZWNyZXQtdGhhdC10aGUtYXR0YWNrZXItaGFzLW1hZGUtdXAtYWxvbmU"});
    let mut tokens = Vec::new();
    for more in [
        json!({"jku": url}),
        json!({"x5u": url}),
        json!({"jwk": key}),
        json!({"crit": ["exp"]}),
        json!({"crit": ["b64"], "b64": false}),
        json!({"jku": url, "kid": "../../../../dev/null"}),
    ] {
        let mut header: Value = serde_json::from_str(HEADER).unwrap();
        header
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        tokens.extend([SECRET, THEIRS].map(|key| forge(&header.to_string(), &claims(), key)));
    }
    assert_all_wrong(&mut server, &tokens);
    let asked = decoy.accept().map_err(|error| error.kind());
    assert_eq!(asked.err(), Some(ErrorKind::WouldBlock));
}

#[test]
fn claims_that_are_missing_or_of_another_type_are_wrong() {
    let mut server = Watched::production(&production(""));
    let future = now() + 3600;
    let tokens = [
        r#"{"sub":"ann"}"#.to_owned(),
        r#"{"exp":4102444800}"#.to_owned(),
        r#"{"sub":"","exp":4102444800}"#.to_owned(),
        r#"{"sub":7,"exp":4102444800}"#.to_owned(),
        r#"{"sub":["ann"],"exp":4102444800}"#.to_owned(),
        r#"{"sub":"ann","sub":"admin","exp":4102444800}"#.to_owned(),
        r#"{"sub":"ann","exp":"4102444800"}"#.to_owned(),
        r#"{"sub":"ann","exp":1e300}"#.to_owned(),
        r#"{"sub":"ann","exp":-1}"#.to_owned(),
        r#"{"sub":"ann","exp":null}"#.to_owned(),
        r#"{"sub":"ann","exp":1,"exp":4102444800}"#.to_owned(),
        format!(r#"{{"sub":"ann","exp":4102444800,"nbf":{future}}}"#),
        r#"{"sub":"ann","exp":4102444800,"rooms":{"a*b":["join"]}}"#.to_owned(),
        r#"{"sub":"ann","exp":4102444800,"rooms":{"a":["rule"]}}"#.to_owned(),
        r#"["ann",4102444800]"#.to_owned(),
        "[".repeat(2000),
        String::new(),
    ]
    .map(|claims| forge(HEADER, &claims, SECRET));
    assert_all_wrong(&mut server, &tokens);
}

#[test]
fn a_huge_token_is_wrong_whatever_it_says() {
    let mut server = Watched::production(&production(""));
    let padded = |bytes: usize| {
        let claims = json!({"sub": "ann", "exp": NEVER, "more": "x".repeat(bytes)});
        forge(HEADER, &claims.to_string(), SECRET)
    };
    // What is just within the bound is looked at.
    assert_eq!(Client::known_by(server.address(), &padded(2900)).1, "ann");
    assert_all_wrong(&mut server, &[padded(3100), padded(4500), "x".repeat(6000)]);
    let (code, reason) = closed(&server, &"x".repeat(60_000));
    assert_eq!(code, 1008);
    assert!(reason.contains("bytes"), "{reason}");
}

#[test]
fn what_has_expired_is_told_and_counted_by_itself() {
    let mut server = Watched::production(&production(""));
    let expired = token("ann", now() - 60, &json!({}));
    refused(&server, &expired);
    assert_eq!(
        closed(&server, &expired),
        (4401, "token expired".to_owned())
    );
    server.assert_refused("token", 1);
    server.assert_denied("token_expired", 1);
    server.assert_ended(4401, 1);
}

#[test]
fn issuer_audience_and_lifetime_are_those_that_are_configured() {
    let config = format!(
        "[auth]\nhs256_secret = {SECRET:?}\nissuer = \"us\"\naudience = \"rooms\"\ntoken_lifetime = \"1h\""
    );
    let mut server = Watched::production(&config);
    let soon = now() + 600;
    let sign = |claims: Value| forge(HEADER, &claims.to_string(), SECRET);
    let right = [
        sign(json!({"sub": "ann", "exp": soon, "iss": "us", "aud": "rooms"})),
        sign(json!({"sub": "ann", "exp": soon, "iss": "us", "aud": ["mail", "rooms"]})),
    ];
    for token in &right {
        assert_eq!(Client::known_by(server.address(), token).1, "ann");
    }
    let wrong = [
        json!({"sub": "ann", "exp": soon, "aud": "rooms"}),
        json!({"sub": "ann", "exp": soon, "iss": "us"}),
        json!({"sub": "ann", "exp": soon, "iss": "them", "aud": "rooms"}),
        json!({"sub": "ann", "exp": soon, "iss": "us", "aud": "mail"}),
        json!({"sub": "ann", "exp": soon, "iss": "us", "aud": []}),
        json!({"sub": "ann", "exp": soon, "iss": "us", "aud": {"rooms": true}}),
        json!({"sub": "ann", "exp": now() + 2 * 3600, "iss": "us", "aud": "rooms"}),
        json!({"sub": "ann", "exp": u64::MAX, "iss": "us", "aud": "rooms"}),
    ]
    .map(sign);
    for token in &wrong {
        refused(&server, token);
        assert_eq!(closed(&server, token).0, 4403, "{token}");
    }
    server.assert_refused("token", wrong.len());
    server.assert_denied("wrong_token", wrong.len());
}

#[test]
fn a_name_behind_the_development_token_says_who_comes() {
    let server = Server::development("");
    let address = server.address();
    for name in ["ann", "Mira Løv", "a:b"] {
        let token = format!("dev-token:{name}");
        assert_eq!(Client::known_by(address, &token).1, name);
        assert_eq!(Client::known_by(address, &token).1, name, "again");
    }
    let (mut client, user) = Client::known_by(address, "dev-token:ann");
    assert_eq!(client.authenticate("dev-token"), user, "renewed");
    client.send(&json!({"type": "auth", "token": "dev-token:ben"}));
    assert_eq!(client.closed().0, 4403, "somebody else");
    let long = format!("dev-token:{}", "n".repeat(129));
    for wrong in ["dev-token:", "dev-tokens:ann", "dev-toke:ann", &long] {
        assert_eq!(closed(&server, wrong).0, 4403, "{wrong}");
    }
}
