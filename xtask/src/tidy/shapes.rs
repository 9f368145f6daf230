//! How many fields a struct and how many methods a trait may have.

use super::Violation;
use super::source::{is_word, line_of, words};
use super::tree::Tree;

const FIELDS_MAX: usize = 12;
const METHODS_MAX: usize = 10;

/// Every struct and trait outside of tests.
pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in tree.rust() {
        let code = file.code_without_tests();
        for (introduction, most, count) in [
            ("struct", FIELDS_MAX, fields as fn(&str) -> usize),
            ("trait", METHODS_MAX, methods),
        ] {
            for at in words(code, introduction) {
                let Some((name, body)) =
                    code.get(at + introduction.len()..).and_then(name_and_body)
                else {
                    continue;
                };
                let members = count(body);
                if members > most {
                    violations.push(Violation {
                        path: file.path.clone(),
                        line: line_of(code, at),
                        what: format!(
                            "{introduction} {name} has {members} members, at most {most}"
                        ),
                        why: "what is larger does more than one thing",
                        fix: "group the members that change together into a type of their own",
                    });
                }
            }
        }
    }
    violations
}

/// The name behind `struct` or `trait`, and what stands between its braces.
fn name_and_body(rest: &str) -> Option<(String, &str)> {
    let name: String = rest
        .trim_start()
        .chars()
        .take_while(|character| is_word(*character))
        .collect();
    let (head, _) = rest.split_once('{')?;
    if head.contains(';') || head.contains('(') && !head.contains("where") {
        return None;
    }
    let body = rest.get(head.len() + 1..)?;
    Some((name, body.get(..end_of_block(body))?))
}

/// Where the block ends whose opening brace is read.
pub(super) fn end_of_block(body: &str) -> usize {
    let mut depth = 0_u32;
    for (at, character) in body.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => return at,
            '}' => depth -= 1,
            _ => {}
        }
    }
    body.len()
}

/// The fields of a struct: what the commas of the outermost level part.
fn fields(body: &str) -> usize {
    let (mut depth, mut before, mut count, mut empty) = (0_u32, ' ', 0, true);
    for character in body.chars() {
        match character {
            '(' | '[' | '{' | '<' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            '>' if before != '-' && before != '=' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                count += usize::from(!empty);
                empty = true;
                before = character;
                continue;
            }
            _ => {}
        }
        empty = empty && character.is_whitespace();
        before = character;
    }
    count + usize::from(!empty)
}

/// The methods of a trait: `fn` at the outermost level.
fn methods(body: &str) -> usize {
    words(body, "fn")
        .filter(|at| {
            let before = body.get(..*at).unwrap_or_default();
            before.matches('{').count() == before.matches('}').count()
        })
        .filter(|at| {
            body.get(at + 2..)
                .is_some_and(|after| after.starts_with(' '))
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(code: &str) -> Vec<String> {
        check(&Tree::of(&[("crates/a/src/b.rs", code)]))
            .into_iter()
            .map(|violation| violation.what)
            .collect()
    }

    fn record(fields: usize) -> String {
        let fields =
            "    #[serde(default, skip)]\n    pub(crate) a: BTreeMap<(u8, u8), fn(u8) -> u8>,\n"
                .repeat(fields);
        format!("pub struct Wide {{\n{fields}}}\n")
    }

    fn interface(methods: usize) -> String {
        let methods =
            "    fn a(&self) -> u8 { let b = |x: fn(u8)| {}; fn c() {} }\n".repeat(methods);
        format!("pub trait Broad: Send {{\n{methods}}}\n")
    }

    #[test]
    fn thirteen_fields_are_too_many() {
        assert_eq!(found(&record(12)), [""; 0]);
        assert_eq!(
            found(&record(13)),
            ["struct Wide has 13 members, at most 12"]
        );
    }

    #[test]
    fn eleven_methods_are_too_many() {
        assert_eq!(found(&interface(10)), [""; 0]);
        assert_eq!(
            found(&interface(11)),
            ["trait Broad has 11 members, at most 10"]
        );
    }

    #[test]
    fn structs_without_braces_end_where_they_end() {
        assert_eq!(
            found(&format!(
                "struct A;\nstruct B(u8);\nfn c() {{ {} }}",
                "a(1, 2);".repeat(20)
            )),
            [""; 0]
        );
    }
}
