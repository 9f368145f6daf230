//! A power cut: of all that was written, only what the device has is there.
//!
//! The store is on a file system in a file (the inner one), mounted by a loop device; the file is on another file
//! system (the outer one). The power is cut by freezing the outer one: writes of the device that are on their way
//! end, and no other one begins. The file is copied meanwhile, and the copy is mounted as a machine would that comes
//! up again: its journal is replayed. The page cache of the inner file system, where everything is that was not synced, is not
//! in the copy. So it is one instant, and the publisher, who goes on until it needs the disk, does not know of it: whatever it
//! says before the outer file system thaws must be in the copy.
//!
//! What this shows: nothing is answered, or told, before it is synced, and what was synced in parts can be read.
//! What it does not show: a device that loses writes which it has completed before it was told to flush them, or that writes half of a
//! sector. This device does neither.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use uuid::Uuid;

use crate::judge::Judge;
use crate::said::Said;
use crate::volume::{self, Volume};
use crate::{WORDS_MAX, child, tell};

const INNER_BYTES: u64 = 160 << 20;
const OUTER_BYTES: u64 = 256 << 20;

/// Lines that were said and not read yet.
const LINES_MAX: usize = 1_024;

pub(crate) fn judge(cuts: u64) {
    let home = Home::new("power");
    volume::format(&home.0.join("outer.img"), OUTER_BYTES);
    let outer = Volume::mount(&home.0.join("outer.img"), &home.0.join("outer"));
    volume::format(&outer.path().join("inner.img"), INNER_BYTES);
    let copy = home.0.join("copy.img");
    let mut judge = Judge::default();
    for _ in 0..cuts {
        let said = cut_one(&home, &outer, &copy);
        let inner = Volume::mount(&copy, &home.0.join("inner"));
        judge.compare(&inner.path().join("store"), said);
        drop(inner);
        volume::copy(&copy, &outer.path().join("inner.img"));
    }
    tell(&format!("{cuts} power cuts, {judge}"));
}

/// Lets a child publish, and copies the disk when it has said enough.
fn cut_one(home: &Home, outer: &Volume, copy: &Path) -> Said {
    let image = outer.path().join("inner.img");
    let inner = Volume::mount(&image, &home.0.join("inner"));
    let (publisher, lines) = Publisher::start(&inner.path().join("store"));
    let enough = usize::try_from(Uuid::now_v7().as_u128() % WORDS_MAX).unwrap();
    let mut said = Said::default();
    for line in lines.iter().take(enough) {
        said.note(&line);
    }
    let frozen = outer.freeze();
    volume::copy(&image, copy);
    for line in lines.try_iter() {
        said.note(&line);
    }
    drop(frozen);
    drop(publisher);
    for line in lines {
        said.note_late(&line);
    }
    said
}

/// A directory for images and mounts.
#[derive(Debug)]
pub(crate) struct Home(pub(crate) PathBuf);

impl Home {
    pub(crate) fn new(name: &str) -> Self {
        let name = format!("{name}-{}", Uuid::now_v7().simple());
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir(&home).unwrap();
        Self(home)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

/// A child, which is killed when this is dropped.
#[derive(Debug)]
struct Publisher(Child);

impl Publisher {
    /// Starts it; its lines come as it says them.
    fn start(directory: &Path) -> (Self, Receiver<String>) {
        let mut child = child::command(directory)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = sync_channel(LINES_MAX);
        thread::spawn(move || {
            let mut line = String::new();
            while out.read_line(&mut line).unwrap() > 0
                && sender.send(std::mem::take(&mut line)).is_ok()
            {}
        });
        (Self(child), lines)
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
