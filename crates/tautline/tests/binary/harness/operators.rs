//! A back end: it asks over HTTP, one request for each connection.

use std::fmt::Write;
use std::net::SocketAddr;

use serde_json::Value;

use super::{Answer, Stream};

/// The operators' listener of a server, and what is sent to it.
#[derive(Clone)]
pub(crate) struct Operators {
    address: SocketAddr,
    key: String,
}

impl Operators {
    /// With the key of development mode.
    pub(crate) fn new(address: SocketAddr) -> Self {
        let key = "dev-key".to_owned();
        Self { address, key }
    }

    /// With another key.
    pub(crate) fn with_key(&self, key: &str) -> Self {
        let key = key.to_owned();
        Self { key, ..*self }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    pub(crate) fn get(&self, target: &str) -> Answer {
        self.ask("GET", target, None)
    }

    /// One figure of the metrics, by its name and labels as they are written.
    pub(crate) fn figure(&self, name: &str) -> usize {
        let text = self.get("/metrics").body;
        let mut lines = text.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.map_or(0, |value| value.parse().unwrap())
    }

    pub(crate) fn delete(&self, target: &str) -> Answer {
        self.ask("DELETE", target, None)
    }

    pub(crate) fn post(&self, target: &str, body: &Value) -> Answer {
        self.ask("POST", target, Some(&body.to_string()))
    }

    /// Asks with the key, and a JSON body if there is one.
    pub(crate) fn ask(&self, method: &str, target: &str, body: Option<&str>) -> Answer {
        let mut headers = format!("Authorization: Bearer {}\r\n", self.key);
        if let Some(body) = body {
            let length = body.len();
            write!(
                headers,
                "Content-Type: application/json\r\nContent-Length: {length}\r\n"
            )
            .unwrap();
        }
        self.ask_with(&format!("{method} {target}"), &headers, body.unwrap_or(""))
    }

    /// Asks with these headers, each with its line break, and no key but what they say.
    pub(crate) fn ask_with(&self, line: &str, headers: &str, body: &str) -> Answer {
        let host = self.address;
        self.ask_raw(&format!(
            "{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n{body}"
        ))
    }

    /// Asks with exactly these bytes.
    pub(crate) fn ask_raw(&self, request: &str) -> Answer {
        let mut stream = Stream::connect(self.address);
        // The server may have answered, and closed, before it has everything.
        stream.try_write(request.as_bytes());
        stream.answer()
    }
}
