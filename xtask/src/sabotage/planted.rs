//! The patches, and what is written in front of them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Says that a test catches the bug, and not a run.
const JUDGE: &str = "Judge: cargo ";

/// A bug that is planted.
#[derive(Debug, Clone)]
pub(super) struct Planted {
    /// What it is called: its file's name.
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) judge: Judge,
}

/// Who is to catch it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Judge {
    /// A short run of the server with clients and faults.
    Run,
    /// A test, run by cargo with these arguments.
    Test(Vec<String>),
}

/// All patches of a folder, by name.
pub(super) fn read(folder: &Path) -> io::Result<Vec<Planted>> {
    let mut bugs = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_patch = path.extension().is_some_and(|ending| ending == "patch");
        let Some(name) = path.file_stem().filter(|_| is_patch) else {
            return Err(io::Error::other(format!(
                "{} is no patch; only those belong there",
                path.display()
            )));
        };
        let judge = judge(&fs::read_to_string(&path)?)
            .map_err(|wrong| io::Error::other(format!("{} {wrong}", path.display())))?;
        let name = name.to_string_lossy().into_owned();
        bugs.push(Planted { name, path, judge });
    }
    bugs.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(bugs)
}

/// Who is to catch what this patch breaks. Its first line says what that is.
fn judge(patch: &str) -> Result<Judge, &'static str> {
    let head = patch.lines().take_while(|line| !line.starts_with("--- "));
    let head: Vec<&str> = head.collect();
    if head.first().is_none_or(|line| !line.ends_with('.')) {
        return Err("does not begin with a sentence in one line that says what is broken");
    }
    let test = head.iter().find_map(|line| line.strip_prefix(JUDGE));
    Ok(test.map_or(Judge::Run, |test| {
        Judge::Test(test.split_whitespace().map(str::to_owned).collect())
    }))
}

#[cfg(test)]
impl Planted {
    /// One without a file.
    pub(super) fn called(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            path: PathBuf::new(),
            judge: Judge::Run,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_says_what_it_breaks_and_who_catches_that() {
        assert_eq!(judge("It is broken.\n\n--- a/x\n"), Ok(Judge::Run));
        let test = ["test", "-p", "engine"].map(str::to_owned).to_vec();
        assert_eq!(
            judge("It is broken. Badly.\nJudge: cargo test -p engine\n\n--- a/x\n"),
            Ok(Judge::Test(test))
        );
        assert!(judge("--- a/x\n+++ b/x\n").is_err());
        assert!(judge("It is\nbroken.\n--- a/x\n").is_err());
    }

    #[test]
    fn a_judge_within_the_difference_is_none() {
        let patch = "It is broken.\n--- a/x\n+++ b/x\n+Judge: cargo test\n";
        assert_eq!(judge(patch), Ok(Judge::Run));
    }
}
