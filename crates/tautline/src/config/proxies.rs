//! Who stands between clients and this server, and is believed.

use std::net::IpAddr;

use ipnet::IpNet;

use super::check::Written;

/// Who stands between clients and this server.
#[derive(Debug, Clone)]
pub(crate) struct Proxies {
    /// Those who are believed when they say who the client is.
    pub(crate) trusted: Vec<IpNet>,
    /// Whether they begin each connection with a header of the PROXY protocol.
    pub(crate) speak_proxy_protocol: bool,
    /// Whether they speak TLS in our place, so that nobody else may come.
    pub(crate) are_the_only_way: bool,
}

pub(super) fn proxies(written: &mut Written) -> Proxies {
    let key = "server.trusted_proxies";
    let words = written.values.words(key, &mut written.faults);
    let mut trusted = Vec::with_capacity(words.len());
    for word in &words {
        trusted.extend(network(word, written));
    }
    let proxies = Proxies {
        speak_proxy_protocol: written.switch("server.proxy_protocol"),
        are_the_only_way: written.switch("tls.terminated_by_proxy"),
        trusted,
    };
    if proxies.trusted.is_empty() {
        let fix = "needs server.trusted_proxies: the networks of those who may say who the client is, \
                   like [\"10.0.0.0/8\"]";
        for key in ["server.proxy_protocol", "tls.terminated_by_proxy"] {
            if written.switch(key) {
                written.faults.add(key, true, fix);
            }
        }
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
