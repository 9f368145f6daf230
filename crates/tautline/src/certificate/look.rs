//! Whether the certificate's files have changed.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::{Certificate, Fault, Files};

/// What a look at the files brings.
#[derive(Debug)]
pub(crate) enum News {
    /// They are as they were.
    None,
    /// New connections get what the files hold now.
    Renewed,
    /// They have changed and cannot be used, for all of these reasons: what was current stays so.
    /// Told once for each change.
    Kept(Vec<Fault>),
}

/// How the files looked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Looked {
    /// The last time that they were looked at.
    last: Look,
    /// The last time that they were read.
    read: Look,
}

type Look = [Option<Face>; 2];

/// A file's face: if it is the same, so is the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Face {
    inode: u64,
    bytes: u64,
    /// When its content, its name or its permissions changed last.
    changed: (i64, i64),
}

impl Looked {
    pub(super) fn at(files: &Files) -> Self {
        let look = look(files);
        Self {
            last: look,
            read: look,
        }
    }
}

impl Certificate {
    /// Looks at the files, and reads them if they have changed. Two files are not replaced in one
    /// instant, and writing one takes time: a change is believed when it is seen a second time.
    pub(crate) fn look(&self) -> News {
        let mut looked = self.looked.lock();
        let now = look(&self.files);
        let before = std::mem::replace(&mut looked.last, now);
        if now == looked.read || now != before {
            return News::None;
        }
        looked.read = now;
        match self.files.read() {
            Ok(renewed) => {
                *self.current.write() = renewed;
                News::Renewed
            }
            Err(faults) => News::Kept(faults),
        }
    }
}

fn look(files: &Files) -> Look {
    [&files.certificate, &files.key].map(|path| face(path))
}

/// None for a file that is not there, or is not ours to see.
fn face(path: &Path) -> Option<Face> {
    let metadata = path.metadata().ok()?;
    Some(Face {
        inode: metadata.ino(),
        bytes: metadata.len(),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
    })
}
