//! Rooms on a disk: what was answered outlives the process, whatever ends it.

use std::fs;
use std::io::{ErrorKind, Write};
use std::process::Command;

use serde_json::{Value, json};
use tautline_protocol::wire::v2::Encoding;

use super::configuration::refuses;
use super::harness::{Client, Directory, Operators, Server, Speaker};

const CONFIG: &str = "[[room]]\nmatch = \"orders\"\ndurable = true\nhistory = 1000\npresence = true\n\
                      everyone = [\"join\", \"publish\", \"history\"]";
const ORDERS: &str = "/v1/rooms/orders/publications";
const CHAT: &str = "/v1/rooms/chat/publications";

fn open(directory: &Directory) -> (Server, Operators) {
    let arguments = ["--dev", "--data", directory.to_str().unwrap()];
    let mut server = Server::start(CONFIG, &arguments, "info");
    let operators = server.operators();
    (server, operators)
}

fn order(number: usize) -> Value {
    json!({"event": "order", "data": {"number": number}, "key": format!("order-{number}")})
}

#[test]
fn what_was_answered_is_there_after_a_kill() {
    let directory = Directory::new();
    let (server, operators) = open(&directory);
    let (mut ann, _) = Client::member(server.address(), "orders");
    let mut placed = Vec::new();
    for number in 0..20 {
        let answer = operators.post(ORDERS, &order(number));
        assert_eq!(answer.status, 201, "{answer:?}");
        placed.push(answer.json());
        assert_eq!(ann.expect("order")["id"], placed[number]["id"]);
    }
    assert_eq!(placed[0]["level"], "disk");
    assert_eq!(operators.figure("tautline_store_written_total"), 20);
    assert_eq!(operators.figure("tautline_store_waiting"), 0);
    let past = operators.get(ORDERS).json();
    server.kill();

    let (server, operators) = open(&directory);
    assert_eq!(operators.get(ORDERS).json(), past);
    let again = operators.post(ORDERS, &order(7));
    assert_eq!(again.status, 200);
    assert_eq!(again.json()["duplicate"], true);
    assert_eq!(again.json()["id"], placed[7]["id"]);
    let (mut ann, _) = Client::member(server.address(), "orders");
    ann.chat("orders", "next");
    ann.expect("chat");
    assert_eq!(operators.get(ORDERS).json()["position"]["offset"], 21);
}

#[test]
fn a_room_that_is_not_durable_does_not_wait_for_the_disk() {
    let directory = Directory::new();
    let (_server, operators) = open(&directory);
    let placed = operators.post(CHAT, &json!({"event": "count", "data": 1}));
    assert_eq!(placed.json()["level"], "memory");
}

#[test]
fn a_durable_room_needs_a_disk() {
    let says = ["room.durable", "storage.directory", "--data"];
    refuses(CONFIG, &["--dev"], &says);
}

#[test]
fn two_servers_do_not_share_a_store() {
    let directory = Directory::new();
    let (_server, _) = open(&directory);
    let arguments = ["--dev", "--data", directory.to_str().unwrap()];
    refuses(CONFIG, &arguments, &["another process uses this store"]);
}

#[test]
fn a_damaged_store_is_told_of_at_the_start_with_what_to_do() {
    let directory = Directory::new();
    let (mut server, operators) = open(&directory);
    operators.post(ORDERS, &order(1));
    server.terminate();
    assert!(server.ended().0.success());
    let database = directory.join("store.db");
    let connection = rusqlite::Connection::open(database).unwrap();
    connection
        .execute_batch("UPDATE rooms SET head = head + 1")
        .unwrap();
    drop(connection);
    let arguments = ["--dev", "--data", directory.to_str().unwrap()];
    let says = [
        "store.db",
        "is damaged",
        "checksum",
        "look for a failing disk",
    ];
    refuses(CONFIG, &arguments, &says);
}

/// `tautline store` with these arguments: how it ended, and what it said.
fn store(arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tautline"));
    let output = command.arg("store").args(arguments).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

#[test]
fn a_store_is_backed_up_while_it_is_used_and_brought_back() {
    let (directory, other, copies) = (Directory::new(), Directory::new(), Directory::new());
    fs::create_dir(&*copies).unwrap();
    let copy = copies.join("copy.db");
    let copy = copy.to_str().unwrap();
    let place = ["--directory", directory.to_str().unwrap()];
    let (server, operators) = open(&directory);
    let placed = operators.post(ORDERS, &order(1)).json();
    let (code, said) = store(&[&["stats", "--json"], &place[..]].concat());
    assert_eq!(code, Some(0), "{said}");
    let stats: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        (&stats["rooms"], &stats["publications"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(store(&[&["check"], &place[..]].concat()).0, Some(0));
    let (code, said) = store(&[&["backup", copy], &place[..]].concat());
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = store(&[&["backup", copy], &place[..]].concat());
    assert_eq!(code, Some(66), "{said}");
    assert!(said.contains("is there already; move it away"), "{said}");
    let (code, said) = store(&[&["compact"], &place[..]].concat());
    assert_eq!(code, Some(66), "{said}");
    assert!(said.contains("another process uses this store"), "{said}");
    operators.post(ORDERS, &order(2));
    server.kill();
    assert_eq!(store(&[&["compact"], &place[..]].concat()).0, Some(0));

    let place = ["--directory", other.to_str().unwrap()];
    let (code, said) = store(&[&["restore", copy], &place[..]].concat());
    assert_eq!(code, Some(0), "{said}");
    let (_server, operators) = open(&other);
    let past = operators.get(ORDERS).json();
    assert_eq!(past["position"]["id"], placed["id"]);
    assert_ne!(past["position"]["epoch"], placed["epoch"]);
}

#[test]
fn a_damaged_store_is_found_by_its_check() {
    let directory = Directory::new();
    let (server, operators) = open(&directory);
    operators.post(ORDERS, &order(1));
    server.kill();
    let connection = rusqlite::Connection::open(directory.join("store.db")).unwrap();
    connection.execute_batch("UPDATE log SET at = 0").unwrap();
    let place = ["--directory", directory.to_str().unwrap()];
    let (code, said) = store(&[&["check"], &place[..]].concat());
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("publication 1 of room orders"), "{said}");
    let (code, said) = store(&["stats"]);
    assert_eq!(code, Some(78), "{said}");
    assert!(said.contains("storage.directory"), "{said}");
}

#[test]
fn a_full_disk_stops_durable_rooms_alone_and_only_while_it_is_full() {
    let directory = Directory::new();
    fs::create_dir(&*directory).unwrap();
    let store = directory.join("store");
    let config = format!("storage.directory = {store:?}\n{CONFIG}");
    let Some(mut server) = Server::with_disk(&config, &directory) else {
        assert!(
            std::env::var_os("CI").is_none(),
            "no disk of its own: `unshare --user --mount` does not work"
        );
        drop(writeln!(
            std::io::stderr(),
            "not tested: a full disk, because `unshare --user --mount` does not work"
        ));
        return;
    };
    let operators = server.operators();
    assert_eq!(operators.post(ORDERS, &order(0)).status, 201);
    let rooms = json!([{ "room": "orders" }, { "room": "chat" }]);
    let (mut ann, _) = Speaker::welcome(server.address(), Encoding::MessagePack, &rooms);
    let say =
        |room: &str, key: &str| json!({ "room": room, "event": "note", "data": 1, "key": key });
    let filler = format!("/proc/{}/root{}/filler", server.id(), directory.display());
    let full = fs::File::create(&filler)
        .unwrap()
        .write_all(&vec![0; 2 << 20]);
    assert_eq!(full.unwrap_err().kind(), ErrorKind::StorageFull);
    let refused = (1..1_000)
        .map(|number| operators.post(ORDERS, &order(number)))
        .find(|answer| answer.status != 201)
        .unwrap();
    assert_eq!(refused.status, 503);
    let problem = refused.problem();
    assert_eq!(problem["code"], "unavailable");
    assert!(
        problem["detail"].as_str().unwrap().contains("disk"),
        "{problem}"
    );
    server.record("the store of durable rooms", |record| {
        record["notice"] == "the disk has no room"
    });
    assert_eq!(operators.figure("tautline_store_refused_total"), 1);
    let past = operators.get(ORDERS).json();
    assert!(!past["messages"].as_array().unwrap().is_empty());
    let placed = operators.post(CHAT, &json!({"event": "count", "data": 1}));
    assert_eq!(placed.status, 201);
    let error = ann.ask("publish", &say("orders", "ann:1"))["payload"].clone();
    assert_eq!(
        (&error["code"], &error["retryable"]),
        (&json!("unavailable"), &json!(true))
    );
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("the disk of durable rooms has no room")
    );
    let placed = ann.ask("publish", &say("chat", "ann:2"));
    assert_eq!(placed["payload"]["level"], "memory");
    let history = ann.ask("history", &json!({ "room": "orders", "limit": 10 }));
    assert_eq!(history["payload"]["messages"][0]["event"], "order");

    fs::remove_file(filler).unwrap();
    let placed = ann.ask("publish", &say("orders", "ann:1"))["payload"].clone();
    assert_eq!(
        (&placed["level"], &placed["duplicate"]),
        (&json!("disk"), &json!(false))
    );
    let head = past["position"]["offset"].as_u64().unwrap();
    let placed = operators.post(ORDERS, &order(1_000));
    assert_eq!(placed.status, 201, "{placed:?}");
    assert_eq!(placed.json()["offset"], head + 2);
}
