//! The connector that a client has by default: TCP, and TLS over it for `wss`.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use crate::connector::{BoxedStream, Connecting, Connector};
use crate::endpoint::Endpoint;
use crate::tls::Tls;

/// How long an address is tried while there is another one, so that one that swallows everything does not
/// use up the time that an attempt has.
const ADDRESS_PATIENCE: Duration = Duration::from_secs(3);

/// Connects over TCP, without delay for small writes, and speaks TLS for `wss`.
///
/// The addresses of a name are tried one after another in the order of the system's resolver, each but the
/// last for 3 s at most. They do not race (there are no "happy eyeballs"): whoever needs that
/// brings a [`Connector`].
///
/// ```
/// use std::sync::Arc;
/// use rustls::{ClientConfig, RootCertStore};
/// use tautline_client::{Client, Tcp, Tls};
///
/// # fn run(roots: RootCertStore) -> Result<(), Box<dyn std::error::Error>> {
/// let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
/// let builder = Client::builder("wss://rt.internal/ws").connector(Tcp::with_tls(Tls::with_config(Arc::new(config))));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Tcp {
    tls: Tls,
}

impl Tcp {
    /// With TLS as `tls` has it: other roots than the system's, or a certificate of the client.
    pub fn with_tls(tls: Tls) -> Self {
        Self { tls }
    }
}

impl Connector for Tcp {
    fn connect<'a>(&'a self, endpoint: &'a Endpoint) -> Connecting<'a> {
        Box::pin(async move {
            let addresses = lookup_host((endpoint.host(), endpoint.port())).await?;
            let stream = first(addresses.collect()).await?;
            stream.set_nodelay(true)?;
            if endpoint.is_secure() {
                return self.tls.secure(stream, endpoint).await;
            }
            Ok(Box::new(stream) as BoxedStream)
        })
    }
}

/// The first of the addresses that answers.
async fn first(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let Some((last, others)) = addresses.split_last() else {
        return Err(io::Error::new(
            io::ErrorKind::NotFound,
            "the name of the host has no address",
        ));
    };
    for address in others {
        if let Ok(Ok(stream)) = timeout(ADDRESS_PATIENCE, TcpStream::connect(address)).await {
            return Ok(stream);
        }
    }
    TcpStream::connect(last).await
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn an_address_where_nobody_listens_is_passed_over() {
        let open = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (there, nowhere) = (open.local_addr().unwrap(), closed.local_addr().unwrap());
        drop(closed);
        let stream = first(vec![nowhere, there]).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), there);
        let error = first(vec![nowhere, nowhere]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        let error = first(Vec::new()).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
