//! What is written, and what is not.

use std::fs;

use serde_json::{Value, json};

use super::super::harness::{
    Client, Directory, NEVER, Server, Stream, Trail, Watched, production, token, upgrade,
};
use super::{ROOMS, audited, end};

fn kinds(rows: &[Value]) -> Vec<&str> {
    rows.iter()
        .map(|row| row["kind"].as_str().unwrap())
        .collect()
}

#[test]
fn a_connections_life_is_in_its_rows() {
    let directory = Directory::new();
    let config = production(&format!("{ROOMS}\n{}", audited(&directory, "")));
    let mut server = Server::production(&config);
    let (mut client, _) = Client::known_by(server.address(), &token("ann", NEVER, &json!({})));
    client.join("open");
    client.chat("open", "quiet");
    client.expect("chat");
    client.send(&json!({"type": "leave", "roomId": "open"}));
    client.expect("left");
    client.close();
    end(&mut server);

    let rows = Trail::at(&directory).rows();
    assert_eq!(
        kinds(&rows),
        [
            "started",
            "connected",
            "authenticated",
            "joined",
            "published",
            "left",
            "ended",
            "stopped"
        ]
    );
    let connection = &rows[1]["connection"];
    assert_eq!(rows[1]["address"], "127.0.0.1");
    for row in &rows[2..7] {
        assert_eq!(
            (&row["connection"], &row["user"]),
            (connection, &json!("ann"))
        );
    }
    for row in &rows[3..6] {
        assert_eq!(row["room"], "open");
    }
    let published = &rows[4]["detail"];
    assert_eq!(
        (&published["event"], &published["offset"]),
        (&json!("chat"), &json!(1))
    );
    assert!(published["bytes"].as_u64().unwrap() > 0 && published["id"].is_string());
    assert_eq!(published.get("payload"), None);
    let ended = &rows[6]["detail"];
    for (name, value) in [
        ("by", json!("client")),
        ("how", json!("close_frame")),
        ("reason", Value::Null),
        ("rooms", json!(0)),
    ] {
        assert_eq!(ended[name], value, "{ended}");
    }
    assert!(ended["age_ms"].is_u64() && ended["bytes_written"].as_u64().unwrap() > 0);
}

#[test]
fn a_payload_is_written_where_its_room_asks_for_that() {
    let directory = Directory::new();
    let config = production(&format!("{ROOMS}\n{}", audited(&directory, "")));
    let mut server = Server::production(&config);
    let (mut client, _) = Client::known_by(server.address(), &token("ann", NEVER, &json!({})));
    for room in ["open", "told"] {
        client.join(room);
        client.chat(room, &format!("words in {room}"));
        client.expect("chat");
    }
    client.close();
    end(&mut server);

    let published = Trail::at(&directory).of_kind("published");
    assert_eq!(published.len(), 2);
    assert_eq!(published[0]["detail"].get("payload"), None);
    let payload = published[1]["detail"]["payload"].as_str().unwrap();
    assert!(payload.contains("words in told"), "{payload}");
}

#[test]
fn what_operators_do_is_written() {
    let directory = Directory::new();
    let config = format!(
        "{}\n[[room]]\nmatch = \"inbox:{{user}}\"\naudit_payloads = true",
        audited(&directory, "")
    );
    let mut server = Server::development(&config);
    let operators = server.operators();
    let (mut client, user) = Client::known(server.address());
    let page = operators.get(&format!("/v1/connections?user={user}"));
    let id = page.json()["connections"][0]["id"].clone();
    let id = id.as_str().unwrap();
    let publication = json!({"event": "chat", "data": {"text": "words"}});
    let target = "/v1/rooms/inbox:ann/publications";
    assert_eq!(operators.post(target, &publication).status, 201);
    let target = format!("/v1/connections/{id}");
    let status = operators.delete(&target).status;
    assert!((200..300).contains(&status), "{status}");
    client.closed();
    end(&mut server);

    let [published, disconnected] = &Trail::at(&directory).of_kind("operated")[..] else {
        panic!("two acts have two rows");
    };
    assert_eq!(published["room"], "inbox:ann");
    for (name, value) in [
        ("operator", "dev"),
        ("act", "publish"),
        ("event", "chat"),
        ("payload", r#"{"text":"words"}"#),
    ] {
        assert_eq!(published["detail"][name], value, "{published}");
    }
    assert_eq!(disconnected["connection"], id);
    assert_eq!(
        disconnected["detail"],
        json!({"operator": "dev", "act": "disconnect"})
    );
}

#[test]
fn a_wrong_key_of_operators_is_written() {
    let mut server = Watched::development("");
    let operators = server.operators().with_key("tlk_dev_wrong");
    for _ in 0..2 {
        assert_eq!(operators.get("/v1/rooms").status, 401);
    }
    server.assert_refused("operator_key", 2);
}

#[test]
fn refusals_are_written_and_no_token_is() {
    let directory = Directory::new();
    let config = production(&format!("{ROOMS}\n{}", audited(&directory, "")));
    let mut server = Server::production(&config);
    let address = server.address();
    let right = token("ann", NEVER, &json!({}));
    let mut wrong = right.clone();
    wrong.push_str("wrong");
    for (request, status) in [
        (
            upgrade(
                "/?secret=in-a-query",
                &format!("Authorization: Bearer {wrong}\r\n"),
            ),
            401,
        ),
        (upgrade("/", "Origin: https://elsewhere.test\r\n"), 403),
    ] {
        let mut stream = Stream::connect(address);
        stream.write(request.as_bytes());
        assert_eq!(stream.answer().status, status);
    }
    let mut unknown = Client::connect(address);
    unknown.send(&json!({"type": "auth", "token": wrong}));
    let (code, _) = unknown.closed();
    unknown.close();
    let (mut client, _) = Client::known_by(address, &right);
    client.send(&json!({"type": "join", "roomId": "closed"}));
    assert_eq!(client.expect("error")["code"], "forbidden");
    client.close();
    end(&mut server);

    let trail = Trail::at(&directory);
    let failed = trail.of_kind("auth_failed");
    assert_eq!(failed.len(), 2, "{failed:?}");
    assert_eq!(
        (&failed[0]["address"], &failed[0]["detail"]["status"]),
        (&json!("127.0.0.1"), &json!(401))
    );
    assert_eq!(failed[1]["detail"]["refusal"], "wrong_token");
    let refused = trail.of_kind("refused");
    assert_eq!(refused[0]["detail"]["refusal"], "origin");
    let denied = trail.of_kind("denied");
    assert_eq!(
        (&denied[0]["user"], &denied[0]["room"]),
        (&json!("ann"), &json!("closed"))
    );
    assert_eq!(denied[0]["detail"]["refusal"], "forbidden");
    // The two are on different shards, and may end in either order.
    let ended = trail.of_kind("ended");
    let details: Vec<_> = ended.iter().map(|row| &row["detail"]).collect();
    let by_server = details.iter().find(|detail| detail["by"] == "server");
    let by_server = by_server.unwrap_or_else(|| panic!("{details:?}"));
    assert_eq!(by_server["code"], code);
    assert_ne!(by_server["reason"].as_str().unwrap_or_default(), "");

    let signature = right.rsplit('.').next().unwrap();
    for entry in fs::read_dir(&*directory).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        for secret in [signature, "in-a-query", "elsewhere.test"] {
            let found = bytes
                .windows(secret.len())
                .any(|part| part == secret.as_bytes());
            assert!(!found, "{secret} is in the log");
        }
    }
}

#[test]
fn full_files_are_followed_by_others_and_the_chain_goes_on() {
    let directory = Directory::new();
    let count = super::written_files(&directory, "", 3);
    let trail = Trail::at(&directory);
    let whole = trail.whole(&[]);
    assert!(whole["files"].as_u64().unwrap() >= 3, "{whole}");
    let rows = trail.rows();
    assert_eq!(whole["rows"], rows.len());
    assert_eq!(whole["head"], rows.last().unwrap()["hash"]);
    assert_eq!(trail.of_kind("published").len(), count);
    for entry in fs::read_dir(&*directory).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            !name.ends_with("-wal") && !name.ends_with("-shm"),
            "{name} is left"
        );
    }
}

#[test]
fn the_oldest_files_are_deleted_and_the_log_says_so() {
    let directory = Directory::new();
    super::written_files(&directory, "files_max = 2", 4);
    let trail = Trail::at(&directory);
    let whole = trail.whole(&[]);
    assert_eq!(
        (&whole["files"], &whole["trimmed"]),
        (&json!(2), &json!(true))
    );
    assert!(whole["first"]["row"].as_u64().unwrap() > 1);
    let removed = trail.of_kind("removed").pop().unwrap();
    let first = whole["first"]["row"].as_u64().unwrap();
    assert_eq!(removed["detail"]["until"], first - 1);
}

#[test]
fn a_killed_server_leaves_a_whole_chain_and_goes_on_behind_it() {
    let directory = Directory::new();
    let config = audited(&directory, "max_bytes = 65536");
    let server = Server::development(&config);
    let (mut client, _) = Client::member(server.address(), "room");
    let load = std::thread::spawn(move || while client.try_chat("room", "more and more") {});
    let trail = Trail::at(&directory);
    let mut following = trail.follow();
    for _ in 0..2000 {
        following.next_of("published");
    }
    server.kill();
    load.join().unwrap();
    let killed = trail.whole(&[]);
    let seen = following.seen.last().unwrap();
    assert!(killed["last"]["row"].as_u64() >= seen["sequence"].as_u64());

    let mut server = Server::development(&config);
    end(&mut server);
    let head = killed["head"].as_str().unwrap();
    let whole = trail.whole(&["--head", head]);
    let rows = whole["rows"].as_u64().unwrap() - killed["rows"].as_u64().unwrap();
    assert_eq!(rows, 2, "the start and the stop");
    assert_eq!(trail.of_kind("started").len(), 2);
    assert_eq!(trail.of_kind("stopped").len(), 1);
}
