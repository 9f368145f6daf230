//! File systems in files, mounted where no other process sees them.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where Debian has what mounts and makes file systems.
const PROGRAMS: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// A mounted file system. It is gone when this is dropped.
#[derive(Debug)]
pub(crate) struct Volume {
    place: PathBuf,
}

/// A file system that takes no write until this is dropped.
#[derive(Debug)]
pub(crate) struct Frozen<'v>(&'v Volume);

/// Runs this program with this argument in a mount namespace of its own: whatever ends it, no mount is left.
pub(crate) fn unshared(argument: &str) {
    let this = env::current_exe().unwrap();
    run(
        "unshare",
        ["--mount".as_ref(), this.as_os_str(), argument.as_ref()],
    );
}

/// Makes an ext4 file system in a file of this size, which takes no more of the disk than is written.
pub(crate) fn format(image: &Path, bytes: u64) {
    File::create(image).unwrap().set_len(bytes).unwrap();
    run("mkfs.ext4", ["-q".as_ref(), image.as_os_str()]);
}

/// Copies an image; what is empty stays empty.
pub(crate) fn copy(from: &Path, to: &Path) {
    run(
        "cp",
        ["--sparse=always".as_ref(), from.as_os_str(), to.as_os_str()],
    );
}

impl Volume {
    /// Mounts the file system in a file, by a loop device that ends with it.
    pub(crate) fn mount(image: &Path, place: &Path) -> Self {
        let options = ["-o", "loop,noatime", "-t", "ext4"].map(OsStr::new);
        Self::mounted(place, &[&options[..], &[image.as_os_str()]].concat())
    }

    /// A file system in memory, of this size.
    pub(crate) fn in_memory(bytes: u64, place: &Path) -> Self {
        let size = format!("size={bytes}");
        Self::mounted(place, &["-o", &size, "-t", "tmpfs", "none"].map(OsStr::new))
    }

    fn mounted(place: &Path, arguments: &[&OsStr]) -> Self {
        fs::create_dir_all(place).unwrap();
        let place = place.to_owned();
        run("mount", [arguments, &[place.as_os_str()]].concat());
        Self { place }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.place
    }

    /// Gives a file system in memory another size.
    pub(crate) fn resize(&self, bytes: u64) {
        let options = format!("remount,size={bytes}");
        run(
            "mount",
            ["-o".as_ref(), options.as_ref(), self.place.as_os_str()],
        );
    }

    /// Waits until no write is in progress, and lets none begin.
    pub(crate) fn freeze(&self) -> Frozen<'_> {
        run("fsfreeze", ["--freeze".as_ref(), self.place.as_os_str()]);
        Frozen(self)
    }
}

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        run(
            "fsfreeze",
            ["--unfreeze".as_ref(), self.0.place.as_os_str()],
        );
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        run("umount", [self.place.as_os_str()]);
    }
}

fn run<'a>(program: &str, arguments: impl IntoIterator<Item = &'a OsStr>) {
    let mut command = Command::new(program);
    command.env("PATH", PROGRAMS).args(arguments);
    let status = command.status().unwrap();
    assert!(status.success(), "{command:?}: {status}");
}
