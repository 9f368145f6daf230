//! Which web pages may connect.

use std::net::IpAddr;

use crate::config::Mode;

/// Decides by the `Origin` that a browser sends. Whoever is no browser sends none, or what they like:
/// this protects users of browsers from other pages, not the server from strangers.
#[derive(Debug)]
pub(crate) struct Origins {
    mode: Mode,
    allowed: Vec<String>,
}

impl Origins {
    pub(crate) fn new(mode: Mode, allowed: Vec<String>) -> Self {
        Self { mode, allowed }
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
            Mode::Development => origin == "null" || is_loopback(origin),
            Mode::Production => {
                authority(origin).is_some_and(|authority| authority.eq_ignore_ascii_case(host))
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
        let origins = Origins::new(Mode::Development, Vec::new());
        for good in [
            "null",
            "http://localhost:3000",
            "https://127.0.0.1",
            "http://[::1]:5173",
            "http://app.localhost",
        ] {
            assert!(origins.allow(good, "127.0.0.1:8080"), "{good}");
        }
        for bad in [
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
    fn production_accepts_the_same_origin_and_listed_ones() {
        assert!(Origins::new(Mode::Production, vec!["*".to_owned()]).allow("null", "a.example"));
        let origins = Origins::new(Mode::Production, vec!["https://app.example.com".to_owned()]);
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
