//! A dependency is a decision: its reason stands beside it in the root manifest.

use super::Violation;
use super::source::Source;
use super::tree::Tree;

/// The root manifest, and no other manifest with a version of its own.
pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    let manifests = tree
        .files
        .iter()
        .filter(|file| file.path.ends_with("Cargo.toml") && !file.path.contains("/fuzz/"));
    for manifest in manifests {
        let mut section = "";
        for (number, line) in Source::numbered(&manifest.text) {
            if let Some(header) = line.strip_prefix('[') {
                section = header.trim_end_matches(']');
            } else if section.ends_with("dependencies")
                && line.contains('=')
                && !line.starts_with('#')
            {
                violations.extend(check_line(manifest, number, line));
            }
        }
    }
    violations
}

fn check_line(manifest: &Source, number: usize, line: &str) -> Option<Violation> {
    let violation = |what: &str, why, fix| {
        Some(Violation {
            path: manifest.path.clone(),
            line: number,
            what: what.to_owned(),
            why,
            fix,
        })
    };
    if manifest.path == "Cargo.toml" {
        let (dependency, reason) = line.split_once(" # ").unwrap_or((line, ""));
        let explained = dependency.contains("path =") || !reason.trim().is_empty();
        let what = "a dependency without its reason";
        let fix = "say in one line behind it what it is here for";
        return if explained {
            None
        } else {
            violation(what, "a dependency is a decision", fix)
        };
    }
    if line.contains("workspace = true") {
        return None;
    }
    let fix = "put the version into the root manifest, with its reason, and write `.workspace = true` here";
    violation(
        "a version outside the root manifest",
        "one place decides about dependencies",
        fix,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<(usize, String)> {
        check(&Tree::of(&[(path, text)]))
            .into_iter()
            .map(|violation| (violation.line, violation.what))
            .collect()
    }

    #[test]
    fn a_dependency_without_its_reason_is_found() {
        let text = "[workspace.dependencies]\na = \"1\" # for b\nc = \"1\"\nours = { path = \"crates/ours\" }\n[profile.dev]\nd = 1\n";
        assert_eq!(
            found("Cargo.toml", text),
            [(3, "a dependency without its reason".to_owned())]
        );
    }

    #[test]
    fn a_version_of_a_crates_own_is_found() {
        let text = "[package]\nname = \"a\"\n[dependencies]\nb.workspace = true\nc = \"1\"\n";
        assert_eq!(
            found("crates/a/Cargo.toml", text),
            [(5, "a version outside the root manifest".to_owned())]
        );
    }
}
