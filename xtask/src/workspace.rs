//! Where things are: the project's root, the target directory, and programs on this machine.

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The project on this machine.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// The folder of the root manifest.
    pub(crate) root: PathBuf,
    /// Where cargo puts what it builds.
    pub(crate) target: PathBuf,
}

impl Workspace {
    /// Finds the project from the place of this crate, so that any working directory will do.
    pub(crate) fn find() -> io::Result<Self> {
        let manifest_dir =
            env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&manifest_dir).join("..").canonicalize()?;
        // Relative to where the person stands, as cargo reads it.
        let target = match env::var_os("CARGO_TARGET_DIR") {
            Some(target) => env::current_dir()?.join(target),
            None => root.join("target"),
        };
        Ok(Self { root, target })
    }

    /// A cargo command in the root. The one cargo that started us, so that `+toolchain` is kept.
    pub(crate) fn cargo<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command
            .args(arguments)
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", &self.target);
        command
    }
}

/// The first of these programs that is on the `PATH`.
pub(crate) fn on_path(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let folders: Vec<PathBuf> = env::split_paths(&path).collect();
    let places = names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    places.into_iter().find(|place| place.is_file())
}

/// The file that an environment variable names, or else this one.
pub(crate) fn named_or(variable: &str, path: &str) -> PathBuf {
    let named = env::var_os(variable).filter(|value| !value.is_empty());
    named.map_or_else(|| PathBuf::from(path), PathBuf::from)
}

/// A program named by an environment variable, or else the first of `names` on the `PATH`.
pub(crate) fn program(variable: &str, names: &[&str]) -> Option<PathBuf> {
    let named = env::var_os(variable)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from);
    named.or_else(|| on_path(names))
}
