//! Only what leaves the process may be serialized: a type that is written somewhere cannot change freely.

use super::Violation;
use super::source::{line_of, words};
use super::tree::Tree;

/// Where bytes leave the process.
const ALLOWED: [&str; 6] = [
    "crates/protocol/src/wire",
    "crates/engine/src/record",
    "crates/tautline/src/config",
    "crates/tautline/src/api",
    "bench/",
    "xtask/",
];

/// Every `derive(Serialize)` outside of those places and of tests.
pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in tree
        .rust()
        .filter(|file| !ALLOWED.iter().any(|place| file.path.starts_with(place)))
    {
        let code = file.code_without_tests();
        for (at, derive) in code.match_indices("derive(") {
            let list = code
                .get(at + derive.len()..)
                .and_then(|rest| rest.split(')').next())
                .unwrap_or_default();
            if words(list, "Serialize").next().is_some() {
                violations.push(Violation {
                    path: file.path.clone(),
                    line: line_of(code, at),
                    what: "a type derives Serialize".to_owned(),
                    why: "what is written outside cannot change freely; this place is not a boundary",
                    fix: "convert it to a type of `wire`, `config`, `api` or `engine::record` there",
                });
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serialize_is_found_away_from_the_boundaries() {
        let found = |path, code| check(&Tree::of(&[(path, code)])).len();
        let code = "#[derive(Debug, serde::Serialize)]\nstruct A;\n";
        assert_eq!(found("crates/hub/src/room.rs", code), 1);
        assert_eq!(found("crates/protocol/src/model/member.rs", code), 1);
        assert_eq!(found("crates/protocol/src/wire/json.rs", code), 0);
        assert_eq!(
            found(
                "crates/hub/src/room.rs",
                "#[derive(Debug, Deserialize)]\nstruct A;\n"
            ),
            0
        );
    }
}
