//! The certificate of a server under load: made for one run, and trusted by the load client alone.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};

/// The name that it is made for.
pub(crate) const NAME: &str = "localhost";

/// A self-signed certificate and its key.
pub(crate) struct Certificate {
    issued: rcgen::CertifiedKey<rcgen::KeyPair>,
}

impl Certificate {
    pub(crate) fn make() -> Result<Self> {
        let issued = rcgen::generate_simple_self_signed([NAME.to_owned()])?;
        Ok(Self { issued })
    }

    /// The two files that a server is started with.
    pub(crate) fn files(&self) -> Result<[PathBuf; 2]> {
        let write = |name: &str, text: String| -> Result<PathBuf> {
            let id = std::process::id();
            let path = std::env::temp_dir().join(format!("tautline-bench-{id}-{name}.pem"));
            fs::write(&path, text)?;
            // The server refuses a key that everybody may read.
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
            Ok(path)
        };
        Ok([
            write("certificate", self.issued.cert.pem())?,
            write("key", self.issued.signing_key.serialize_pem())?,
        ])
    }

    /// What a client is configured with. It resumes nothing, so that every connection is alike.
    pub(crate) fn trust(&self) -> Result<Arc<ClientConfig>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.issued.cert.der().clone())?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        Ok(Arc::new(config))
    }
}

/// Without the key.
impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificate").finish_non_exhaustive()
    }
}
