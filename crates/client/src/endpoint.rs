//! Where a server is: a `ws` or `wss` URL, parsed once.

use std::fmt;
use std::str::FromStr;

use hyper::Uri;
use hyper::http::uri::{Authority, PathAndQuery};
use rustls::pki_types::ServerName;

/// The parameters of a query that carry credentials, as the server refuses them too.
const CREDENTIALS: [&str; 3] = ["token", "access_token", "jwt"];

/// The address of a server, checked: scheme, host, port, path and query.
///
/// `Display` and `Debug` leave out the query, so that it gets into no log.
///
/// ```
/// use tautline_client::{Endpoint, EndpointError};
///
/// let endpoint = Endpoint::parse("wss://rt.example.com/ws")?;
/// assert_eq!((endpoint.host(), endpoint.port()), ("rt.example.com", 443));
///
/// let wrong = Endpoint::parse("https://rt.example.com/ws").unwrap_err();
/// assert_eq!(wrong.to_string(), "the scheme https is for pages, and this is a WebSocket: write wss:// instead");
/// # Ok::<(), EndpointError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    is_secure: bool,
    host: String,
    server_name: ServerName<'static>,
    port: u16,
    /// What the header `Host` says: the port is left out where it is the scheme's own.
    authority: String,
    target: PathAndQuery,
}

/// Why a text is not the address of a server. It never repeats the text, which may have a secret in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// There is no `://`.
    #[error(
        "the URL has no scheme: write wss:// before the host, or ws:// for a server without TLS"
    )]
    NoScheme,
    /// `http` or `https`.
    #[error("the scheme {found} is for pages, and this is a WebSocket: write {instead}:// instead")]
    PageScheme {
        /// What stands there.
        found: &'static str,
        /// What belongs there.
        instead: &'static str,
    },
    /// Neither `ws` nor `wss`.
    #[error("the scheme is unknown: write wss://, or ws:// for a server without TLS")]
    UnknownScheme,
    /// A space, a control character, or one beyond ASCII.
    #[error(
        "the URL has a space or a character beyond ASCII: percent-encode it in a path, and write a host as xn--…"
    )]
    Character,
    /// Something else that no URL has.
    #[error("this is not a URL: write one like wss://rt.example.com/ws")]
    NotUrl,
    /// A user's name or a password before the host.
    #[error(
        "the URL has a user or a password before the host, which logs and proxies would keep: leave it out, and give the client a token"
    )]
    UserInfo,
    /// A `#`.
    #[error("the URL has a fragment, which a server never sees: leave out the # and what follows")]
    Fragment,
    /// The host is missing, or none.
    #[error(
        "the host is neither a name nor an address: write one like rt.example.com, 192.0.2.1 or [2001:db8::1]"
    )]
    Host,
    /// The port is no number from 1 to 65535.
    #[error("the port is not a number from 1 to 65535: write one like :8080, or leave it out")]
    Port,
    /// A parameter of the query that is, or looks like, a token.
    #[error(
        "the query of the URL has a token, which logs and proxies would keep: leave it out, and give the client the token"
    )]
    Credential,
}

impl Endpoint {
    /// Checks a URL. Without a path it is that of `/`; without a port, 80 or 443.
    pub fn parse(url: &str) -> Result<Self, EndpointError> {
        if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(EndpointError::Character);
        }
        let (scheme, rest) = url.split_once("://").ok_or(EndpointError::NoScheme)?;
        let is_secure = is_secure(scheme)?;
        if rest.contains('#') {
            return Err(EndpointError::Fragment);
        }
        if rest.starts_with(['/', '?']) || rest.is_empty() {
            return Err(EndpointError::Host);
        }
        let uri: Uri = url.parse().or(Err(EndpointError::NotUrl))?;
        let (Some(authority), Some(target)) = (uri.authority(), uri.path_and_query()) else {
            return Err(EndpointError::NotUrl);
        };
        if authority.as_str().contains('@') {
            return Err(EndpointError::UserInfo);
        }
        if target.query().is_some_and(has_credential) {
            return Err(EndpointError::Credential);
        }
        let (host, server_name) = host(authority)?;
        let standard_port = if is_secure { 443 } else { 80 };
        let port = port(authority)?.unwrap_or(standard_port);
        Ok(Self {
            is_secure,
            host,
            server_name,
            port,
            authority: if port == standard_port {
                authority.host().to_owned()
            } else {
                authority.as_str().to_owned()
            },
            // As it is displayed, a query without a path is one to `/`, as a request has to say.
            target: target.to_string().parse().or(Err(EndpointError::NotUrl))?,
        })
    }

    /// Whether TLS is to be spoken: `wss`.
    pub fn is_secure(&self) -> bool {
        self.is_secure
    }

    /// The name or the address of the host; an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, that of the scheme where the URL has none.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Path and query, as the server is asked for them. Not for logs.
    pub fn target(&self) -> &str {
        self.target.as_str()
    }

    /// Where the server says to go instead, if that is an address, and not one without TLS where this one has it.
    pub(crate) fn elsewhere(&self, url: &str) -> Option<Self> {
        let elsewhere = Self::parse(url).ok()?;
        (elsewhere.is_secure || !self.is_secure).then_some(elsewhere)
    }

    /// Whom the server's certificate has to name.
    pub(crate) fn server_name(&self) -> ServerName<'static> {
        self.server_name.clone()
    }

    /// What the header `Host` says.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(url: &str) -> Result<Self, EndpointError> {
        Self::parse(url)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_secure { "wss" } else { "ws" };
        write!(f, "{scheme}://{}{}", self.authority, self.target.path())
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({self})")
    }
}

fn is_secure(scheme: &str) -> Result<bool, EndpointError> {
    let page = |found, instead| EndpointError::PageScheme { found, instead };
    match scheme.to_ascii_lowercase().as_str() {
        "wss" => Ok(true),
        "ws" => Ok(false),
        "https" => Err(page("https", "wss")),
        "http" => Err(page("http", "ws")),
        _ => Err(EndpointError::UnknownScheme),
    }
}

fn host(authority: &Authority) -> Result<(String, ServerName<'static>), EndpointError> {
    let written = authority.host();
    let bracketed = written
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let host = bracketed.unwrap_or(written).to_owned();
    match ServerName::try_from(host.clone()) {
        Ok(name @ ServerName::IpAddress(address)) => {
            let is_v6 = matches!(address, rustls::pki_types::IpAddr::V6(_));
            (is_v6 == bracketed.is_some()).then_some((host, name))
        }
        Ok(name) => bracketed.is_none().then_some((host, name)),
        Err(_) => None,
    }
    .ok_or(EndpointError::Host)
}

fn port(authority: &Authority) -> Result<Option<u16>, EndpointError> {
    let behind = authority
        .as_str()
        .strip_prefix(authority.host())
        .unwrap_or_default();
    if behind.is_empty() {
        return Ok(None);
    }
    let digits = behind.strip_prefix(':').ok_or(EndpointError::Host)?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(EndpointError::Port);
    }
    match digits.parse() {
        Ok(0) | Err(_) => Err(EndpointError::Port),
        Ok(port) => Ok(Some(port)),
    }
}

/// Whether a query has what is, or looks like, a token.
fn has_credential(query: &str) -> bool {
    let looks_like_one = |value: &str| value.starts_with("eyJ") && value.matches('.').count() == 2;
    query.split('&').any(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, pair));
        let is_named_so = CREDENTIALS
            .iter()
            .any(|credential| name.eq_ignore_ascii_case(credential));
        is_named_so || looks_like_one(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        for (url, is_secure, host, port, target, authority) in [
            ("ws://a.test", false, "a.test", 80, "/", "a.test"),
            ("wss://a.test", true, "a.test", 443, "/", "a.test"),
            ("WSS://A.test/ws", true, "A.test", 443, "/ws", "A.test"),
            ("ws://a.test?x=1", false, "a.test", 80, "/?x=1", "a.test"),
            ("ws://a.test:80/", false, "a.test", 80, "/", "a.test"),
            ("ws://a.test:443", false, "a.test", 443, "/", "a.test:443"),
            (
                "ws://[::1]:8080/ws",
                false,
                "::1",
                8080,
                "/ws",
                "[::1]:8080",
            ),
            (
                "wss://[2001:db8::1]",
                true,
                "2001:db8::1",
                443,
                "/",
                "[2001:db8::1]",
            ),
            (
                "ws://127.0.0.1:1/a?b",
                false,
                "127.0.0.1",
                1,
                "/a?b",
                "127.0.0.1:1",
            ),
            (
                "ws://the_host:65535",
                false,
                "the_host",
                65535,
                "/",
                "the_host:65535",
            ),
        ] {
            let endpoint = Endpoint::parse(url).unwrap();
            let found = (
                endpoint.is_secure(),
                endpoint.host(),
                endpoint.port(),
                endpoint.target(),
                endpoint.authority(),
            );
            assert_eq!(found, (is_secure, host, port, target, authority), "{url}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let page = |found, instead| EndpointError::PageScheme { found, instead };
        for (url, wrong) in [
            ("", EndpointError::NoScheme),
            ("localhost:8080/ws", EndpointError::NoScheme),
            ("http://a.test", page("http", "ws")),
            ("HTTPS://a.test", page("https", "wss")),
            ("ftp://a.test", EndpointError::UnknownScheme),
            ("://a.test", EndpointError::UnknownScheme),
            ("ws://a.test/a b", EndpointError::Character),
            ("ws://a.test\r\n", EndpointError::Character),
            ("ws://bücher.test", EndpointError::Character),
            ("ws://a.test/<>", EndpointError::NotUrl),
            ("ws://somebody@a.test", EndpointError::UserInfo),
            ("ws://somebody:secret@a.test", EndpointError::UserInfo),
            ("ws://a.test/#part", EndpointError::Fragment),
            ("ws://", EndpointError::Host),
            ("ws:///ws", EndpointError::Host),
            ("ws://?x", EndpointError::Host),
            ("ws://a..test", EndpointError::Host),
            ("ws://[a.test]", EndpointError::Host),
            ("ws://[127.0.0.1]", EndpointError::Host),
            ("ws://a.test:", EndpointError::Port),
            ("ws://a.test:0", EndpointError::Port),
            ("ws://a.test:+80", EndpointError::Port),
            ("ws://a.test:65536", EndpointError::Port),
            ("ws://a.test?token=secret1234", EndpointError::Credential),
            ("ws://a.test?a=b&Access_Token=s", EndpointError::Credential),
            ("ws://a.test?x=eyJh.eyJz.c2ln", EndpointError::Credential),
        ] {
            assert_eq!(Endpoint::parse(url).unwrap_err(), wrong, "{url}");
        }
    }

    #[test]
    fn no_server_sends_its_clients_out_of_tls() {
        let of = |url| Endpoint::parse(url).unwrap();
        let (secure, plain) = (of("wss://a.example/ws"), of("ws://127.0.0.1/ws"));
        assert_eq!(secure.elsewhere("ws://a.example/ws"), None);
        let elsewhere = "wss://b.example/ws";
        assert_eq!(secure.elsewhere(elsewhere), Some(of(elsewhere)));
        assert_eq!(plain.elsewhere(elsewhere), Some(of(elsewhere)));
        assert_eq!(
            plain.elsewhere("ws://127.0.0.2/"),
            Some(of("ws://127.0.0.2/"))
        );
        assert_eq!(plain.elsewhere("nowhere"), None);
    }

    #[test]
    fn a_query_gets_into_no_log() {
        let endpoint = Endpoint::parse("ws://a.test:8080/ws?key=hidden").unwrap();
        assert_eq!(endpoint.to_string(), "ws://a.test:8080/ws");
        assert_eq!(format!("{endpoint:?}"), "Endpoint(ws://a.test:8080/ws)");
        assert_eq!(endpoint.target(), "/ws?key=hidden");
    }
}
