//! A disk that fails, which only root can have: the step `power cuts` of `cargo xtask test`.

use std::fs;

use serde_json::json;

use super::harness::{Directory, Server};

const CONFIG: &str = "[[room]]\nmatch = \"orders\"\ndurable = true\nhistory = 1000\n\
                      everyone = [\"join\", \"publish\", \"history\"]";
const ORDERS: &str = "/v1/rooms/orders/publications";

/// So much of each order is filling.
const FILLING: usize = 20_000;

#[test]
fn a_disk_that_does_not_keep_what_it_was_given_ends_the_server() {
    let directory = Directory::new();
    fs::create_dir(&*directory).unwrap();
    let store = directory.join("disk/store");
    let config = format!("storage.directory = {store:?}\n{CONFIG}");
    let server = Server::with_failing_disk(&config, &directory);
    let mut server = server.expect("root may mount an ext4 file system in a file");
    let operators = server.operators();
    let order = json!({ "event": "order", "data": "x".repeat(FILLING) });
    let mut placed = 0;
    let refused = loop {
        let answer = operators.post(ORDERS, &order);
        if answer.status != 201 {
            break answer;
        }
        placed += 1;
    };
    assert!(placed > 10, "{placed}");
    assert_eq!(refused.status, 503);
    assert_eq!(refused.problem()["code"], "unavailable");
    let (status, said) = server.ended();
    assert_eq!(status.code(), Some(1));
    let said = said.join("\n");
    assert!(said.contains("does not keep what it is given"), "{said}");
}
