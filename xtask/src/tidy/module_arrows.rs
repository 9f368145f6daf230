//! Which module may import which inside a crate: read from the paths that the code names.
//!
//! Names that a `lib.rs` re-exports count as the module they come from, so that the crate's root is no
//! way around.

use std::collections::BTreeMap;

use super::Violation;
use super::source::{Source, is_word, line_of, words};
use super::tree::Tree;

/// What a module must not import.
struct Arrow {
    /// The crate's folder below `crates/`.
    of_crate: &'static str,
    /// The top module it speaks of; empty for the whole crate.
    module: &'static str,
    /// `crate::module` paths it never names.
    never: &'static [&'static str],
}

const ALL: [Arrow; 21] = [
    Arrow {
        of_crate: "protocol",
        module: "model",
        never: &["crate::wire", "crate::server", "crate::client"],
    },
    Arrow {
        of_crate: "protocol",
        module: "wire",
        never: &["crate::server", "crate::client"],
    },
    Arrow {
        of_crate: "protocol",
        module: "server",
        never: &["crate::client"],
    },
    Arrow {
        of_crate: "protocol",
        module: "client",
        never: &["crate::server"],
    },
    Arrow {
        of_crate: "engine",
        module: "",
        never: &[
            "tautline_protocol::wire",
            "tautline_protocol::server",
            "tautline_protocol::client",
        ],
    },
    Arrow {
        of_crate: "engine",
        module: "memory",
        never: &["crate::embedded", "crate::redis", "crate::nats"],
    },
    Arrow {
        of_crate: "engine",
        module: "embedded",
        never: &["crate::redis", "crate::nats"],
    },
    Arrow {
        of_crate: "engine",
        module: "redis",
        never: &["crate::memory", "crate::embedded", "crate::nats"],
    },
    Arrow {
        of_crate: "engine",
        module: "nats",
        never: &["crate::memory", "crate::embedded", "crate::redis"],
    },
    Arrow {
        of_crate: "hub",
        module: "",
        never: &["tautline_protocol::server", "tautline_protocol::client"],
    },
    Arrow {
        of_crate: "client",
        module: "",
        never: &["tautline_protocol::server"],
    },
    Arrow {
        of_crate: "tautline",
        module: "config",
        never: &[
            "crate::transport",
            "crate::auth",
            "crate::api",
            "crate::admin",
            "crate::doctor",
            "crate::serve",
            "tautline_client",
        ],
    },
    Arrow {
        of_crate: "tautline",
        module: "transport",
        never: &[
            "crate::api",
            "crate::admin",
            "crate::doctor",
            "crate::serve",
            "tautline_client",
        ],
    },
    Arrow {
        of_crate: "tautline",
        module: "certificate",
        never: &[
            "tautline_hub",
            "crate::config",
            "crate::transport",
            "crate::auth",
            "crate::api",
            "crate::admin",
            "crate::serve",
            "tautline_client",
        ],
    },
    Arrow {
        of_crate: "tautline",
        module: "auth",
        never: &[
            "tautline_hub",
            "crate::transport",
            "crate::api",
            "crate::admin",
            "crate::serve",
            "tautline_client",
        ],
    },
    Arrow {
        of_crate: "tautline",
        module: "audit",
        never: &[
            "crate::transport",
            "crate::auth",
            "crate::api",
            "crate::admin",
            "crate::serve",
            "tautline_client",
        ],
    },
    Arrow {
        of_crate: "tautline",
        module: "api",
        never: &[
            "crate::transport",
            "crate::admin",
            "crate::serve",
            "tautline_client",
        ],
    },
    Arrow {
        of_crate: "tautline",
        module: "inquiry",
        never: &[
            "crate::transport",
            "crate::api",
            "crate::admin",
            "crate::serve",
            "tautline_client",
        ],
    },
    Arrow {
        of_crate: "tautline",
        module: "serve",
        never: &["crate::terminal", "tautline_client"],
    },
    Arrow {
        of_crate: "tautline",
        module: "admin",
        never: &["crate::terminal", "tautline_client"],
    },
    Arrow {
        of_crate: "tautline",
        module: "terminal",
        never: &[
            "tautline_hub",
            "tautline_protocol::client",
            "tautline_protocol::server",
            "crate::config",
            "crate::audit",
            "crate::auth",
            "crate::transport",
            "crate::api",
            "crate::admin",
            "crate::serve",
        ],
    },
];

/// Every module that has an arrow.
pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in tree.rust() {
        let Some((of_crate, below)) = file.in_crate() else {
            continue;
        };
        let module = below.split(['/', '.']).next().unwrap_or_default();
        let arrows = ALL.iter().filter(|arrow| {
            arrow.of_crate == of_crate && (arrow.module.is_empty() || arrow.module == module)
        });
        let never: Vec<&str> = arrows
            .flat_map(|arrow| arrow.never.iter().copied())
            .collect();
        if !never.is_empty() {
            violations.extend(check_file(tree, file, of_crate, &never));
        }
    }
    violations
}

fn check_file(tree: &Tree, file: &Source, of_crate: &str, never: &[&str]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for root in [
        "crate",
        "super",
        "tautline_protocol",
        "tautline_hub",
        "tautline_client",
    ] {
        let home = root.strip_prefix("tautline_").unwrap_or(of_crate);
        let exports = exports(tree, home);
        for (line, path) in imports(file, root) {
            let mut parts = path.split("::");
            let first = parts.next().unwrap_or_default();
            let module = exports.get(first).map_or(first, String::as_str);
            let shown = if root == "super" { "crate" } else { root };
            let full = format!("{shown}::{module}");
            if never
                .iter()
                .any(|forbidden| *forbidden == full || *forbidden == shown)
            {
                violations.push(Violation {
                    path: file.path.clone(),
                    line,
                    what: format!("this module imports {full}"),
                    why: "the arrows between modules go one way, see ARCHITECTURE.md",
                    fix: "pass what is needed as an argument, or move the code to the module that may know both",
                });
            }
        }
    }
    violations
}

/// The paths below `root` that a file's code names, with their lines. `super` counts when it leads to the
/// crate's root.
fn imports(file: &Source, root: &str) -> Vec<(usize, String)> {
    let code = file.code_without_tests();
    let depth = file.in_crate().map_or(0, |(_, below)| module_depth(below));
    let (prefix, starts) = match root {
        "super" if depth == 0 => return Vec::new(),
        "super" => ("super::".repeat(depth), "super"),
        root => (format!("{root}::"), root),
    };
    let mut found = Vec::new();
    for at in words(code, starts) {
        let inside_a_path = code.get(..at).is_some_and(|before| before.ends_with("::"));
        let Some(rest) = code
            .get(at..)
            .and_then(|path| path.strip_prefix(prefix.as_str()))
        else {
            continue;
        };
        if !inside_a_path && !rest.starts_with("super::") {
            found.extend(
                flatten(rest)
                    .into_iter()
                    .map(|path| (line_of(code, at), path)),
            );
        }
    }
    found
}

/// How many `super::` lead from a file to the crate's root.
fn module_depth(below: &str) -> usize {
    let module = below.trim_end_matches(".rs").trim_end_matches("/mod");
    if ["lib", "main"].contains(&module) {
        0
    } else {
        module.split('/').count()
    }
}

/// The paths of a use tree: `a::{b, c::D}` is `a::b` and `a::c::D`.
fn flatten(tree: &str) -> Vec<String> {
    let tree = tree.trim_start();
    if let Some(group) = tree.strip_prefix('{') {
        return branches(group).into_iter().flat_map(flatten).collect();
    }
    let name: String = tree
        .chars()
        .take_while(|character| is_word(*character))
        .collect();
    let rest = tree
        .get(name.len()..)
        .and_then(|rest| rest.strip_prefix("::"));
    match rest {
        Some(rest) => flatten(rest)
            .into_iter()
            .map(|path| format!("{name}::{path}"))
            .collect(),
        None if name.is_empty() => Vec::new(),
        None => vec![name],
    }
}

/// The parts of a group whose opening brace is read.
fn branches(group: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut from) = (0_u32, 0);
    for (at, character) in group.char_indices() {
        let ends = match character {
            '{' => {
                depth += 1;
                false
            }
            '}' if depth > 0 => {
                depth -= 1;
                false
            }
            ',' => depth == 0,
            '}' => true,
            _ => false,
        };
        if ends {
            parts.extend(group.get(from..at));
            from = at + 1;
            if character == '}' {
                break;
            }
        }
    }
    parts
}

/// What a crate's `lib.rs` re-exports: name to module.
fn exports(tree: &Tree, of_crate: &str) -> BTreeMap<String, String> {
    let mut exports = BTreeMap::new();
    let Some(lib) = tree.file(&format!("crates/{of_crate}/src/lib.rs")) else {
        return exports;
    };
    for (at, found) in lib.code.match_indices("pub use ") {
        let rest = lib.code.get(at + found.len()..).unwrap_or_default();
        for path in flatten(
            rest.trim_start_matches("crate::")
                .trim_start_matches("self::"),
        ) {
            if let (Some((module, _)), Some((_, name))) =
                (path.split_once("::"), path.rsplit_once("::"))
            {
                exports.insert(name.to_owned(), module.to_owned());
            }
        }
    }
    exports
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        check(&Tree::of(files))
            .into_iter()
            .map(|violation| format!("{}: {}", violation.line, violation.what))
            .collect()
    }

    #[test]
    fn an_import_against_the_arrows_is_found_in_every_spelling() {
        for code in [
            "use crate::server::Session;",
            "use crate::{model::RoomName, server::Session};",
            "use super::super::server::Session;",
            "fn a(b: &crate::server::Session) {}",
        ] {
            let found = found(&[("crates/protocol/src/wire/json.rs", code)]);
            assert_eq!(
                found,
                ["1: this module imports crate::server"],
                "for {code}"
            );
        }
    }

    #[test]
    fn a_re_export_is_no_way_around() {
        let lib = (
            "crates/protocol/src/lib.rs",
            "pub use model::RoomName;\npub use server::{Session, limits::Limits};",
        );
        let inside = (
            "crates/protocol/src/wire/json.rs",
            "use crate::{Limits, RoomName};",
        );
        assert_eq!(
            found(&[lib, inside]),
            ["1: this module imports crate::server"]
        );
        let outside = (
            "crates/hub/src/room.rs",
            "\nuse tautline_protocol::{RoomName, Session};",
        );
        assert_eq!(
            found(&[lib, outside]),
            ["2: this module imports tautline_protocol::server"]
        );
    }

    #[test]
    fn a_crate_may_be_forbidden_as_a_whole() {
        let found = found(&[("crates/tautline/src/auth/jwt.rs", "use tautline_hub::Hub;")]);
        assert_eq!(found, ["1: this module imports tautline_hub::Hub"]);
    }

    #[test]
    fn imports_along_the_arrows_comments_and_tests_are_fine() {
        let code = "use crate::model::RoomName;\nuse super::json;\n// crate::server\n#[cfg(test)]\nmod tests { use crate::server::Session; }";
        assert_eq!(found(&[("crates/protocol/src/wire/mod.rs", code)]), [""; 0]);
    }
}
