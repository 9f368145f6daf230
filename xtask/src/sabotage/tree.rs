//! A tree of the project's files, and patches of it.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A folder with the project's files.
#[derive(Debug)]
pub(super) struct Tree {
    root: PathBuf,
}

impl Tree {
    pub(super) fn at(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// Becomes the same as another tree, with all that git knows there or would take in. What is the same
    /// already is not touched, so that it is not built again.
    pub(super) fn follow(&self, other: &Self) -> io::Result<()> {
        let wanted = other.files()?;
        for file in &wanted {
            let (from, to) = (other.root.join(file), self.root.join(file));
            let content = fs::read(&from)?;
            if fs::read(&to).is_ok_and(|present| present == content) {
                continue;
            }
            if let Some(folder) = to.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(&to, content)?;
        }
        self.remove_others(Path::new(""), &wanted)
    }

    /// Changes the files as a patch says.
    pub(super) fn apply(&self, patch: &Path) -> io::Result<()> {
        self.git_apply(&[], patch)?.map_err(io::Error::other)
    }

    /// Whether the files are as a patch wants to find them, or else git's words.
    pub(super) fn can_apply(&self, patch: &Path) -> io::Result<Result<(), String>> {
        self.git_apply(&["--check"], patch)
    }

    fn git_apply(&self, options: &[&str], patch: &Path) -> io::Result<Result<(), String>> {
        let mut git = self.git();
        git.args(["apply", "--whitespace=nowarn"]);
        let output = git.args(options).arg(patch).output()?;
        if output.status.success() {
            return Ok(Ok(()));
        }
        Ok(Err(String::from_utf8_lossy(&output.stderr).into_owned()))
    }

    /// The files that are there, of those that git knows or would take in.
    fn files(&self) -> io::Result<HashSet<PathBuf>> {
        let mut git = self.git();
        git.args(["ls-files", "-z", "--cached", "--others"]);
        let output = git.arg("--exclude-standard").output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(io::Error::other(format!("git ls-files has failed: {said}")));
        }
        let listed = String::from_utf8_lossy(&output.stdout);
        let files = listed.split_terminator('\0').map(PathBuf::from);
        Ok(files
            .filter(|file| self.root.join(file).is_file())
            .collect())
    }

    fn remove_others(&self, below: &Path, wanted: &HashSet<PathBuf>) -> io::Result<()> {
        for entry in fs::read_dir(self.root.join(below))? {
            let entry = entry?;
            let path = below.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                self.remove_others(&path, wanted)?;
            } else if !wanted.contains(&path) {
                fs::remove_file(self.root.join(path))?;
            }
        }
        Ok(())
    }

    /// Git in this folder. One around it has no say: there, paths would mean something else.
    fn git(&self) -> Command {
        let mut git = Command::new("git");
        git.current_dir(&self.root)
            .stdin(Stdio::null())
            .env_remove("GIT_DIR")
            .env_remove("GIT_WORK_TREE");
        if let Some(around) = self.root.parent() {
            git.env("GIT_CEILING_DIRECTORIES", around);
        }
        git
    }
}

/// An empty folder for a test.
#[cfg(test)]
pub(super) fn scratch(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_follows_another_and_touches_only_what_differs() {
        let root = scratch("sabotage-tree");
        let (ours, copy) = (root.join("ours"), root.join("copy"));
        fs::create_dir_all(ours.join("deep")).unwrap();
        fs::create_dir_all(&copy).unwrap();
        let (tree, other) = (Tree::at(&copy), Tree::at(&ours));
        assert!(other.git().args(["init", "-q"]).status().unwrap().success());
        for (file, content) in [
            (".gitignore", "/built\n"),
            ("built", "x"),
            ("deep/a", "1"),
            ("b", "2"),
        ] {
            fs::write(ours.join(file), content).unwrap();
        }
        tree.follow(&other).unwrap();
        assert!(!copy.join("built").exists());
        let age = |file| fs::metadata(copy.join(file)).unwrap().modified().unwrap();
        let before = age("deep/a");
        fs::write(copy.join("b"), "sabotaged").unwrap();
        fs::write(copy.join("left over"), "").unwrap();
        tree.follow(&other).unwrap();
        assert_eq!(fs::read_to_string(copy.join("b")).unwrap(), "2");
        assert_eq!(age("deep/a"), before);
        assert!(!copy.join("left over").exists());
        fs::remove_dir_all(root).unwrap();
    }
}
