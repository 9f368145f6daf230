//! Machines have no clock, no socket and no file: time and bytes are arguments.

use super::Violation;
use super::source::{line_of, words};
use super::tree::Tree;

/// Crates, and what their code never names. Their tests may.
const NEVER: [(&str, &[&str]); 3] = [
    (
        "protocol",
        &[
            "std::net",
            "std::fs",
            "std::thread",
            "tokio",
            "Instant::now",
            "SystemTime::now",
        ],
    ),
    (
        "websocket",
        &[
            "std::net",
            "std::fs",
            "tokio",
            "Instant::now",
            "SystemTime::now",
        ],
    ),
    ("hub", &["std::net", "std::fs", "tokio::net", "tokio::fs"]),
];

/// Every source file of those crates.
pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in tree.rust() {
        let Some((of_crate, _)) = file.in_crate() else {
            continue;
        };
        let code = file.code_without_tests();
        let never = NEVER
            .iter()
            .filter(|(name, _)| *name == of_crate)
            .flat_map(|(_, never)| never.iter());
        for name in never {
            violations.extend(words(code, name).map(|at| Violation {
                path: file.path.clone(),
                line: line_of(code, at),
                what: format!("`{name}` in crates/{of_crate}"),
                why: "what does I/O or reads a clock cannot be tested by the thousand in milliseconds",
                fix: "take the time or the bytes as an argument; the driver has the clock and the socket",
            }));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_and_sockets_are_found_where_they_are_banned() {
        let code = "fn a() { Instant::now(); }\nuse std::net::TcpStream;\n";
        let found = |path| check(&Tree::of(&[(path, code)])).len();
        assert_eq!(found("crates/protocol/src/server/mod.rs"), 2);
        assert_eq!(found("crates/websocket/src/frame.rs"), 2);
        assert_eq!(found("crates/hub/src/room.rs"), 1);
        assert_eq!(found("crates/tautline/src/serve/mod.rs"), 0);
        assert_eq!(found("crates/protocol/tests/pair.rs"), 0);
    }
}
