//! nginx speaks TLS with clients, and HTTP with the server.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::super::harness::{Client, NEVER, Pair, Server, Watched, production, token, trusting};
use super::{ANN, Nginx, RULES, assert_clients_are_known, block, come_from, replaced};

/// What nginx would write elsewhere than into the folder of the test.
const OWN_FILES: &str = "http {\n    access_log off;\n    client_body_temp_path body;\n    proxy_temp_path proxy;\n    \
                         fastcgi_temp_path fastcgi;\n    uwsgi_temp_path uwsgi;\n    scgi_temp_path scgi;\n";

/// The server of the guide, with these settings too.
fn server(more: &str) -> Watched {
    let config = format!(
        "{}\n{}",
        block("toml", 0),
        production(&format!("{more}\n{RULES}"))
    );
    Watched::production(&config)
}

/// nginx with the guide's configuration.
fn nginx(pair: &Pair, server: &Server, changes: &[(&str, &str)]) -> Nginx {
    let (upstream, certificate, key) = (server.address(), pair.certificate(), pair.key());
    Nginx::start(|address: SocketAddr, _: &Path| {
        let config = replaced(
            &block("nginx", 0),
            &[
                ("http {\n", OWN_FILES),
                ("listen [::]:443 ssl;", ""),
                ("listen 443 ssl;", &format!("listen {address} ssl;")),
                ("server 127.0.0.1:8080;", &format!("server {upstream};")),
                ("/etc/nginx/tls/chain.pem", certificate.to_str().unwrap()),
                ("/etc/nginx/tls/key.pem", key.to_str().unwrap()),
            ],
        );
        replaced(&config, changes)
    })
}

#[test]
fn clients_are_known_by_the_address_that_nginx_saw() {
    let pair = Pair::new();
    let mut server = server("");
    let nginx = nginx(&pair, &server, &[]);
    assert_clients_are_known(&mut server, &nginx, &pair);
}

#[test]
fn a_quiet_connection_outlives_the_timeouts_of_nginx() {
    // So many pings take twice as long as nginx waits.
    const PINGS: u32 = 10;
    let pair = Pair::new();
    let server = server("[heartbeat]\nping_every = \"200ms\"");
    let nginx = nginx(&pair, &server, &[("75s", "1s")]);
    let config = Arc::new(trusting(&[pair.der()], rustls::ALL_VERSIONS));
    let stream = come_from(ANN, nginx.address(), &config);
    let (mut client, _) = Client::over_at(stream, &nginx.socket(), &[]);
    client.authenticate(&token("ann", NEVER, &json!({})));
    client.hear_pings(PINGS);
    client.assert_quiet();
}
