//! What counts as passed, and the table that says so.

use std::fmt;

use anyhow::Context as _;
use serde_json::{Map, Value};

/// The name under which the server runs.
pub(crate) const AGENT: &str = "tautline";

/// A group of Autobahn's cases.
pub(crate) struct Group {
    pub(crate) number: u8,
    name: &'static str,
    /// How many cases it has; a missing one is a failure.
    cases: usize,
}

const fn group(number: u8, name: &'static str, cases: usize) -> Group {
    Group {
        number,
        name,
        cases,
    }
}

/// RFC 6455: 301 cases.
const CORE: [Group; 9] = [
    group(1, "framing", 16),
    group(2, "pings and pongs", 11),
    group(3, "reserved bits", 7),
    group(4, "opcodes", 10),
    group(5, "fragmentation", 20),
    group(6, "UTF-8", 145),
    group(7, "close", 37),
    group(9, "limits and performance", 54),
    group(10, "auto-fragmentation", 1),
];

/// RFC 7692: 216 cases.
const COMPRESSION: [Group; 2] = [
    group(12, "permessage-deflate", 90),
    group(13, "permessage-deflate, parameters", 126),
];

/// Cases for which the standard leaves the answer open.
const INFORMATIONAL: [&str; 3] = ["7.1.6", "7.13.1", "7.13.2"];

/// The groups that `--groups` means.
pub(crate) fn groups(name: &str) -> Option<Vec<Group>> {
    match name {
        "core" => Some(CORE.into()),
        "compression" => Some(COMPRESSION.into()),
        "all" => Some(CORE.into_iter().chain(COMPRESSION).collect()),
        _ => None,
    }
}

/// The result of a run.
pub(crate) struct Verdict {
    rows: Vec<Row>,
}

struct Row {
    number: u8,
    name: &'static str,
    cases: usize,
    passed: usize,
    informational: usize,
    /// Which cases failed and how.
    failures: Vec<String>,
}

impl Verdict {
    /// Judges Autobahn's `index.json`.
    pub(crate) fn new(groups: &[Group], index: &Value) -> anyhow::Result<Self> {
        let cases = index
            .get(AGENT)
            .and_then(Value::as_object)
            .context("index.json holds no results: see wstest.log beside it")?;
        let rows = groups.iter().map(|group| Row::new(group, cases)).collect();
        Ok(Self { rows })
    }

    /// How many cases failed or are missing.
    pub(crate) fn failed(&self) -> usize {
        self.rows.iter().map(Row::failed).sum()
    }
}

impl Row {
    fn new(group: &Group, results: &Map<String, Value>) -> Self {
        let mut row = Self {
            number: group.number,
            name: group.name,
            cases: group.cases,
            passed: 0,
            informational: 0,
            failures: Vec::new(),
        };
        let prefix = format!("{}.", group.number);
        for (case, result) in results.iter().filter(|(case, _)| case.starts_with(&prefix)) {
            let outcome = |field| {
                result
                    .get(field)
                    .and_then(Value::as_str)
                    .unwrap_or("missing")
            };
            let outcomes = [outcome("behavior"), outcome("behaviorClose")];
            let is_informational = outcomes.contains(&"INFORMATIONAL");
            let is_excepted = INFORMATIONAL.contains(&case.as_str());
            let is_passed = outcomes
                .iter()
                .all(|&outcome| outcome == "OK" || (outcome == "INFORMATIONAL" && is_excepted));
            if is_passed {
                row.passed += 1;
                row.informational += usize::from(is_informational);
            } else {
                row.failures
                    .push(format!("{case}: {}, close: {}", outcomes[0], outcomes[1]));
            }
        }
        row
    }

    /// Failed, missing, or more than there should be.
    fn failed(&self) -> usize {
        self.failures.len() + self.cases.abs_diff(self.passed + self.failures.len())
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| group | cases | passed | of these informational | failed |"
        )?;
        writeln!(f, "|---|---|---|---|---|")?;
        for row in &self.rows {
            let Row {
                number,
                name,
                cases,
                passed,
                informational,
                ..
            } = row;
            writeln!(
                f,
                "| {number} {name} | {cases} | {passed} | {informational} | {} |",
                row.failed()
            )?;
        }
        for failure in self.rows.iter().flat_map(|row| &row.failures) {
            writeln!(f, "{failure}")?;
        }
        let passed: usize = self.rows.iter().map(|row| row.passed).sum();
        writeln!(f, "{passed} passed, {} failed", self.failed())
    }
}
