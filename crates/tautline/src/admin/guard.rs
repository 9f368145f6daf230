//! Keeps web pages out: a browser on this machine reaches loopback, and runs what strangers wrote.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{HOST, HeaderName, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use tautline_protocol::wire::ErrorCode;

use crate::api::{Refused, refuse};

/// The names that the listener goes by.
#[derive(Debug)]
pub(super) struct Hosts(Vec<String>);

impl Hosts {
    /// These, `localhost`, and every address.
    pub(super) fn new(names: Vec<String>) -> Self {
        Self(names)
    }

    /// Whether a request for this host can be meant for us. A page whose owner points a name of his at
    /// this machine sends that name; nobody can point an address elsewhere.
    fn admit(&self, host: &str) -> bool {
        let Ok(authority) = host.parse::<Authority>() else {
            return false;
        };
        let name = authority.host();
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        let is_named = self.0.iter().any(|known| known.eq_ignore_ascii_case(name));
        is_named || name.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok()
    }
}

/// Lets through what no page of another site can have sent.
pub(super) async fn guard(
    State(hosts): State<Arc<Hosts>>,
    request: Request,
    next: Next,
) -> Result<Response, Refused> {
    check(&hosts, request.headers())
        .map_err(|detail| refuse(StatusCode::FORBIDDEN, ErrorCode::Forbidden, detail))?;
    Ok(next.run(request).await)
}

fn check(hosts: &Hosts, headers: &HeaderMap) -> Result<(), &'static str> {
    let Some(host) = only(headers, &HOST).filter(|host| hosts.admit(host)) else {
        return Err(
            "the header Host names neither an address nor localhost; if operators reach this server by a \
             name, write it into admin.hosts",
        );
    };
    if !headers.contains_key(ORIGIN) {
        return Ok(());
    }
    let origin = only(headers, &ORIGIN).and_then(|origin| {
        let plain = origin.strip_prefix("http://");
        plain.or_else(|| origin.strip_prefix("https://"))
    });
    if origin.is_some_and(|origin| origin.eq_ignore_ascii_case(host)) {
        Ok(())
    } else {
        Err("pages of other sites may not ask here; ask from a server instead")
    }
}

/// The value of a header that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter().map(HeaderValue::to_str);
    match (values.next(), values.next()) {
        (Some(Ok(value)), None) => Some(value.trim()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(headers: &[(&HeaderName, &'static str)]) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        check(&Hosts::new(vec!["rt.internal".to_owned()]), &map).is_ok()
    }

    #[test]
    fn addresses_localhost_and_configured_names_are_this_server() {
        for good in [
            "127.0.0.1:8081",
            "127.0.0.1",
            "[::1]:8081",
            "10.0.0.7:8081",
            "LocalHost:8081",
            "RT.internal",
        ] {
            assert!(admits(&[(&HOST, good)]), "{good}");
        }
        for bad in [
            "",
            "evil.example",
            "localhost.evil.example:8081",
            "127.0.0.1.evil.example",
            "127.0.0.1@evil.example",
            "rt.internal.evil.example",
            "a b",
        ] {
            assert!(!admits(&[(&HOST, bad)]), "{bad}");
        }
        assert!(!admits(&[]));
        assert!(!admits(&[(&HOST, "localhost"), (&HOST, "localhost")]));
    }

    #[test]
    fn pages_of_other_sites_are_kept_out() {
        let from = |origin| admits(&[(&HOST, "127.0.0.1:8081"), (&ORIGIN, origin)]);
        assert!(from("http://127.0.0.1:8081") && from("https://127.0.0.1:8081"));
        for bad in [
            "null",
            "",
            "http://evil.example",
            "http://localhost:3000",
            "http://127.0.0.1:8080",
            "file://127.0.0.1:8081",
        ] {
            assert!(!from(bad), "{bad}");
        }
    }
}
