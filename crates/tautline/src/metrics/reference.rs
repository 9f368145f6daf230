//! The page of the reference, and whoever else names metrics: the board and the guides.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use prometheus_client::metrics::MetricType;
use serde_json::Value;

use super::Metrics;
use super::book::Entry;

/// Where documents are.
const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs");
/// The table stands between this and an empty line.
const MARK: &str = "<!-- metrics -->\n";

impl Entry {
    /// What a histogram's name ends with in a query, or a counter's; a gauge's ends with nothing.
    fn endings(&self) -> &'static [&'static str] {
        match self.kind {
            MetricType::Counter => &["_total"],
            MetricType::Histogram => &["_bucket", "_count", "_sum"],
            MetricType::Gauge | MetricType::Info | MetricType::Unknown => &[""],
        }
    }

    fn row(&self) -> String {
        let (ending, kind) = match self.kind {
            MetricType::Counter => ("_total", "counter"),
            MetricType::Histogram => ("", "histogram"),
            MetricType::Gauge => ("", "gauge"),
            MetricType::Info | MetricType::Unknown => panic!("{} has no row", self.name),
        };
        let labels = match self.labels {
            [] => String::new(),
            labels => format!("{{{}}}", labels.join(", ")),
        };
        let (name, help) = (self.name, self.help);
        format!("| `tautline_{name}{ending}{labels}` | {kind} | {help} |\n")
    }
}

/// The names of metrics in a text, as queries write them.
fn named(text: &str) -> impl Iterator<Item = &str> {
    let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let words = text.split(move |letter| !is_of_name(letter));
    words.filter(|word| word.starts_with("tautline_"))
}

/// Whether the server has a metric of this name.
fn is_there(name: &str) -> bool {
    let metrics = Metrics::new();
    let entries = metrics.book.entries();
    entries.iter().any(|entry| {
        let name = name.strip_prefix("tautline_");
        let rest = name.and_then(|name| name.strip_prefix(entry.name));
        rest.is_some_and(|rest| entry.endings().contains(&rest))
    })
}

/// All queries of a board.
fn queries(board: &Value, found: &mut Vec<String>) {
    match board {
        Value::Object(members) => {
            for (name, value) in members {
                match value.as_str() {
                    Some(query) if name == "expr" || name == "query" => {
                        found.push(query.to_owned());
                    }
                    _ => queries(value, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| queries(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn the_page_is_current() {
    let path = PathBuf::from(DOCS).join("reference/metrics.md");
    let written = fs::read_to_string(&path).unwrap();
    let (before, after) = written.split_once(MARK).unwrap();
    let (_, after) = after.split_once("\n\n").unwrap();
    let mut table = String::from("| metric | kind | counts |\n|---|---|---|\n");
    for entry in Metrics::new().book.entries() {
        table.write_str(&entry.row()).unwrap();
    }
    let current = format!("{before}{MARK}{table}\n{after}");
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        fs::write(path, current).unwrap();
    } else {
        assert_eq!(written, current, "renew it with `cargo xtask tidy --write`");
    }
}

#[test]
fn every_cause_and_refusal_is_explained() {
    let page = fs::read_to_string(PathBuf::from(DOCS).join("reference/metrics.md")).unwrap();
    let sources = [
        include_str!("../cause.rs"),
        include_str!("../../../protocol/src/wire/refusal.rs"),
    ];
    for source in sources {
        let (_, names) = source.split_once("fn name(").unwrap();
        let (names, _) = names.split_once("\n    }\n").unwrap();
        let names: Vec<&str> = names.split('"').skip(1).step_by(2).collect();
        assert!(names.len() > 10);
        for name in names {
            let row = format!("\n| `{name}` | ");
            assert!(page.contains(&row), "no row explains {name}");
        }
    }
}

#[test]
fn the_board_asks_only_for_what_is_there() {
    let path = PathBuf::from(DOCS).join("grafana/tautline.json");
    let board = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let mut found = Vec::new();
    queries(&board, &mut found);
    let names: Vec<&str> = found.iter().flat_map(|query| named(query)).collect();
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        assert!(is_there(name), "the board asks for {name}");
    }
}

#[test]
fn the_board_shows_every_metric() {
    let path = PathBuf::from(DOCS).join("grafana/tautline.json");
    let board = fs::read_to_string(path).unwrap();
    for entry in Metrics::new().book.entries() {
        let name = format!("tautline_{}", entry.name);
        let mut names = entry
            .endings()
            .iter()
            .map(|ending| format!("{name}{ending}"));
        let shown = names.any(|name| named(&board).any(|named| named == name));
        assert!(shown, "the board does not show {name}");
    }
}

#[test]
fn the_guides_name_only_what_is_there() {
    for entry in fs::read_dir(PathBuf::from(DOCS).join("guide")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        for name in named(&text) {
            // Prose calls a histogram by its bare name.
            let is_right = is_there(name) || is_there(&format!("{name}_count"));
            assert!(is_right, "{} names {name}", path.display());
        }
    }
}
