//! The server's certificate: read and checked at the start, and again whenever its files change.
//!
//! `files` reads a certificate and its key and makes of them what TLS connections are configured
//! with; `look` notices that the files have changed. Connections keep what they began with; those
//! that come later get what is current then.

mod files;
mod look;

use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use rustls::ServerConfig;

pub(crate) use self::files::{Fault, File, Files};
use self::look::Looked;
pub(crate) use self::look::News;

/// What new connections are to be told, now.
pub(crate) struct Certificate {
    files: Files,
    current: RwLock<Arc<ServerConfig>>,
    looked: Mutex<Looked>,
}

impl Certificate {
    /// Reads the files, or says all that is wrong with them.
    pub(crate) fn read(files: Files) -> Result<Self, Vec<Fault>> {
        // Looked at first: what changes while it is read is seen as a change later.
        let looked = Looked::at(&files);
        let current = files.read()?;
        Ok(Self {
            files,
            current: RwLock::new(current),
            looked: Mutex::new(looked),
        })
    }

    /// What a connection that comes now is configured with.
    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.read())
    }
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Certificate").field(&self.files).finish()
    }
}
