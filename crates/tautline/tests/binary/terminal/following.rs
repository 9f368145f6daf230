//! `tautline sub` between pipes: lines of JSON, each message once, and a word where one is missing.

use std::process::Stdio;
use std::thread;
use std::time::Instant;

use rustix::io::ioctl_fionread;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tautline_protocol::wire::v2::Encoding;

use super::super::harness::{
    Directory, HANG, NEVER, Operators, Relay, Server, Speaker, Tool, production, token, tool,
};

const DURABLE: &str = "[[room]]\nmatch = \"orders\"\ndurable = true\nhistory = 1000\n\
                       everyone = [\"join\", \"publish\", \"history\"]";
const SHORT: &str = "[[room]]\nmatch = \"short\"\nhistory = 3\n\
                     everyone = [\"join\", \"publish\", \"history\"]";

fn order(operators: &Operators, number: u64) -> Value {
    let order = json!({ "event": "order", "data": number });
    let placed = operators.post("/v1/rooms/orders/publications", &order);
    assert_eq!(placed.status, 201, "{placed:?}");
    placed.json()
}

/// Publishes these values to a room, and says where they stand.
fn publish(server: &Server, room: &str, values: std::ops::RangeInclusive<u64>) -> Vec<Value> {
    let mut tool = Tool::start(server.address(), &["pub", room, "tick", "--lines"]);
    for value in values {
        tool.write(&format!("{value}\n"));
    }
    let (code, placed, errors) = tool.ended();
    assert_eq!((code, &*errors), (Some(0), ""));
    placed
}

#[test]
fn what_is_published_comes_as_it_was_written_one_line_each() {
    let server = Server::development("");
    let arguments = ["sub", "lobby", "--count", "2"];
    let mut tool = Tool::joined(server.address(), &arguments, 1);
    let data = "{ \"text\": \"a\\u009bb\\n\",\n \"price\": 1.50 }";
    for encoding in ["json", "msgpack"] {
        let arguments = ["pub", "lobby", "chat", data, "--encoding", encoding];
        let (code, placed, _) = Tool::start(server.address(), &arguments).ended();
        assert_eq!(code, Some(0));
        let message = tool.next_of("message");
        for field in ["room", "offset", "id", "position"] {
            assert_eq!(message[field], placed[0][field], "{message}");
        }
        assert_eq!(message["event"], "chat");
        assert_eq!(message["data"]["text"], "a\u{9b}b\n");
        assert_eq!(message["data"]["price"], 1.5);
        assert!(message["user"].as_str().unwrap().starts_with("user-"));
        assert!(message["sentAt"].as_str().unwrap().ends_with('Z'));
    }
    let (code, rest, errors) = tool.ended();
    assert_eq!((code, rest, &*errors), (Some(0), vec![], ""));
}

#[test]
fn a_killed_server_costs_no_line_and_none_comes_twice() {
    let directory = Directory::new();
    let open = || {
        let arguments = ["--dev", "--data", directory.to_str().unwrap()];
        let mut server = Server::start(DURABLE, &arguments, "info");
        let operators = server.operators();
        (server, operators)
    };
    let (server, operators) = open();
    let relay = Relay::to(server.address());
    let mut tool = Tool::joined(relay.address(), &["sub", "orders", "--count", "30"], 1);
    let mut seen = Vec::new();
    for number in 0..10 {
        order(&operators, number);
        seen.push(tool.next_of("message")["data"].clone());
    }
    for number in 10..15 {
        order(&operators, number);
    }
    server.kill();
    let (server, operators) = open();
    for number in 15..20 {
        order(&operators, number);
    }
    let mut told = Vec::new();
    relay.lead_to(server.address());
    while seen.len() < 20 {
        let line = tool.line().unwrap();
        match line["type"].as_str() {
            Some("message") => seen.push(line["data"].clone()),
            _ => told.push(line),
        }
    }
    for number in 20..30 {
        order(&operators, number);
        seen.push(tool.next_of("message")["data"].clone());
    }
    assert_eq!(
        seen,
        (0..30).map(|number| json!(number)).collect::<Vec<_>>()
    );
    assert!(told.iter().all(|line| line["type"] != "gap"), "{told:?}");
    let states = ["reconnecting", "connected"];
    for state in states {
        assert!(told.iter().any(|line| line["state"] == state), "{told:?}");
    }
    assert_eq!(tool.ended().0, Some(0));
}

#[test]
fn what_the_room_no_longer_keeps_is_a_gap_and_the_end_if_that_is_asked_for() {
    let server = Server::development(SHORT);
    let placed = publish(&server, "short", 1..=6);
    let since = placed[0]["position"].as_str().unwrap();
    let arguments = ["sub", "short", "--since", since, "--count", "3"];
    let mut tool = Tool::start(server.address(), &arguments);
    let gap = tool.next_that(|line| line["type"] == "gap" || line["type"] == "message");
    let expected = json!({
        "type": "gap", "room": "short", "from": 2, "to": 3, "position": gap["position"], "reason": "evicted",
    });
    assert_eq!(gap, expected);
    for number in 4..=6 {
        assert_eq!(tool.next_of("message")["data"], number);
    }
    assert_eq!(tool.ended().0, Some(0));

    let arguments = ["sub", "short", "--since", since, "--fail-on-gap"];
    let (code, rest, errors) = Tool::start(server.address(), &arguments).ended();
    assert_eq!(code, Some(5));
    assert_eq!(rest.last().unwrap()["type"], "gap");
    assert_eq!(
        errors,
        "2 to 3 are missing: the room does not keep them any more\n"
    );
}

#[test]
fn what_is_printed_is_acknowledged_and_no_more() {
    let room = "[[room]]\nmatch = \"jobs\"\nhistory = 100\nack = \"required\"\neveryone = [\"join\", \"publish\"]";
    let server = Server::production(&production(room));
    let token = token("ann", NEVER, &json!({ "jobs": ["history"] }));
    let start = |arguments: &[&str]| Tool::start_as(server.address(), &token, arguments);
    let mut first = start(&["sub", "jobs"]);
    first.next_that(|line| line["wantsAcks"] == true);
    for number in ["1", "2", "3"] {
        assert_eq!(start(&["pub", "jobs", "job", number]).ended().0, Some(0));
    }
    assert_eq!(first.next_that(|line| line["data"] == 3)["offset"], 3);
    first.interrupt();
    assert_eq!(first.ended().0, Some(0));
    let messages = |arguments: &[&str]| -> Vec<Value> {
        let (code, rest, _) = start(arguments).ended();
        assert_eq!(code, Some(0));
        let is_message = |line: &&Value| line["type"] == "message";
        let messages = rest.iter().filter(is_message);
        messages.map(|line| line["data"].clone()).collect()
    };
    assert_eq!(messages(&["sub", "jobs", "--count", "2"]), [1, 2]);
    let acknowledging = ["sub", "jobs", "--count", "2", "--ack"];
    assert_eq!(messages(&acknowledging), [1, 2]);
    assert_eq!(messages(&["sub", "jobs", "--count", "1"]), [3]);
}

#[test]
fn casts_and_presence_come_where_they_are_asked_for() {
    let server = Server::development("");
    let all = ["sub", "a", "b", "--casts", "--presence"];
    let mut all = Tool::joined(server.address(), &all, 2);
    let mut plain = Tool::joined(server.address(), &["sub", "a", "b"], 2);
    let rooms = json!([{ "room": "a", "presence": { "at": 1 } }]);
    let (mut ann, welcome) = Speaker::welcome(server.address(), Encoding::Json, &rooms);
    let user = &welcome["user"];
    let cast = json!({ "room": "a", "event": "typing", "data": true });
    ann.say("cast", &cast);
    let chat = json!({ "room": "b", "event": "chat", "data": "hi" });
    ann.ask("publish", &chat);
    // What has no place in a room's order, and what is in another room, comes when it comes.
    let is_meant = |line: &Value| {
        let of_ann = line["user"] == *user || line["member"]["user"] == *user;
        of_ann && line["type"] != "connection"
    };
    let mut lines: Vec<Value> = (0..3).map(|_| all.next_that(is_meant)).collect();
    lines.sort_by_key(|line| line["type"].to_string());
    let cast =
        json!({ "type": "cast", "room": "a", "event": "typing", "user": user, "data": true });
    assert_eq!(lines[0], cast);
    assert_eq!(
        (&lines[1]["type"], &lines[1]["member"]["state"]),
        (&json!("memberJoined"), &json!({ "at": 1 }))
    );
    assert_eq!(
        (&lines[2]["room"], &lines[2]["data"]),
        (&json!("b"), &json!("hi"))
    );
    assert_eq!(plain.line().unwrap()["data"], "hi");
}

#[test]
fn ctrl_c_leaves_with_a_close() {
    let mut server = Server::logging("", "debug");
    for (arguments, code) in [
        (&["sub", "lobby"][..], 0),
        (&["sub", "lobby", "--count", "1"], 130),
    ] {
        let tool = Tool::joined(server.address(), arguments, 1);
        tool.interrupt();
        assert_eq!(tool.ended().0, Some(code));
        let ended = server.record("ended", |record| record["by"] == "Client");
        assert_eq!(ended["code"], 1000, "{ended}");
    }
}

#[test]
fn a_reader_that_has_gone_is_the_end_of_it() {
    let server = Server::development("");
    let mut tool = Tool::joined(server.address(), &["sub", "lobby"], 1);
    tool.read_no_more();
    // One line may be on its way to who has gone, and is the one that finds the pipe closed for the next.
    publish(&server, "lobby", 1..=3);
    let mut more = Tool::start(server.address(), &["pub", "lobby", "tick", "--lines"]);
    more.write("4\n");
    more.next_of("published");
    let (code, _, errors) = tool.ended();
    assert_eq!((code, &*errors), (Some(0), ""));
}

#[test]
fn a_pipe_that_nobody_empties_does_not_hold_up_the_end() {
    let server = Server::development("");
    let data = json!("a".repeat(4000)).to_string();
    let mut publisher = Tool::start(server.address(), &["pub", "lobby", "text", "--lines"]);
    for _ in 0..30 {
        publisher.write(&format!("{data}\n"));
    }
    assert_eq!(publisher.ended().0, Some(0));
    let mut command = tool(server.address(), &["sub", "lobby", "--last", "30"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let pipe = child.stdout.take().unwrap();
    let begin = Instant::now();
    // A pipe of Linux holds 64 KiB; half as much again waits to be written.
    while ioctl_fionread(&pipe).unwrap() < 60_000 {
        assert!(begin.elapsed() < HANG, "the pipe does not fill");
        thread::yield_now();
    }
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    drop(pipe);
}
