//! The same commands in a terminal, for people.

use super::super::harness::{Relay, Server, Terminal, Tool, tool};

#[test]
fn a_terminal_has_columns_colors_and_a_last_line_while_there_is_no_connection() {
    let server = Server::development("");
    let relay = Relay::to(server.address());
    let mut terminal = Terminal::run(tool(relay.address(), &["sub", "lobby"]));
    terminal.up_to("joined at 0");
    let publish = ["pub", "lobby", "chat", "{ \"text\": \"hi\" }"];
    let placed = Tool::start(server.address(), &publish);
    assert_eq!(placed.ended().0, Some(0));
    let row = terminal.up_to("{\"text\":\"hi\"}");
    assert!(
        row.contains("\x1b[36mchat        \x1b[0m  \x1b[32muser-"),
        "{row:?}"
    );
    server.kill();
    terminal.up_to("\x1b[?7l\x1b[33mno connection: ");
    terminal.up_to("; next attempt in ");
    let server = Server::development("");
    relay.lead_to(server.address());
    let shown = terminal.up_to("connected again after ");
    assert!(shown.contains("\r\x1b[K"), "{shown:?}");
    terminal.up_to("the room has begun a new order, and what follows is all of it");
    terminal.interrupt();
    let (code, rest) = terminal.ended();
    assert_eq!(code, Some(0));
    assert!(!rest.contains("\x1b[?7l"), "{rest:?}");
}

#[test]
fn no_color_is_respected() {
    let server = Server::development("");
    let mut command = tool(server.address(), &["sub", "lobby"]);
    command.env("NO_COLOR", "1");
    let mut terminal = Terminal::run(command);
    let shown = terminal.up_to("joined at 0\r\n");
    terminal.interrupt();
    let (_, rest) = terminal.ended();
    let colored = ["\x1b[2m", "\x1b[33m"];
    assert!(
        colored.iter().all(|color| !shown.contains(color)),
        "{shown:?}"
    );
    assert!(!rest.contains('\x1b'), "{rest:?}");
}

#[test]
fn people_are_told_in_sentences_what_was_published_and_who_is_there() {
    let server = Server::development("");
    let publish = Terminal::run(tool(server.address(), &["pub", "lobby", "chat", "1"]));
    let told = (Some(0), "published to lobby at 1 (memory)\r\n".to_owned());
    assert_eq!(publish.ended(), told);
    let _ann = Tool::joined(server.address(), &["sub", "lobby"], 1);
    let (code, table) = Terminal::run(tool(server.address(), &["members", "lobby"])).ended();
    assert_eq!(code, Some(0));
    let mut rows = table.lines();
    assert!(rows.next().unwrap().starts_with("USER "), "{table}");
    assert!(rows.next().unwrap().starts_with("user-"), "{table}");
    assert_eq!(rows.next(), None);
}

#[test]
fn a_token_on_the_command_line_is_warned_of_and_json_is_for_terminals_too() {
    let server = Server::development("");
    let arguments = ["sub", "lobby", "--json", "--token", "some-other-token"];
    let (code, shown) = Terminal::run(tool(server.address(), &arguments)).ended();
    assert_eq!(code, Some(1));
    assert!(
        shown.starts_with("other users of this machine can see"),
        "{shown}"
    );
    assert!(
        shown.contains("{\"type\":\"connection\",\"state\":\"closed\",\"code\":4403"),
        "{shown}"
    );
    assert!(!shown.contains("some-other-token"), "{shown}");
}
