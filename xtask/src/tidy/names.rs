//! Names that say nothing, of files, folders and types.

use super::Violation;
use super::source::{is_word, line_of, words};
use super::tree::Tree;

/// Words that fit anything, and therefore hold anything sooner or later.
const BANNED: [&str; 12] = [
    "util",
    "utils",
    "utilities",
    "common",
    "helper",
    "helpers",
    "misc",
    "core",
    "types",
    "manager",
    "handler",
    "handlers",
];
/// What introduces a type's name, in Rust and in TypeScript.
const INTRODUCTIONS: [&str; 6] = ["struct", "enum", "trait", "type", "class", "interface"];
const WHY: &str = "the name fits anything, so the place will hold anything";
const FIX: &str = "name it after the one noun it holds";

/// Every path, and every type in code.
pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in &tree.files {
        for part in file.path.split('/') {
            let stem = part.split('.').next().unwrap_or(part);
            if last_word_is_banned(stem) {
                violations.push(Violation {
                    path: file.path.clone(),
                    line: 1,
                    what: format!("a file or folder named `{part}`"),
                    why: WHY,
                    fix: FIX,
                });
            }
        }
        if ["rs", "ts", "tsx", "js", "mjs"].contains(&file.ending()) {
            let types = INTRODUCTIONS
                .iter()
                .flat_map(|introduction| types(&file.code, introduction));
            violations.extend(
                types
                    .filter(|(_, name)| last_word_is_banned(&snake(name)))
                    .map(|(line, name)| Violation {
                        path: file.path.clone(),
                        line,
                        what: format!("a type named `{name}`"),
                        why: WHY,
                        fix: FIX,
                    }),
            );
        }
    }
    violations
}

fn last_word_is_banned(name: &str) -> bool {
    let last = name.rsplit(['_', '-']).next().unwrap_or(name);
    BANNED.contains(&last.to_lowercase().as_str())
}

/// The types that `introduction` introduces, with their lines.
fn types<'a>(code: &'a str, introduction: &'a str) -> impl Iterator<Item = (usize, String)> {
    words(code, introduction).filter_map(move |at| {
        let name = code.get(at + introduction.len()..)?.strip_prefix(' ')?;
        let name: String = name
            .chars()
            .take_while(|character| is_word(*character))
            .collect();
        Some((line_of(code, at), name)).filter(|(_, name)| name.starts_with(char::is_uppercase))
    })
}

/// `RoomManager` as `Room_Manager`.
fn snake(name: &str) -> String {
    let mut words = String::new();
    for character in name.chars() {
        if character.is_uppercase() && !words.is_empty() {
            words.push('_');
        }
        words.push(character);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        check(&Tree::of(&[(path, text)]))
            .into_iter()
            .map(|violation| violation.what)
            .collect()
    }

    #[test]
    fn names_of_files_and_folders_are_found() {
        for path in [
            "crates/hub/src/utils.rs",
            "crates/common/src/lib.rs",
            "packages/client/src/string-helpers.ts",
        ] {
            assert_eq!(found(path, "").len(), 1, "for {path}");
        }
    }

    #[test]
    fn names_of_types_are_found() {
        assert_eq!(
            found("a.rs", "pub struct RoomManager {}"),
            ["a type named `RoomManager`"]
        );
        assert_eq!(
            found("a.ts", "export class Handler {}"),
            ["a type named `Handler`"]
        );
    }

    #[test]
    fn verbs_and_words_within_are_fine() {
        assert_eq!(
            found(
                "crates/hub/src/core_affinity.rs",
                "fn handle_timeout() {}\nstruct Scores;"
            ),
            [""; 0]
        );
    }
}
