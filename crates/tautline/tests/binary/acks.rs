//! Rooms that ask for acknowledgements: nothing is lost by who forgets, and nothing is sent without bounds.

use serde_json::{Value, json};
use tautline_protocol::wire::v2::Encoding;

use super::configuration::refuses;
use super::harness::{Client, Directory, NEVER, Server, Speaker, hello, production, token};

const JOBS: &str = "[server]\nshards = 1\n[[room]]\nmatch = \"jobs\"\nhistory = 100\nack = \"required\"\n\
                    everyone = [\"join\", \"publish\"]";
const ENCODINGS: [Encoding; 2] = [Encoding::Json, Encoding::MessagePack];

/// A user who comes to the room, from there on if that is said.
fn come(
    server: &Server,
    encoding: Encoding,
    user: &str,
    since: Option<&Value>,
) -> (Speaker, Value) {
    let mut room = json!({ "room": "jobs" });
    if let Some(since) = since {
        room["since"] = since.clone();
    }
    let token = token(user, NEVER, &json!({ "jobs": ["history"] }));
    let mut speaker = Speaker::connect(server.address(), encoding);
    let welcome = speaker.ask("hello", &hello(&token, &json!([room])));
    let joined = &welcome["payload"]["rooms"][0];
    assert_eq!(joined["type"], "joined", "{welcome}");
    let joined = joined["payload"].clone();
    (speaker, joined)
}

fn publish(speaker: &mut Speaker, number: u64) -> Value {
    let job = json!({ "room": "jobs", "event": "job", "data": number });
    let published = speaker.ask("publish", &job)["payload"].clone();
    json!({ "epoch": published["epoch"], "offset": published["offset"], "id": published["id"] })
}

fn acknowledge(speaker: &mut Speaker, position: &Value) {
    let (epoch, offset) = (&position["epoch"], &position["offset"]);
    speaker.say(
        "ack",
        &json!({ "room": "jobs", "epoch": epoch, "offset": offset }),
    );
    assert_eq!(speaker.ask("ping", &json!({}))["type"], "pong");
}

fn next(speaker: &mut Speaker) -> Value {
    speaker.next_of("message")["data"].clone()
}

fn data(joined: &Value) -> Vec<&Value> {
    let messages = joined["messages"].as_array().unwrap().iter();
    messages.map(|message| &message["data"]).collect()
}

#[test]
fn who_comes_back_is_sent_what_was_not_acknowledged_whatever_it_remembers() {
    let server = Server::production(&production(JOBS));
    for encoding in ENCODINGS {
        let user = format!("{encoding:?}");
        let (mut ann, joined) = come(&server, encoding, &user, None);
        assert_eq!(
            joined["ack"],
            json!({ "timeoutMs": 30_000, "inFlight": 100 })
        );
        let placed: Vec<Value> = (1..=5).map(|number| publish(&mut ann, number)).collect();
        for number in 1..=5 {
            assert_eq!(next(&mut ann), number);
        }
        acknowledge(&mut ann, &placed[2]);
        drop(ann);
        for (since, recovered) in [
            (None, false),
            (Some(&placed[4]), true),
            (Some(&placed[3]), true),
        ] {
            let (_, joined) = come(&server, encoding, &user, since);
            assert_eq!(data(&joined), [4, 5], "since {since:?}");
            assert_eq!(joined["recovered"], recovered);
        }
        // Who has seen less than was acknowledged elsewhere misses nothing either.
        let (mut ann, joined) = come(&server, encoding, &user, Some(&placed[0]));
        assert_eq!(data(&joined), [2, 3, 4, 5]);
        acknowledge(&mut ann, &placed[4]);
        drop(ann);
        let (_, joined) = come(&server, encoding, &user, None);
        assert_eq!(data(&joined), [0; 0]);
        // What is of no order is told, whatever is acknowledged.
        let mut forged = placed[4].clone();
        forged["id"] = placed[0]["id"].clone();
        let (_, joined) = come(&server, encoding, &user, Some(&forged));
        assert_eq!(joined["recovered"], false);
        assert_eq!(joined["gap"]["reason"], "epoch-changed");
    }
}

#[test]
fn what_is_not_acknowledged_is_sent_again_and_the_rest_waits() {
    let config = format!("{JOBS}\nack_timeout = \"100ms\"\nack_in_flight = 3");
    let server = Server::production(&production(&config));
    for encoding in ENCODINGS {
        let (mut ann, _) = come(&server, encoding, &format!("{encoding:?}"), None);
        let (mut bob, _) = come(&server, encoding, "bob", None);
        let placed: Vec<Value> = (1..=5).map(|number| publish(&mut bob, number)).collect();
        let twice: Vec<Value> = (0..6).map(|_| next(&mut ann)).collect();
        assert_eq!(twice, [1, 2, 3, 1, 2, 3]);
        acknowledge(&mut ann, &placed[2]);
        let rest = std::iter::repeat_with(|| next(&mut ann)).find(|data| *data == 5);
        assert_eq!(rest, Some(json!(5)));
        acknowledge(&mut ann, &placed[4]);
        acknowledge(&mut bob, &placed[4]);
    }
}

#[test]
fn who_comes_for_the_first_time_with_a_position_owes_what_follows_it() {
    let server = Server::production(&production(JOBS));
    let (mut bob, _) = come(&server, Encoding::Json, "bob", None);
    let placed: Vec<Value> = (1..=3).map(|number| publish(&mut bob, number)).collect();
    let (ann, joined) = come(&server, Encoding::Json, "ann", Some(&placed[0]));
    assert_eq!(
        (data(&joined), &joined["recovered"]),
        (vec![&json!(2), &json!(3)], &json!(true))
    );
    drop(ann);
    let (_, joined) = come(&server, Encoding::Json, "ann", None);
    assert_eq!(data(&joined), [2, 3]);
}

#[test]
fn what_is_kept_is_sent_again_and_what_is_lost_is_a_gap_for_who_has_not_had_it() {
    let short = JOBS.replace("history = 100", "history = 3");
    let server = Server::production(&production(&short));
    let (mut ann, _) = come(&server, Encoding::Json, "ann", None);
    let placed: Vec<Value> = (1..=5).map(|number| publish(&mut ann, number)).collect();
    for number in 1..=5 {
        assert_eq!(next(&mut ann), number);
    }
    acknowledge(&mut ann, &placed[0]);
    drop(ann);
    for (since, gap) in [
        (Some(&placed[3]), Value::Null),
        (Some(&placed[1]), Value::Null),
        (None, json!({ "from": 2, "to": 2, "reason": "evicted" })),
        (
            Some(&placed[0]),
            json!({ "from": 2, "to": 2, "reason": "evicted" }),
        ),
    ] {
        let (_, joined) = come(&server, Encoding::Json, "ann", since);
        assert_eq!(data(&joined), [3, 4, 5], "since {since:?}");
        assert_eq!(joined["gap"], gap, "since {since:?}");
        assert_eq!(joined["recovered"], since.is_some() && gap.is_null());
    }
}

#[test]
fn the_account_of_a_user_begins_with_the_first_join_whatever_is_acknowledged() {
    let server = Server::production(&production(JOBS));
    let (mut bob, _) = come(&server, Encoding::Json, "bob", None);
    publish(&mut bob, 1);
    publish(&mut bob, 2);
    // Each is gone before anything is published to it.
    drop(come(&server, Encoding::Json, "ann", None));
    let token = token("eve", NEVER, &json!({ "jobs": ["history"] }));
    let mut eve = Speaker::connect(server.address(), Encoding::Json);
    eve.ask("hello", &hello(&token, &json!([])));
    let joined = eve.ask("join", &json!({ "room": "jobs", "last": 1 }));
    assert_eq!(data(&joined["payload"]), [2]);
    drop(eve);
    publish(&mut bob, 3);
    for user in ["ann", "eve"] {
        for _ in 0..2 {
            let (_, joined) = come(&server, Encoding::Json, user, None);
            assert_eq!(data(&joined), [3], "{user}");
        }
    }
}

#[test]
fn who_may_not_read_the_past_hears_of_all_that_it_misses() {
    let short = JOBS.replace("history = 100", "history = 3");
    let server = Server::production(&production(&short));
    let token = token("ann", NEVER, &json!({}));
    let come = |since: &Value| {
        let mut speaker = Speaker::connect(server.address(), Encoding::Json);
        let room = json!([{ "room": "jobs", "since": since }]);
        let welcome = speaker.ask("hello", &hello(&token, &room));
        (speaker, welcome["payload"]["rooms"][0]["payload"].clone())
    };
    let (mut ann, _) = come(&Value::Null);
    let placed: Vec<Value> = (1..=6).map(|number| publish(&mut ann, number)).collect();
    for number in 1..=6 {
        assert_eq!(next(&mut ann), number);
    }
    acknowledge(&mut ann, &placed[1]);
    drop(ann);
    let (mut ann, joined) = come(&placed[0]);
    let gap = json!({ "from": 2, "to": 3, "reason": "evicted" });
    assert_eq!(
        (&joined["gap"], &joined["recovered"]),
        (&gap, &json!(false))
    );
    assert_eq!([next(&mut ann), next(&mut ann), next(&mut ann)], [4, 5, 6]);
}

#[test]
fn an_ack_of_what_was_not_sent_changes_nothing() {
    let server = Server::production(&production(JOBS));
    let (mut ann, _) = come(&server, Encoding::Json, "ann", None);
    let mut placed = publish(&mut ann, 1);
    assert_eq!(next(&mut ann), 1);
    for offset in [0, 2, 1_000_000, u64::MAX >> 11] {
        placed["offset"] = json!(offset);
        acknowledge(&mut ann, &placed);
    }
    placed["offset"] = json!(1);
    placed["epoch"] = json!("00000000000000aa");
    acknowledge(&mut ann, &placed);
    drop(ann);
    let (_, joined) = come(&server, Encoding::Json, "ann", None);
    assert_eq!(data(&joined), [1]);
}

#[test]
fn an_acknowledgement_outlives_a_kill() {
    let directory = Directory::new();
    let config = production(&format!("{JOBS}\ndurable = true"));
    let arguments = ["--data", directory.to_str().unwrap()];
    let server = Server::start(&config, &arguments, "info");
    let (mut ann, _) = come(&server, Encoding::Json, "ann", None);
    let placed: Vec<Value> = (1..=3).map(|number| publish(&mut ann, number)).collect();
    for number in 1..=3 {
        assert_eq!(next(&mut ann), number);
    }
    acknowledge(&mut ann, &placed[1]);
    // What is published behind it is on the disk, and so is it.
    publish(&mut ann, 4);
    server.kill();
    let server = Server::start(&config, &arguments, "info");
    let (_, joined) = come(&server, Encoding::Json, "ann", None);
    assert_eq!(data(&joined), [3, 4]);
}

#[test]
fn such_a_room_is_not_for_those_who_have_no_words_for_it() {
    let server = Server::production(&production(JOBS));
    let token = token("ann", NEVER, &json!({}));
    let (mut plain, _) = Client::known_by(server.address(), &token);
    plain.send(&json!({ "type": "join", "roomId": "jobs" }));
    let refused = plain.expect("error");
    assert_eq!(refused["code"], "unsupported");
    assert!(
        refused["message"].as_str().unwrap().contains("v2"),
        "{refused}"
    );
}

#[test]
fn a_room_with_nothing_to_send_again_is_refused() {
    let room = "[[room]]\nmatch = \"a\"\nack = ";
    refuses(
        &format!("{room}\"required\""),
        &[],
        &["room.ack", "history"],
    );
    refuses(
        &format!("{room}\"always\""),
        &[],
        &["room.ack", "always", "none or required"],
    );
    refuses(
        &format!("{room}\"required\"\nhistory = 9\nslow_consumers = \"latest\""),
        &[],
        &["room.ack", "latest"],
    );
}
