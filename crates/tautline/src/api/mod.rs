//! The HTTP interface for back ends and operators: `/v1` on the operators' listener.
//!
//! Each file has the routes of one noun, with their descriptions, from which the description comes.
//! Whoever asks has a key; `operator` sees to it. Nothing here knows a socket: the shards are asked
//! through [`Shards`], the rooms through the engine.

mod body;
mod connections;
mod description;
mod operator;
mod publications;
mod query;
mod refusal;
mod rooms;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tautline_engine::Engine;
use tautline_protocol::server::Settings;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::audit::Audit;
use crate::auth::Keys;
use crate::inquiry::Shards;
use crate::lifecycle::{Act, Lifecycle, Observer, Observers};
use crate::limits::Counts;

pub(crate) use body::BodyLimits;
pub(crate) use operator::{Peer, authorize};
pub(crate) use refusal::{Refused, refuse};

/// A page has so many entries if nothing is said.
const PAGE_USUAL: usize = 100;
/// A page of connections or rooms has so many entries at most.
const PAGE_MAX: usize = 1000;

/// What the interface works with.
pub(crate) struct Api {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) session: Arc<Settings>,
    pub(crate) counts: Arc<Counts>,
    pub(crate) audit: Option<Arc<Audit>>,
    pub(crate) shards: Shards,
    pub(crate) observer: Observers,
    pub(crate) keys: Keys,
    pub(crate) body: BodyLimits,
}

impl Api {
    /// Tells that an operator did something.
    fn operated(&self, operator: &str, act: Act<'_>) {
        self.observer
            .observe(&Lifecycle::Operated { operator, act });
    }
}

/// The routes and their description.
fn described() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::with_openapi(description::general())
        .routes(routes!(publications::publish, publications::history))
        .routes(routes!(rooms::list))
        .routes(routes!(rooms::members))
        .routes(routes!(connections::list))
        .routes(routes!(connections::disconnect))
        .routes(routes!(document))
}

/// All routes below `/v1`, each for those who have a key.
pub(crate) fn routes(api: &Arc<Api>) -> Router {
    let authorize = axum::middleware::from_fn_with_state(Arc::clone(api), authorize);
    let (routes, _) = described().split_for_parts();
    routes.route_layer(authorize).with_state(Arc::clone(api))
}

/// Get this document
///
/// What this interface takes and answers, as `OpenAPI` 3.1.
#[utoipa::path(
    get,
    path = "/v1/openapi.json",
    operation_id = "getDescription",
    tag = "description",
    responses(
        (status = 200, description = "The document.", content_type = "application/json", body = serde_json::Value),
        refusal::Unauthorized,
    )
)]
async fn document() -> Response {
    json(StatusCode::OK, description::text())
}

/// An answer with a JSON text.
fn answer(status: StatusCode, value: &impl Serialize) -> Response {
    let text = serde_json::to_string(value).expect("answers are texts, numbers and lists");
    json(status, text)
}

fn json(status: StatusCode, text: impl IntoResponse) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (status, headers, text).into_response()
}
