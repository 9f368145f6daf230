//! How the commands end when nothing comes of them, and what `--help` says of that.

use std::net::SocketAddr;
use std::process::Command;

use serde_json::json;
use socket2::{Domain, Socket, Type};

use super::super::harness::{Directory, NEVER, Pair, Server, Tool, production, token, tool};

#[test]
fn a_wrong_token_is_refused_and_shown_nowhere() {
    let server = Server::production(&production(""));
    let secret = "not-a-token-of-this-server";
    for arguments in [
        &["sub", "a"][..],
        &["pub", "a", "tick", "1"],
        &["request", "echo"],
        &["members", "a"],
    ] {
        let mut command = tool(server.address(), arguments);
        command.args(["--token", secret]);
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(
            said.contains("4403") && said.contains("token is one of this server"),
            "{said}"
        );
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(!said.contains(secret) && !printed.contains(secret));
    }
}

#[test]
fn a_token_comes_from_a_file_from_standard_input_or_from_the_environment() {
    let server = Server::production(&production(
        "[[room]]\nmatch = \"a\"\neveryone = [\"publish\"]",
    ));
    let token = token("ann", NEVER, &json!({}));
    let file = Directory::new();
    std::fs::write(&*file, format!("{token}\n")).unwrap();
    let publish = ["pub", "a", "tick", "1"];
    let start = |more: &[&str]| {
        let mut command = tool(server.address(), &[&publish, more].concat());
        command.env_remove("TAUTLINE_TOKEN");
        Tool::spawn(command)
    };
    let from_file = start(&["--token-file", file.to_str().unwrap()]);
    assert_eq!(from_file.ended().0, Some(0));
    let mut from_input = start(&["--token", "-"]);
    from_input.write(&format!("{token}\n"));
    assert_eq!(from_input.ended().0, Some(0));
    let from_environment = Tool::start_as(server.address(), &token, &publish);
    assert_eq!(from_environment.ended().0, Some(0));
    let (code, _, errors) = start(&[]).ended();
    assert_eq!(code, Some(1));
    assert!(
        errors.contains("4401") && errors.contains("--token-file"),
        "{errors}"
    );
}

#[test]
fn whom_a_wss_server_is_trusted_by_is_said_by_ssl_cert_file() {
    let pair = Pair::new();
    let server = Server::development(&pair.settings());
    let publish = |trusted: &Pair| {
        let mut command = tool(
            server.address(),
            &["pub", "a", "tick", "1", "--timeout", "1s"],
        );
        command
            .env(
                "TAUTLINE_URL",
                format!("wss://localhost:{}/ws", server.address().port()),
            )
            .env("SSL_CERT_FILE", trusted.certificate());
        Tool::spawn(command).ended()
    };
    assert_eq!(publish(&pair).0, Some(0));
    let (code, _, errors) = publish(&Pair::new());
    assert_eq!(code, Some(3));
    assert!(errors.contains("invalid peer certificate"), "{errors}");
}

#[test]
fn a_server_that_is_not_there_is_given_up_after_the_timeout() {
    // Bound and not listening: nobody answers there, and no other test gets the port.
    let nobody = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    nobody.bind(&any.into()).unwrap();
    let address = nobody.local_addr().unwrap().as_socket().unwrap();
    for arguments in [
        &["sub", "a"][..],
        &["pub", "a", "tick", "1"],
        &["request", "echo"],
        &["members", "a"],
    ] {
        let arguments = [arguments, &["--timeout", "1s"]].concat();
        let (code, _, errors) = Tool::start(address, &arguments).ended();
        assert_eq!(code, Some(3), "{arguments:?}: {errors}");
        let says = "no connection to the server for 1s: no stream to the server: ";
        assert!(errors.starts_with(says), "{errors}");
    }
}

#[test]
fn a_room_that_may_not_be_joined_is_refused() {
    let server = Server::production(&production(""));
    let token = token("ann", NEVER, &json!({}));
    let (code, lines, errors) = Tool::start_as(server.address(), &token, &["sub", "a"]).ended();
    assert_eq!(code, Some(1));
    let last = lines.last().unwrap();
    assert_eq!(
        (&last["status"], &last["code"]),
        (&json!("denied"), &json!("forbidden"))
    );
    assert!(
        errors.starts_with("the room a is refused with forbidden"),
        "{errors}"
    );
}

#[test]
fn a_wrong_command_line_is_told_what_is_wrong_with_it() {
    for (arguments, says) in [
        (&["sub"][..], "<ROOM>"),
        (&["sub", "a b"], "a room's name is"),
        (
            &[
                "sub",
                "a",
                "b",
                "--since",
                "0000000000000001:0:00000000-0000-0000-0000-000000000000",
            ],
            "one room",
        ),
        (&["sub", "a", "--since", "7"], "EPOCH:OFFSET:ID"),
        (
            &["sub", "a", "--url", "http://a.test"],
            "write ws:// instead",
        ),
        (&["sub", "a", "--token", "short"], "8 characters"),
        (&["pub", "a", "joined", "1"], "belongs to the server"),
        (&["pub", "a", "tick"], "<JSON>"),
        (&["pub", "a", "tick", "1", "--wait", "1h"], "wait no longer"),
        (&["pub", "a", "tick", "-", "--token", "-"], "--token-file"),
        (
            &["pub", "a", "tick", "1", "--key", ""],
            "1 to 128 characters",
        ),
    ] {
        let address = "127.0.0.1:9".parse().unwrap();
        let (code, _, errors) = Tool::start(address, arguments).ended();
        assert_eq!(code, Some(2), "{arguments:?}: {errors}");
        assert!(errors.contains(says), "{arguments:?}: {errors}");
    }
}

#[test]
fn help_has_examples_and_the_table_of_exit_codes_and_shells_complete_the_flags() {
    let says = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tautline"));
        let output = command.args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout).unwrap()
    };
    for command in ["sub", "pub", "request", "members"] {
        let help = says(&[command, "--help"]);
        let example = format!("\n  tautline {command} ");
        for part in [&*example, "Exit codes:", "\n  130 "] {
            assert!(help.contains(part), "{command}: {help}");
        }
    }
    assert!(says(&["completions", "bash"]).contains("--fail-on-gap"));
}

#[test]
fn what_the_commands_read_in_the_environment_is_nothing_to_the_server() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tautline"));
    let command = command.args(["config", "check"]);
    let command = command
        .env("TAUTLINE_URL", "ws://a.test")
        .env("TAUTLINE_TOKEN", "x");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}
