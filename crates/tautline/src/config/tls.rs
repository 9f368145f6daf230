//! The settings of TLS: a certificate of our own, or a proxy in front.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Tls;
use super::check::Written;
use crate::certificate::{Certificate, Fault, File, Files};
use crate::cli::ServeArguments;

const CERTIFICATE: &str = "tls.certificate";
const KEY: &str = "tls.key";
const PROXY: &str = "tls.terminated_by_proxy";

/// The certificate that is spoken with, if there is to be one. What is wrong with it is told.
pub(super) fn tls(written: &mut Written, arguments: &ServeArguments) -> Option<Tls> {
    let reload_every = written.span("tls.reload_every");
    let certificate = path(written, CERTIFICATE, arguments.tls_cert.as_ref());
    let key = path(written, KEY, arguments.tls_key.as_ref());
    let faults = &mut written.faults;
    let files = match (certificate, key) {
        (None, None) => return None,
        (Some(certificate), Some(key)) => Files { certificate, key },
        (Some(certificate), None) => {
            let fix = "needs its key; set tls.key (or --tls-key), too";
            faults.add(CERTIFICATE, quoted(&certificate), fix);
            return None;
        }
        (None, Some(key)) => {
            let fix = "needs its certificate; set tls.certificate (or --tls-cert), too";
            faults.add(KEY, quoted(&key), fix);
            return None;
        }
    };
    match Certificate::read(files) {
        Ok(certificate) => Some(Tls {
            certificate: Arc::new(certificate),
            reload_every,
        }),
        Err(wrong) => {
            for Fault { file, path, fix } in wrong {
                let key = match file {
                    File::Certificate => CERTIFICATE,
                    File::Key => KEY,
                };
                faults.add(key, quoted(&path), &fix);
            }
            None
        }
    }
}

/// Whether what is sent off this machine is encrypted, by us or by a proxy. It cannot be both: what a
/// proxy decrypts comes in plain text.
pub(super) fn encrypts(written: &mut Written, arguments: &ServeArguments) -> bool {
    let by_proxy = written.switch(PROXY);
    let by_us = path(written, CERTIFICATE, arguments.tls_cert.as_ref()).is_some()
        || path(written, KEY, arguments.tls_key.as_ref()).is_some();
    if by_proxy && by_us {
        let fix = "a certificate is configured, too, and one of the two speaks TLS; leave out this \
                   or tls.certificate and tls.key";
        written.faults.add(PROXY, true, fix);
    }
    by_proxy || by_us
}

fn path(written: &mut Written, key: &str, argument: Option<&PathBuf>) -> Option<PathBuf> {
    let path = written.values.text(key, &mut written.faults);
    argument.cloned().or_else(|| path.map(PathBuf::from))
}

fn quoted(path: &Path) -> String {
    format!("\"{}\"", path.display())
}
