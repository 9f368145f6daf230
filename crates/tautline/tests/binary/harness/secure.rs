//! A client's TLS, by rustls over a blocking socket.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion,
};

use super::{Client, HANG};

/// A TLS stream of a client.
pub(crate) type Secure = StreamOwned<ClientConnection, TcpStream>;

/// A client that behaves, over TLS.
pub(crate) type SecureClient = Client<Secure>;

/// What a client is configured with that trusts these certificates and speaks these versions.
pub(crate) fn trusting(
    certificates: &[CertificateDer<'static>],
    versions: &[&'static SupportedProtocolVersion],
) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates.iter().cloned());
    ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

impl SecureClient {
    /// Connected over TLS, and known: a user of its own in development mode.
    pub(crate) fn secure(address: SocketAddr, config: &Arc<ClientConfig>) -> Self {
        let stream = shake_hands(address, config).unwrap();
        let (mut client, _) = Self::over(stream, address, &[]);
        client.authenticate("dev-token");
        client
    }
}

/// A stream after the TLS handshake.
pub(crate) fn shake_hands(address: SocketAddr, config: &Arc<ClientConfig>) -> io::Result<Secure> {
    shake_hands_saying(address, config, b"")
}

/// The same, when the client's last part of the handshake had these bytes right behind it.
pub(crate) fn shake_hands_saying(
    address: SocketAddr,
    config: &Arc<ClientConfig>,
    bytes: &[u8],
) -> io::Result<Secure> {
    secure(TcpStream::connect(address).unwrap(), config, bytes)
}

/// The same over a socket that is connected.
pub(crate) fn secure(
    mut socket: TcpStream,
    config: &Arc<ClientConfig>,
    bytes: &[u8],
) -> io::Result<Secure> {
    socket.set_read_timeout(Some(HANG)).unwrap();
    socket.set_write_timeout(Some(HANG)).unwrap();
    socket.set_nodelay(true).unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut session = ClientConnection::new(Arc::clone(config), name).unwrap();
    session.writer().write_all(bytes)?;
    while session.is_handshaking() {
        session.complete_io(&mut socket)?;
    }
    Ok(StreamOwned::new(session, socket))
}
