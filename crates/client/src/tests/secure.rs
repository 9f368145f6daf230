//! TLS: who is trusted, and what a stream that is secured does.

use std::net::Ipv4Addr;
use std::sync::Arc;

use futures_util::{SinkExt as _, StreamExt as _};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tautline_protocol::wire::v2::Encoding;
use tokio::join;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::{accept, end, message};
use crate::ended::EndKind;
use crate::link::{Limits, Link};
use crate::{Endpoint, Headers, OpenError, Tcp, Tls};

/// A server that has a certificate of its own making.
struct Server {
    listener: TcpListener,
    config: Arc<ServerConfig>,
    certificate: CertificateDer<'static>,
}

impl Server {
    async fn named(name: &str) -> Self {
        let issued = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let certificate = issued.cert.der().clone();
        let key = PrivateKeyDer::try_from(issued.signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .unwrap();
        Self {
            listener: TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap(),
            config: Arc::new(config),
            certificate,
        }
    }

    fn endpoint(&self) -> Endpoint {
        let address = self.listener.local_addr().unwrap();
        Endpoint::parse(&format!("wss://{address}/ws")).unwrap()
    }

    async fn accept(&self) -> std::io::Result<TlsStream<TcpStream>> {
        let (stream, _) = self.listener.accept().await?;
        TlsAcceptor::from(Arc::clone(&self.config))
            .accept(stream)
            .await
    }
}

/// Trusts one certificate only.
fn trusting(certificate: &CertificateDer<'static>) -> Tls {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Tls::with_config(Arc::new(config))
}

async fn open(server: &Server, tls: Tls) -> Result<Link, OpenError> {
    let (tcp, endpoint) = (Tcp::with_tls(tls), server.endpoint());
    let headers = Headers::default();
    Link::open(
        &tcp,
        &endpoint,
        &headers,
        Encoding::MessagePack,
        Limits::default(),
    )
    .await
}

#[tokio::test]
async fn messages_come_back_through_tls() {
    let server = Server::named("127.0.0.1").await;
    let serve = async {
        let stream = server.accept().await.unwrap();
        let mut judge = accept(stream, Encoding::MessagePack).await;
        for _ in 0..2 {
            let message = judge.next().await.unwrap().unwrap();
            judge.send(message).await.unwrap();
        }
        // Dropped without a close and without a goodbye of TLS.
    };
    let check = async {
        let mut link = open(&server, trusting(&server.certificate)).await.unwrap();
        for size in [1, 1 << 20] {
            let sent = vec![7; size];
            link.push(&sent).unwrap();
            assert_eq!(message(&mut link).await.unwrap(), sent);
        }
        assert_eq!(end(&mut link).await.kind, EndKind::Eof);
    };
    join!(check, serve);
}

#[tokio::test]
async fn a_server_that_is_not_trusted_is_not_spoken_to() {
    let server = Server::named("127.0.0.1").await;
    let other = Server::named("127.0.0.1").await;
    let stranger = Server::named("other.test").await;
    for (server, tls) in [
        (&server, trusting(&other.certificate)),
        (&stranger, trusting(&stranger.certificate)),
        // The system does not trust it either.
        (&server, Tls::default()),
    ] {
        let (link, accepted) = join!(open(server, tls), server.accept());
        let error = link.unwrap_err();
        assert!(matches!(error, OpenError::Connect(_)), "{error}");
        assert!(accepted.is_err());
    }
}
