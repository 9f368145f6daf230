//! The commands that read the log.

use serde_json::json;

use super::super::harness::{Client, Directory, NEVER, Server, Trail, production, token};
use super::{ROOMS, audited, end};

/// A log with two users in one room.
fn log() -> Directory {
    let directory = Directory::new();
    let config = production(&format!("{ROOMS}\n{}", audited(&directory, "")));
    let mut server = Server::production(&config);
    for user in ["ann", "\u{1b}[31mbob"] {
        let (mut client, _) = Client::known_by(server.address(), &token(user, NEVER, &json!({})));
        client.join("open");
        client.close();
    }
    end(&mut server);
    directory
}

/// What a command that succeeds says.
fn says(trail: &Trail, arguments: &[&str]) -> String {
    let output = trail.run(arguments);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn rows_are_found_by_what_they_say() {
    let directory = log();
    let trail = Trail::at(&directory);
    let rows = trail.rows();
    let connection = rows[1]["connection"].as_str().unwrap();
    for (arguments, count) in [
        (&["--user", "ann"][..], 3),
        (&["--kind", "joined"], 2),
        (&["--room", "open", "--user", "ann"], 1),
        (&["--connection", connection], 4),
        (&["--address", "127.0.0.1"], 2),
        (&["--since", "1h"], rows.len()),
        (&["--until", "1h"], 0),
        (
            &["--since", "2000-01-01", "--until", "2100-01-01T00:00:00Z"],
            rows.len(),
        ),
        (&["--limit", "2"], 2),
        (&["--user", "nobody"], 0),
    ] {
        let json = says(&trail, &[&["query", "--json"], arguments].concat());
        assert_eq!(json.lines().count(), count, "{arguments:?}: {json}");
        let table = says(&trail, &[&["query"], arguments].concat());
        assert_eq!(table.lines().count(), 1 + count, "{arguments:?}: {table}");
    }
}

#[test]
fn a_pipe_gets_no_color_and_nothing_that_steers_a_terminal() {
    let directory = log();
    let trail = Trail::at(&directory);
    for arguments in [
        &["query"][..],
        &["tail"],
        &["export", "--format", "csv"],
        &["export"],
    ] {
        let text = says(&trail, arguments);
        assert!(text.contains("bob") && !text.contains('\u{1b}'), "{text}");
    }
}

#[test]
fn the_newest_rows_come_last() {
    let directory = log();
    let trail = Trail::at(&directory);
    let count = trail.rows().len();
    let text = says(&trail, &["tail", "--json", "-n", "2"]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(
        lines[1].contains(&format!("\"sequence\":{count},")),
        "{text}"
    );
}

#[test]
fn who_asks_wrongly_is_told_how_to_ask() {
    let directory = log();
    let trail = Trail::at(&directory);
    for (arguments, code, part) in [
        (&["query", "--kind", "joint"][..], 64, "auth_failed"),
        (&["query", "--since", "yesterday"], 64, "2026-07-01"),
        (&["verify", "--head", "abc"], 64, "64 hexadecimal digits"),
    ] {
        let output = trail.run(arguments);
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(part), "{said}");
    }
    let output = Trail::at(&directory.join("nowhere")).run(&["verify"]);
    assert_eq!(output.status.code(), Some(66), "{output:?}");
}
