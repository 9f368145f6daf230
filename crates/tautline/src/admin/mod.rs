//! The operators' listener: the HTTP interface, metrics, health and readiness, on a thread of its own, so that
//! nothing asked here takes time from those who are connected.

mod guard;

use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tautline_protocol::wire::ErrorCode;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};

use self::guard::Hosts;
use crate::api::{self, Api, Refused, refuse};
use crate::config::Admin;
use crate::metrics::{Answered, Metrics};
use crate::transport::{Shared, answer};

/// A request's head has at most so many bytes.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// A request has at most so many headers.
const HEADERS_MAX: usize = 64;
/// A connection takes no more requests after this time, so that one that is not read from ends too.
const CONNECTION_AGE_MAX: Duration = Duration::from_mins(1);
/// A request that goes on when its connection should end has so long.
const END_PATIENCE: Duration = Duration::from_secs(1);
/// How long nothing is accepted when the system has run out of something.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What the listener works with.
pub(crate) struct Desk {
    pub(crate) api: Arc<Api>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) shared: Arc<Shared>,
}

/// What bounds the connections of operators.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    connections_max: usize,
    /// A request's head has so long to come, and a connection so long between two requests.
    head_within: Duration,
}

/// The listener at work.
pub(crate) struct Operators {
    stop: watch::Sender<()>,
    thread: JoinHandle<()>,
}

/// Takes the address.
pub(crate) fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address).with_context(|| {
        format!(
            "cannot listen for operators on {address}; give server.admin_listen (or --admin-listen) a free \
             address, or end who has this one"
        )
    })?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Answers on a thread of its own, until told to end.
pub(crate) fn start(listener: TcpListener, admin: &Admin, desk: Desk) -> anyhow::Result<Operators> {
    let address = listener.local_addr()?;
    let is_local = address.ip().is_loopback();
    tracing::info!(%address, "listening for operators");
    if !is_local {
        tracing::warn!(
            "keys of operators travel in plain text beyond this machine: put TLS in front"
        );
    }
    let bounds = Bounds {
        connections_max: admin.connections_max,
        head_within: desk.shared.transport.handshake_timeout,
    };
    let router = router(desk, Hosts::new(admin.hosts.clone()), is_local);
    let (stop, stopped) = watch::channel(());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let thread = std::thread::Builder::new()
        .name("operators".to_owned())
        .spawn(move || runtime.block_on(run(listener, router, stopped, bounds)))
        .context("cannot start the operators' thread")?;
    Ok(Operators { stop, thread })
}

impl Operators {
    /// Takes no more requests, and waits for those that go on.
    pub(crate) fn end(self) {
        drop(self.stop);
        if self.thread.join().is_err() {
            tracing::error!("the operators' thread has failed");
        }
    }
}

async fn run(
    listener: TcpListener,
    router: Router,
    mut stopped: watch::Receiver<()>,
    bounds: Bounds,
) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "cannot listen for operators"),
    };
    let places = Arc::new(Semaphore::new(bounds.connections_max));
    let until = stopped.clone();
    let accepting = async {
        loop {
            // Who finds no place waits in the kernel.
            let Ok(place) = Arc::clone(&places).acquire_owned().await else {
                return;
            };
            match listener.accept().await {
                Ok((stream, peer)) => {
                    // An answer that waits for others to fill its packet is only late.
                    drop(stream.set_nodelay(true));
                    let router = router.clone().layer(Extension(api::Peer(peer.ip())));
                    let stopped = until.clone();
                    tokio::spawn(async move {
                        serve(stream, router, stopped, bounds.head_within).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::debug!(%error, "cannot accept operators");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    tokio::select! {
        () = accepting => {}
        // Nothing is ever sent: the sender goes.
        _ = stopped.changed() => {}
    }
    let all = u32::try_from(bounds.connections_max).unwrap_or(u32::MAX);
    drop(timeout(2 * END_PATIENCE, places.acquire_many(all)).await);
}

/// Serves one connection, request after request.
async fn serve(
    stream: TcpStream,
    router: Router,
    mut stopped: watch::Receiver<()>,
    head_within: Duration,
) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_within)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        () = sleep(CONNECTION_AGE_MAX) => {}
        _ = stopped.changed() => {}
    }
    connection.as_mut().graceful_shutdown();
    drop(timeout(END_PATIENCE, connection).await);
}

fn router(desk: Desk, hosts: Hosts, is_local: bool) -> Router {
    let Desk {
        api,
        metrics,
        shared,
    } = desk;
    let mut figures = Router::new()
        .route("/metrics", get(figures))
        .with_state(Arc::clone(&metrics));
    if !is_local {
        figures = figures.route_layer(from_fn_with_state(Arc::clone(&api), api::authorize));
    }
    let signs = Router::new()
        .route("/health", get(sign))
        .route("/ready", get(sign))
        .with_state(shared);
    api::routes(&api)
        .merge(figures)
        .merge(signs)
        .fallback(nothing)
        .method_not_allowed_fallback(other_method)
        .layer(from_fn_with_state(Arc::new(hosts), guard::guard))
        .layer(from_fn_with_state(metrics, measure))
}

async fn figures(State(metrics): State<Arc<Metrics>>) -> Response {
    const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let content_type = HeaderValue::from_static(OPEN_METRICS);
    ([(CONTENT_TYPE, content_type)], metrics.text()).into_response()
}

/// A sign of life, as on the port for clients.
async fn sign(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let ready = shared.ready.load(Ordering::Relaxed);
    answer(&request, None, ready).map(Body::new)
}

async fn nothing() -> Refused {
    let detail = "nothing is here; GET /v1/openapi.json tells what is";
    refuse(StatusCode::NOT_FOUND, ErrorCode::Unsupported, detail)
}

async fn other_method() -> Refused {
    let detail = "this method is not answered here; the header Allow has those that are";
    refuse(
        StatusCode::METHOD_NOT_ALLOWED,
        ErrorCode::Unsupported,
        detail,
    )
}

async fn measure(State(metrics): State<Arc<Metrics>>, request: Request, next: Next) -> Response {
    let begin = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    metrics.answered(&Answered {
        route: route.as_ref().map(MatchedPath::as_str),
        method: &method,
        status: response.status(),
        after: begin.elapsed(),
    });
    response
}
