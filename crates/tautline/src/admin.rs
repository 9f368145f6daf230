//! The operators' listener: health, readiness and metrics.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::config::Mode;
use crate::metrics::Metrics;
use crate::transport::{Shared, answer};

/// An operator's request has so long.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// Listens there, and answers in the background.
pub(crate) async fn listen(
    address: SocketAddr,
    shared: Arc<Shared>,
    metrics: Arc<Metrics>,
) -> anyhow::Result<()> {
    let listener = TcpListener::bind(address).await?;
    tracing::info!(address = %listener.local_addr()?, "listening for operators");
    tokio::task::spawn_local(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let (shared, metrics) = (Arc::clone(&shared), Arc::clone(&metrics));
            tokio::task::spawn_local(async move {
                let service = service_fn(|request: Request<Incoming>| {
                    let response = match request.uri().path() {
                        "/metrics" => figures(&metrics),
                        _ => answer(
                            &request,
                            Mode::Production,
                            shared.ready.load(Ordering::Relaxed),
                        ),
                    };
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

fn figures(metrics: &Metrics) -> Response<Full<Bytes>> {
    const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let mut response = Response::new(Full::from(metrics.text()));
    let content_type = HeaderValue::from_static(OPEN_METRICS);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}
