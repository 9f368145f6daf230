//! The operators' listener: where it is, and who may ask.

use std::net::SocketAddr;
use std::sync::Arc;

use super::Mode;
use super::check::Written;
use crate::cli::ServeArguments;

/// More connections than any back end needs; the semaphore that counts them could not count all that can be written.
const CONNECTIONS_MOST: usize = 65_536;

/// What holds for operators.
#[derive(Debug)]
pub(crate) struct Admin {
    /// None switches it off.
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) keys: Vec<HashedKey>,
    /// Names that operators may reach it by, beside `localhost`.
    pub(crate) hosts: Vec<String>,
    pub(crate) connections_max: usize,
}

/// What is kept of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HashedKey {
    /// Names who has the key, in the log and the audit; no secret.
    pub(crate) id: Arc<str>,
    /// SHA-256 of the whole key.
    pub(crate) hash: [u8; 32],
}

impl HashedKey {
    /// Takes `<id>:<hash in hexadecimal digits>` for a key.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (id, digits) = text.split_once(':')?;
        let is_digit = |byte: u8| byte.is_ascii_hexdigit();
        if !Self::is_id(id) || digits.len() != 64 || !digits.bytes().all(is_digit) {
            return None;
        }
        let mut hash = [0; 32];
        for (byte, at) in hash.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()?;
        }
        let id = id.into();
        Some(Self { id, hash })
    }

    /// Whether a text can be a key's id.
    pub(crate) fn is_id(text: &str) -> bool {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        (1..=32).contains(&text.len()) && text.bytes().all(allowed)
    }
}

/// Reads what is written, and refuses what would let strangers in.
pub(super) fn check(written: &mut Written, arguments: &ServeArguments, mode: Mode) -> Admin {
    let admin = Admin {
        listen: listen(written, arguments),
        keys: keys(written),
        hosts: written.values.words("admin.hosts", &mut written.faults),
        connections_max: written.size("admin.connections").min(CONNECTIONS_MOST),
    };
    if let Some(address) = admin.listen.filter(|address| !address.ip().is_loopback()) {
        if mode == Mode::Development {
            let fix = "development mode has a key that everybody knows and binds to loopback only; \
                       leave out --dev or listen on 127.0.0.1";
            written.faults.add("server.admin_listen", address, fix);
        } else if admin.keys.is_empty() {
            let fix = "would let everybody in; make a key with `tautline key` and write its line into \
                       admin.keys, or listen on 127.0.0.1";
            written.faults.add("server.admin_listen", address, fix);
        }
    }
    admin
}

/// An empty text switches the listener off.
fn listen(written: &mut Written, arguments: &ServeArguments) -> Option<SocketAddr> {
    const KEY: &str = "server.admin_listen";
    let is_off = written.values.is_empty_text(KEY);
    arguments.admin_listen.or_else(|| {
        (!is_off)
            .then(|| written.values.address(KEY, &mut written.faults))
            .flatten()
    })
}

fn keys(written: &mut Written) -> Vec<HashedKey> {
    let entries = written.values.words("admin.keys", &mut written.faults);
    let mut keys = Vec::with_capacity(entries.len());
    for entry in &entries {
        // What is wrong may be the key itself.
        match HashedKey::parse(entry) {
            Some(key) if keys.iter().any(|other: &HashedKey| other.id == key.id) => {
                let fix = "two keys have this id; give each its own, so that it tells who did what";
                written.faults.add("admin.keys", &key.id, fix);
            }
            Some(key) => keys.push(key),
            None => {
                let fix = "is no hashed key; write the line that `tautline key` printed";
                written.faults.add("admin.keys", "…", fix);
            }
        }
    }
    keys
}
