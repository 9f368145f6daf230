//! What operators and back ends ask and do.

use std::time::Duration;

use hyper::{Method, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};

use super::book::Book;
use crate::lifecycle::{Lifecycle, Observer};

/// Routes are labels, and paths are many: what has no route is one.
const NO_ROUTE: &str = "none";

pub(super) struct Operators {
    acts: Family<ActLabels, Counter>,
    requests: Family<RequestLabels, Counter>,
    seconds: Family<RouteLabels, Histogram>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ActLabels {
    act: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    method: &'static str,
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

/// How a request was answered.
#[derive(Debug)]
pub(crate) struct Answered<'a> {
    /// The route's pattern; none if there is none.
    pub(crate) route: Option<&'a str>,
    pub(crate) method: &'a Method,
    pub(crate) status: StatusCode,
    pub(crate) after: Duration,
}

impl Operators {
    pub(super) fn new(book: &mut Book) -> Self {
        let operators = Self {
            acts: Family::default(),
            requests: Family::default(),
            // A tenth of a millisecond to 26 seconds.
            seconds: Family::new_with_constructor(|| {
                Histogram::new(exponential_buckets(0.0001, 4.0, 10))
            }),
        };
        book.register_by(
            "acts",
            &["act"],
            "What operators and back ends did: publish, disconnect",
            operators.acts.clone(),
        );
        book.register_by(
            "api_requests",
            &["route", "method", "status"],
            "Requests on the operators' listener, by route, method and class of status (2xx, 4xx, …); none where \
             no route is",
            operators.requests.clone(),
        );
        book.register_by(
            "api_request_seconds",
            &["route"],
            "How long requests on the operators' listener took",
            operators.seconds.clone(),
        );
        operators
    }

    pub(super) fn answered(&self, answered: &Answered<'_>) {
        let route = answered.route.unwrap_or(NO_ROUTE).to_owned();
        let labels = RequestLabels {
            route: route.clone(),
            method: method(answered.method),
            status: class(answered.status),
        };
        self.requests.get_or_create(&labels).inc();
        self.seconds
            .get_or_create(&RouteLabels { route })
            .observe(answered.after.as_secs_f64());
    }
}

/// Anybody can make up a method.
fn method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "DELETE" => "DELETE",
        _ => "other",
    }
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        ..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
}

impl Observer for Operators {
    fn observe(&self, event: &Lifecycle<'_>) {
        match event {
            Lifecycle::Operated { act, .. } => {
                let act = act.name();
                self.acts.get_or_create(&ActLabels { act }).inc();
            }
            Lifecycle::Refused { .. }
            | Lifecycle::Connected { .. }
            | Lifecycle::Authenticated(_)
            | Lifecycle::Denied(..)
            | Lifecycle::Joined(..)
            | Lifecycle::Left(..)
            | Lifecycle::Published(..)
            | Lifecycle::Ended(_) => {}
        }
    }
}
