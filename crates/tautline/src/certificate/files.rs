//! A certificate's two files, and what is made of them.

use std::fmt;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{self, Ticketer};
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, ParsedCertificate};
use rustls::sign::{CertifiedKey, SigningKey, SingleCertAndKey};
use rustls::{Error, InconsistentKeys, ServerConfig};

/// No chain and no key is larger.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Everybody may read the file.
const ALL_READ: u32 = 0o004;
/// A client that comes back may leave out the certificate and its signature, once with each ticket.
/// Every connection gets a new one.
const TICKETS: usize = 1;

/// Where a certificate and its key are.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    /// The certificate, and those that lead from it to one that clients trust, in PEM.
    pub(crate) certificate: PathBuf,
    /// Its key, in PEM.
    pub(crate) key: PathBuf,
}

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum File {
    Certificate,
    Key,
}

/// A file cannot be used.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) file: File,
    pub(crate) path: PathBuf,
    /// Why, and what to do.
    pub(crate) fix: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.fix)
    }
}

impl Files {
    /// Reads both, and checks that they belong together.
    pub(super) fn read(&self) -> Result<Arc<ServerConfig>, Vec<Fault>> {
        let provider = aws_lc_rs::default_provider();
        let chain = self.chain();
        let key = self.key(&provider);
        let (chain, key) = match (chain, key) {
            (Ok(chain), Ok(key)) => (chain, key),
            (chain, key) => return Err(chain.err().into_iter().chain(key.err()).collect()),
        };
        let certified = CertifiedKey::new(chain, key);
        match certified.keys_match() {
            // A kind of key that does not tell which certificate it is for.
            Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => {}
            Err(_) => {
                let fix = "is not the key of the certificate; name the two that belong together";
                return Err(vec![self.fault(File::Key, fix)]);
            }
        }
        configure(provider, certified).map_err(|error| {
            let fix = format!("cannot be used ({error}); make another one");
            vec![self.fault(File::Certificate, fix)]
        })
    }

    fn chain(&self) -> Result<Vec<CertificateDer<'static>>, Fault> {
        let fault = |fix: String| self.fault(File::Certificate, fix);
        let text = read(&self.certificate).map_err(fault)?;
        let chain = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|error| fault(not_pem(&error)))?;
        if chain.is_empty() {
            let fix = "holds no certificate; name a PEM file with the server's certificate, \
                       and behind it those that lead to one that clients trust";
            return Err(fault(fix.to_owned()));
        }
        for (nth, certificate) in (1..).zip(&chain) {
            ParsedCertificate::try_from(certificate).map_err(|error| {
                fault(format!(
                    "its certificate number {nth} cannot be read ({error}); get the file anew"
                ))
            })?;
        }
        Ok(chain)
    }

    fn key(&self, provider: &CryptoProvider) -> Result<Arc<dyn SigningKey>, Fault> {
        let fault = |fix: String| self.fault(File::Key, fix);
        let text = read(&self.key).map_err(fault)?;
        let mode = self.key.metadata().map(|file| file.permissions().mode());
        if mode.is_ok_and(|mode| mode & ALL_READ != 0) {
            let name = self.key.display();
            return Err(fault(format!(
                "everybody may read the key; run `chmod o-r {name}`"
            )));
        }
        let key = PrivateKeyDer::from_pem_slice(&text).map_err(|error| {
            if matches!(error, PemError::NoItemsFound) {
                let fix = "holds no key that can be read; name a PEM file with the certificate's \
                           key, which is not encrypted (PKCS#8, PKCS#1 or SEC1)";
                return fault(fix.to_owned());
            }
            fault(not_pem(&error))
        })?;
        // What the error says more is about the key's inside.
        provider
            .key_provider
            .load_private_key(key)
            .map_err(|_error| {
                fault("is no key that can be used; make an ECDSA, Ed25519 or RSA key".to_owned())
            })
    }

    fn fault(&self, file: File, fix: impl Into<String>) -> Fault {
        let path = match file {
            File::Certificate => &self.certificate,
            File::Key => &self.key,
        };
        Fault {
            file,
            path: path.clone(),
            fix: fix.into(),
        }
    }
}

/// TLS 1.2 and 1.3 with rustls's suites, all of which have forward secrecy and authenticate what they
/// encrypt; HTTP/1.1 alone, and no early data.
fn configure(
    provider: CryptoProvider,
    certified: CertifiedKey,
) -> Result<Arc<ServerConfig>, Error> {
    let resolver = Arc::new(SingleCertAndKey::from(certified));
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(resolver);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // A session is remembered by its client, in a ticket that all shards can open: nothing of it is
    // kept here. The tickets' key ends with the certificate, so that whoever comes back after a
    // change sees the new one.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.ticketer = Ticketer::new()?;
    config.send_tls13_tickets = TICKETS;
    Ok(Arc::new(config))
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let cannot = |error| format!("cannot be read ({error}); name a PEM file that can");
    let file = std::fs::File::open(path).map_err(cannot)?;
    let mut text = Vec::new();
    file.take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut text)
        .map_err(cannot)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err("is larger than 1 MiB; name a PEM file".to_owned());
    }
    Ok(text)
}

/// What is wrong with a text. The error's own words may hold a part of it.
fn not_pem(error: &PemError) -> String {
    let what = if matches!(error, PemError::MissingSectionEnd { .. }) {
        "a section has no end"
    } else if matches!(error, PemError::Base64Decode(_)) {
        "a section is not in base64"
    } else {
        "a section has no proper beginning"
    };
    format!("is no PEM file ({what}); get the file anew")
}
