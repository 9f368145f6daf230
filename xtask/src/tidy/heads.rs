//! Every Rust file begins by saying what lives in it.

use super::Violation;
use super::tree::Tree;

/// Every Rust file.
pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let headless = tree
        .rust()
        .filter(|file| !file.text.trim_start().starts_with("//!"));
    headless
        .map(|file| Violation {
            path: file.path.clone(),
            line: 1,
            what: "no module head".to_owned(),
            why: "a reader should not have to guess what lives here and what never does",
            fix: "begin with `//! ` and a sentence or three",
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_head_is_found() {
        let tree = Tree::of(&[
            ("a/src/b.rs", "use c;\n"),
            ("a/src/d.rs", "//! The d.\n"),
            ("e.toml", ""),
        ]);
        let found: Vec<String> = check(&tree)
            .into_iter()
            .map(|violation| violation.path)
            .collect();
        assert_eq!(found, ["a/src/b.rs"]);
    }
}
