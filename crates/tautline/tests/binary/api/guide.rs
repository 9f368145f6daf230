//! The guide's examples, run as they are written.

use std::process::{Command, Stdio};

use crate::harness::{Client, Operators, Server};

const GUIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guide/api.md");

/// Stands for what differs each time, in an output of the guide.
const ANYTHING: &str = "…";

/// A script, and what it writes.
struct Example {
    script: String,
    output: Option<String>,
}

/// The fenced `sh` blocks, each with the `text` or `json` block that follows.
fn examples(guide: &str) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut parts = guide.split("\n```");
    parts.next();
    while let (Some(block), after) = (parts.next(), parts.next()) {
        assert!(after.is_some(), "a block of the guide does not end");
        let (language, text) = block.split_once('\n').unwrap();
        match language {
            "sh" => examples.push(Example {
                script: text.to_owned(),
                output: None,
            }),
            "json" | "text" => {
                let example = examples.last_mut().unwrap();
                assert!(
                    example.output.is_none(),
                    "two outputs of {}",
                    example.script
                );
                example.output = Some(text.to_owned());
            }
            other => panic!("no example is written in {other:?}"),
        }
    }
    examples
}

fn run(script: &str, operators: &Operators) -> String {
    let output = Command::new("sh")
        .args(["-euc", script])
        .env("TAUTLINE_API", format!("http://{}", operators.address()))
        .env("TAUTLINE_KEY", operators.key())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}\n{errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Whether a text is the pattern, with anything for each ellipsis.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once(ANYTHING) {
        None => pattern == text,
        Some((before, after)) => text.strip_prefix(before).is_some_and(|rest| {
            let mut ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
            ends.any(|at| matches(after, &rest[at..]))
        }),
    }
}

#[test]
fn the_examples_do_what_the_guide_says() {
    let curl = Command::new("curl").arg("--version").output();
    assert!(
        curl.is_ok(),
        "the guide's examples need curl: apt-get install curl"
    );
    let mut server = Server::development("");
    let operators = server.operators();
    let (_member, _) = Client::member(server.address(), "orders:17");
    let examples = examples(&std::fs::read_to_string(GUIDE).unwrap());
    assert!(examples.len() >= 6, "{} examples", examples.len());
    for Example { script, output } in &examples {
        let said = run(script, &operators);
        let expected = output.as_deref().unwrap_or("");
        assert!(
            matches(expected.trim(), said.trim()),
            "{script}\nwrites:\n{said}\nand the guide says:\n{expected}"
        );
    }
}

#[test]
fn an_ellipsis_stands_for_anything_and_nothing_else_does() {
    assert!(matches("a…c", "abbc") && matches("…", "") && matches("a…b…", "a-b-b-c"));
    assert!(!matches("a…c", "abb") && !matches("abc", "abcd") && !matches("a.c", "abc"));
}
