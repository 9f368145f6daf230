//! The typed envelope, v2, in both encodings: what clients say and hear, together with those who speak v1.

use serde_json::{Value, json};
use tautline_protocol::wire::v2::Encoding;

use super::harness::{Client, NEVER, Server, Speaker, hello, production, token};

const ENCODINGS: [Encoding; 2] = [Encoding::Json, Encoding::MessagePack];

/// One shard, so that rooms are known when somebody comes back to them.
const ONE_SHARD: &str = "[server]\nshards = 1\n";

fn open(rule: &str) -> String {
    let everyone = r#"["join", "publish", "cast", "history", "presence", "members"]"#;
    format!(
        "{ONE_SHARD}[limits]\npublish_rate = \"off\"\n[[room]]\nmatch = \"*\"\neveryone = {everyone}\nrate = \"off\"\n{rule}"
    )
}

fn publish(room: &str, nth: u64) -> Value {
    json!({ "room": room, "event": "tick", "data": { "n": nth } })
}

/// The position of an answer to a publication.
fn position(published: &Value) -> Value {
    let payload = &published["payload"];
    json!({ "epoch": payload["epoch"], "offset": payload["offset"], "id": payload["id"] })
}

/// The numbers that these messages carry.
fn numbers<'m>(messages: impl IntoIterator<Item = &'m Value>) -> Vec<u64> {
    let number = |message: &Value| message["data"]["n"].as_u64().unwrap();
    messages.into_iter().map(number).collect()
}

#[test]
fn hello_is_answered_with_who_one_is_and_what_one_may() {
    let server = Server::development("");
    for encoding in ENCODINGS {
        let (mut speaker, welcome) = Speaker::welcome(server.address(), encoding, &json!([]));
        assert!(welcome["user"].as_str().unwrap().starts_with("user-"));
        assert_eq!(welcome["limits"]["messageBytes"], 65_536);
        assert_eq!(welcome["pingEveryMs"], 25_000);
        assert_eq!(speaker.ask("ping", &json!({}))["type"], "pong");
        let echoed = speaker.ask("request", &json!({ "method": "echo", "data": [1.5, "é"] }));
        assert_eq!(echoed["payload"]["data"], json!([1.5, "é"]));
    }
}

#[test]
fn members_of_one_room_speak_different_versions_and_hear_the_same_in_the_same_order() {
    let server = Server::development("");
    let room = json!([{ "room": "room" }]);
    let mut speakers =
        ENCODINGS.map(|encoding| Speaker::welcome(server.address(), encoding, &room).0);
    let (mut plain, _) = Client::member(server.address(), "room");
    plain.chat("room", "from v1");
    for speaker in &mut speakers {
        let heard = speaker.next_of("message");
        assert_eq!(
            (&heard["event"], &heard["offset"]),
            (&json!("chat"), &json!(1))
        );
        assert_eq!(heard["data"], json!({ "text": "from v1" }));
    }
    for (nth, speaker) in speakers.iter_mut().enumerate() {
        let data = json!({ "text": format!("from speaker {nth}") });
        let chat = json!({ "room": "room", "event": "chat", "data": data });
        assert_eq!(speaker.ask("publish", &chat)["type"], "published");
    }
    let texts = ["from v1", "from speaker 0", "from speaker 1"];
    for text in texts {
        assert_eq!(plain.next_of("chat")["text"], text);
    }
    for speaker in &mut speakers {
        let heard: Vec<Value> = (2..=3).map(|_| speaker.next_of("message")).collect();
        let said: Vec<&Value> = heard
            .iter()
            .map(|message| &message["data"]["text"])
            .collect();
        assert_eq!(said, texts[1..]);
        assert_eq!(heard[0]["producer"], "p1");
    }
}

#[test]
fn the_same_key_is_the_same_place_and_is_delivered_once() {
    let server = Server::development("");
    let [mut sender, mut other] = ENCODINGS.map(|encoding| {
        Speaker::welcome(server.address(), encoding, &json!([{ "room": "room" }])).0
    });
    let mut keyed = publish("room", 1);
    keyed["key"] = json!("p1:1");
    let first = sender.ask("publish", &keyed);
    let again = sender.ask("publish", &keyed);
    assert_eq!(first["payload"]["duplicate"], false);
    assert_eq!(first["payload"]["level"], "memory");
    assert_eq!(again["payload"]["duplicate"], true);
    assert_eq!(position(&first), position(&again));
    keyed["data"] = json!("something else");
    assert_eq!(sender.ask("publish", &keyed)["payload"]["code"], "conflict");
    sender.ask("publish", &publish("room", 2));
    let heard = [other.next_of("message"), other.next_of("message")];
    assert_eq!(numbers(&heard), [1, 2]);
}

#[test]
fn publications_that_are_sent_together_are_answered_and_heard_in_their_order() {
    let server = Server::start(&open("history = 100"), &["--dev"], "info");
    for encoding in ENCODINGS {
        let room = if encoding == Encoding::Json { "a" } else { "b" };
        let (mut speaker, _) =
            Speaker::welcome(server.address(), encoding, &json!([{ "room": room }]));
        let asked: Vec<u64> = (1..=100)
            .map(|nth| speaker.say("publish", &publish(room, nth)))
            .collect();
        let mut offsets = asked
            .iter()
            .map(|asked| speaker.answer(*asked)["payload"]["offset"].clone());
        assert!((1..=100).all(|nth| offsets.next() == Some(json!(nth))));
        drop(offsets);
        let heard: Vec<Value> = (1..=100).map(|_| speaker.next_of("message")).collect();
        assert_eq!(numbers(&heard), (1..=100).collect::<Vec<u64>>());
    }
}

#[test]
fn who_comes_back_gets_what_was_missed_and_nothing_twice() {
    let server = Server::start(&open("history = 1000"), &["--dev"], "info");
    let (mut sender, _) = Speaker::welcome(server.address(), Encoding::Json, &json!([]));
    let seen = sender.ask("publish", &publish("room", 1));
    for nth in 2..=250 {
        sender.ask("publish", &publish("room", nth));
    }
    let since = position(&seen);
    for encoding in ENCODINGS {
        let rooms = json!([{ "room": "room", "since": since }]);
        let (mut back, welcome) = Speaker::welcome(server.address(), encoding, &rooms);
        let joined = &welcome["rooms"][0]["payload"];
        assert_eq!(
            (&joined["recovered"], &joined["more"]),
            (&json!(true), &json!(true))
        );
        let mut heard = numbers(joined["messages"].as_array().unwrap());
        assert_eq!(joined["position"]["offset"], 1 + heard.len() as u64);
        while heard.len() < 249 {
            heard.push(back.next_of("message")["data"]["n"].as_u64().unwrap());
        }
        assert_eq!(heard, (2..=250).collect::<Vec<u64>>());
        assert_eq!(back.ask("ping", &json!({}))["type"], "pong");
    }
}

#[test]
fn what_is_not_kept_any_more_is_a_gap_and_never_recovered() {
    let server = Server::start(&open("history = 5"), &["--dev"], "info");
    let (mut sender, _) = Speaker::welcome(server.address(), Encoding::Json, &json!([]));
    let seen = sender.ask("publish", &publish("room", 1));
    for nth in 2..=10 {
        sender.ask("publish", &publish("room", nth));
    }
    let (mut back, _) = Speaker::welcome(server.address(), Encoding::MessagePack, &json!([]));
    let joined = back.ask("join", &json!({ "room": "room", "since": position(&seen) }));
    let joined = &joined["payload"];
    assert_eq!(joined["recovered"], false);
    assert_eq!(
        joined["gap"],
        json!({ "from": 2, "to": 5, "reason": "evicted" })
    );
    assert_eq!(
        numbers(joined["messages"].as_array().unwrap()),
        [6, 7, 8, 9, 10]
    );
    let mut foreign = position(&seen);
    foreign["epoch"] = json!("000000000000dead");
    let joined = back.ask("join", &json!({ "room": "room", "since": foreign }));
    assert_eq!(joined["payload"]["recovered"], false);
    assert_eq!(joined["payload"]["gap"]["reason"], "epoch-changed");
    let last = back.ask("join", &json!({ "room": "room", "last": 2 }));
    assert_eq!(
        numbers(last["payload"]["messages"].as_array().unwrap()),
        [9, 10]
    );
}

#[test]
fn history_is_read_in_pages() {
    let server = Server::start(&open("history = 100"), &["--dev"], "info");
    let (mut speaker, _) = Speaker::welcome(server.address(), Encoding::MessagePack, &json!([]));
    let first = speaker.ask("publish", &publish("room", 1));
    for nth in 2..=9 {
        speaker.ask("publish", &publish("room", nth));
    }
    for (part, expected, more) in [
        (json!({}), &[7, 8, 9][..], true),
        (json!({ "before": 4 }), &[1, 2, 3], false),
        (json!({ "after": position(&first) }), &[2, 3, 4], true),
    ] {
        let mut read = json!({ "room": "room", "limit": 3 });
        read.as_object_mut()
            .unwrap()
            .extend(part.as_object().unwrap().clone());
        let page = speaker.ask("history", &read)["payload"].clone();
        assert_eq!(
            numbers(page["messages"].as_array().unwrap()),
            expected,
            "{part}"
        );
        assert_eq!(
            (&page["more"], &page["position"]["offset"]),
            (&json!(more), &json!(9))
        );
    }
}

#[test]
fn presence_has_a_state_that_changes_and_v1_sees_who_comes_and_goes() {
    let server = Server::development("");
    let (mut plain, _) = Client::member(server.address(), "room");
    let rooms = json!([{ "room": "room", "presence": { "mood": "good" } }]);
    let (mut one, welcome) = Speaker::welcome(server.address(), Encoding::MessagePack, &rooms);
    assert_eq!(plain.next_of("userJoined")["userId"], welcome["user"]);
    assert_eq!(
        one.next_of("memberJoined")["member"]["state"],
        json!({ "mood": "good" })
    );
    let (mut two, welcome) = Speaker::welcome(
        server.address(),
        Encoding::Json,
        &json!([{ "room": "room" }]),
    );
    let present = welcome["rooms"][0]["payload"]["members"]
        .as_array()
        .unwrap()
        .clone();
    assert_eq!(present.len(), 2);
    assert_eq!(present[1]["state"], json!({ "mood": "good" }));
    assert_eq!(
        one.next_of("memberJoined")["member"]["user"],
        welcome["user"]
    );
    let set = one.ask("presence", &json!({ "room": "room", "state": "away" }));
    assert_eq!(set["type"], "presenceSet");
    assert_eq!(two.next_of("memberChanged")["member"]["state"], "away");
    let members = two.ask("members", &json!({ "room": "room" }))["payload"]["members"].clone();
    assert_eq!(members.as_array().unwrap().len(), 3);
    assert_eq!(one.ask("leave", &json!({ "room": "room" }))["type"], "left");
    assert_eq!(two.next_of("memberLeft")["member"]["state"], "away");
    assert_eq!(plain.next_of("userLeft")["memberCount"], 2);
}

#[test]
fn a_cast_reaches_who_is_there_and_is_not_kept() {
    let server = Server::development("");
    let room = json!([{ "room": "room" }]);
    let [mut sender, mut other] =
        ENCODINGS.map(|encoding| Speaker::welcome(server.address(), encoding, &room).0);
    let (mut plain, _) = Client::member(server.address(), "room");
    sender.say(
        "cast",
        &json!({ "room": "room", "event": "cursor", "data": [1, 2] }),
    );
    assert_eq!(other.next_of("cast")["data"], json!([1, 2]));
    let history = sender.ask("history", &json!({ "room": "room", "limit": 10 }));
    assert_eq!(history["payload"]["messages"], json!([]));
    plain.assert_quiet();
}

#[test]
fn what_ends_a_connection_is_said_before_the_close() {
    let impatient = Server::development("[auth]\ntimeout = \"50ms\"");
    let server = Server::development("");
    for encoding in ENCODINGS {
        let connect = || Speaker::connect(server.address(), encoding);
        let mut silent = Speaker::connect(impatient.address(), encoding);
        let (bye, (code, reason)) = silent.closed();
        assert_eq!((code, &*reason), (4408, "no hello in time"));
        assert_eq!(bye, json!({ "code": 4408, "retry": true }));
        let mut early = connect();
        early.say("ping", &json!({}));
        assert_eq!(early.closed().0, json!({ "code": 4400, "retry": false }));
        let mut wrong = connect();
        wrong.say("hello", &hello("not-the-token", &json!([])));
        assert_eq!(wrong.closed().0, json!({ "code": 4403, "retry": false }));
    }
}

#[test]
fn rooms_that_are_not_allowed_are_refused_one_by_one() {
    let server = Server::production(&production(ONE_SHARD));
    let token = token("ann", NEVER, &json!({ "mine:*": ["join", "history"] }));
    for encoding in ENCODINGS {
        let mut speaker = Speaker::connect(server.address(), encoding);
        let rooms = json!([{ "room": "theirs" }, { "room": "mine:1" }]);
        let welcome = speaker.ask("hello", &hello(&token, &rooms))["payload"].clone();
        assert_eq!(welcome["user"], "ann");
        let [theirs, mine] = [0, 1].map(|nth| &welcome["rooms"][nth]);
        assert_eq!(theirs["payload"]["code"], "forbidden");
        assert_eq!(theirs["payload"]["details"]["room"], "theirs");
        assert_eq!(mine["type"], "joined");
        let refused = speaker.ask("publish", &publish("mine:1", 1));
        assert_eq!(refused["payload"]["code"], "forbidden");
    }
}

#[test]
fn a_server_that_goes_away_lets_its_clients_move() {
    let config = "[server]\nshards = 1\n[drain]\nwindow = \"2m\"\ndeadline = \"4m\"";
    let mut server = Server::development(config);
    let mut speakers =
        ENCODINGS.map(|encoding| Speaker::welcome(server.address(), encoding, &json!([])).0);
    server.terminate();
    for speaker in &mut speakers {
        let goaway = speaker.next();
        assert_eq!(goaway["type"], "goaway");
        let ms = |name: &str| goaway["payload"][name].as_u64().unwrap();
        // A minute until the first is closed: who begins to move last has a quarter of it left to arrive.
        assert!((1..=45_000).contains(&ms("windowMs")), "{goaway}");
        assert!(ms("windowMs") < ms("deadlineMs") && ms("deadlineMs") <= 120_000);
        // The old connection serves until the new one does.
        let placed = speaker.ask("publish", &publish("room", 1));
        assert_eq!(placed["type"], "published");
    }
    server.terminate();
    let (status, _) = server.ended();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn who_says_hello_while_the_server_goes_away_is_told_behind_its_welcome() {
    let config = "[server]\nshards = 1\n[auth]\ntimeout = \"10m\"\n[drain]\nwindow = \"2m\"\ndeadline = \"4m\"";
    let server = Server::development(config);
    let mut late = Speaker::connect(server.address(), Encoding::Json);
    let (mut other, _) = Speaker::welcome(server.address(), Encoding::Json, &json!([]));
    server.terminate();
    assert_eq!(other.next()["type"], "goaway");
    let welcome = late.ask("hello", &hello("dev-token", &json!([])));
    assert_eq!(welcome["type"], "welcome");
    assert_eq!(late.next()["type"], "goaway");
}

#[test]
fn who_has_not_moved_is_told_bye() {
    let server = Server::development("[drain]\nwindow = \"50ms\"");
    let mut speakers =
        ENCODINGS.map(|encoding| Speaker::welcome(server.address(), encoding, &json!([])).0);
    server.terminate();
    for speaker in &mut speakers {
        assert_eq!(speaker.next()["type"], "goaway");
        let (mut bye, (code, _)) = speaker.closed();
        let after = bye.as_object_mut().unwrap().remove("afterMs");
        assert!(
            after.unwrap().as_u64().unwrap() <= 50,
            "what is left of the window"
        );
        assert_eq!(
            (code, &bye),
            (1001, &json!({ "code": 1001, "retry": true }))
        );
    }
}

#[test]
fn the_more_there_are_the_longer_they_take_to_come_back() {
    let config = "[server]\nshards = 2\n[limits]\naccept_rate = \"1/s burst 20\"";
    let server = Server::development(config);
    let mut here = Vec::new();
    for present in 0..8_u64 {
        let (speaker, welcome) = Speaker::welcome(server.address(), Encoding::Json, &json!([]));
        here.push(speaker);
        let window = welcome["retry"]["firstWindowMs"].as_u64().unwrap();
        assert_eq!(window, present.max(1) * 1000, "{present} are there");
    }
}
