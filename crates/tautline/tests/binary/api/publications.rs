//! Publishing over HTTP, and reading what was published.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::harness::{Client, Operators, Server};

const ROOM: &str = "/v1/rooms/room/publications";

/// A server in development mode, and who asks it.
fn open(config: &str) -> (Server, Operators) {
    let mut server = Server::development(config);
    let operators = server.operators();
    (server, operators)
}

fn publish(operators: &Operators, data: &Value) -> Value {
    let answer = operators.post(ROOM, &json!({"event": "count", "data": data}));
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

fn data_of(page: &Value) -> Vec<&Value> {
    let messages = page["messages"].as_array().unwrap();
    messages.iter().map(|message| &message["data"]).collect()
}

fn position(placed: &Value) -> String {
    let part = |name: &str| placed[name].to_string().replace('"', "");
    format!("{}:{}:{}", part("epoch"), part("offset"), part("id"))
}

#[test]
fn a_publication_reaches_members_in_one_order_with_those_of_clients() {
    let (server, operators) = open("");
    let (mut ann, user) = Client::member(server.address(), "room");
    for nth in 1..=5 {
        let placed = publish(&operators, &json!({"nth": nth}));
        assert_eq!(placed["offset"], 2 * nth - 1);
        assert_eq!(
            (&placed["duplicate"], &placed["level"]),
            (&json!(false), &json!("memory"))
        );
        let heard = ann.expect("count");
        assert_eq!(
            (&heard["payload"]["nth"], &heard["id"]),
            (&json!(nth), &placed["id"])
        );
        assert_eq!(heard["userId"], Value::Null);
        ann.chat("room", &nth.to_string());
        ann.expect("chat");
    }
    let past = operators.get(ROOM).json();
    let events = past["messages"].as_array().unwrap();
    let events: Vec<_> = events.iter().map(|message| &message["event"]).collect();
    assert_eq!(events, ["count", "chat"].repeat(5));
    assert_eq!(past["messages"][1]["user"], user);
    assert_eq!(past["messages"][0].get("user"), None);
    assert_eq!(past["position"]["offset"], 10);
}

#[test]
fn a_back_end_may_publish_in_a_users_name() {
    let (server, operators) = open("");
    let (mut ann, _) = Client::member(server.address(), "room");
    let chat = json!({"event": "chat", "data": {"text": "hi"}, "user": "bob"});
    assert_eq!(operators.post(ROOM, &chat).status, 201);
    let heard = ann.expect("chat");
    assert_eq!(
        (&heard["text"], &heard["userId"]),
        (&json!("hi"), &json!("bob"))
    );
}

#[test]
fn the_same_key_is_published_once() {
    let (server, operators) = open("");
    let (mut ann, _) = Client::member(server.address(), "room");
    let first = json!({"event": "paid", "data": 17, "key": "order-17"});
    let placed = operators.post(ROOM, &first);
    assert_eq!(
        (placed.status, &placed.json()["duplicate"]),
        (201, &json!(false))
    );
    let again = operators.post(ROOM, &first);
    assert_eq!(
        (again.status, &again.json()["duplicate"]),
        (200, &json!(true))
    );
    assert_eq!(again.json()["id"], placed.json()["id"]);
    let other = json!({"event": "paid", "data": 18, "key": "order-17"});
    let conflict = operators.post(ROOM, &other);
    assert_eq!(
        (conflict.status, &conflict.problem()["code"]),
        (409, &json!("conflict"))
    );
    // A key is its user's own.
    let bobs = json!({"event": "paid", "data": 18, "key": "order-17", "user": "bob"});
    assert_eq!(operators.post(ROOM, &bobs).status, 201);
    assert_eq!(ann.expect("paid")["payload"], 17);
    assert_eq!(ann.expect("paid")["payload"], 18);
    ann.assert_quiet();
}

#[test]
fn a_rooms_rate_holds_for_back_ends_too() {
    let (_server, operators) = open("[[room]]\nmatch = \"room\"\nrate = \"1/s\"");
    // Once a second would be slow enough.
    let again = (0..100)
        .map(|nth| operators.post(ROOM, &json!({"event": "count", "data": nth})))
        .find(|answer| answer.status != 201)
        .unwrap();
    let problem = again.problem();
    assert_eq!(
        (again.status, &problem["code"]),
        (429, &json!("rate_limited"))
    );
    let wait = problem["retryAfterMs"].as_u64().unwrap();
    assert!((1..=1001).contains(&wait), "{wait}");
}

#[test]
fn a_rooms_size_holds_for_back_ends_too() {
    let (_server, operators) = open("[[room]]\nmatch = \"room\"\nmessage = 10");
    publish(&operators, &json!("x".repeat(8)));
    let large = operators.post(ROOM, &json!({"event": "e", "data": "x".repeat(9)}));
    let problem = large.problem();
    assert_eq!(
        (large.status, &problem["code"], &problem["path"]),
        (413, &json!("too_large"), &json!("data"))
    );
}

/// Status, code, the path that is named, and a body that is wrong there.
const WRONG: [(u16, &str, &str, &str); 13] = [
    (400, "bad_request", "", ""),
    (400, "bad_request", "", "{\"event\":"),
    (400, "bad_request", "", "[\"event\", 1]"),
    (422, "bad_request", "event", r#"{"data": 1}"#),
    (422, "bad_request", "event", r#"{"event": 1, "data": 1}"#),
    (
        422,
        "bad_request",
        "event",
        r#"{"event": "a b", "data": 1}"#,
    ),
    (
        422,
        "bad_request",
        "event",
        r#"{"event": "auth_ok", "data": 1}"#,
    ),
    (422, "bad_request", "data", r#"{"event": "e"}"#),
    (
        422,
        "invalid_payload",
        "data",
        r#"{"event": "e", "data": "\ud800"}"#,
    ),
    (
        422,
        "bad_request",
        "key",
        r#"{"event": "e", "data": 1, "key": 7}"#,
    ),
    (
        422,
        "bad_request",
        "key",
        r#"{"event": "e", "data": 1, "key": ""}"#,
    ),
    (
        422,
        "bad_request",
        "user",
        r#"{"event": "e", "data": 1, "user": ["ann"]}"#,
    ),
    (
        422,
        "bad_request",
        "usr",
        r#"{"event": "e", "data": 1, "usr": "ann"}"#,
    ),
];

#[test]
fn what_is_wrong_is_named_and_published_nowhere() {
    let (_server, operators) = open("");
    let refused = |body: &str, (status, code, path): (u16, &str, &str)| {
        let answer = operators.ask("POST", ROOM, Some(body));
        let problem = answer.problem();
        let said = problem.get("path").and_then(Value::as_str).unwrap_or("");
        assert_eq!(
            (answer.status, &problem["code"], said),
            (status, &json!(code), path),
            "{body}"
        );
    };
    for (status, code, path, body) in WRONG {
        refused(body, (status, code, path));
    }
    let deep = format!("{}{}", "[".repeat(33), "]".repeat(33));
    let body = format!(r#"{{"event": "e", "data": {deep}}}"#);
    refused(&body, (422, "invalid_payload", "data"));
    let long = "k".repeat(65);
    let body = format!(r#"{{"event": "e", "data": 1, "key": "{long}"}}"#);
    refused(&body, (422, "bad_request", "key"));

    for bad in ["", "a%20b", "%FF", "a*", &"x".repeat(129)] {
        let target = format!("/v1/rooms/{bad}/publications");
        let answer = operators.post(&target, &json!({"event": "e", "data": 1}));
        assert_eq!(
            (answer.status, &answer.problem()["path"]),
            (400, &json!("room")),
            "{bad}"
        );
    }
    assert_eq!(operators.get(ROOM).json()["position"]["offset"], 0);
}

#[test]
fn null_is_data_and_absent_is_not() {
    let (_server, operators) = open("");
    let body = r#"{"event": "e", "data": null, "key": null, "user": null}"#;
    assert_eq!(operators.ask("POST", ROOM, Some(body)).status, 201);
    assert_eq!(data_of(&operators.get(ROOM).json()), [&Value::Null]);
}

#[test]
fn every_name_of_a_room_can_be_written_in_a_path() {
    let (_server, operators) = open("");
    let name = "A-Z_a.z:0/9@b|c~d+e";
    let mut escaped = String::new();
    for byte in name.bytes() {
        write!(escaped, "%{byte:02X}").unwrap();
    }
    let target = format!("/v1/rooms/{escaped}/publications");
    for nth in 0..3 {
        let answer = operators.post(&target, &json!({"event": "e", "data": nth}));
        assert_eq!(answer.status, 201);
    }
    let page = operators.get(&format!("{target}?limit=2")).json();
    assert_eq!(data_of(&page), [1, 2]);
    let older = operators.get(page["next"].as_str().unwrap()).json();
    assert_eq!(data_of(&older), [0]);
    // Written as it is, but for the slash.
    let plain = name.replace('/', "%2F");
    let page = operators
        .get(&format!("/v1/rooms/{plain}/publications"))
        .json();
    assert_eq!(page["position"]["offset"], 3);
}

#[test]
fn history_is_read_page_by_page_in_both_directions() {
    let (_server, operators) = open("");
    let placed: Vec<Value> = (1..=7)
        .map(|nth| publish(&operators, &json!(nth)))
        .collect();
    let mut back = Vec::new();
    let mut target = Some(format!("{ROOM}?limit=3"));
    while let Some(at) = target {
        let page = operators.get(&at).json();
        let mut data: Vec<_> = data_of(&page)
            .into_iter()
            .map(|one| one.as_u64().unwrap())
            .collect();
        data.append(&mut back);
        back = data;
        assert_eq!(page["more"], page.get("next").is_some());
        target = page["next"].as_str().map(str::to_owned);
    }
    assert_eq!(back, [1, 2, 3, 4, 5, 6, 7]);

    let after = position(&placed[1]);
    let page = operators
        .get(&format!("{ROOM}?after={after}&limit=3"))
        .json();
    assert_eq!(
        (data_of(&page), page.get("gap")),
        ([3, 4, 5].map(Value::from).iter().collect(), None)
    );
    let page = operators.get(page["next"].as_str().unwrap()).json();
    assert_eq!(
        (data_of(&page), page.get("next")),
        ([6, 7].map(Value::from).iter().collect(), None)
    );
    let page = operators.get(&format!("{ROOM}?before=3")).json();
    assert_eq!(data_of(&page), [1, 2]);
}

#[test]
fn what_is_lost_is_a_gap() {
    let (_server, operators) = open("[[room]]\nmatch = \"room\"\nhistory = 2");
    let placed: Vec<Value> = (1..=5)
        .map(|nth| publish(&operators, &json!(nth)))
        .collect();
    let after = position(&placed[0]);
    let page = operators.get(&format!("{ROOM}?after={after}")).json();
    assert_eq!(
        page["gap"],
        json!({"from": 2, "to": 3, "reason": "evicted"})
    );
    assert_eq!(data_of(&page), [4, 5]);
    let digit = if after.starts_with('f') { "0" } else { "f" };
    let page = operators
        .get(&format!("{ROOM}?after={digit}{}", &after[1..]))
        .json();
    assert_eq!(page["gap"]["reason"], "epoch-changed");
    for (query, path) in [
        ("after=17", "after"),
        ("before=x", "before"),
        (&format!("before=3&after={after}"), "before"),
        ("limit=301", "limit"),
        ("limt=3", "limt"),
    ] {
        let answer = operators.get(&format!("{ROOM}?{query}"));
        assert_eq!(
            (answer.status, &answer.problem()["path"]),
            (400, &json!(path)),
            "{query}"
        );
    }
}

#[test]
fn the_rule_of_a_users_room_holds_whoever_publishes() {
    let (_server, operators) = open(
        "[[room]]\nmatch = \"inbox:{user}\"\nhistory = 10\nmessage = 10\nrate = \"1/s burst 2\"",
    );
    let inbox = "/v1/rooms/inbox:ann/publications";
    let publish = |data: &str, user: Option<&str>| {
        let mut publication = json!({"event": "note", "data": data});
        if let Some(user) = user {
            publication["user"] = user.into();
        }
        operators.post(inbox, &publication).status
    };
    assert_eq!(publish("of nobody, too long", None), 413);
    assert_eq!(publish("ann's", Some("ann")), 201);
    assert_eq!(publish("bob's", Some("bob")), 201);
    assert_eq!(publish("more", None), 429);
    let kept = operators.get(inbox).json();
    assert_eq!(data_of(&kept), ["ann's", "bob's"]);
}
