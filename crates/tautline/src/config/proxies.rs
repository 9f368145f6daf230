//! Who stands between clients and this server, and is believed.

use std::net::IpAddr;

use ipnet::IpNet;

use super::Mode;
use super::check::Written;

/// Who stands between clients and this server.
#[derive(Debug, Clone)]
pub(crate) struct Proxies {
    /// Those who are believed when they say who the client is.
    pub(crate) trusted: Vec<IpNet>,
    /// Whether they begin each connection with a header of the PROXY protocol.
    pub(crate) speak_proxy_protocol: bool,
    /// Whether there is one that is not known: then the addresses of peers say nothing of clients.
    pub(crate) is_hidden: bool,
}

pub(super) fn proxies(written: &mut Written, mode: Mode) -> Proxies {
    let key = "server.trusted_proxies";
    let words = written.values.words(key, &mut written.faults);
    let mut trusted = Vec::with_capacity(words.len());
    for word in &words {
        trusted.extend(network(word, written));
    }
    let proxies = Proxies {
        is_hidden: trusted.is_empty()
            && (mode == Mode::Development || written.switch("tls.terminated_by_proxy")),
        speak_proxy_protocol: written.switch("server.proxy_protocol"),
        trusted,
    };
    if proxies.speak_proxy_protocol && proxies.trusted.is_empty() {
        let fix =
            "needs server.trusted_proxies: the networks of those who may say who the client is";
        written.faults.add("server.proxy_protocol", true, fix);
    }
    proxies
}

fn network(word: &str, written: &mut Written) -> Option<IpNet> {
    let network = word
        .parse()
        .or_else(|_| word.parse::<IpAddr>().map(IpNet::from));
    if network.is_err() {
        let fix = "is neither an address nor a network; write it like \"10.0.0.0/8\"";
        written
            .faults
            .add("server.trusted_proxies", format_args!("{word:?}"), fix);
    }
    network.ok()
}
