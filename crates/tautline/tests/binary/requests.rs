//! Requests that take their time: answered, given up, or canceled.

use serde_json::{Value, json};
use tautline_protocol::wire::v2::Encoding;

use super::harness::{Server, Speaker};

fn speaker(server: &Server) -> Speaker {
    Speaker::welcome(server.address(), Encoding::MessagePack, &json!([])).0
}

fn wait(ms: u64) -> Value {
    json!({ "method": "wait", "data": { "ms": ms } })
}

#[test]
fn an_answer_comes_when_it_is_there_and_holds_up_nothing() {
    let server = Server::development("");
    let mut speaker = speaker(&server);
    let slow = speaker.say("request", &wait(50));
    let quick = speaker.ask("request", &json!({ "method": "echo", "data": 1 }));
    assert_eq!(quick["payload"]["data"], 1);
    let answer = speaker.answer(slow);
    assert_eq!(
        (&answer["type"], &answer["payload"]["data"]),
        (&json!("response"), &json!({ "ms": 50 }))
    );
    let refused = speaker.ask("request", &json!({ "method": "wait", "data": "long" }));
    assert_eq!(refused["payload"]["code"], "invalid_payload");
}

#[test]
fn a_request_that_is_not_answered_in_time_is_given_up() {
    let server = Server::development("[limits]\nrequest_timeout = \"100ms\"");
    let mut speaker = speaker(&server);
    let refused = speaker.ask("request", &wait(3_600_000));
    assert_eq!(
        (
            &refused["payload"]["code"],
            &refused["payload"]["retryable"]
        ),
        (&json!("timeout"), &json!(true))
    );
    assert_eq!(speaker.ask("request", &wait(1))["type"], "response");
}

#[test]
fn only_so_many_wait_and_who_cancels_may_ask_again() {
    let server = Server::development("[limits]\nrequests = 2\nrequest_timeout = \"1h\"");
    let mut speaker = speaker(&server);
    let [first, _] = [wait(3_600_000), wait(3_600_000)].map(|wait| speaker.say("request", &wait));
    let refused = speaker.ask("request", &wait(1));
    assert_eq!(refused["payload"]["code"], "limit_exceeded");
    speaker.say_as(first, "cancel", &json!({}));
    assert_eq!(speaker.ask("request", &wait(1))["type"], "response");
    // Nothing was said of the one that was canceled.
    assert_eq!(speaker.ask("ping", &json!({}))["type"], "pong");
    assert!(speaker.is_quiet());
}
