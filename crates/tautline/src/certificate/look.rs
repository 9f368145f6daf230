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

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;
    use std::sync::Arc;

    use super::*;

    /// A folder of its own for each test, with a certificate in it.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let name = format!("tautline-{name}-{}", std::process::id());
            let folder = Self(std::env::temp_dir().join(name));
            fs::create_dir_all(&folder.0).unwrap();
            folder.issue();
            folder
        }

        fn files(&self) -> Files {
            Files {
                certificate: self.0.join("certificate.pem"),
                key: self.0.join("key.pem"),
            }
        }

        fn issue(&self) {
            let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
            let Files { certificate, key } = self.files();
            write(&certificate, &issued.cert.pem());
            write(&key, &issued.signing_key.serialize_pem());
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    /// In another file, so that it looks different whatever the clock's grain.
    fn write(path: &Path, text: &str) {
        let new = path.with_extension("new");
        fs::write(&new, text).unwrap();
        fs::set_permissions(&new, Permissions::from_mode(0o600)).unwrap();
        fs::rename(new, path).unwrap();
    }

    #[test]
    fn a_change_is_read_when_it_is_seen_twice_and_then_no_more() {
        let folder = Folder::new("renewed");
        let certificate = Certificate::read(folder.files()).unwrap();
        let first = certificate.current();
        assert!(matches!(certificate.look(), News::None));
        folder.issue();
        assert!(matches!(certificate.look(), News::None));
        assert!(Arc::ptr_eq(&first, &certificate.current()));
        assert!(matches!(certificate.look(), News::Renewed));
        assert!(!Arc::ptr_eq(&first, &certificate.current()));
        for _ in 0..3 {
            assert!(matches!(certificate.look(), News::None));
        }
    }

    #[test]
    fn what_cannot_be_used_is_told_once_and_changes_nothing() {
        let folder = Folder::new("kept");
        let certificate = Certificate::read(folder.files()).unwrap();
        let first = certificate.current();
        fs::remove_file(folder.files().key).unwrap();
        assert!(matches!(certificate.look(), News::None));
        assert!(matches!(certificate.look(), News::Kept(faults) if faults.len() == 1));
        for _ in 0..3 {
            assert!(matches!(certificate.look(), News::None));
        }
        assert!(Arc::ptr_eq(&first, &certificate.current()));
        folder.issue();
        assert!(matches!(certificate.look(), News::None));
        assert!(matches!(certificate.look(), News::Renewed));
    }

    #[test]
    fn files_that_are_still_being_replaced_are_not_read() {
        let folder = Folder::new("busy");
        let certificate = Certificate::read(folder.files()).unwrap();
        for _ in 0..5 {
            write(&folder.files().certificate, "half a certifi");
            assert!(matches!(certificate.look(), News::None));
        }
    }
}
