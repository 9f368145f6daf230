//! The commands that tell something and end.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use serde_json::json;

use super::harness::{Client, SECRET, Server, production};

fn tautline(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tautline"))
        .args(arguments)
        .env("TAUTLINE_AUTH_HS256_SECRET", SECRET)
        .output()
        .unwrap()
}

/// What a command that succeeds says.
fn says(arguments: &[&str]) -> String {
    let output = tautline(arguments);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_token_of_ours_opens_what_it_says() {
    let server = Server::production(&production(""));
    let token = says(&[
        "token", "--user", "ann", "--room", "closed:*", "--can", "join",
    ]);
    let (mut client, user) = Client::known_by(server.address(), token.trim());
    assert_eq!(user, "ann");
    client.send(&json!({"type": "join", "roomId": "closed:1"}));
    client.expect("joined");
    client.chat("closed:1", "not granted");
    assert_eq!(client.expect("error")["code"], "forbidden");
}

#[test]
fn a_token_that_no_server_would_accept_is_not_made() {
    for wrong in [
        ["--room", "a*b", "--can", "join"],
        ["--room", "a", "--can", "dance"],
    ] {
        let output = tautline(&[&["token", "--user", "ann"], &wrong[..]].concat());
        assert_eq!(output.status.code(), Some(64));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            said.contains(wrong[1]) && said.contains("actions are join"),
            "{said}"
        );
    }
}

#[test]
fn codes_are_explained_those_of_others_too() {
    assert!(says(&["explain", "1013"]).contains("too slowly"));
    assert!(says(&["explain", "1006"]).contains("without a close frame"));
    assert!(says(&["explain", "4999"]).contains("not sent by Tautline"));
    assert!(says(&["explain", "1"]).contains("no code that may travel"));
}

#[test]
fn the_default_file_is_right() {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("default.toml");
    fs::write(&file, says(&["config", "default"])).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let file = file.to_str().unwrap();
    assert!(says(&["config", "check", "--config", file]).contains("right"));
}

#[test]
fn the_environment_wins_over_the_file_and_is_checked() {
    assert!(says(&["config", "env"]).contains("TAUTLINE_HEARTBEAT_PING_EVERY"));
    let output = Command::new(env!("CARGO_BIN_EXE_tautline"))
        .args(["config", "check"])
        .env("TAUTLINE_HEARTBEAT_PING_EVERY", "1ms")
        .env("TAUTLINE_OUTBOX_BYTE", "1")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(78));
    let said = String::from_utf8(output.stderr).unwrap();
    for part in [
        "heartbeat.ping_every",
        "write 50ms or more",
        "TAUTLINE_OUTBOX_BYTES",
    ] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn shells_complete_the_commands() {
    for shell in ["bash", "zsh", "fish", "powershell"] {
        assert!(says(&["completions", shell]).contains("explain"), "{shell}");
    }
}
