//! Which crate may import which: the arrows of ARCHITECTURE.md, read from the manifests.

use super::Violation;
use super::source::Source;
use super::tree::Tree;

/// What a crate may import.
struct Arrows {
    /// The folder of its manifest.
    folder: &'static str,
    /// Crates of ours.
    ours: &'static [&'static str],
    /// Crates of ours that its tests may import besides.
    ours_in_tests: &'static [&'static str],
    /// Crates of others that would break what the crate is for; its tests are free.
    never: &'static [&'static str],
}

/// For a crate that imports nothing, so that it compiles in seconds.
const EVERY: &[&str] = &["*"];

const ALL: [Arrows; 10] = [
    Arrows {
        folder: "crates/websocket",
        ours: &[],
        ours_in_tests: &[],
        never: &["tokio", "hyper", "socket2", "mio", "getrandom", "rand"],
    },
    Arrows {
        folder: "crates/protocol",
        ours: &[],
        ours_in_tests: &[],
        never: &["tokio", "hyper", "socket2", "mio", "getrandom", "rand"],
    },
    Arrows {
        folder: "crates/engine",
        ours: &["tautline-protocol"],
        ours_in_tests: &[],
        never: &["hyper", "jsonwebtoken", "rustls"],
    },
    Arrows {
        folder: "crates/hub",
        ours: &["tautline-protocol", "tautline-engine"],
        ours_in_tests: &[],
        never: &["hyper", "socket2", "jsonwebtoken", "rustls", "toml"],
    },
    Arrows {
        folder: "crates/diagnosis",
        ours: &[],
        ours_in_tests: &[],
        never: &["tokio", "hyper", "socket2"],
    },
    Arrows {
        folder: "crates/tautline",
        ours: &[
            "tautline-protocol",
            "tautline-websocket",
            "tautline-engine",
            "tautline-hub",
            "tautline-diagnosis",
            "tautline-client",
        ],
        ours_in_tests: &[],
        never: &[],
    },
    Arrows {
        folder: "crates/client",
        ours: &["tautline-protocol", "tautline-websocket"],
        ours_in_tests: &["tautline"],
        never: &[],
    },
    Arrows {
        folder: "bench",
        ours: &["tautline-client", "tautline-engine", "tautline-protocol"],
        ours_in_tests: &[],
        never: &[],
    },
    Arrows {
        folder: "e2e",
        ours: &["tautline-protocol", "tautline-client"],
        ours_in_tests: &[],
        never: &[],
    },
    Arrows {
        folder: "xtask",
        ours: &[],
        ours_in_tests: &[],
        never: EVERY,
    },
];

/// Every manifest below `crates/`, and those of `bench`, `e2e` and `xtask`.
pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let manifests = tree
        .files
        .iter()
        .filter_map(|file| Some((file, file.path.strip_suffix("/Cargo.toml")?)));
    let members = manifests.filter(|(_, folder)| !folder.ends_with("/fuzz"));
    members
        .flat_map(|(manifest, folder)| check_manifest(manifest, folder))
        .collect()
}

fn check_manifest(manifest: &Source, folder: &str) -> Vec<Violation> {
    let violation = |line, what| Violation {
        path: manifest.path.clone(),
        line,
        what,
        why: "imports go one way",
        fix: "move the code to where it may import this, or change the arrows in ARCHITECTURE.md and in xtask together",
    };
    let Some(arrows) = ALL.iter().find(|arrows| arrows.folder == folder) else {
        return vec![violation(1, format!("the crate {folder} has no arrows"))];
    };
    let mut violations = Vec::new();
    let mut section = "";
    for (number, line) in Source::numbered(&manifest.text) {
        if let Some(header) = line.strip_prefix('[') {
            section = header.trim_end_matches(']');
            continue;
        }
        let name = line.split(['.', '=', ' ']).next().unwrap_or_default();
        if name.is_empty() || name.starts_with('#') || !section.ends_with("dependencies") {
            continue;
        }
        let in_tests = section.ends_with("dev-dependencies");
        let ours = name == "tautline" || name.starts_with("tautline-") || name == "xtask";
        let allowed = if ours {
            arrows.ours.contains(&name) || (in_tests && arrows.ours_in_tests.contains(&name))
        } else {
            in_tests || !(arrows.never == EVERY || arrows.never.contains(&name))
        };
        if !allowed {
            violations.push(violation(number, format!("{folder} imports {name}")));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(folder: &str, manifest: &str) -> Vec<(usize, String)> {
        let tree = Tree::of(&[(&format!("{folder}/Cargo.toml"), manifest)]);
        check(&tree)
            .into_iter()
            .map(|violation| (violation.line, violation.what))
            .collect()
    }

    #[test]
    fn an_import_against_the_arrows_is_found() {
        let found = found(
            "crates/engine",
            "[dependencies]\ntautline-protocol.workspace = true\ntautline-hub.workspace = true\n",
        );
        assert_eq!(
            found,
            [(3, "crates/engine imports tautline-hub".to_owned())]
        );
    }

    #[test]
    fn the_protocol_does_no_io_but_its_tests_may() {
        let manifest = "[dependencies]\ntokio = { version = \"1\" }\n[dev-dependencies]\ntokio.workspace = true\n";
        assert_eq!(
            found("crates/protocol", manifest),
            [(2, "crates/protocol imports tokio".to_owned())]
        );
    }

    #[test]
    fn tests_may_not_import_any_crate_of_ours() {
        let found = found(
            "crates/protocol",
            "[dev-dependencies]\ntautline-hub.workspace = true\n",
        );
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn xtask_imports_nothing() {
        let found = found("xtask", "[dependencies]\nslab.workspace = true\n");
        assert_eq!(found, [(2, "xtask imports slab".to_owned())]);
    }

    #[test]
    fn a_crate_without_arrows_is_found() {
        assert_eq!(
            found("crates/common", ""),
            [(1, "the crate crates/common has no arrows".to_owned())]
        );
    }
}
