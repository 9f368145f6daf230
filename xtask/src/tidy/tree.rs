//! The project's text files, read once.

use std::fs;
use std::io;
use std::path::Path;

use super::source::Source;

/// What git does not keep, and tools leave behind: `.gitignore` in folder names.
const IGNORED: [&str; 8] = [
    ".git",
    "target",
    "node_modules",
    "dist",
    "build",
    "corpus",
    "artifacts",
    ".venv",
];
/// The files that rules read, by their ending.
const TEXT: [&str; 13] = [
    "rs", "toml", "md", "js", "mjs", "ts", "tsx", "css", "html", "sh", "json", "yml", "lua",
];

/// The project as the rules see it.
#[derive(Debug)]
pub(super) struct Tree {
    /// All text files, by path.
    pub(super) files: Vec<Source>,
    /// How many files and folders lie in the root.
    pub(super) root_entries: usize,
}

impl Tree {
    /// Reads everything below `root`.
    pub(super) fn read(root: &Path) -> io::Result<Self> {
        let mut tree = Self {
            files: Vec::new(),
            root_entries: 0,
        };
        tree.read_folder(root, "")?;
        tree.files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(tree)
    }

    fn read_folder(&mut self, root: &Path, below: &str) -> io::Result<()> {
        for entry in fs::read_dir(root.join(below))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if IGNORED.contains(&name.as_str()) {
                continue;
            }
            self.root_entries += usize::from(below.is_empty());
            let path = if below.is_empty() {
                name
            } else {
                format!("{below}/{name}")
            };
            if entry.file_type()?.is_dir() {
                self.read_folder(root, &path)?;
            } else if is_text(&path) {
                self.files
                    .push(Source::new(&path, &fs::read_to_string(root.join(&path))?));
            }
        }
        Ok(())
    }

    /// All Rust files.
    pub(super) fn rust(&self) -> impl Iterator<Item = &Source> {
        self.files.iter().filter(|file| file.ending() == "rs")
    }

    /// The file at this path.
    pub(super) fn file(&self, path: &str) -> Option<&Source> {
        self.files.iter().find(|file| file.path == path)
    }

    /// A tree for tests, from paths and texts.
    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        Self {
            files: files
                .iter()
                .map(|(path, text)| Source::new(path, text))
                .collect(),
            root_entries: 0,
        }
    }
}

fn is_text(path: &str) -> bool {
    path.rsplit_once('.')
        .is_some_and(|(_, ending)| TEXT.contains(&ending))
        || path.starts_with(".ci/")
}
