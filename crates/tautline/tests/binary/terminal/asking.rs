//! `tautline request` and `tautline members`.

use serde_json::{Value, json};
use tautline_protocol::wire::v2::Encoding;

use super::super::harness::{Server, Speaker, Tool, tool};

#[test]
fn an_answer_is_one_line_of_json() {
    let server = Server::development("");
    let arguments = ["request", "echo", "{ \"a\" : 1.50 }", "--encoding", "json"];
    let output = tool(server.address(), &arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(output.stdout, b"{\"a\":1.50}\n");
    let (code, lines, _) = Tool::start(server.address(), &["request", "echo"]).ended();
    assert_eq!((code, lines), (Some(0), vec![Value::Null]));
}

#[test]
fn a_method_that_nobody_answers_is_refused_and_a_slow_answer_is_unknown() {
    let server = Server::development("[limits]\nrequest_timeout = \"100ms\"");
    let (code, _, errors) = Tool::start(server.address(), &["request", "dance"]).ended();
    assert_eq!(code, Some(1));
    assert!(
        errors.starts_with("refused with unknown_method"),
        "{errors}"
    );
    let slow = ["request", "wait", "{\"ms\":3600000}"];
    let (code, _, errors) = Tool::start(server.address(), &slow).ended();
    assert_eq!(code, Some(4), "{errors}");
}

#[test]
fn members_are_listed_with_what_they_show() {
    let server = Server::development("");
    let rooms = json!([{ "room": "lobby", "presence": { "at": 1 } }]);
    let (_ann, ann) = Speaker::welcome(server.address(), Encoding::Json, &rooms);
    let (code, members, _) = Tool::start(server.address(), &["members", "lobby"]).ended();
    assert_eq!(code, Some(0));
    let expected = json!([{
        "type": "member", "room": "lobby", "connection": ann["connection"], "user": ann["user"],
        "name": ann["user"], "state": { "at": 1 },
    }]);
    assert_eq!(json!(members), expected);
}
