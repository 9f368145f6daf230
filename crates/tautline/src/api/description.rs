//! The description, in the terms of `OpenAPI`: made from the routes and their types, committed, and served.

use std::sync::LazyLock;

use utoipa::OpenApi;
use utoipa::openapi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};

use super::described;

/// What is no route's own.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tautline",
        description = "The interface for back ends and operators. It is answered by the operators' listener, \
                       127.0.0.1:8081 unless `server.admin_listen` says otherwise, never by the one for clients.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    servers((url = "http://127.0.0.1:8081", description = "The operators' listener, where nothing else is configured.")),
    security(("key" = [])),
    tags(
        (name = "rooms", description = "Rooms, what is published there, and who is present."),
        (name = "connections", description = "Connections of this server."),
        (name = "description", description = "This document."),
    ),
    modifiers(&Key)
)]
struct General;

struct Key;

impl utoipa::Modify for Key {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let mut bearer = Http::new(HttpAuthScheme::Bearer);
        bearer.description = Some(
            "A key of `tautline key`, whose hash is in `admin.keys`; `dev-key` in development mode."
                .to_owned(),
        );
        document
            .components
            .get_or_insert_default()
            .add_security_scheme("key", SecurityScheme::Http(bearer));
    }
}

/// The document without routes.
pub(super) fn general() -> openapi::OpenApi {
    General::openapi()
}

/// The whole document, as JSON.
pub(super) fn text() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let document = described().into_openapi();
        let text = document.to_pretty_json();
        text.expect("a document of texts can be written") + "\n"
    });
    &TEXT
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/reference/openapi.json"
    );

    #[test]
    fn the_committed_document_is_current() {
        if std::env::var_os("UPDATE_GENERATED").is_some() {
            std::fs::write(FILE, text()).unwrap();
        } else {
            let written = std::fs::read_to_string(FILE).unwrap_or_default();
            assert_eq!(written, text(), "renew it with `cargo xtask tidy --write`");
        }
    }
}
