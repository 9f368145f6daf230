//! `tautline pub`: where it stands, once, in order, and an honest word where it does not.

use serde_json::{Value, json};

use super::super::harness::{NEVER, Relay, Server, Tool, production, token};

fn publish(server: &Server, arguments: &[&str]) -> (Option<i32>, Vec<Value>, String) {
    Tool::start(server.address(), &[&["pub"], arguments].concat()).ended()
}

#[test]
fn a_key_is_published_once() {
    let server = Server::production(&production(
        "[[room]]\nmatch = \"a\"\nhistory = 9\neveryone = [\"publish\"]",
    ));
    let token = token("ann", NEVER, &json!({}));
    let publish = |data: &str| {
        let arguments = ["pub", "a", "done", data, "--key", "backup-1"];
        Tool::start_as(server.address(), &token, &arguments).ended()
    };
    let (code, first, _) = publish("1");
    assert_eq!((code, &first[0]["duplicate"]), (Some(0), &json!(false)));
    assert_eq!(first[0]["level"], "memory");
    let (code, second, _) = publish("1");
    assert_eq!((code, &second[0]["duplicate"]), (Some(0), &json!(true)));
    assert_eq!(second[0]["position"], first[0]["position"]);
    let (code, other, errors) = publish("2");
    assert_eq!((code, &other[0]["code"]), (Some(1), &json!("conflict")));
    assert!(
        errors.starts_with("not published: refused with conflict"),
        "{errors}"
    );
}

#[test]
fn lines_are_published_in_their_order() {
    let server = Server::development("[limits]\npublish_rate = \"100000/s burst 100000\"");
    let arguments = ["pub", "ticks", "tick", "--lines", "--key", "k"];
    let mut tool = Tool::start(server.address(), &arguments);
    let lines: Vec<String> = (1..=500).map(|number| format!("{number}\n")).collect();
    tool.write(&lines.concat());
    let (code, placed, errors) = tool.ended();
    assert_eq!((code, &*errors), (Some(0), ""));
    let numbers = |field: &str| -> Vec<u64> {
        let numbers = placed.iter().map(|line| line[field].as_u64().unwrap());
        numbers.collect()
    };
    let expected: Vec<u64> = (1..=500).collect();
    assert_eq!(
        (numbers("line"), numbers("offset")),
        (expected.clone(), expected)
    );
}

#[test]
fn a_line_that_is_no_json_is_the_end_and_what_is_before_it_is_published() {
    let server = Server::development("");
    let mut tool = Tool::start(server.address(), &["pub", "a", "tick", "--lines"]);
    tool.write("1\n\n{\"b\":2}\nthree\n4\n");
    let (code, placed, errors) = tool.ended();
    assert_eq!(code, Some(2));
    let lines: Vec<&Value> = placed.iter().map(|line| &line["line"]).collect();
    assert_eq!(lines, [1, 3]);
    assert!(
        errors.starts_with("line 4 of standard input: this is not one"),
        "{errors}"
    );
    assert!(errors.ends_with("; published: 2\n"), "{errors}");
}

#[test]
fn one_value_is_read_from_standard_input() {
    let server = Server::development("");
    let mut tool = Tool::start(server.address(), &["pub", "a", "report", "-"]);
    tool.write("{\n  \"rows\": 3\n}\n");
    let (code, placed, _) = tool.ended();
    assert_eq!((code, &placed[0]["offset"]), (Some(0), &json!(1)));
    let (code, _, errors) = publish(&server, &["a", "report", "hello"]);
    assert_eq!(code, Some(2));
    assert!(errors.contains("needs quotes of its own"), "{errors}");
    assert_eq!(publish(&server, &["a", "degrees", "-5"]).0, Some(0));
}

#[test]
fn what_is_forbidden_is_refused() {
    let server = Server::production(&production(""));
    let token = token("ann", NEVER, &json!({}));
    let tool = Tool::start_as(server.address(), &token, &["pub", "a", "tick", "1"]);
    let (code, lines, errors) = tool.ended();
    assert_eq!(code, Some(1));
    assert_eq!(
        (&lines[0]["outcome"], &lines[0]["code"]),
        (&json!("refused"), &json!("forbidden"))
    );
    assert!(
        errors.starts_with("not published: refused with forbidden"),
        "{errors}"
    );
}

#[test]
fn what_is_not_answered_is_said_to_be_unknown() {
    let server = Server::development("");
    let relay = Relay::to(server.address());
    let arguments = ["pub", "a", "tick", "--lines"];
    let mut tool = Tool::start(relay.address(), &arguments);
    tool.write("1\n");
    tool.next_of("published");
    relay.swallow();
    tool.write("2\n");
    relay.has_swallowed();
    tool.interrupt();
    let failed = tool.next_of("failed");
    assert_eq!(
        (&failed["outcome"], &failed["line"]),
        (&json!("unknown"), &json!(2))
    );
    let (code, _, errors) = tool.ended();
    assert_eq!(code, Some(4));
    assert!(
        errors.contains("it is not known whether it was published"),
        "{errors}"
    );
}
