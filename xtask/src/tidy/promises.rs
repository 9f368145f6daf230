//! The page of promises: each test that it links is there, so that a promise does not outlive what shows it.

use super::Violation;
use super::source::{Source, words};
use super::tree::Tree;

const PAGE: &str = "docs/promises.md";

/// Every link of the page to a file with tests; its text is the name of a function in that file, or a test's title in
/// TypeScript and JavaScript.
pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let violation = |line, what| Violation {
        path: PAGE.to_owned(),
        line,
        what,
        why: "a promise without the test that shows it is only a claim",
        fix: "link the test that shows it, or move the promise to what does not hold",
    };
    let Some(page) = tree.file(PAGE) else {
        return vec![violation(1, "the page is not there".to_owned())];
    };
    let mut violations = Vec::new();
    for (number, line) in Source::numbered(&page.text) {
        let gone = links(line).filter(|(name, path)| !has_test(tree, path, name));
        violations.extend(
            gone.map(|(name, path)| violation(number, format!("no test `{name}` in {path}"))),
        );
    }
    violations
}

/// The text and the target of each link to a file with tests, without the signs for code and for the way to the root.
fn links(line: &str) -> impl Iterator<Item = (&str, &str)> {
    line.split("](")
        .zip(line.split("](").skip(1))
        .filter_map(|(before, behind)| {
            let (_, name) = before.rsplit_once('[')?;
            let (path, _) = behind.split_once(')')?;
            let path = path.trim_start_matches("../");
            path.rsplit_once('.')
                .is_some_and(|(_, ending)| ["rs", "ts", "js"].contains(&ending))
                .then_some((name.trim_matches('`'), path))
        })
}

fn has_test(tree: &Tree, path: &str, name: &str) -> bool {
    let Some(file) = tree.file(path) else {
        return false;
    };
    if path
        .rsplit_once('.')
        .is_some_and(|(_, ending)| ending != "rs")
    {
        let titled = |quote| format!("test({quote}{name}{quote}");
        return ['"', '`']
            .iter()
            .any(|quote| file.text.contains(&titled(quote)));
    }
    let mut places = words(&file.code, name);
    let is_declared = |at| {
        file.code
            .get(..at)
            .is_some_and(|code| code.ends_with("fn "))
    };
    !name.is_empty() && places.any(is_declared)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TESTS: &str =
        "#[test]\nfn order_holds() {\n    // fn in_a_comment()\n    in_a_call();\n}";

    fn found(page: &str) -> Vec<String> {
        check(&Tree::of(&[(PAGE, page), ("crates/a/tests/a.rs", TESTS)]))
            .into_iter()
            .map(|violation| format!("{}: {}", violation.line, violation.what))
            .collect()
    }

    #[test]
    fn a_test_that_is_not_there_is_found() {
        for name in ["order_hold", "order", "in_a_comment", "in_a_call", ""] {
            let page = format!(
                "# A\n[`order_holds`](../crates/a/tests/a.rs), [`{name}`](../crates/a/tests/a.rs)"
            );
            let expected = format!("2: no test `{name}` in crates/a/tests/a.rs");
            assert_eq!(found(&page), [expected]);
        }
        assert_eq!(
            found("[order_holds](../crates/a/tests/b.rs)"),
            ["1: no test `order_holds` in crates/a/tests/b.rs"]
        );
        assert_eq!(check(&Tree::of(&[])).len(), 1, "without the page");
    }

    #[test]
    fn a_test_in_typescript_is_known_by_its_title() {
        let tree = |page| {
            let test = "test(\"order holds\", async () => {});";
            check(&Tree::of(&[
                (PAGE, page),
                ("packages/a/tests/a.test.ts", test),
            ]))
            .len()
        };
        assert_eq!(tree("[order holds](../packages/a/tests/a.test.ts)"), 0);
        assert_eq!(tree("[order hold](../packages/a/tests/a.test.ts)"), 1);
    }

    #[test]
    fn tests_that_are_there_and_other_links_are_fine() {
        let page = "[order_holds](../crates/a/tests/a.rs) ([`order_holds`](../crates/a/tests/a.rs)), [a guide](guide/a.md)";
        assert_eq!(found(page), [""; 0]);
    }
}
