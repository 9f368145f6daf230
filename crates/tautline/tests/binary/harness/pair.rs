//! A certificate and its key, as files.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rustls::pki_types::CertificateDer;

/// A self-signed certificate for `localhost` and its key, in a folder that is removed with them.
pub(crate) struct Pair {
    folder: PathBuf,
    issued: rcgen::CertifiedKey<rcgen::KeyPair>,
}

impl Pair {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let nth = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("pair-{}-{nth}", std::process::id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).unwrap();
        let pair = Self {
            folder,
            issued: issue(),
        };
        pair.write();
        pair
    }

    /// Another certificate with another key, in the same files.
    pub(crate) fn renew(&mut self) {
        self.issued = issue();
        self.write();
    }

    fn write(&self) {
        replace(&self.key(), &self.issued.signing_key.serialize_pem());
        replace(&self.certificate(), &self.issued.cert.pem());
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.join("certificate.pem")
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.folder.join("key.pem")
    }

    /// The certificate that the files hold, as a client sees it.
    pub(crate) fn der(&self) -> CertificateDer<'static> {
        self.issued.cert.der().clone()
    }

    /// The lines of a configuration that name the files.
    pub(crate) fn settings(&self) -> String {
        format!(
            "[tls]\ncertificate = {:?}\nkey = {:?}\nreload_every = \"50ms\"\n",
            self.certificate(),
            self.key()
        )
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        // It is only in the way.
        drop(fs::remove_dir_all(&self.folder));
    }
}

fn issue() -> rcgen::CertifiedKey<rcgen::KeyPair> {
    rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap()
}

/// Replaces a file whole, as whoever renews certificates does.
pub(crate) fn replace(path: &Path, text: &str) {
    let new = path.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::set_permissions(&new, Permissions::from_mode(0o600)).unwrap();
    fs::rename(new, path).unwrap();
}
