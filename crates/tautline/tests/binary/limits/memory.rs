//! Who takes too little of what waits for them, and what waits for all together.

use std::time::Instant;

use serde_json::json;

use super::super::harness::{
    Answer, Bystander, HANG, Server, Stream, Watched, text_frame, upgrade,
};

/// Far more than the sockets of a reader hold, which is a few megabytes on loopback.
const BYTES: usize = 32 * 1024 * 1024;

/// A configuration in which nothing else than these lines of `[outbox]` and `[limits]` ends a reader.
fn generous(outbox: &str, limits: &str) -> String {
    format!(
        "server.close_timeout = \"10m\"\n[outbox]\nbytes = 1000000000\nmessages = 1000000\n{outbox}\n\
         [limits]\nrequest_rate = \"off\"\n{limits}\n"
    )
}

fn echo(bytes: usize) -> Vec<u8> {
    let payload = "x".repeat(bytes);
    let echo = json!({"type": "request", "method": "echo", "requestId": 1, "payload": payload});
    text_frame(&echo.to_string())
}

/// A client that has asked, and read nothing.
fn ask_and_never_read(server: &Server, asks: usize, bytes: usize) -> Stream {
    let mut stream = Stream::upgraded(server.address());
    stream.write(&text_frame(r#"{"type":"auth","token":"dev-token"}"#));
    let echo = echo(bytes);
    for _ in 0..asks {
        stream.write(&echo);
    }
    stream
}

#[test]
fn who_takes_nothing_for_too_long_is_closed_with_1013() {
    let mut server = Watched::development(&generous("stall = \"50ms\"", ""));
    let mut bystander = Bystander::of(&server);
    let mut reader = ask_and_never_read(&server, BYTES / 8000, 8000);
    assert_eq!(reader.closed(), (1013, "slow consumer".to_owned()));
    drop(reader);
    server.assert_ended(1013, 1);
    bystander.assert_served(&server);
}

#[test]
fn for_whom_most_waits_is_closed_with_1013_when_too_much_waits_for_all() {
    let mut server = Watched::development(&generous("stall = \"10m\"", "memory = 1048576"));
    let mut bystander = Bystander::of(&server);
    let mut reader = ask_and_never_read(&server, BYTES / 8000, 8000);
    let (code, reason) = reader.closed();
    assert_eq!(code, 1013);
    assert!(reason.contains("short of memory"), "{reason}");
    drop(reader);
    server.assert_ended(1013, 1);
    bystander.assert_served(&server);
}

#[test]
fn nobody_is_let_in_while_the_memory_for_what_waits_is_gone() {
    // As large as a message may be; more than the sockets hold.
    let bytes = BYTES / 2;
    let limits = format!("memory = 1048576\nmessage = {bytes}\nv1_frame = {bytes}");
    let mut server = Watched::development(&generous("stall = \"10m\"", &limits));
    // One answer so large that it is begun and never ends cannot be given up.
    let reader = ask_and_never_read(&server, 1, bytes - 1000);
    let begin = Instant::now();
    let refused = loop {
        let answer = come(&server);
        if answer.status != 101 {
            break answer;
        }
        assert!(begin.elapsed() < HANG, "memory is without limit");
    };
    assert_eq!(refused.status, 503);
    let detail = refused.problem()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("short of memory"), "{detail}");
    assert_eq!(refused.header("retry-after"), Some("6"));
    server.assert_refused("memory", 1);
    drop(reader);
    while come(&server).status != 101 {
        assert!(begin.elapsed() < HANG, "memory is not given back");
    }
    server.assert_ended(1013, 1);
}

fn come(server: &Server) -> Answer {
    let mut stream = Stream::connect(server.address());
    stream.write(upgrade("/", "").as_bytes());
    stream.answer()
}
