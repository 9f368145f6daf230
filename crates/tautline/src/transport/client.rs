//! Who is behind a socket: the peer itself, or the one that trusted proxies speak of.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Once;

use hyper::header::HeaderMap;
use proxy_header::{ParseConfig, ProxyHeader};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::cause::{Cause, Refused};
use crate::config::Proxies;

/// How proxies of HTTP say whom they speak for.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// What a header of version 2 of the PROXY protocol begins with.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// The length of the rest stands at the end of so many bytes.
const FIXED_BYTES: usize = 16;
/// A header of version 1 is a line of at most so many bytes.
const LINE_BYTES_MAX: usize = 107;
/// The rest of a header of version 2 has at most so many bytes; what proxies add is far shorter.
const REST_BYTES_MAX: usize = 2048;

/// Who is behind a socket, as far as that can be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Client {
    pub(super) address: IpAddr,
    /// Whether the address is a client's own, and not that of a proxy which did not say for whom it speaks.
    pub(super) is_known: bool,
}

impl Proxies {
    /// Who is behind a peer, before anything was read.
    pub(super) fn peer(&self, peer: SocketAddr) -> Client {
        let address = peer.ip().to_canonical();
        // One on this machine is a proxy that nobody told us of, or someone who tries things out.
        let is_known = !self.trusts(address) && !address.is_loopback();
        Client { address, is_known }
    }

    /// Reads the header of the PROXY protocol, if this peer begins with one.
    pub(super) async fn read_header<S: AsyncRead + Unpin>(
        &self,
        peer: Client,
        stream: &mut S,
    ) -> io::Result<Client> {
        if !self.speak_proxy_protocol || !self.trusts(peer.address) {
            return Ok(peer);
        }
        let source = read_header(stream).await?;
        Ok(source.map_or(peer, |address| self.told(address)))
    }

    /// Who is behind a client, by the headers of its request: from right to left, the first who is
    /// no trusted proxy. What stands further to the left is hearsay.
    pub(super) fn forwarded(&self, client: Client, headers: &HeaderMap) -> Client {
        if !self.trusts(client.address) {
            return client;
        }
        let values = headers.get_all(FORWARDED_FOR).iter().rev();
        let words = values.flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b','));
        let mut nearest = client;
        for word in words {
            let Some(address) = str::from_utf8(word).ok().and_then(address) else {
                return nearest;
            };
            nearest = self.told(address);
            if nearest.is_known {
                return nearest;
            }
        }
        nearest
    }

    /// Whether somebody who speaks plain text to us may: where a proxy speaks TLS, only through it.
    pub(super) fn let_in(&self, peer: Client) -> Result<(), Refused> {
        let is_near = self.trusts(peer.address) || peer.address.is_loopback();
        if self.are_the_only_way && !is_near {
            let detail = "tls.terminated_by_proxy: only server.trusted_proxies connect";
            return Err(Cause::Bypass.because(detail));
        }
        Ok(())
    }

    /// Says once that limits per address do not hold: a trusted proxy does not tell for whom it speaks, or
    /// a proxy on this machine is not trusted to.
    pub(super) fn warn_of_unknown(&self, client: Client, headers: &HeaderMap) {
        static TOLD: Once = Once::new();
        if client.is_known {
            return;
        }
        if self.trusts(client.address) {
            TOLD.call_once(|| {
                tracing::warn!(
                    proxy = %client.address,
                    "a trusted proxy does not say who its clients are, and limits per address do not hold for \
                     them; have it send X-Forwarded-For, or the PROXY protocol with server.proxy_protocol = true"
                );
            });
        } else if headers.contains_key(FORWARDED_FOR) {
            TOLD.call_once(|| {
                tracing::warn!(
                    proxy = %client.address,
                    "a proxy on this machine names its clients and is not believed, and limits per address do not \
                     hold for them; write its address into server.trusted_proxies"
                );
            });
        }
    }

    fn told(&self, address: IpAddr) -> Client {
        let address = address.to_canonical();
        let is_known = !self.trusts(address);
        Client { address, is_known }
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted
            .iter()
            .any(|network| network.contains(&address))
    }
}

/// An address as proxies write it: with a port or without.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.parse().ok();
    let with_port = || text.parse().ok().map(|address: SocketAddr| address.ip());
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    bare.or_else(with_port).or_else(in_brackets)
}

/// Reads exactly one header; none if the proxy speaks for itself, as its health checks do.
async fn read_header<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<Option<IpAddr>> {
    // Both versions are longer than that.
    let mut header = vec![0; SIGNATURE.len()];
    stream.read_exact(&mut header).await?;
    if header == SIGNATURE {
        header.resize(FIXED_BYTES, 0);
        stream
            .read_exact(header.get_mut(SIGNATURE.len()..).unwrap_or_default())
            .await?;
        let rest = header
            .last_chunk()
            .map_or(0, |length| usize::from(u16::from_be_bytes(*length)));
        if rest > REST_BYTES_MAX {
            return Err(malformed());
        }
        header.resize(FIXED_BYTES + rest, 0);
        stream
            .read_exact(header.get_mut(FIXED_BYTES..).unwrap_or_default())
            .await?;
    } else {
        while !header.ends_with(b"\n") && header.len() < LINE_BYTES_MAX {
            header.push(stream.read_u8().await?);
        }
    }
    let config = ParseConfig::default();
    let (parsed, _) = ProxyHeader::parse(&header, config).map_err(|_error| malformed())?;
    Ok(parsed.proxied_address().map(|proxied| proxied.source.ip()))
}

fn malformed() -> io::Error {
    let what = "a trusted proxy began without a header of the PROXY protocol; \
                have it send one, or set server.proxy_protocol = false";
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;
    use proxy_header::ProxiedAddress;

    use super::*;

    fn proxies(trusted: &[&str]) -> Proxies {
        Proxies {
            trusted: trusted
                .iter()
                .map(|network| network.parse().unwrap())
                .collect(),
            speak_proxy_protocol: true,
            are_the_only_way: true,
        }
    }

    fn known(text: &str) -> Client {
        Client {
            address: text.parse().unwrap(),
            is_known: true,
        }
    }

    fn unknown(text: &str) -> Client {
        Client {
            is_known: false,
            ..known(text)
        }
    }

    fn forwarded(peer: &str, values: &[&str]) -> Client {
        let proxies = proxies(&["10.0.0.0/8", "2001:db8::/32"]);
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(FORWARDED_FOR, value.parse().unwrap());
        }
        proxies.forwarded(
            proxies.peer(SocketAddr::new(peer.parse().unwrap(), 1)),
            &headers,
        )
    }

    #[test]
    fn a_stranger_is_not_believed() {
        let spoofed = forwarded("192.0.2.1", &["198.51.100.7"]);
        assert_eq!(spoofed, known("192.0.2.1"));
    }

    #[test]
    fn the_first_from_the_right_who_is_no_proxy_is_the_client() {
        for (values, client) in [
            (&["198.51.100.7"][..], known("198.51.100.7")),
            (&["1.1.1.1, 198.51.100.7, 10.0.0.2"], known("198.51.100.7")),
            (&["1.1.1.1", "198.51.100.7,10.0.0.2"], known("198.51.100.7")),
            (&["198.51.100.7:4711"], known("198.51.100.7")),
            (&["[2a00::1]:4711"], known("2a00::1")),
            (&["[2a00::1]"], known("2a00::1")),
            (&["::ffff:198.51.100.7"], known("198.51.100.7")),
            (&["10.0.0.3, 10.0.0.2"], unknown("10.0.0.3")),
            (&["198.51.100.7, nonsense, 10.0.0.2"], unknown("10.0.0.2")),
            (&["nonsense"], unknown("10.0.0.1")),
            (&[], unknown("10.0.0.1")),
        ] {
            assert_eq!(forwarded("10.0.0.1", values), client, "{values:?}");
        }
    }

    #[test]
    fn who_is_on_this_machine_is_unknown() {
        let peer = |proxies: &Proxies, text: &str| proxies.peer(text.parse().unwrap());
        let proxies = proxies(&[]);
        assert_eq!(peer(&proxies, "192.0.2.1:9"), known("192.0.2.1"));
        assert_eq!(peer(&proxies, "[::ffff:127.0.0.1]:9"), unknown("127.0.0.1"));
    }

    #[test]
    fn bytes_that_are_no_text_hide_nobody() {
        let proxies = proxies(&["10.0.0.0/8"]);
        let peer = proxies.peer("10.0.0.1:9".parse().unwrap());
        let mut headers = HeaderMap::new();
        let value = HeaderValue::from_bytes(b"\xff, 198.51.100.7").unwrap();
        headers.append(FORWARDED_FOR, HeaderValue::from_bytes(b"\xfe").unwrap());
        headers.append(FORWARDED_FOR, value);
        assert_eq!(proxies.forwarded(peer, &headers), known("198.51.100.7"));
    }

    #[test]
    fn nobody_passes_by_the_proxy_that_speaks_tls() {
        let mut proxies = proxies(&["10.0.0.0/8"]);
        let may = |proxies: &Proxies, peer: &str| {
            let peer = proxies.peer(SocketAddr::new(peer.parse().unwrap(), 9));
            proxies.let_in(peer).is_ok()
        };
        assert!(may(&proxies, "10.0.0.1") && may(&proxies, "127.0.0.1"));
        assert!(!may(&proxies, "192.0.2.1"));
        proxies.are_the_only_way = false;
        assert!(may(&proxies, "192.0.2.1"));
    }

    fn read(bytes: &[u8]) -> (io::Result<Client>, usize) {
        let proxies = proxies(&["10.0.0.0/8"]);
        let peer = proxies.peer("10.0.0.1:9".parse().unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let mut stream = bytes;
        let client = runtime.block_on(proxies.read_header(peer, &mut stream));
        (client, stream.len())
    }

    #[test]
    fn a_header_of_either_version_is_read_and_nothing_behind_it() {
        let source = "198.51.100.7:4711".parse().unwrap();
        let address = ProxiedAddress::stream(source, "10.0.0.9:443".parse().unwrap());
        let header = ProxyHeader::with_address(address);
        let (mut one, mut two) = (Vec::new(), Vec::new());
        header.encode_v1(&mut one).unwrap();
        header.encode_v2(&mut two).unwrap();
        for mut bytes in [one, two] {
            bytes.extend(b"GET / HTTP/1.1\r\n");
            let (client, left) = read(&bytes);
            assert_eq!(client.unwrap(), known("198.51.100.7"));
            assert_eq!(left, 16);
        }
    }

    #[test]
    fn a_proxy_that_speaks_for_itself_is_no_client() {
        let (client, left) = read(b"PROXY UNKNOWN\r\nrest");
        assert_eq!((client.unwrap(), left), (unknown("10.0.0.1"), 4));
    }

    #[test]
    fn what_is_no_header_is_refused() {
        let long = [&SIGNATURE[..], &[0x21, 0x11, 0xff, 0xff], &vec![0; 70_000]].concat();
        for bad in [
            &b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..],
            b"PROXY TCP4 nonsense 10.0.0.9 1 2\r\n",
            b"short",
            &long,
            &[b'P'; 300],
        ] {
            assert!(read(bad).0.is_err());
        }
    }

    #[test]
    fn a_stranger_sends_no_header() {
        let proxies = proxies(&["10.0.0.0/8"]);
        let stranger = proxies.peer("192.0.2.1:9".parse().unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let mut stream = &b"PROXY TCP4 198.51.100.7 10.0.0.9 1 2\r\n"[..];
        let client = runtime.block_on(proxies.read_header(stranger, &mut stream));
        assert_eq!(client.unwrap(), stranger);
        assert!(stream.starts_with(b"PROXY"), "what it sends is its request");
    }
}
