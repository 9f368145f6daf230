//! nginx passes bytes on, and says by the PROXY protocol whose they are.

use std::net::SocketAddr;
use std::path::Path;

use super::super::harness::{Pair, Watched, production};
use super::{Nginx, RULES, assert_clients_are_known, block, replaced};

/// Where Debian has the module. `NGINX_STREAM` says where else.
const MODULE: &str = "/usr/lib/nginx/modules/ngx_stream_module.so";

#[test]
fn clients_are_known_by_the_address_that_nginx_saw() {
    let pair = Pair::new();
    let (certificate, key) = (pair.certificate(), pair.key());
    let guided = replaced(
        &block("toml", 1),
        &[
            ("/etc/tautline/chain.pem", certificate.to_str().unwrap()),
            ("/etc/tautline/key.pem", key.to_str().unwrap()),
        ],
    );
    let mut server = Watched::production(&format!("{guided}\n{}", production(RULES)));
    let upstream = server.address();
    let module = std::env::var("NGINX_STREAM").unwrap_or_else(|_| MODULE.to_owned());
    let nginx = Nginx::start(|address: SocketAddr, _: &Path| {
        let config = replaced(
            &block("nginx", 1),
            &[
                ("listen [::]:443;", ""),
                ("listen 443;", &format!("listen {address};")),
                ("127.0.0.1:8443", &upstream.to_string()),
            ],
        );
        format!("load_module {module};\n{config}")
    });
    assert_clients_are_known(&mut server, &nginx, &pair);
}
