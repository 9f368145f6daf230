//! TLS over any stream.

use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;
use tokio_rustls::TlsConnector;

use crate::connector::{BoxedStream, Stream};
use crate::endpoint::Endpoint;

/// What is spoken over TLS, for servers that speak other things too.
const APPLICATION_PROTOCOL: &[u8] = b"http/1.1";

/// TLS 1.2 and 1.3 of a client. By default it trusts whom the system trusts, which is found out when it is
/// first needed; clones know it together.
///
/// For a stream of one's own:
///
/// ```
/// use tautline_client::{Client, Endpoint, Tls};
/// use tokio::net::UnixStream;
///
/// let tls = Tls::default();
/// let tunnel = move |endpoint: Endpoint| {
///     let tls = tls.clone();
///     async move {
///         let stream = UnixStream::connect("/run/tunnel.sock").await?;
///         tls.secure(stream, &endpoint).await
///     }
/// };
/// let builder = Client::builder("wss://rt.example.com/ws").connector(tunnel);
/// ```
#[derive(Clone, Default)]
pub struct Tls {
    config: Arc<OnceCell<Arc<ClientConfig>>>,
}

impl Tls {
    /// With a configuration of the application's own, for other roots than the system's or a
    /// certificate of the client.
    pub fn with_config(config: Arc<ClientConfig>) -> Self {
        Self {
            config: Arc::new(OnceCell::from(config)),
        }
    }

    /// Shakes hands over a stream to `endpoint`. The server has to prove that it is the endpoint's host.
    pub async fn secure(
        &self,
        stream: impl Stream,
        endpoint: &Endpoint,
    ) -> io::Result<BoxedStream> {
        let config = self.config.get_or_try_init(system_config).await?;
        let secured = TlsConnector::from(Arc::clone(config))
            .connect(endpoint.server_name(), stream)
            .await?;
        Ok(Box::new(secured))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

/// Trusts whom the system trusts. That is read from files on some systems, so it is kept away from the runtime.
async fn system_config() -> io::Result<Arc<ClientConfig>> {
    let build = || -> Result<_, rustls::Error> {
        let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_platform_verifier()?
            .with_no_client_auth();
        config.alpn_protocols = vec![APPLICATION_PROTOCOL.to_vec()];
        Ok(Arc::new(config))
    };
    spawn_blocking(build).await?.map_err(io::Error::other)
}
