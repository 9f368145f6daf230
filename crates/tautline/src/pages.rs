//! What browsers are shown in development mode: files held in memory, found by their whole path and in no other way.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use bytes::Bytes;
use hyper::header::HeaderValue;

use crate::page;

/// So many files and directories at most.
const ENTRIES_MAX: usize = 1024;
/// So many bytes of all files together.
const BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Where the plain page is, whatever else there is.
const PLAIN: &str = "/plain/";
/// The file that stands for its directory.
const INDEX: &str = "index.html";

/// All pages, by path.
#[derive(Debug, Default)]
pub(crate) struct Pages {
    found: BTreeMap<String, Found>,
}

/// What is at a path.
#[derive(Debug)]
pub(crate) enum Found {
    Page(Page),
    /// Nothing; it is there.
    Elsewhere(HeaderValue),
}

/// A file, as browsers get it.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) content_type: &'static str,
    pub(crate) content: Bytes,
}

/// Why a directory's files are not served, and what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PagesError {
    #[error("cannot be read ({0}); name a directory that can")]
    Unreadable(#[from] io::Error),
    #[error("has no {INDEX}; name the directory that the start page is in")]
    NoIndex,
    #[error(
        "has {0}, which no request finds; rename it: letters, digits, `-`, `_` and `.`, and no `.` at the beginning"
    )]
    Name(String),
    #[error("has more than {ENTRIES_MAX} files and directories; name one that has pages alone")]
    TooMany,
    #[error("has more than {BYTES_MAX} bytes, which are held in memory; serve less")]
    TooLarge,
}

impl Pages {
    /// The plain page alone.
    pub(crate) fn plain() -> Self {
        let mut pages = Self::default();
        for file in &page::FILES {
            let content = Bytes::from_static(file.content.as_bytes());
            pages.add(&format!("{PLAIN}{}", file.name), &content);
        }
        pages.refer("/", PLAIN);
        pages
    }

    /// The files below a directory, as they are now, and the plain page, which has its place before them.
    pub(crate) fn read(directory: &Path) -> Result<Self, PagesError> {
        let mut reading = Reading::default();
        reading.read_directory(directory, "/")?;
        let mut pages = Self::default();
        for (path, content) in reading.files {
            pages.add(&path, &content);
        }
        if !pages.found.contains_key("/") {
            return Err(PagesError::NoIndex);
        }
        let plain = Self::plain().found.into_iter();
        pages.found.extend(plain.filter(|(path, _)| path != "/"));
        Ok(pages)
    }

    /// What is at this path, as it stands in a request.
    pub(crate) fn find(&self, path: &str) -> Option<&Found> {
        self.found.get(path)
    }

    /// A directory's index is at the directory's own path, too; who leaves out its last slash is sent there.
    fn add(&mut self, path: &str, content: &Bytes) {
        let content_type = content_type(path);
        let page = || {
            Found::Page(Page {
                content_type,
                content: content.clone(),
            })
        };
        self.found.insert(path.to_owned(), page());
        if let Some(directory) = path.strip_suffix(INDEX) {
            self.found.insert(directory.to_owned(), page());
            if let Some(short) = directory
                .strip_suffix('/')
                .filter(|short| !short.is_empty())
            {
                self.refer(short, directory);
            }
        }
    }

    fn refer(&mut self, from: &str, to: &str) {
        let to = HeaderValue::from_str(to).expect("names are letters, digits and . - _");
        self.found.insert(from.to_owned(), Found::Elsewhere(to));
    }
}

/// The files of a directory, while they are read.
#[derive(Default)]
struct Reading {
    /// With their paths.
    files: Vec<(String, Bytes)>,
    entries: usize,
    bytes: u64,
}

impl Reading {
    /// Links are not followed: what lies elsewhere is not meant.
    fn read_directory(&mut self, directory: &Path, path: &str) -> Result<(), PagesError> {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            self.entries += 1;
            if self.entries > ENTRIES_MAX {
                return Err(PagesError::TooMany);
            }
            let name = entry.file_name().to_string_lossy().into_owned();
            if !is_name(&name) {
                return Err(PagesError::Name(format!("{path}{name:?}")));
            }
            let kind = entry.file_type()?;
            if kind.is_dir() {
                self.read_directory(&entry.path(), &format!("{path}{name}/"))?;
            } else if kind.is_file() {
                self.bytes = self.bytes.saturating_add(entry.metadata()?.len());
                if self.bytes > BYTES_MAX {
                    return Err(PagesError::TooLarge);
                }
                let content = Bytes::from(fs::read(entry.path())?);
                self.files.push((format!("{path}{name}"), content));
            }
        }
        Ok(())
    }
}

/// Whether a file's name means the same in a request, where nothing is decoded.
fn is_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    !name.starts_with('.') && name.bytes().all(is_plain)
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
