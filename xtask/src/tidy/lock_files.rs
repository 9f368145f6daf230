//! Lock files name versions and checksums, and no host: everybody installs from the registry they use.

use super::Violation;
use super::source::Source;
use super::tree::Tree;

/// Every lock file of npm.
pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in tree
        .files
        .iter()
        .filter(|file| file.path.ends_with("package-lock.json"))
    {
        let host = Source::numbered(&file.text)
            .find(|(_, line)| line.trim_start().starts_with("\"resolved\": \"http"));
        violations.extend(host.map(|(line, _)| Violation {
            path: file.path.clone(),
            line,
            what: "the lock file names a registry's host".to_owned(),
            why: "behind another registry the installation would fail",
            fix: "write `omit-lockfile-registry-resolved=true` into .npmrc beside it and lock again",
        }));
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_in_a_lock_file_is_found() {
        let found = |text| check(&Tree::of(&[("e2e/package-lock.json", text)])).len();
        assert_eq!(
            found("{\n  \"resolved\": \"https://example.org/a.tgz\"\n}"),
            1
        );
        assert_eq!(found("{\n  \"resolved\": \"../packages/client\"\n}"), 0);
    }
}
