//! How long a function of JavaScript or TypeScript may be; clippy does the same for Rust.

use super::Violation;
use super::shapes::end_of_block;
use super::source::{is_word, line_of};
use super::tree::Tree;

const LINES_MAX: usize = 70;
/// What looks like a call before a brace and is none.
const STATEMENTS: [&str; 6] = ["if", "for", "while", "switch", "catch", "with"];

/// Every function in a script that is not a test: a test file's outermost function holds all its tests.
pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in tree
        .files
        .iter()
        .filter(|file| ["js", "mjs", "ts", "tsx"].contains(&file.ending()))
    {
        if file.is_test() {
            continue;
        }
        for (at, _) in file.code.match_indices('{') {
            let before = file.code.get(..at).unwrap_or_default();
            let body = file.code.get(at + 1..).unwrap_or_default();
            let body = body.get(..end_of_block(body)).unwrap_or(body);
            let lines = body.matches('\n').count() + 1;
            if lines > LINES_MAX && opens_function(before) {
                violations.push(Violation {
                    path: file.path.clone(),
                    line: line_of(&file.code, at),
                    what: format!("a function of {lines} lines, at most {LINES_MAX}"),
                    why: "a function is read at one glance or not at all",
                    fix: "give its steps names of their own",
                });
            }
        }
    }
    violations
}

/// Whether the brace behind this code opens a function: `=> {`, or a list of parameters and not a statement.
fn opens_function(before: &str) -> bool {
    let before = before.trim_end();
    if before.ends_with("=>") {
        return true;
    }
    // A result type in TypeScript: `): Promise<void>`.
    let before = match before.rsplit_once("):") {
        Some((head, result)) if !result.contains([';', '{', '}', '\n']) => format!("{head})"),
        _ => before.to_owned(),
    };
    let Some(inside) = before.strip_suffix(')') else {
        return false;
    };
    let mut depth = 1;
    for (at, character) in inside.char_indices().rev() {
        match character {
            ')' => depth += 1,
            '(' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            let name: String = inside
                .get(..at)
                .unwrap_or_default()
                .trim_end()
                .chars()
                .rev()
                .take_while(|c| is_word(*c))
                .collect();
            let name: String = name.chars().rev().collect();
            return !STATEMENTS.contains(&name.as_str());
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, head: &str, lines: usize) -> usize {
        let text = format!("{head} {{\n{}}}\n", "  a();\n".repeat(lines));
        check(&Tree::of(&[(path, &text)])).len()
    }

    #[test]
    fn long_functions_are_found_in_every_spelling() {
        for head in [
            "function a(b, c)",
            "const a = async (b) =>",
            "  async a(b): Promise<void>",
            "  a(b = c())",
            "const a = function ()",
        ] {
            assert_eq!(found("a.ts", head, 71), 1, "for {head}");
            assert_eq!(found("a.ts", head, 60), 0, "for {head}");
        }
    }

    #[test]
    fn long_classes_statements_and_tests_are_fine() {
        for head in ["class A extends B", "if (a(b))", "const a ="] {
            assert_eq!(found("a.ts", head, 90), 0, "for {head}");
        }
        assert_eq!(found("e2e/a.test.mjs", "describe(\"a\", () =>", 90), 0);
    }
}
