//! The operators' listener: health and readiness.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::config::Mode;
use crate::transport::{Shared, answer};

/// An operator's request has so long.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// Listens there, and answers in the background.
pub(crate) async fn listen(address: SocketAddr, shared: Arc<Shared>) -> anyhow::Result<()> {
    let listener = TcpListener::bind(address).await?;
    tracing::info!(address = %listener.local_addr()?, "listening for operators");
    tokio::task::spawn_local(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let shared = Arc::clone(&shared);
            tokio::task::spawn_local(async move {
                let service = service_fn(|request| {
                    let response = answer(
                        &request,
                        Mode::Production,
                        shared.ready.load(Ordering::Relaxed),
                    );
                    async move { Ok::<_, Infallible>(response) }
                });
                let connection = http1::Builder::new()
                    .keep_alive(false)
                    .header_read_timeout(None)
                    .serve_connection(TokioIo::new(stream), service);
                drop(tokio::time::timeout(REQUEST_TIMEOUT, connection).await);
            });
        }
    });
    Ok(())
}
