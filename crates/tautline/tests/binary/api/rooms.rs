//! Which rooms there are, and who is present.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::{Client, NEVER, Server, production, token};

#[test]
fn rooms_are_listed_with_their_connections_on_all_shards() {
    let mut server = Server::development("server.shards = 2");
    let operators = server.operators();
    assert_eq!(operators.get("/v1/rooms").json(), json!({"rooms": []}));
    let mut clients = Vec::new();
    for _ in 0..4 {
        let (mut client, _) = Client::known(server.address());
        for room in ["a:1", "b:1", "b:2"] {
            client.join(room);
            client.next_of("userJoined");
        }
        clients.push(client);
    }
    let all = ["a:1", "b:1", "b:2"].map(|room| json!({"room": room, "connections": 4}));
    assert_eq!(operators.get("/v1/rooms").json(), json!({"rooms": all}));
    let page = operators.get("/v1/rooms?prefix=b%3A&limit=1").json();
    assert_eq!(page["rooms"], json!([all[1]]));
    let page = operators.get(page["next"].as_str().unwrap()).json();
    assert_eq!(page["rooms"], json!([all[2]]));
    let end = operators.get(page["next"].as_str().unwrap()).json();
    assert_eq!(end, json!({"rooms": []}));
    clients.pop().unwrap().close();
    let closed = json!({"room": "a:1", "connections": 3});
    clients[0].next_of("userLeft");
    assert_eq!(operators.get("/v1/rooms").json()["rooms"][0], closed);
}

#[test]
fn members_are_grouped_by_user() {
    let rule = "[[room]]\nmatch = \"hall\"\npresence = true\neveryone = [\"join\"]\n\
                [[room]]\nmatch = \"quiet\"\neveryone = [\"join\"]";
    let key = "keys = [\"test:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"]";
    let mut server = Server::production(&production(&format!("[admin]\n{key}\n{rule}")));
    let operators = server.operators().with_key("test");
    let mut clients = Vec::new();
    for (nth, user) in ["bob", "ann", "bob", "cid"].into_iter().enumerate() {
        let token = token(user, NEVER, &json!({}));
        let (mut client, _) = Client::known_by(server.address(), &token);
        client.send(&json!({"type": "join", "roomId": "quiet"}));
        client.next_of("joined");
        client.send(&json!({"type": "join", "roomId": "hall"}));
        let told = client.next_of("userJoined");
        assert_eq!(told["memberCount"], nth + 1);
        clients.push(client);
    }
    let all = operators.get("/v1/rooms/hall/members").json();
    assert_eq!(all["memberCount"], 4);
    let members = all["members"].as_array().unwrap();
    let of = |member: &Value| {
        let connections = member["connections"].as_array().unwrap().len();
        (member["user"].as_str().unwrap().to_owned(), connections)
    };
    let told: Vec<_> = members.iter().map(of).collect();
    assert_eq!(
        told,
        [("ann".into(), 1), ("bob".into(), 2), ("cid".into(), 1)]
    );
    let ids: BTreeSet<_> = members
        .iter()
        .flat_map(|member| member["connections"].as_array().unwrap())
        .map(Value::to_string)
        .collect();
    assert_eq!(ids.len(), 4);

    let page = operators.get("/v1/rooms/hall/members?limit=2").json();
    assert_eq!(
        (
            &page["memberCount"],
            page["members"].as_array().unwrap().len()
        ),
        (&json!(4), 2)
    );
    let page = operators.get(page["next"].as_str().unwrap()).json();
    assert_eq!(
        (of(&page["members"][0]), page.get("next")),
        (("cid".into(), 1), None)
    );
    let quiet = operators.get("/v1/rooms/quiet/members").json();
    assert_eq!(quiet, json!({"memberCount": 0, "members": []}));
}
