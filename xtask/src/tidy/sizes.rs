//! How long files may be, and how many entries the root.

use super::Violation;
use super::source::Source;
use super::tree::Tree;

const SOURCE_LINES_MAX: usize = 600;
const TEST_LINES_MAX: usize = 1000;
/// An example is read at one go: its `app.ts` has fewer than 150 lines.
const EXAMPLE_LINES_MAX: usize = 149;
const ROOT_ENTRIES_MAX: usize = 26;
/// Documents that are read in one sitting.
const DOCUMENTS: [(&str, usize); 3] = [
    ("README.md", 150),
    ("ARCHITECTURE.md", 300),
    ("CONTRIBUTING.md", 150),
];
/// Files that people write as code.
const CODE: [&str; 8] = ["rs", "js", "mjs", "ts", "tsx", "css", "html", "sh"];

/// Every code file, the root's documents, the root itself.
pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in &tree.files {
        let lines = file.text.lines().count();
        let Some(most) = most(file).filter(|most| lines > *most) else {
            continue;
        };
        violations.push(Violation {
            path: file.path.clone(),
            line: most + 1,
            what: format!("{lines} lines, at most {most}"),
            why: "a longer file hides more than one noun",
            fix: "give the second noun a file of its own",
        });
    }
    if tree.root_entries > ROOT_ENTRIES_MAX {
        violations.push(Violation {
            path: ".".to_owned(),
            line: 1,
            what: format!(
                "{} files and folders in the root, at most {ROOT_ENTRIES_MAX}",
                tree.root_entries
            ),
            why: "the root is the first page anybody reads",
            fix: "put it where it belongs",
        });
    }
    violations
}

fn most(file: &Source) -> Option<usize> {
    if let Some((_, most)) = DOCUMENTS.iter().find(|(path, _)| *path == file.path) {
        return Some(*most);
    }
    let limit = if file.path.starts_with("examples/") && file.path.ends_with("/app.ts") {
        EXAMPLE_LINES_MAX
    } else if file.is_test() {
        TEST_LINES_MAX
    } else {
        SOURCE_LINES_MAX
    };
    CODE.contains(&file.ending()).then_some(limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, lines: usize) -> Vec<String> {
        check(&Tree::of(&[(path, &"a\n".repeat(lines))]))
            .into_iter()
            .map(|violation| violation.what)
            .collect()
    }

    #[test]
    fn each_kind_of_file_has_its_limit() {
        for (path, most) in [
            ("crates/hub/src/room.rs", 600),
            ("crates/hub/tests/room.rs", 1000),
            ("e2e/chat.test.mjs", 1000),
            ("examples/chat/app.ts", 149),
            ("examples/frame/frame.ts", 600),
            ("README.md", 150),
            ("ARCHITECTURE.md", 300),
        ] {
            assert_eq!(found(path, most), [""; 0], "for {path}");
            assert_eq!(
                found(path, most + 1),
                [format!("{} lines, at most {most}", most + 1)],
                "for {path}"
            );
        }
    }

    #[test]
    fn a_crowded_root_is_found() {
        let crowded = |root_entries| {
            check(&Tree {
                files: Vec::new(),
                root_entries,
            })
            .len()
        };
        assert_eq!((crowded(26), crowded(27)), (0, 1));
    }
}
