//! Which web pages may connect.

use std::net::IpAddr;

use crate::config::{Config, Mode};

/// Decides by the `Origin` that a browser sends. Whoever is no browser sends none, or what they like:
/// this protects users of browsers from other pages, not the server from strangers.
#[derive(Debug)]
pub(crate) struct Origins {
    mode: Mode,
    allowed: Vec<String>,
    /// Whether pages of the same origin come over TLS, as clients do.
    is_secure: bool,
}

impl Origins {
    pub(crate) fn of(config: &Config) -> Self {
        let transport = &config.transport;
        let is_secure = config.tls.is_some() || transport.proxies.are_the_only_way;
        Self::new(config.mode, transport.allowed_origins.clone(), is_secure)
    }

    fn new(mode: Mode, allowed: Vec<String>, is_secure: bool) -> Self {
        Self {
            mode,
            allowed,
            is_secure,
        }
    }

    /// Whether a page of this origin may connect to a server that it calls `host`.
    pub(super) fn allow(&self, origin: &str, host: &str) -> bool {
        if self
            .allowed
            .iter()
            .any(|allowed| allowed == "*" || allowed.eq_ignore_ascii_case(origin))
        {
            return true;
        }
        match self.mode {
            Mode::Development => is_loopback(origin),
            Mode::Production => {
                let is_as_secure = !self.is_secure || origin.starts_with("https://");
                let same = |authority: &str| authority.eq_ignore_ascii_case(host);
                is_as_secure && authority(origin).is_some_and(same)
            }
        }
    }
}

/// The host and port of an http origin.
fn authority(origin: &str) -> Option<&str> {
    origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"))
}

fn is_loopback(origin: &str) -> bool {
    let Some(Ok(authority)) = authority(origin).map(str::parse::<hyper::http::uri::Authority>)
    else {
        return false;
    };
    let host = authority
        .host()
        .trim_start_matches('[')
        .trim_end_matches(']');
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn development_accepts_every_loopback_page() {
        let origins = Origins::new(Mode::Development, Vec::new(), false);
        for good in [
            "http://localhost:3000",
            "https://127.0.0.1",
            "http://[::1]:5173",
            "http://app.localhost",
        ] {
            assert!(origins.allow(good, "127.0.0.1:8080"), "{good}");
        }
        for bad in [
            "null",
            "http://example.com",
            "http://localhost.evil.com",
            "file://",
            "",
            "http://127.0.0.1@evil.com",
        ] {
            assert!(!origins.allow(bad, "127.0.0.1:8080"), "{bad}");
        }
    }

    #[test]
    fn a_page_without_tls_is_another_origin_than_a_server_with_it() {
        let origins = Origins::new(Mode::Production, Vec::new(), true);
        assert!(origins.allow("https://rt.example.com", "rt.example.com"));
        assert!(!origins.allow("http://rt.example.com", "rt.example.com"));
    }

    #[test]
    fn production_accepts_the_same_origin_and_listed_ones() {
        assert!(
            Origins::new(Mode::Production, vec!["*".to_owned()], true).allow("null", "a.example")
        );
        let origins = Origins::new(
            Mode::Production,
            vec!["https://app.example.com".to_owned()],
            false,
        );
        assert!(origins.allow("https://rt.example.com", "rt.example.com"));
        assert!(origins.allow("https://app.example.com", "rt.example.com"));
        for bad in [
            "null",
            "http://localhost",
            "https://rt.example.com.evil.com",
            "https://rt.example.com:8443",
            "https://evil-app.example.com",
        ] {
            assert!(!origins.allow(bad, "rt.example.com"), "{bad}");
        }
    }
}
